"""Augmentation of speech on its log-mel, fast enough to be drawn anew at each training step.

It changes the vocal tract, adds noise and a voice in the background, compresses dynamics, cuts the band as a telephone
does, and makes gaps. Microphone and room need no augmentation, as each band's mean is subtracted from networks' input.
"""
from __future__ import annotations

import numpy as np

FLOOR, COLUMN_DB, N_MELS = -4.0, 12.5, 80             # the scaled log-mel: least value, dB per unit, bands


def augment_sound(mel: np.ndarray, rng: np.random.Generator, other: np.ndarray | None = None) -> np.ndarray:
    """Speech with random changes, scaled log-mel (80, M).  mel: (80, M), or another number of bands over the same
    range.  other: (80, M) of a voice in the background, as many bands."""
    mel, bands = mel.astype(np.float32), len(mel)
    if rng.random() < .85:
        mel = warp(mel, rng.uniform(.86, 1.16))
    power = 10 ** (mel * COLUMN_DB / 10)
    top = np.percentile(mel.mean(0), 97)
    power += 10 ** (noise(mel.shape, top - rng.uniform(4, 55) / COLUMN_DB, rng) * COLUMN_DB / 10)
    if other is not None and rng.random() < .08:      # a voice in the background
        column = (np.arange(mel.shape[1]) + rng.integers(other.shape[1])) % other.shape[1]
        power += 10 ** ((other.astype(np.float32)[:, column] - rng.uniform(15, 30) / COLUMN_DB) * COLUMN_DB / 10)
    mel = np.log10(np.maximum(power, 1e-12)) * 10 / COLUMN_DB
    if rng.random() < .5:                             # dynamics compressed or stretched, level by level
        gain = rng.uniform(.8, 1.15)
        mel = top + (mel - top) * gain
    if rng.random() < .15:                            # a telephone
        mel[rng.integers(55, 72) * bands // N_MELS:] = FLOOR + rng.uniform(0, 1)
    mel += rng.uniform(-1.2, .4)
    if rng.random() < .3:                             # a gap
        a = rng.integers(mel.shape[1])
        b = rng.integers(bands - 10)
        mel[b:b + rng.integers(2, 10)] = mel[b:b + 1].mean() if rng.random() < .5 else mel.min()
        mel[:, a:a + rng.integers(1, 4)] = np.minimum(mel[:, a:a + 1], mel.mean())
    return np.clip(mel, FLOOR, 4).astype(np.float32)


def noise(shape: tuple[int, int], level: float, rng: np.random.Generator) -> np.ndarray:
    """Log-mel (80, M) of a hiss, hum or rumble at about `level`: a random spectrum, with fluctuation in time."""
    bands, knots = np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, 7)
    colour = rng.normal(0, .5) * bands + rng.normal(0, .4) * bands ** 2 + np.interp(bands, knots, rng.normal(0, .3, 7))
    grain = rng.normal(0, 1, (shape[0], shape[1] + 1)).astype(np.float32)
    grain = (grain[:, 1:] + grain[:, :-1]) * np.linspace(.25, .10, shape[0], dtype=np.float32)[:, None]
    swell = np.interp(np.arange(shape[1]), np.linspace(0, shape[1], 8), rng.normal(0, .1, 8))
    return level + colour[:, None] + grain + swell


def warp(mel: np.ndarray, factor: float) -> np.ndarray:
    """Vocal tract length perturbation: formants move by `factor` (Jaitly & Hinton 2013), on the mel axis."""
    mels = np.linspace(hz_to_mel(55), hz_to_mel(7600), len(mel))
    hz = 700 * (10 ** (mels / 2595) - 1)
    source = np.interp(hz_to_mel(np.minimum(hz * factor, 7600)), mels, np.arange(len(mel)))
    lo = np.minimum(source.astype(int), len(mel) - 2)
    frac = (source - lo)[:, None].astype(np.float32)
    return mel[lo] * (1 - frac) + mel[lo + 1] * frac


def hz_to_mel(hz):
    return 2595 * np.log10(1 + np.asarray(hz) / 700)
