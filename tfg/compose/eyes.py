"""Eyes that widen keep round irises: a small network stretches all that lies between the lids."""
from __future__ import annotations

import numpy as np

STRETCH = (.9, 1.12)
"""An iris is drawn between so much smaller and larger than it is in the source."""
REACH = 1.7
"""Radii from an iris' middle at which the network's own flow is left alone."""


def round_irises(flow: np.ndarray, irises: np.ndarray) -> np.ndarray:
    """The flow (h, w, 2) half sides, changed so that irises are carried whole and enlarged alike in both directions.

    irises: (2, 3), x and y of the middles and radius, px of the answer.
    """
    h, w = flow.shape[:2]
    out = flow
    for x, y, radius in np.asarray(irises, float):
        at = _shown(flow, x, y)
        low = np.maximum(np.floor(at - 2 * REACH * radius).astype(int), 0)
        high = np.minimum(np.ceil(at + 2 * REACH * radius).astype(int) + 1, [w, h])
        if (high - low < 3).any() or radius <= 0:
            continue
        part = slice(low[1], high[1]), slice(low[0], high[0])
        rows, columns = np.mgrid[part]
        away = np.stack([columns, rows], -1) - at                         # (n, m, 2) px
        step = flow[part] * (w / 2, h / 2)                                # (n, m, 2) px
        near = np.exp(-.5 * ((away / radius) ** 2).sum(-1))               # the iris itself counts
        slope = [(near * away[..., k] * (step[..., k] - (near * step[..., k]).sum() / near.sum())).sum()
                 / (near * away[..., k] ** 2).sum() for k in (0, 1)]
        stretch = 1 / np.clip(1 + np.array(slope), .2, 5)                 # across, down
        size = np.clip(np.sqrt(stretch.prod()), *STRETCH)
        whole = np.array([x, y]) + away / size - np.stack([columns, rows], -1)
        distance = np.linalg.norm(away, axis=-1) / (radius * size)
        weight = np.clip((REACH - distance) / (REACH - 1), 0, 1)
        weight = (weight * weight * (3 - 2 * weight))[..., None]
        if out is flow:
            out = flow.copy()
        out[part] += (weight * (whole - step) / (w / 2, h / 2)).astype(flow.dtype)
    return out


def near_irises(size: int, irises: np.ndarray) -> np.ndarray:
    """(size, size) float32 in [0, 1]: 1 in the eyes, which may open, falling to 0 around them.  irises: as above."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    away = np.min([np.hypot((x - i[0]) / 3.4, (y - i[1]) / 2.2) / max(i[2], 1e-3) for i in np.asarray(irises)], 0)
    return np.clip(2 - 1.6 * away, 0, 1).astype(np.float32)


def _shown(flow: np.ndarray, x: float, y: float) -> np.ndarray:
    """Where a place of the source is shown: (2,) px, by a few steps of fixed-point iteration."""
    h, w = flow.shape[:2]
    at = np.array([x, y])
    for _ in range(4):
        column, row = np.clip(np.rint(at).astype(int), 0, [w - 1, h - 1])
        at = np.array([x, y]) - flow[row, column] * (w / 2, h / 2)
    return at
