"""Speech features for networks: the log-mel of a recording without the colour of microphone and room."""
from __future__ import annotations

from functools import lru_cache

import numpy as np

N_MELS, COLUMN_DB = 80, 12.5                         # mel bands; dB per unit of the scaled mel


def normalise(mel: np.ndarray) -> np.ndarray:
    """Subtract from each mel band its mean over the frames that carry speech (the loudest 30 dB): (80, M) -> (80, M).

    This removes microphone, room colour and overall level; differences of loudness within the clip remain.
    """
    return mel - speech_mean(mel)


def speech_mean(mel: np.ndarray) -> np.ndarray:
    """Mean of each band over the frames within 30 dB of the loudest (their 97th percentile): (80, 1).

    mel: (80, M), scaled as `tfg.media.audio.mel_spectrogram`. A silent clip gets -0.5 in every band, so that its
    normalised mel stays low, which networks know as closed lips.
    """
    level = mel.mean(0, dtype=np.float32)                                     # (M,)
    top = np.percentile(level, 97)
    if top < -3.5:                                                            # nothing above the floor of the scale
        return np.full((len(mel), 1), -.5, np.float32)
    active = (level > top - 30 / COLUMN_DB).astype(np.float32)
    return (mel @ active / active.sum())[:, None].astype(np.float32)


SURE = 60
"""Columns of speech, 0.75 s, after which what was heard counts as much as the sentences that are known."""


def mean_so_far(mel: np.ndarray) -> np.ndarray:
    """`speech_mean` of a sound that goes on: (80, 1).  mel: (80, M) heard so far.

    The less speech was heard, the more the mean of the two sentences that ship counts, brought to its loudness; a sound
    without any gives theirs, as speech is yet to come.
    """
    known, top = known_mean()
    level = mel.mean(0, dtype=np.float32)
    loudest = np.percentile(level, 97) if len(level) else -4.0
    if loudest < -3.5:
        return known
    active = level > loudest - 30 / COLUMN_DB
    share = active.sum() / (active.sum() + SURE)
    return (share * speech_mean(mel) + (1 - share) * (known + loudest - top)).astype(np.float32)


@lru_cache(maxsize=1)
def known_mean() -> tuple[np.ndarray, float]:
    """`speech_mean` (80, 1) of the sentences that ship with tfg, and their 97th percentile of loudness."""
    from tfg import paths
    from tfg.media.audio import load_audio, mel_spectrogram

    mels = [mel_spectrogram(load_audio(path)) for path in sorted(paths.data("audio").glob("*.wav"))]
    return (np.mean([speech_mean(m) for m in mels], 0),
            float(np.mean([np.percentile(m.mean(0), 97) for m in mels])))
