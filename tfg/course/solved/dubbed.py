"""Solved exercises of solutions/09_emogen_gan.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np

from tfg.vocabulary import EMOTIONS


def hide_face(frames, mask):
    """Frames (..., 3, S, S) with 0 wherever anything will be drawn.  mask: (S, S), 0 to 1."""
    return frames * (mask <= 0)


def feelings(emotion, intensity):
    """What is felt: (B, 6), intensity of the emotion, the rest neutral.  emotion: (B,) int.  intensity: (B,)."""
    one, neutral = np.eye(6)[emotion], np.eye(6)[EMOTIONS.index("NEU")]
    return intensity[:, None] * one + (1 - intensity[:, None]) * neutral


def may_refer(actor, emotion, i: int):
    """Places of clips that may be the reference of clip i: (n,) int.  actor, emotion: (N,) names."""
    return np.flatnonzero((actor == actor[i]) & (emotion != emotion[i]))
