"""Solved exercises of solutions/16_five_systems_compared.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import itertools

import numpy as np


def sign_flip(d):
    """Two-sided p of a mean difference, by all choices of signs.  d: (A,), one difference for each person."""
    signs = np.array(list(itertools.product((1, -1), repeat=len(d))))                        # (2^A, A)
    return float((abs(signs @ d) / len(d) >= abs(d.mean()) - 1e-12).mean())


def holm(p):
    """p-values corrected for their number.  p: (K,).  -> (K,), in the same order."""
    order, out = np.argsort(p), np.empty(len(p))
    out[order] = np.minimum(np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))), 1)
    return out


def rank_ranges(means, p, level: float):
    """Best and worst rank that each system may have.  means: (S,), more is better.  p: (S, S).  -> (S, 2)."""
    sure = (p < level) & (means[:, None] > means[None])               # row surely better than column
    return np.stack([1 + sure.sum(0), len(means) - sure.sum(1)], 1)


def bradley_terry(wins, steps: int):
    """Log strengths with mean 0.  wins: (S, S), how often the row was preferred to the column.  -> (S,)."""
    n, strength = wins + wins.T, np.ones(len(wins))
    for _ in range(steps):
        strength = wins.sum(1) / (n / (strength[:, None] + strength[None])).sum(1)
    return np.log(strength) - np.log(strength).mean()
