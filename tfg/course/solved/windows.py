"""Solved exercises of solutions/06_from_raw_video_to_windows.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def source_frames(n_source: int, source_fps: float):
    """The source picture on screen in the middle of each 25th of a second.  Returns (T,) int."""
    T = max(1, round(n_source / source_fps * 25))
    middles = (np.arange(T) + 0.5) / 25 - 0.002
    return np.clip(np.floor(middles * source_fps), 0, n_source - 1).astype(int)


def crop_matrix(box, size: int):
    """The transform (2, 3) that takes a square box (4,) x0, y0, x1, y1 to size x size pixels."""
    x0, y0, x1, _ = box
    s = size / (x1 - x0)
    return np.array([[s, 0, (0.5 - x0) * s - 0.5], [0, s, (0.5 - y0) * s - 0.5]])


def negative_starts(n_frames: int, first: int, T: int):
    """First frames of all windows of T frames that share none with `first` .. `first + T - 1`."""
    starts = np.arange(n_frames - T + 1)
    return starts[np.abs(starts - first) >= T]


def leaks(train, test):
    """Pairs of clips that show the same person.  train, test: lists of dicts with clip, actor, photo."""
    def same_person(a, b):
        return a["actor"] == b["actor"] or (a["photo"] is not None and a["photo"] == b["photo"])

    return [(a["clip"], b["clip"]) for a in train for b in test if same_person(a, b)]
