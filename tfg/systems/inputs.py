"""What a call brings: the source, what is said, a motion, the places of its results. All checked before long work."""
from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import check_file, check_place
from tfg.media.film_names import MP4_SUFFIXES, WEBM_SUFFIX, is_sequence
from tfg.media.picture_sequence import check_sequence
from tfg.systems.base import Footage, Speech

VIDEO_SUFFIXES = (*MP4_SUFFIXES, WEBM_SUFFIX)


def check_places(source, audio, motion, out, save_motion, overwrite: bool = False):
    """(out, save_motion) as paths. InputError if one cannot be written, exists already, or is also read from."""
    if out is not None:
        out = check_sequence(out, overwrite) if is_sequence(out) else check_place(out, VIDEO_SUFFIXES, overwrite)
    save_motion = None if save_motion is None else check_place(save_motion, (".npz",), overwrite)
    read = {Path(p).resolve() for p in (source, audio, motion) if isinstance(p, (str, os.PathLike))}
    for place in (out, save_motion):
        if place is not None and place.resolve() in read:
            raise InputError(f"{place} is read from and cannot be written to at the same time; choose another name.")
    return out, save_motion


def check_source(source, *, folders: bool = False) -> None:
    """InputError if the source is no picture array, no Footage, and no file that is there.  folders: whether a folder
    of photos will do, too."""
    if isinstance(source, (np.ndarray, Footage)):
        return
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"the source is a {type(source).__name__}; give the path of a photo or video, or an array "
                         "(height, width, 3) uint8 RGB.")
    if folders and Path(source).is_dir():
        return
    check_file(source, "photo or video")


def read_speech(audio=None, text: str | None = None, *, needed: bool = True) -> Speech:
    """What is said, from exactly one of a sound (path or samples) and a text; neither is fine if not `needed`.

    Raises InputError: both, none, not readable, too short, silent, extra `voice` missing.
    """
    from tfg.media.audio import check_audible, load_audio

    if audio is not None and text is not None:
        raise InputError("both a sound and a text were given; leave one of them out.")
    if isinstance(audio, Speech):
        check_audible(audio.audio, "the sound")
        return audio
    if text is not None:
        from tfg.speech.voice import speak

        y, phones = speak(text)
        check_audible(y, "the spoken text")
        return Speech(y, phones)
    if audio is None:
        if needed:
            raise InputError("there is nothing to say: give a sound (--audio), a text (--text) or a motion (--motion).")
        return Speech()
    if isinstance(audio, (str, os.PathLike)):
        y, name = load_audio(audio), Path(audio).name
    else:
        y, name = np.asarray(audio), "the sound"
        if np.issubdtype(y.dtype, np.integer):               # 16-bit samples and their kind
            y = y / -float(np.iinfo(y.dtype).min or -np.iinfo(y.dtype).max)
        y = y.astype(np.float32)
        if y.ndim != 1 or len(y) and np.abs(y).max() > 2:
            raise InputError(f"the sound is an array of shape {y.shape} with values up to {np.abs(y).max():.3g}; give "
                             "(N,) samples in [-1, 1] at 16 kHz.")
    check_audible(y, name)
    return Speech(y)


def load_motion(motion):
    """A Motion, from its file if need be; None stays None.  Raises InputError if nothing was measured in it."""
    from tfg.media.motion import Motion, check

    if motion is None:
        return None
    read = check(motion) if isinstance(motion, Motion) else Motion.load(motion)
    if not np.isfinite(read.expression).any() and not np.isfinite(read.pose).any():
        raise InputError(f"the motion has no frames in which anything was measured ({len(read)} in all); make one with "
                         "`tfg measure VIDEO --out M.npz`.")
    return read


def is_shipped_face(source) -> bool:
    """Whether the source is one of the synthetic faces that ship with tfg, which need no badge."""
    from tfg import paths

    return isinstance(source, (str, os.PathLike)) and \
        Path(source).resolve().is_relative_to(paths.data("faces").resolve())


def temporary_video(suffix: str = ".mp4") -> Path:
    """A new file for a video, gone when Python ends."""
    handle, name = tempfile.mkstemp(suffix=suffix, dir=_temporary_folder())
    os.close(handle)
    return Path(name)


@lru_cache(maxsize=1)
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tfg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
