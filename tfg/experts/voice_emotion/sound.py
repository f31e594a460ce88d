"""What tells the emotion of a voice, as numbers of a whole sound: how it speaks, whatever it says.

    describe(audio)  ->  {"speech": (1152,), "mel": (384,), "pitch": (12,)}

Three kinds, each a mean over the frames with speech, so that no length or loudness counts:

    speech      of the frozen speech features (tfg/networks/hearing.py): mean, deviation, change from step to step
    mel         of the 128 mel bands: change, edges to the next band, deviation (as AUnet's, tfg/systems/ietafs)
    pitch       height, range and movement of the voice's pitch, movement of its level, and how much is voiced

The level itself is no part of any: it tells the distance of a microphone sooner than a mood.
"""
from __future__ import annotations

import numpy as np

from tfg.media.audio import SR, loudness, mel_spectrogram
from tfg.networks.hearing import PER_FRAME, features

N_MELS = 128                                         # mel bands, as AUnet's
KINDS = {"speech": 3 * 384, "mel": 3 * N_MELS, "pitch": 12}
"""Kind of statistics -> how many numbers."""
UNDER_DB = 30.0                                      # a frame so far below the loudest carries no speech
HOP, WINDOW = 320, 1024                              # samples between two pitches (20 ms), and those one is found in
LOWEST_HZ, HIGHEST_HZ = 60.0, 450.0
PITCHED = .5                                         # autocorrelation at which a window counts as voiced


def describe(audio: np.ndarray, kinds=tuple(KINDS), folder=None) -> dict[str, np.ndarray]:
    """The statistics of a sound, by kind, float32.

    audio: (N,) float32 at 16 kHz.  kinds: of `KINDS`.  folder: with other weights of the speech features than those
    that ship.
    """
    audio = np.asarray(audio, np.float32)
    out = {}
    if "speech" in kinds:
        out["speech"] = of_speech(features(audio, folder), speaking(audio))
    if "mel" in kinds:
        out["mel"] = of_mel(mel_spectrogram(audio, N_MELS))
    if "pitch" in kinds:
        out["pitch"] = of_pitch(audio)
    return out


def speaking(audio: np.ndarray) -> np.ndarray:
    """Which frames carry speech, (T,) bool: those within 30 dB of the loudest (their 97th percentile)."""
    db = loudness(audio)
    return db >= np.percentile(db, 97) - UNDER_DB if len(db) else np.zeros(0, bool)


def of_speech(heard: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """(1152,): mean, standard deviation and mean absolute change of 384 features, 50 a second, in frames with speech.

    heard: (T, 768) of `tfg.networks.hearing.features`.  spoken: (T,) bool.
    """
    x = heard.reshape(PER_FRAME * len(heard), -1)                             # (2 T, 384)
    there = np.repeat(spoken, PER_FRAME)
    if there.sum() < 2:
        return np.zeros(3 * x.shape[1], np.float32)
    change = np.abs(np.diff(x, axis=0))[there[1:] & there[:-1]]
    change = change.mean(0) if len(change) else np.zeros(x.shape[1])
    return np.concatenate([x[there].mean(0), x[there].std(0), change]).astype(np.float32)


def of_mel(mel: np.ndarray) -> np.ndarray:
    """(384,): of each band its mean absolute change from column to column, its mean distance from the next band, and
    its standard deviation, in columns with speech.  mel: (128, M), `tfg.media.audio.mel_spectrogram`."""
    level = mel.mean(0)                                                       # (M,)
    there = level > np.percentile(level, 97) - UNDER_DB / 12.5                # 12.5 dB are 1 unit of the mel
    x = mel[:, there]
    change = np.abs(np.diff(mel, axis=1))[:, there[1:]]
    edges = np.abs(np.diff(x, axis=0, append=x[-1:]))
    parts = (change.mean(1) if change.size else np.zeros(len(mel)), edges.mean(1), x.std(1))
    return np.concatenate(parts).astype(np.float32)


def pitches(audio: np.ndarray) -> np.ndarray:
    """Pitch in Hz every 20 ms, (P,), NaN where the sound does not repeat itself (Boersma 1993: the autocorrelation
    divided by that of the window)."""
    padded = np.pad(np.asarray(audio, np.float32), WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP].astype(np.float64)       # (P, 1024)
    shape = np.hanning(WINDOW)
    spectrum = np.abs(np.fft.rfft((windows - windows.mean(1, keepdims=True)) * shape, 2 * WINDOW)) ** 2
    r = np.fft.irfft(spectrum)[:, :WINDOW]
    own = np.fft.irfft(np.abs(np.fft.rfft(shape, 2 * WINDOW)) ** 2)[:WINDOW]
    lags = np.arange(int(SR / HIGHEST_HZ), int(SR / LOWEST_HZ) + 1)
    r = (r[:, lags] / np.maximum(r[:, :1], 1e-9)) / (own[lags] / own[0])
    r = r - .02 * np.log2(lags / lags[0])                                     # of two equal ones the higher pitch
    best = r.argmax(1)
    voiced = r[np.arange(len(r)), best] > PITCHED
    return np.where(voiced, SR / lags[best], np.nan)


def of_pitch(audio: np.ndarray) -> np.ndarray:
    """(12,): pitch (median, 10th, 90th percentile, in octaves from 150 Hz), its range and deviation, its mean absolute
    change and mean change in a step, the share of voiced steps and of changes between voiced and not, each in steps
    with speech; deviation of the level in dB / 10, its mean absolute change, and the share of frames with speech."""
    spoken, db = speaking(audio), loudness(audio)
    found = pitches(audio)
    there = np.repeat(spoken, 2)[:len(found)]
    found = np.where(there, found[:len(there)], np.nan)
    octaves = np.log2(found / 150)
    steps = np.diff(octaves)
    steps = steps[np.isfinite(steps) & (np.abs(steps) < .25)]                 # a leap of a fourth is a mistake
    known = octaves[np.isfinite(octaves)]
    if len(known) < 5 or len(steps) < 2:
        known, steps = np.zeros(1), np.zeros(1)
    low, middle, high = np.percentile(known, (10, 50, 90))
    voiced = np.isfinite(found)
    levels = db[spoken] if spoken.any() else np.zeros(1)
    moves = np.abs(np.diff(db))[spoken[1:] & spoken[:-1]]
    n = max(int(there.sum()), 1)
    return np.array([middle, low, high, high - low, known.std(), 10 * np.abs(steps).mean(), 10 * steps.mean(),
                     voiced.sum() / n, np.abs(np.diff(voiced.astype(int))).sum() / n, levels.std() / 10,
                     (moves.mean() if len(moves) else 0.0) / 10, spoken.mean() if len(spoken) else 0.0], np.float32)
