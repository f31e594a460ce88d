"""Wrong answers to the exercises of notebooks/01_sound_and_time: name -> [(answer, a word of its message)].

For test_course_check.py.
"""
from __future__ import annotations

import numpy as np

from tfg.media import audio


def _cut(mel, frame, width, late):
    columns = audio.mel_start(frame, width) + late + np.arange(width)
    if late == 0:
        return mel[:, np.clip(columns, 0, mel.shape[1] - 1)]
    padded = np.pad(mel, ((0, 0), (50, 50)), constant_values=-4)
    return padded[:, columns + 50]


def _late(y, n):
    out = np.zeros_like(y)
    if n >= 0:
        out[n:] = y[:max(len(y) - n, 0)]
    else:
        out[:n] = y[-n:]
    return out


def _lag(mouth, sound, max_lag):
    T, scores = len(mouth), {}
    for lag in range(-max_lag, max_lag + 1):
        a, b = (mouth[:T - lag], sound[lag:]) if lag >= 0 else (mouth[-lag:], sound[:T + lag])
        scores[lag] = np.corrcoef(a, b)[0, 1]
    return max(scores, key=scores.get)


WRONG = {
    "count_frames": [(lambda n: n // 640, "dropped"), (lambda n: n // 640 + 1, "added"), (lambda n: n / 640, "whole")],
    "hz_to_mel": [(lambda hz: np.asarray(hz) * 3 / 200, "above 1000"),
                  (lambda hz: 2595 * np.log10(1 + np.asarray(hz) / 700), "2595")],
    "mel_window": [(lambda m, f, w: audio.mel_window(m, f + 1, w), "off by 3"),
                   (lambda m, f, w: _cut(m, f, w, 0), "repeated"),
                   (lambda m, f, w: np.where(audio.mel_window(m + 9, f, w) == -4, 0, audio.mel_window(m, f, w)),
                    "zero"), (lambda m, f, w: _cut(m, f, w, 1), "late"),
                   (lambda m, f, w: audio.mel_window(m, f, w).T, "transposed")],
    "shift_sound": [(lambda y, k: np.roll(y, 640 * k), "np.roll"), (lambda y, k: _late(y, k), "samples"),
                    (lambda y, k: _late(y, -640 * k), "direction")],
    "find_offset": [(lambda m, s, lag: -_lag(m, s, lag), "sign"), (lambda m, s, lag: _lag(m, s, lag) + lag, "max_lag"),
                    (lambda m, s, lag: _lag(m, s, lag) + 1, "one lag")],
}
