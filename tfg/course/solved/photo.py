"""Solved exercises of solutions/04_how_a_photo_moves.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def barycentric(points, corners):
    """Weights of the corners (3, 2) at each point.  points: (P, 2).  Returns (P, 3); each row sums to 1."""
    a, b, c = corners
    two = np.linalg.solve(np.stack([b - a, c - a], 1), (points - a).T).T                     # (P, 2)
    return np.column_stack([1 - two.sum(1), two])


def fill_map(xy, triangles, rest_xy, order, height, width):
    """Where each pixel comes from, NaN where no triangle lies: (height, width, 2), x then y.

    xy, rest_xy: (N, 2), now and in the photo.  triangles: (F, 3).  order: (F,), far to near."""
    out = np.full((height, width, 2), np.nan)
    for a, b, c in triangles[order]:
        corners = xy[[a, b, c]]
        x0, y0 = np.clip(np.floor(corners.min(0)), 0, [width, height]).astype(int)
        x1, y1 = np.clip(np.ceil(corners.max(0)) + 1, 0, [width, height]).astype(int)
        y, x = (v.ravel() for v in np.mgrid[y0:y1, x0:x1])
        weights = barycentric(np.stack([x, y], 1), corners)
        hit = (weights >= 0).all(1)
        out[y[hit], x[hit]] = weights[hit] @ rest_xy[[a, b, c]]
    return out


def spread(laplacian, known, values):
    """Extend values (K, C) of the known corners to all: (N, C).  laplacian: (N, N).  known: (N,) bool."""
    free = ~known
    out = np.zeros((len(known), values.shape[1]))
    out[known] = values
    out[free] = np.linalg.solve(laplacian[free][:, free], -laplacian[free][:, known] @ values)
    return out


def between_lips(top, bottom, height):
    """Share of each pixel that lies between two edges.  top, bottom: (W,) rows.  Returns (height, W) in [0, 1]."""
    row = np.arange(height)[:, None]
    return np.clip(np.minimum(bottom, row + .5) - np.maximum(top, row - .5), 0, 1)


def stretch(rest, now):
    """Largest stretch of each triangle.  rest, now: (F, 3, 2) corners in px.  Returns (F,), 1 for a rigid motion."""
    before, after = (np.stack([x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]], 2) for x in (rest, now))     # (F, 2, 2)
    return np.linalg.svd(after @ np.linalg.inv(before), compute_uv=False)[:, 0]
