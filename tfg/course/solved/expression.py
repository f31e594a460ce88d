"""Solved exercises of solutions/11_expression_vectors.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np

from tfg import vocabulary


def to_25fps(curves, fps: float):
    """The same curves at 25 frames/s: (max(1, round(25 T / fps)), C).  curves: (T, C), at fps frames/s."""
    new = np.arange(max(1, round(len(curves) * 25 / fps))) / 25
    old = np.arange(len(curves)) / fps
    return np.stack([np.interp(new, old, curve) for curve in curves.T], 1)


def shut_lids(face, blink):
    """The face with its lids shut by that share: (T, 52).  face: (T, 52) in [0, 1].  blink: (T,), 1 is shut."""
    out, lids = face.copy(), vocabulary.index("eyeBlink")
    out[:, lids] += (1 - out[:, lids]) * blink[:, None]
    return out


def code_and_price(mean, logvar, noise):
    """A draw of each cloud, z (B, D), and what the clouds cost, KL ().  mean, logvar, noise: (B, D)."""
    z = mean + (logvar / 2).exp() * noise
    kl = (mean ** 2 + logvar.exp() - 1 - logvar).sum(1) / 2
    return z, kl.mean()


def join_chunks(chunks, overlap: int):
    """One motion, (N (L - overlap) + overlap, 6).  chunks: (N, L, 6); neighbours share `overlap` frames, 1 or more."""
    x = (np.arange(overlap) + 1) / (overlap + 1)
    w = (3 * x ** 2 - 2 * x ** 3)[:, None]
    out = chunks[0]
    for chunk in chunks[1:]:
        shared = (1 - w) * out[-overlap:] + w * chunk[:overlap]
        out = np.concatenate([out[:-overlap], shared, chunk[overlap:]])
    return out


def five_frames(x):
    """The five frames around each frame, (T, 5, C); the ends repeat.  x: (T, C)."""
    at = np.arange(len(x))[:, None] + np.arange(-2, 3)
    return x[np.clip(at, 0, len(x) - 1)]


def orthogonal(change, source):
    """The part of each frame's change that is orthogonal to its source: (T, C).  change, source: (T, C)."""
    along = (change * source).sum(1, keepdims=True)
    square = (source ** 2).sum(1, keepdims=True)
    return change - along / np.where(square > 0, square, 1) * source
