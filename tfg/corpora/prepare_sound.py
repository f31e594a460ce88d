"""Sound of a clip that is being prepared: its source, length, samples and mel. For `tfg.corpora.prepare_clip`."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg.corpora.names import Item
from tfg.errors import InputError
from tfg.media.audio import SAMPLES_PER_FRAME, frame_to_samples, load_audio, mel_spectrogram
from tfg.media.decode import main_stream, opened


def hear(item: Item) -> np.ndarray:
    """The video's own sound, (N,) float32 at 16 kHz; a separate file's only where it has none (those are not in step).

    Raises InputError if there is neither.
    """
    with opened(item.path, "video") as container:
        own = main_stream(container, "audio") is not None
    path = item.path if own else item.audio
    if path is None:
        raise InputError("has no sound")
    return load_audio(path)


def announced_s(path: Path) -> float:
    """Duration in the file's header, in seconds; 0 if there is none."""
    import av

    with opened(path, "video") as container:
        return (container.duration or 0) / av.time_base


def n_heard(y: np.ndarray) -> int:
    """Number of frames with sound; the last one may have only a part of its samples.  y: (N,) at 16 kHz."""
    return -(-len(y) // SAMPLES_PER_FRAME)


def sound_of(y: np.ndarray, first: int, T: int) -> np.ndarray:
    """Sound of frames first .. first + T - 1, (640 T,) float32; silence where the sound ends early."""
    start, stop = frame_to_samples(first)[0], frame_to_samples(first + T)[0]
    y = y[start:stop]
    return np.pad(y, (0, stop - start - len(y))).astype(np.float32)


def mel_of(wave: np.ndarray) -> np.ndarray:
    """Mel spectrogram of a clip's sound (N,): (M, 80) float16, time first."""
    return mel_spectrogram(wave).T.astype(np.float16)
