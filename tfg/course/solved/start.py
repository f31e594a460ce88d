"""Solved exercises of solutions/00_start_here.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def frame_at(time_s: float) -> int:
    """The frame on screen at a time in seconds, at 25 frames per second."""
    return int(time_s * 25 + 1e-9)


def at_intensity(actions, intensity: float):
    """A recipe at another strength, within [0, 1].  actions: (52,).  Returns (52,)."""
    return np.clip(intensity * np.asarray(actions), 0, 1)


def mix(a, b, weight: float):
    """A face between two.  a, b: (52,).  Returns (52,): a at weight 0, b at weight 1."""
    return (1 - weight) * np.asarray(a) + weight * np.asarray(b)
