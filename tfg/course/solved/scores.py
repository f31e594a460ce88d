"""Solved exercises of solutions/10_scores.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def psnr(a, b):
    """PSNR of each frame in dB.  a, b: (T, H, W, 3) uint8.  -> (T,)."""
    error = ((a.astype(float) - b) ** 2).mean((1, 2, 3))
    return 10 * np.log10(255 ** 2 / error)


def window_ssim(x, y, w):
    """SSIM of two windows.  x, y: (11, 11) in [0, 1].  w: (11, 11), sums to 1.  -> float."""
    mx, my = (w * x).sum(), (w * y).sum()
    vx, vy = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum()
    cov = (w * (x - mx) * (y - my)).sum()
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    return (2 * mx * my + c1) / (mx ** 2 + my ** 2 + c1) * (2 * cov + c2) / (vx + vy + c2)


def lmd(drawn, true):
    """Mean distance of the mouth's points over the true outer-eye distance.  drawn, true: (T, 68, 2) px.  -> (T,)."""
    away = np.linalg.norm(drawn - true, axis=2)[:, 48:68].mean(1)
    return away / np.linalg.norm(true[:, 36] - true[:, 45], axis=1)


def frechet(a, b):
    """Fréchet distance of features a (N, P) and b (M, P), as if both were Gaussian."""
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(A @ B).real.clip(0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B) - 2 * root


def bootstrap(values, actors, seed: int, draws: int):
    """Means of actors that are drawn anew.  values: (N,).  actors: (N,) names.  -> (draws,)."""
    people = np.array([values[actors == name].mean() for name in np.unique(actors)])
    drawn = np.random.default_rng(seed).integers(0, len(people), (draws, len(people)))
    return people[drawn].mean(1)


def paired_difference(a, b, actors):
    """Each actor's mean difference a - b.  a, b: (N,), NaN where not scored.  actors: (N,) names.  -> (P,)."""
    both = np.isfinite(a - b)
    difference, actors = (a - b)[both], actors[both]
    return np.array([difference[actors == name].mean() for name in np.unique(actors)])
