"""Solved exercises of solutions/05_virtual_actors.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def dominance_blend(t, starts, stops, targets, strengths, tau_s: float):
    """Targets of phones, blended over time.  t: (n,), starts, stops, strengths: (P,), targets: (P, C).  -> (n, C)."""
    # 1. distance of each moment to each phone (n, P)   2. dominances (n, P)   3. their weighted mean (n, C)
    away = np.maximum(np.maximum(starts - t[:, None], t[:, None] - stops), 0)
    weight = strengths * np.exp(-away / tau_s)
    return weight @ targets / weight.sum(1, keepdims=True)


def envelope(n_frames: int, onset_s: float, decay_s: float, first: float, last: float):
    """Share of a display over a clip at 25 frames/s.  Returns (n_frames,), at most 1."""
    def step(x):
        x = np.clip(x, 0, 1)
        return x * x * (3 - 2 * x)

    t = np.arange(n_frames) / 25
    return (first + (1 - first) * step(t / onset_s)) * (last + (1 - last) * step((n_frames / 25 - t) / decay_s))


def landmark_error(seen, true) -> float:
    """Mean 2-D distance over the true eye distance.  seen (NaN where no face), true: (T, N, 3) px."""
    eye = np.linalg.norm(true[:, 33, :2] - true[:, 263, :2], axis=-1)           # (T,)
    return float(np.nanmean(np.linalg.norm((seen - true)[..., :2], axis=-1) / eye[:, None]))


def pearson(a, b) -> float:
    """Correlation of two curves (T,), NaN where not known; NaN if one of them stands still."""
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    spread = np.sqrt((a ** 2).sum() * (b ** 2).sum())
    return float((a * b).sum() / spread) if spread > 1e-9 else float("nan")
