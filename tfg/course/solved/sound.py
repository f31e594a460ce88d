"""Solved exercises of solutions/01_sound_and_time.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def count_frames(n_samples: int) -> int:
    """Video frames needed to cover `n_samples` samples at 640 samples per frame."""
    return -(-n_samples // 640)


def hz_to_mel(hz):
    """Slaney's mel scale.  hz: a number or an array.  Returns the same shape."""
    high = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(np.asarray(hz) < 1000, np.asarray(hz) * 3 / 200, high)


def mel_window(mel, frame: int, width: int = 16):
    """The columns around a video frame.  mel: (80, M).  Returns (80, width), -4 outside the sound."""
    # 1. the first column of the window (it may be negative)
    # 2. make room at both ends, filled with silence
    # 3. cut
    first = (32 * frame + 16 - 5 * (width - 1) + 5) // 10       # in tenths of a column: no rounding errors
    room = np.pad(mel, ((0, 0), (width, width)), constant_values=-4.0)
    return room[:, first + width:first + 2 * width]


def shift_sound(y, k: int):
    """The sound k video frames later (earlier if negative).  y: (N,).  Returns (N,), silence at the open end."""
    out = np.zeros_like(y)
    n = 640 * k
    if n >= 0:
        out[n:] = y[:max(len(y) - n, 0)]
    else:
        out[:n] = y[-n:]
    return out


def find_offset(mouth, sound, max_lag: int) -> int:
    """Frames by which `sound` lags behind `mouth`; both (T,)."""
    # 1. for each lag, the parts that overlap   2. their correlation   3. the lag of the best one
    T, scores = len(mouth), {}
    for lag in range(-max_lag, max_lag + 1):
        a, b = (mouth[:T - lag], sound[lag:]) if lag >= 0 else (mouth[-lag:], sound[:T + lag])
        scores[lag] = np.corrcoef(a, b)[0, 1]
    return max(scores, key=scores.get)
