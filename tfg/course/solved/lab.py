"""Solved exercises of solutions/15_metric_lab.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def rank_correlation(x, y) -> float:
    """Spearman's rank correlation, 0 where one of the two does not change.  x, y: (D,)."""
    a, b = ((v < v[:, None]).sum(1) + (v == v[:, None]).sum(1) / 2 for v in (x, y))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def effect_sizes(values):
    """Mean difference of each dose from none, in standard deviations of the unbroken clips.  values: (N, D)."""
    return np.nanmean(values[:, 1:] - values[:, :1], 0) / np.nanstd(values[:, 0])


def smallest_told(low, high) -> int:
    """Number, from 1, of the smallest dose from which on all are told from none; 0 for none.  low, high: (D,)."""
    side = (low > 0) * 1 - (high < 0) * 1
    k = len(side)
    while side[-1] != 0 and k > 0 and side[k - 1] == side[-1]:
        k -= 1
    return 0 if side[-1] == 0 else k + 1


def specificity(effects, own) -> float:
    """Share of the absolute effects (K,) that is of the score's own defects.  own: (K,) True or False."""
    size = np.abs(effects)
    return float(np.nansum(size[own]) / np.nansum(size))


def lse_c(picture, sound, reach: int, padded: bool) -> float:
    """Median less minimum of the mean distances over shifts.  picture, sound: (N, E)."""
    n, wide, curve = len(picture), np.pad(sound, ((reach, reach), (0, 0))), []
    for s in range(-reach, reach + 1):
        i = np.arange(n) if padded else np.arange(max(0, -s), min(n, n - s))
        curve.append(np.linalg.norm(picture[i] - wide[i + s + reach], axis=1).mean())
    return float(np.median(curve) - np.min(curve))


def fid_infinite(sizes, values) -> float:
    """The line in 1 / N through the distances (K,), at 1 / N = 0.  sizes: (K,), pictures on each side."""
    slope, at_zero = np.polyfit(1 / sizes, values, 1)
    return float(at_zero)
