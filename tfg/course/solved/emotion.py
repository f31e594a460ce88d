"""Solved exercises of solutions/08_emotion_discriminator.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np
import torch


def fold_frames(x):
    """Frames (B, C, T, H, W), time behind the colours -> a batch of whole frames (B * T, C, H, W)."""
    return x.movedim(2, 1).flatten(0, 1)


def soft_cross_entropy(logits, target):
    """Mean cross entropy.  logits: (B, 6).  target: (B, 6), rows sum to 1."""
    log_p = logits - torch.logsumexp(logits, 1, keepdim=True)
    return -(target * log_p).sum(1).mean()


def split_by_actor(actors, share: float, seed: int):
    """True for the clips of max(1, round(share * people)) people, drawn by the seed.  actors: (N,) names."""
    people = np.random.default_rng(seed).permutation(np.unique(actors))
    return np.isin(actors, people[:max(1, round(share * len(people)))])


def confusion(true, said):
    """(6, 6): of the clips acted as (row), which share was said to be (column).  true, said: (N,) 0 to 5."""
    counts = np.zeros((6, 6))
    np.add.at(counts, (true, said), 1)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(1, keepdims=True)


def occlusion_map(probability, frames, patch: int, step: int):
    """How far the probability falls if a square is hidden: (n, n).  frames: (T, 3, S, S) in [0, 1]."""
    starts = range(0, frames.shape[-1] - patch + 1, step)
    colour, before = frames.mean((0, 2, 3))[:, None, None], float(probability(frames[None])[0])
    fall = np.zeros((len(starts), len(starts)))
    for row, y in enumerate(starts):
        for column, x in enumerate(starts):
            hidden = frames.clone()
            hidden[:, :, y:y + patch, x:x + patch] = colour
            fall[row, column] = before - float(probability(hidden[None])[0])
    return fall
