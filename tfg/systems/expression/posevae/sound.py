"""What PoseVAE hears of a sound, made in one way for training and for new motions: mel windows, or speech features."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.media.audio import HOP_LENGTH, N_MELS, load_audio, mel_spectrogram, mel_windows, n_frames
from tfg.networks import hearing as ears
from tfg.speech.features import speech_mean
from tfg.systems.expression.posevae.parts import WIDTH

HEARINGS = {"mel": (N_MELS, WIDTH), "speech": (768,)}
"""Ways to hear, with the shape of what is heard in a frame: a window of the mel spectrogram, or the frozen features of
`tfg.networks.hearing`."""


def hear(sound: np.ndarray, mean: np.ndarray | None, frames) -> np.ndarray:
    """The network's input in these frames, float32: mel windows (T, 80, 16), or features (T, 768).

    sound: a mel (80, M), or features (T', 768).  mean: (80, 1), `tfg.speech.features.speech_mean` of the whole clip,
    which is subtracted to remove the response of the microphone; None with features, which hardly have any.
    frames: as `tfg.media.audio.mel_windows`, the one map of time. Beyond the clip's ends a mel is silent, and features
    are those of the first or last frame.
    """
    if mean is None:
        return ears.windows(sound, frames, 1)[:, 0]
    return (mel_windows(sound, frames, WIDTH) - mean).astype(np.float32)


def mean_of(sound: np.ndarray, hearing: str) -> np.ndarray | None:
    """What `hear` subtracts from this sound."""
    return speech_mean(sound) if hearing == "mel" else None


def heard_by(hearing: str, audio) -> tuple[np.ndarray, int]:
    """The sound as a network that hears in this way takes it, (80, M) or (T, 768), and its number of frames T.

    audio: as `tfg.systems.expression.posevae.network.predict`.  Raises InputError: bad sound, a mel for features.
    """
    if isinstance(audio, (str, Path)):
        audio = load_audio(audio)
    audio = np.asarray(audio, np.float32)
    if audio.ndim not in (1, 2) or (audio.ndim == 2 and audio.shape[0] != N_MELS) or not audio.size:
        raise InputError(f"the sound has the shape {audio.shape}; give mono samples (N,) at 16 kHz, one at least.")
    if not np.isfinite(audio).all():
        raise InputError("the sound holds samples that are not numbers (NaN or infinite); export it again.")
    if hearing == "speech":
        if audio.ndim != 1:
            raise InputError("this PoseVAE hears speech features, which a mel spectrogram does not give; pass the "
                             "sound.")
        return ears.features(audio), n_frames(len(audio))
    mel = mel_spectrogram(audio) if audio.ndim == 1 else audio
    return mel, n_frames(len(audio) if audio.ndim == 1 else HOP_LENGTH * (mel.shape[1] - 1))
