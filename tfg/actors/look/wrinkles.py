"""Folds of the skin that come with an expression and stay with age: their places on the chart, and their depth."""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look.chart import chart
from tfg.vocabulary import index

_MM = 1e-3
# Region -> (lines as points (x, y) in mm on the mean face, half width in mm, depth in mm); the right regions mirror the
# left ones.
LINES: dict[str, tuple[list, float, float]] = {
    "forehead": ([[(-36, 41), (-14, 43.5), (0, 42.5), (14, 43.5), (36, 41)],
                  [(-33, 49), (-12, 51), (0, 50), (12, 51), (33, 49)], [(-26, 57), (0, 58.5), (26, 57)]], 1.9, 0.85),
    "glabella": ([[(6.5, 11), (7.5, 20), (8, 29)], [(-6.5, 11), (-7.5, 20), (-8, 29)]], 1.8, 0.6),
    "crow_left": ([[(49, 0), (57, 5), (63, 7)], [(50, -2.5), (58, -3), (64, -4)],
                   [(49, -5), (56, -11), (62, -15)]], 1.2, 0.6),
    "fold_left": ([[(18.5, -41), (24, -50), (30, -63), (33, -76)]], 2.6, 1.3),
    "nose": ([[(-8, 5), (0, 3.5), (8, 5)], [(-9, -1), (0, -3), (9, -1)]], 1.4, 0.7),
    "chin": ([[(-13, -94), (0, -91.5), (13, -94)]], 2.2, 0.9)}
REGIONS = ("none", "forehead", "glabella", "crow_left", "crow_right", "fold_left", "fold_right", "nose", "chin")
FROM_AGE = np.array([0, .55, .35, .6, .6, .55, .55, .0, .25], np.float32)      # depth in each region at lines = 1
_BROW_UP, _BROW_DOWN = index("browInnerUp", "browOuterUp"), index("browDown")
_SIDE = {side: index(*(n + side for n in ("cheekSquint", "eyeSquint", "mouthSmile", "noseSneer", "mouthUpperUp",
                                          "eyeBlink"))) for side in ("Left", "Right")}
_SNEER, _CHIN = index("noseSneer"), index("mouthShrugLower", "mouthFrown")


@functools.lru_cache(maxsize=2)
def relief_map(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Folds at full depth on the chart: (S, S, 4) int8, changes of the normal (127 = 1) and darkness (127 = 1), and the
    region of each texel, (S, S) uint8, a number in REGIONS. Equal for all persons, and read-only."""
    from tfg.actors.look.skin import relief

    c = chart(size)
    p = c.point / _MM
    front = c.point[..., 2] > -0.03
    total, region = np.zeros((size, size)), np.zeros((size, size), np.uint8)
    best = np.full((size, size), 0.02)
    for number, name in enumerate(REGIONS[1:], 1):
        lines, width, depth = LINES[name.replace("_right", "_left")]
        flip = -1 if name.endswith("_right") else 1
        height = np.zeros((size, size))
        for line in lines:
            distance, t = _distance(p[..., :2] * [flip, 1], np.array(line, float))
            fade = np.sin(np.pi * np.clip(0.10 + 0.80 * t, 0, 1)) ** 0.8
            height = np.maximum(height, depth * np.exp(-(distance / width) ** 2) * fade)
        height *= front
        mine = height > best
        best[mine], region[mine] = height[mine], number
        total = np.maximum(total, height)
    out = np.zeros((size, size, 4), np.int8)
    out[..., :3] = relief(c, -total * _MM)
    out[..., 3] = np.round(127 * np.clip(total / 1.6, 0, 1))
    out.setflags(write=False)
    region.setflags(write=False)
    return out, region


def _distance(p, line):
    """Distance (S, S) of points (S, S, 2) to a polyline (N, 2), and the place of the nearest point along it, 0..1."""
    best, along = np.full(p.shape[:2], np.inf), np.zeros(p.shape[:2])
    n = len(line) - 1
    for k in range(n):
        a, d = line[k], line[k + 1] - line[k]
        t = np.clip(((p - a) @ d) / (d @ d), 0, 1)
        distance = np.hypot(*np.moveaxis(p - a - t[..., None] * d, -1, 0))
        near = distance < best
        best[near], along[near] = distance[near], (k + t[near]) / n
    return best, along


def depths(expression: np.ndarray, lines: float) -> np.ndarray:
    """Depth of the folds in each of REGIONS: (9,) float32, 1 is full.

    expression: (52,) absolute.  lines: 0..1, wrinkles of age (`tfg.actors.identity.Skin.lines`).
    """
    e = expression
    out = FROM_AGE * lines
    grow = 0.45 + 0.75 * lines
    out[1] += grow * e[_BROW_UP].mean() * 1.1
    out[2] += grow * e[_BROW_DOWN].mean() * 1.1
    for k, side in ((0, "Left"), (1, "Right")):
        cheek, squint, smile, sneer, upper, blink = e[_SIDE[side]]
        out[3 + k] += grow * max(cheek, 0.6 * squint, 0.6 * smile) * (1 - 0.5 * blink)
        out[5 + k] += (0.55 + 0.45 * lines) * min(0.9 * smile + 0.6 * sneer + 0.4 * upper + 0.3 * cheek, 1.2)
    out[7] += (0.5 + 0.5 * lines) * e[_SNEER].mean()
    out[8] += 0.8 * e[_CHIN].mean()
    return np.minimum(out, 1.4).astype(np.float32)
