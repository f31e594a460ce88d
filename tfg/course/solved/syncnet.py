"""Solved exercises of solutions/07_syncnet.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np
import torch


def lower_half(frames):
    """Lips and jaw of windows, frames as channels.  frames: (B, T, 3, S, S).  -> (B, 3 T, S / 2, S)."""
    return frames[..., frames.shape[-2] // 2:, :].flatten(1, 2)


def moments(n: int, K: int, start: float):
    """K windows of a clip that has n, evenly spread from a start in [0, 1) on.  Returns (K,) int."""
    return np.floor((np.arange(K) + start) / K * n).astype(int)


def sync_loss(v, a, label):
    """Binary cross entropy of cosines.  v, a: (B, E), no entry below 0.  label: (B,), 1 for a true pair.  -> ()."""
    cosine = (v * a).sum(1) / (v.norm(dim=1) * a.norm(dim=1))
    cosine = cosine.clamp(1e-6, 1 - 1e-6)
    return -(label * cosine.log() + (1 - label) * (1 - cosine).log()).mean()


def choice_loss(fit, temperature: float):
    """Cross entropy of choosing a picture's sound, and a sound's picture.  fit: (B, K, K) cosines.  -> ()."""
    z = fit / temperature
    of_sounds = -torch.log_softmax(z, 2).diagonal(dim1=1, dim2=2).mean()
    of_pictures = -torch.log_softmax(z, 1).diagonal(dim1=1, dim2=2).mean()
    return (of_sounds + of_pictures) / 2


def sync_curve(picture, sound, reach: int = 15):
    """D(s) for s = -reach .. reach.  picture, sound: (N, E), embeddings of the same windows.  -> (2 reach + 1,)."""
    N, curve = len(picture), np.full(2 * reach + 1, np.nan)
    for s in range(-reach, reach + 1):
        first, last = max(0, -s), min(N, N - s)
        if last > first:
            curve[s + reach] = np.linalg.norm(picture[first:last] - sound[first + s:last + s], axis=1).mean()
    return curve


def sync_scores(curve):
    """LSE-D, LSE-C and the offset in frames of D(s), s = -R .. R.  curve: (2 R + 1,), NaN allowed."""
    least = np.nanmin(curve)
    return least, np.nanmedian(curve) - least, int(np.nanargmin(curve)) - len(curve) // 2
