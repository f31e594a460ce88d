"""Solved exercises of solutions/02_faces.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def head_tilt(points) -> float:
    """Tilt of the eye line in degrees, clockwise positive.  points: (478, 3) px, y down."""
    dx, dy = points[263, :2] - points[33, :2]
    return float(np.degrees(np.arctan2(dy, dx)))


def resample(line, n: int):
    """n points evenly spaced along a line of N points.  line: (N, 2).  Returns (n, 2)."""
    # 1. the length walked at each given point   2. the lengths where new points belong   3. interpolate x and y
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.linspace(0, lengths[-1], n)
    return np.stack([np.interp(wanted, lengths, line[:, 0]), np.interp(wanted, lengths, line[:, 1])], 1)


def invert_similarity(matrix):
    """The similarity that undoes `matrix`.  Both (2, 3)."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.column_stack([inverse, -inverse @ matrix[:, 2]])


def lip_gap(points) -> float:
    """Opening of the lips over the distance of the outer eye corners.  points: (478, 3) px."""
    gaps = np.linalg.norm(points[[82, 13, 312], :2] - points[[87, 14, 317], :2], axis=1)      # (3,)
    return float(gaps.mean() / np.linalg.norm(points[33, :2] - points[263, :2]))


def jitter(tracks, eye_px: float) -> float:
    """RMS distance from the mean position.  tracks: (T, N, 2) px.  Returns a fraction of the eye distance."""
    away = tracks - tracks.mean(0)
    return float(np.sqrt((away ** 2).sum(2).mean()) / eye_px)


def moving_average(x, window: int):
    """Centred moving average.  x: (T,), window odd.  Returns (T,)."""
    padded = np.pad(x, window // 2, mode="edge")
    return np.convolve(padded, np.ones(window) / window, "valid")
