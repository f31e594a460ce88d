"""Time stretching of a sentence that keeps its pitch: waveform similarity overlap-add (Verhelst & Roelands 1993).

It is used where a sentence is spoken again and each phone must start at its old time.
"""
from __future__ import annotations

import numpy as np

from tfg.media.audio import SR

HOP = 160               # 10 ms; windows of 20 ms overlap by half
SEARCH = 64             # samples (4 ms) to both sides that are searched for the place where the waves fit best


def retime(audio: np.ndarray, at_s: np.ndarray, to_s: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Stretch a sound so that each time `at_s` moves to `to_s`; the times between move in proportion.

    audio: (N,) at 16 kHz.  at_s, to_s: (K,) rising times in seconds, K >= 2.  n: samples of the result.
    Returns the sound (n,) float32 and the times (K,) at which the points `at_s` lie in it: up to about 4 ms beside
    `to_s`, for pieces are joined where their waves fit.
    """
    at, to = np.asarray(at_s, float) * SR, np.asarray(to_s, float) * SR
    if len(audio) == n and np.abs(at - to).max() < 1:
        return np.array(audio, np.float32), np.asarray(at_s, float)
    centres = np.arange(0, n + HOP, HOP)
    # times before the first point and after the last one are shifted like that point
    wanted = np.interp(centres, to, at) + np.minimum(centres - to[0], 0) + np.maximum(centres - to[-1], 0)
    pad = HOP + SEARCH + int(max(0, -wanted.min(), wanted.max() + 2 * HOP - len(audio))) + 1
    y = np.pad(np.asarray(audio, np.float64), pad)
    window = np.hanning(2 * HOP + 1)[:-1]
    out, chosen, last = np.zeros(len(centres) * HOP + 2 * HOP), np.empty(len(centres)), None
    for k, place in enumerate(np.round(wanted).astype(int) + pad):
        best = place
        if last is not None:
            follows = last + HOP                                # the place that follows without any stretch
            if abs(follows - place) <= 2:                       # hardly any stretch: go on without a seam
                best = follows
            else:
                target = y[follows - HOP:follows + HOP]
                region = y[place - HOP - SEARCH:place + HOP + SEARCH]
                score = np.correlate(region, target, "valid")
                energy = np.convolve(region ** 2, np.ones(2 * HOP), "valid")
                best = place + int(np.argmax(score / np.sqrt(energy + 1e-9))) - SEARCH
        out[k * HOP:(k + 2) * HOP] += window * y[best - HOP:best + HOP]
        chosen[k], last = best - pad, best
    k = np.clip(np.round(to / HOP).astype(int), 0, len(centres) - 1)
    return out[HOP:HOP + n].astype(np.float32), (to + at - (chosen[k] + to - centres[k])) / SR
