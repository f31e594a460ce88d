"""The sound of a clip that is being prepared: which one, how long, and its mel. For `tfg.corpora.prepare_clip`."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg._decode import first_stream, opened
from tfg.audio import SAMPLES_PER_FRAME, load_audio, mel_spectrogram
from tfg.corpora.names import Item
from tfg.errors import InputError


def hear(item: Item) -> np.ndarray:
    """(N,) the video's own sound; a separate file only where it has none (other cuts of a sound are not in step).

    Raises InputError if there is neither.
    """
    with opened(item.path, "video") as container:
        own = first_stream(container, "audio") is not None
    if not own and item.audio is None:
        raise InputError("has no sound")
    return load_audio(item.path if own else item.audio)


def announced_s(path: Path) -> float:
    """How long a file says that it is, in seconds; 0 if it says nothing."""
    import av

    with opened(path, "video") as container:
        return (container.duration or 0) / av.time_base


def n_heard(y: np.ndarray) -> int:
    """How many frames have sound, the last perhaps in part."""
    return -(-len(y) // SAMPLES_PER_FRAME)


def mel_of(y: np.ndarray, first: int, T: int) -> np.ndarray:
    """(M, 80) float16 of the sound of frames first .. first + T - 1, silence where it ends early."""
    y = y[first * SAMPLES_PER_FRAME:(first + T) * SAMPLES_PER_FRAME]
    return mel_spectrogram(np.pad(y, (0, T * SAMPLES_PER_FRAME - len(y)))).T.astype(np.float16)
