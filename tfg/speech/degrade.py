"""Microphones, telephones, noise and music on speech, for networks whose features cannot be augmented afterwards.

Rooms, loudness and speakers are `tfg.speech.corpus.vary`'s; `tfg.training.augment_sound` does the like on mel
spectrograms.
"""
from __future__ import annotations

import numpy as np

from tfg.media.audio import SR


def degrade(y: np.ndarray, rng: np.random.Generator, other: np.ndarray | None = None) -> np.ndarray:
    """Speech as another microphone, line or place has it: (N,) float32 at 16 kHz.  Nothing is moved in time.

    other: (M,) a voice far behind the speaker.
    """
    y = np.asarray(y, np.float32)
    if rng.random() < .6:
        y = microphone(y, rng)
    loud = float(np.sqrt(np.mean(y ** 2))) + 1e-6
    if rng.random() < .5:
        y = y + noise(len(y), rng) * loud * 10 ** (-rng.uniform(5, 40) / 20)
    if rng.random() < .2:
        y = y + music(len(y), rng) * loud * 10 ** (-rng.uniform(6, 30) / 20)
    if other is not None and len(other) and rng.random() < .1:
        behind = np.resize(other, len(y)).astype(np.float32)
        y = y + behind / (np.sqrt(np.mean(behind ** 2)) + 1e-6) * loud * 10 ** (-rng.uniform(12, 25) / 20)
    if rng.random() < .15:
        y = telephone(y)
    return (y / (np.abs(y).max() + 1e-6) * rng.uniform(.1, .95)).astype(np.float32)


def microphone(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colour a sound by a smooth random response of up to about 10 dB, without delay."""
    spectrum = np.fft.rfft(y)
    at = np.linspace(0, 1, 9)
    gain = np.interp(np.linspace(0, 1, len(spectrum)) ** .5, at, rng.normal(0, 5, 9))
    return np.fft.irfft(spectrum * 10 ** (gain / 20), len(y)).astype(np.float32)


def telephone(y: np.ndarray) -> np.ndarray:
    """300 to 3,400 Hz, 8 kHz, 8 bits by the mu law (ITU-T G.711), without delay."""
    spectrum, hz = np.fft.rfft(y), np.fft.rfftfreq(len(y), 1 / SR)
    narrow = np.fft.irfft(spectrum * ((hz > 300) & (hz < 3400)), len(y))
    top = np.abs(narrow).max() + 1e-6
    squeezed = np.sign(narrow) * np.log1p(255 * np.abs(narrow) / top) / np.log(256)
    steps = np.round(squeezed * 127) / 127
    return (np.sign(steps) * (256 ** np.abs(steps) - 1) / 255 * top).astype(np.float32)


def noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of a random colour, from rumble to hiss, that swells and falls: (n,), root mean square 1."""
    spectrum = np.fft.rfft(rng.normal(0, 1, n))
    hz = np.maximum(np.fft.rfftfreq(n, 1 / SR), 20)
    y = np.fft.irfft(spectrum * hz ** rng.uniform(-1.2, .2), n)
    y *= np.interp(np.arange(n), np.linspace(0, n, 8), rng.uniform(.4, 1.6, 8))
    return (y / (np.sqrt(np.mean(y ** 2)) + 1e-9)).astype(np.float32)


def music(n: int, rng: np.random.Generator) -> np.ndarray:
    """Chords of plucked or held notes with a drum: (n,), root mean square 1."""
    y, t = np.zeros(n), np.arange(n) / SR
    beat, root = rng.uniform(.3, .7), rng.uniform(110, 330)
    held = rng.random() < .4
    for k in range(int(n / SR / beat) + 1):
        a = int(k * beat * SR)
        after = t[a:] - k * beat
        if not len(after):
            continue
        shape = np.exp(-after / (1.5 * beat if held else .25)) * np.minimum(after / .01, 1)
        for step in rng.choice([0, 3, 4, 5, 7, 9, 12], 3, replace=False):
            f = root * 2 ** (step / 12)
            y[a:] += shape * sum(np.sin(2 * np.pi * f * h * after) / h ** 1.5 for h in (1, 2, 3, 4))
        if rng.random() < .5:
            drum = min(int(.1 * SR), n - a)
            y[a:a + drum] += 2 * rng.normal(0, 1, drum) * np.exp(-np.arange(drum) / SR / .03)
    return (y / (np.sqrt(np.mean(y ** 2)) + 1e-9)).astype(np.float32)
