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


def _lag(mouth, sound, max_lag, score=lambda a, b: np.corrcoef(a, b)[0, 1], end=1):
    T, scores = len(mouth), {}
    for lag in range(-max_lag, max_lag + end):
        a, b = (mouth[:T - lag], sound[lag:]) if lag >= 0 else (mouth[-lag:], sound[:T + lag])
        scores[lag] = score(a, b)
    return max(scores, key=scores.get)


def _rolled(mouth, sound, max_lag):
    return max(range(-max_lag, max_lag + 1), key=lambda lag: np.corrcoef(mouth, np.roll(sound, -lag))[0, 1])


def _by_the_whole(m, s, lag):
    m, s = ((x - x.mean()) / x.std() for x in (m, s))
    return _lag(m, s, lag, lambda a, b: (a * b).sum())


WRONG = {
    "count_frames": [(lambda n: n // 640, "dropped"), (lambda n: n // 640 + 1, "added"), (lambda n: n / 640, "whole"),
                     (lambda n: int(np.ceil(n / 16000 * 25)), "rounding error")],
    "hz_to_mel": [(lambda hz: np.asarray(hz) * 3 / 200, "above 1000"),
                  (lambda hz: 2595 * np.log10(1 + np.asarray(hz) / 700), "2595"),
                  (lambda hz: 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4), "below 1000")],
    "mel_window": [(lambda m, f, w: audio.mel_window(m, f + 1, w), "off by 3"),
                   (lambda m, f, w: _cut(m, f, w, 0), "repeated"),
                   (lambda m, f, w: np.where(audio.mel_window(m + 9, f, w) == -4, 0, audio.mel_window(m, f, w)),
                    "zero"), (lambda m, f, w: _cut(m, f, w, 1), "late"),
                   (lambda m, f, w: _cut(m, f, w, round(3 * f + 1.6 - (w - 1) / 2) - audio.mel_start(f, w)), "3 i"),
                   (lambda m, f, w: _cut(m, f, w, -w), "padding moved"),
                   (lambda m, f, w: audio.mel_window(m, f, w).T, "transposed")],
    "shift_sound": [(lambda y, k: np.roll(y, 640 * k), "np.roll"), (lambda y, k: _late(y, k), "samples"),
                    (lambda y, k: _late(y, -640 * k), "direction")],
    "find_offset": [(lambda m, s, lag: -_lag(m, s, lag), "sign"), (lambda m, s, lag: _lag(m, s, lag) + lag, "max_lag"),
                    (lambda m, s, lag: _lag(m, s, lag) + 1, "one too late"), (_by_the_whole, "of the whole curves"),
                    (lambda m, s, lag: _lag(m, s, lag, lambda a, b: abs(np.corrcoef(a, b)[0, 1])), "either sign"),
                    (lambda m, s, lag: _lag(m, s, lag, lambda a, b: (a * b).sum()), "multiplied as they are"),
                    (lambda m, s, lag: _lag(m, s, lag, lambda a, b: np.cov(a, b)[0, 1]), "covariance"),
                    (lambda m, s, lag: _lag(m, s, lag, end=0), "max_lag itself"), (_rolled, "np.roll")],
}
