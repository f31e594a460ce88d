"""Checks of notebooks/02_faces."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import exercise, same
from tfg.faces.points68 import along

LIPS = ((82, 87), (13, 14), (312, 317))


@exercise
def head_tilt(answer):
    """head_tilt(points (478, 3)) -> degrees, positive clockwise in the picture, from the outer eye corners."""
    rng = np.random.default_rng(1)
    for tilt in (0.0, 20.5, -35.5, 80.5, float(rng.uniform(-60, 60))):
        points = rng.uniform(50, 200, (478, 3))
        a, size = np.radians(tilt), rng.uniform(30, 90)
        points[263, :2] = points[33, :2] + size * np.array([np.cos(a), np.sin(a)])
        points[263, 2] = points[33, 2] + rng.uniform(-40, 40)
        across = np.cos(a)
        deep = np.hypot(size * across, points[263, 2] - points[33, 2])
        same(answer(points), tilt, what=f"head_tilt of a face tilted by {tilt:.1f} degrees", atol=1e-3, mistakes={
            "the result is in radians: multiply by 180 / pi": a,
            "the sign is the wrong one: y points down, so clockwise is positive already": -tilt,
            "dy and dx are swapped: arctan2 takes y first": 90 - tilt,
            "you go from the left eye to the right one": tilt + 180 if tilt <= 0 else tilt - 180,
            "you divided by the distance where the horizontal difference belongs": np.degrees(np.arctan(np.sin(a))),
            "depth takes part: x and y alone say how the eyes lie in the picture": np.degrees(
                np.arctan2(size * np.sin(a), deep)),
            "the distance is taken with depth: x and y alone say how the eyes lie in the picture": np.degrees(
                np.arcsin(size * np.sin(a) / np.hypot(size * np.sin(a), deep))),
            "angles are counted from 0 to 360: a tilt to the other side is negative": tilt % 360,
            "you took cosine's inverse, which loses the sign": np.degrees(np.arccos(across))})


@exercise
def resample(answer):
    """resample(line (N, 2), n) -> (n, 2), evenly spaced by arc length, both ends included."""
    rng = np.random.default_rng(2)
    for count, n in ((12, 9), (30, 5), (7, 20)):
        line = np.cumsum(rng.uniform(0.1, 6, (count, 2)) ** 1.5, 0)
        by_index = np.stack([np.interp(np.linspace(0, count - 1, n), np.arange(count), c) for c in line.T], 1)
        x = np.linspace(line[0, 0], line[-1, 0], n)
        s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        open_end = np.stack([np.interp(np.linspace(0, s[-1], n, endpoint=False), s, c) for c in line.T], 1)
        late = np.stack([np.interp(np.linspace(0, s[-1], n), np.append(s[1:], s[-1] + 1e-9), c) for c in line.T], 1)
        same(answer(line.copy(), n), along(line, n), what=f"resample of {count} points to {n}", mistakes={
            "you spaced by point number; the given points are not evenly spaced": by_index,
            "you spaced evenly in x, not along the line": np.stack([x, np.interp(x, *line.T)], 1),
            "the last point is missing: the end belongs to it": open_end,
            "the lengths are off by one: the first point lies at length 0": late})


@exercise
def invert_similarity(answer):
    """invert_similarity(matrix (2, 3)) -> (2, 3), the way back."""
    rng = np.random.default_rng(3)
    for _ in range(4):
        scale, a, t = rng.uniform(0.2, 3), rng.uniform(-3, 3), rng.uniform(-200, 200, 2)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        matrix = np.column_stack([scale * turn, t])
        back = turn.T / scale
        same(answer(matrix.copy()), np.column_stack([back, -back @ t]), what="invert_similarity", mistakes={
            "the shift is only negated: it must be turned and scaled back too": np.column_stack([back, -t]),
            "the shift is turned back but its sign is lost": np.column_stack([back, back @ t]),
            "the transpose undoes the turn, but not the scale": np.column_stack([turn.T * scale, -scale * turn.T @ t]),
            "you divided by the scale once too little (the transpose still contains it)":
            np.column_stack([turn.T, -turn.T @ t])})


@exercise
def lip_gap(answer):
    """lip_gap(points (478, 3)) -> mean distance of three inner-lip pairs over that of 33 and 263, in x and y."""
    rng = np.random.default_rng(4)
    for _ in range(4):
        points = rng.uniform(20, 230, (478, 3))
        gaps, solid = ([np.linalg.norm(points[a, :d] - points[b, :d]) for a, b in LIPS] for d in (2, 3))
        eyes = np.linalg.norm(points[33, :2] - points[263, :2])
        same(answer(points), np.mean(gaps) / eyes, what="lip_gap", mistakes={
            "the result is in pixels: divide by the distance between the eyes": np.mean(gaps),
            "you used depth as well; it is the landmarker's guess, x and y are measured":
            np.mean(solid) / np.linalg.norm(points[33] - points[263]),
            "depth is left in the lips: x and y only there too": np.mean(solid) / eyes,
            "depth is left in the distance of the eyes: x and y only there too":
            np.mean(gaps) / np.linalg.norm(points[33] - points[263]),
            "you took the distance of two mean points: take three distances, then their mean": np.linalg.norm(
                np.mean([points[a, :2] - points[b, :2] for a, b in LIPS], 0)) / eyes,
            "the differences in y keep their sign, and one takes from the other: use distances":
            np.mean([points[a, 1] - points[b, 1] for a, b in LIPS]) / eyes,
            "the fraction is upside down": eyes / np.mean(gaps),
            "you took only the vertical differences: a tilted head would shrink its mouth":
            np.mean([abs(points[a, 1] - points[b, 1]) for a, b in LIPS]) / eyes,
            "only the middle pair is used: average the three": gaps[1] / eyes,
            "the three gaps are summed: average them": np.sum(gaps) / eyes,
            "you divided by the inner eye corners (133 and 362)":
            np.mean(gaps) / np.linalg.norm(points[133, :2] - points[362, :2])})


@exercise
def moving_average(answer):
    """moving_average(x (T,), window odd) -> (T,), centred, ends repeated."""
    rng = np.random.default_rng(5)
    for t, window in ((30, 5), (12, 3), (20, 1), (9, 9)):
        x, half = rng.normal(3, 1, t), window // 2
        kernel = np.ones(window) / window
        padded = np.pad(x, half, mode="edge")
        late = np.convolve(np.pad(x, (window - 1, 0), mode="edge"), kernel, "valid")
        fewer = [x[max(i - half, 0):i + half + 1].mean() for i in range(t)]
        same(answer(x.copy(), window), np.convolve(padded, kernel, "valid"), what=f"moving_average(x, {window})",
             mistakes={} if window == 1 else {
                 "the window looks only into the past: that delays every movement": late,
                 "you padded with zeros: the ends sink": np.convolve(np.pad(x, half), kernel, "valid"),
                 "the result is shorter than x: pad before you average": np.convolve(x, kernel, "valid"),
                 "the window is cut short at the ends: repeat the outermost value there": fewer,
                 "the sum is not divided by the window": np.convolve(padded, kernel * window, "valid"),
                 "the ends are mirrored, not repeated": np.convolve(np.pad(x, half, mode="reflect"), kernel, "valid")})


@exercise
def jitter(answer):
    """jitter(tracks (T, N, 2), eye_px) -> RMS distance from the point's own mean position, over the eye distance."""
    rng = np.random.default_rng(6)
    for t, n in ((21, 5), (8, 68)):
        tracks, eye = rng.uniform(0, 300, (1, n, 2)) + rng.normal(0, 0.7, (t, n, 2)), float(rng.uniform(40, 120))
        away = tracks - tracks.mean(0)
        want = np.sqrt((away ** 2).sum(2).mean()) / eye
        same(answer(tracks.copy(), eye), want, what="jitter", atol=1e-7, mistakes={
            "the result is in pixels: divide by the eye distance": want * eye,
            "you averaged over x and y too: a distance sums their squares": np.sqrt((away ** 2).mean()) / eye,
            "you subtracted one mean for all points: each point has its own": np.sqrt(
                ((tracks - tracks.mean((0, 1))) ** 2).sum(2).mean()) / eye,
            "you averaged distances, not their squares (mean instead of root mean square)":
            np.linalg.norm(away, axis=2).mean() / eye,
            "you divided by the eye distance inside the root": np.sqrt((away ** 2).sum(2).mean() / eye),
            "you averaged the roots of the points: take one mean over times and points, then the root":
            np.sqrt((away ** 2).sum(2).mean(0)).mean() / eye,
            "the root is missing": (away ** 2).sum(2).mean() / eye,
            "you measured the steps from frame to frame": np.sqrt((np.diff(tracks, axis=0) ** 2).sum(2).mean()) / eye})
