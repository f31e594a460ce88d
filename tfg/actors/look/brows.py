"""Brows: single hairs drawn on the chart of the skin, so that they move with it."""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look.chart import chart, place
from tfg.head.model import Head

UPPER = ((70, 63, 105, 66, 107), (300, 293, 334, 296, 336))      # landmarks, tail to inner end: right brow, left brow
LOWER = ((46, 53, 52, 65, 55), (276, 283, 282, 295, 285))
HAIRS = 420


@functools.lru_cache(maxsize=1)
def _lines() -> np.ndarray:
    """Edges of both brows on the mean head: (2, 2, 5, 3) metres: side, (lower, upper), inner end to tail."""
    p = Head.load().landmark_points()
    return np.stack([np.stack([p[list(low)][::-1], p[list(up)][::-1]]) for low, up in zip(LOWER, UPPER, strict=True)])


def paint(brows, size: int) -> np.ndarray:
    """Share of brow hair in each texel of the chart: (S, S) float32 in [0, 1].

    brows: `tfg.actors.identity.Brows`.  size: S.
    """
    import cv2

    rng = np.random.default_rng([brows.seed, 4])
    fine = 2
    canvas = np.zeros((size * fine, size * fine), np.float32)
    to_texel = _texel_of(size)
    for low, up in _lines():
        t = np.linspace(-0.06, 1.04 + 0.10 * brows.length, 9)
        middle = _spline((low + up) / 2, t)
        middle[:, 1] += 0.0022 * brows.arch * np.sin(np.pi * np.clip(t, 0, 1)) ** 1.5 * (0.4 + t)
        middle[:, 0] += np.sign(middle[-1, 0]) * brows.gap_m * (1 - np.clip(t, 0, 1))
        half = 0.5 * brows.width_m * np.interp(t, [-.06, .10, .55, 1.15], [0.62, 1, 0.92, 1 - brows.taper])
        s = rng.random(HAIRS) ** 0.92 * t[-1] - 0.03
        across = rng.uniform(-1, 1, HAIRS)
        root = np.stack([np.interp(s, t, middle[:, k]) for k in range(3)], 1)
        root[:, 1] += across * np.interp(s, t, half)
        out = np.sign(middle[-1, 0])
        slope = np.interp(s, (t[1:] + t[:-1]) / 2, np.diff(middle[:, 1]) / (np.abs(np.diff(middle[:, 0])) + 1e-6))
        tilt = np.interp(s, [0, .15, .45, 1], [1.25, 0.75, 0.28, 0.02]) + 0.18 * brows.angle - 0.22 * across * (s > .1)
        tilt = tilt + np.arctan(slope) + rng.normal(0, 0.13, HAIRS)
        length = rng.uniform(0.0050, 0.0085, HAIRS) * np.interp(s, [0, .3, 1.1], [0.8, 1, 0.75])
        step = np.stack([out * np.cos(tilt), np.sin(tilt), 0 * tilt], 1) * length[:, None]
        a, b = to_texel(root - 0.35 * step), to_texel(root + 0.65 * step)
        strokes = np.zeros_like(canvas, np.uint8)
        for k in range(HAIRS):
            if rng.random() < 0.45 + 0.55 * brows.density:
                cv2.line(strokes, _fixed(a[k] * fine), _fixed(b[k] * fine), int(rng.integers(120, 255)), 1,
                         cv2.LINE_AA, 4)
        canvas = np.maximum(canvas, strokes.astype(np.float32) / 255)
        rise = np.stack([0 * t, half * .8, 0 * t], 1)
        ring = np.concatenate([middle + rise, (middle - rise)[::-1]])
        under = np.zeros(canvas.shape, np.uint8)
        cv2.fillPoly(under, [np.round(to_texel(ring) * fine * 16).astype(np.int32)[:, None]], 255, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(under, (0, 0), 0.0016 * size * fine / .23).astype(np.float32) / 255
        canvas = 1 - (1 - canvas * (0.75 + 0.25 * brows.density)) * (1 - (0.30 + 0.42 * brows.density) * soft)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)


def _texel_of(size):
    """Function from mean-head points (N, 3) in the region of the brows, which closing eyes do not move, to texels."""
    def to_texel(p):
        q = np.array(p)
        q[:, 2] = _depth(size, q[:, 0], q[:, 1])
        return place(q) * size - 0.5
    return to_texel


@functools.lru_cache(maxsize=2)
def _surface(size: int):
    """Interpolator of the mean head's z from x, y in the region of the brows."""
    from scipy.interpolate import LinearNDInterpolator

    c = chart(size)
    p = c.point[::4, ::4].reshape(-1, 3)
    region = (p[:, 1] > 0.005) & (p[:, 1] < 0.055) & (np.abs(p[:, 0]) < 0.068) & (p[:, 2] > -0.04)
    return LinearNDInterpolator(p[region, :2], p[region, 2], fill_value=0.0)


def _depth(size, x, y):
    return _surface(size)(x, y)


def _spline(p, t):
    """Cubic spline through points p (N, 3), evenly spaced on [0, 1], at parameters t."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.linspace(0, 1, len(p)), p)(t)


def _fixed(p):
    """A point in px as OpenCV's fixed-point numbers with 4 fractional bits."""
    return int(round(float(p[0]) * 16)), int(round(float(p[1]) * 16))
