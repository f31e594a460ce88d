"""Speech features for networks: the log-mel of a recording without the colour of microphone and room."""
from __future__ import annotations

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
