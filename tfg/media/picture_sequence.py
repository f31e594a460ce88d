"""A film as a folder of PNG pictures, which keep transparency, with its sound beside them as a .wav."""
from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import check_writable, disk_errors, make_folder
from tfg.media.film_names import NUMBER, PICTURES, folder_and_name

SOUND = "sound.wav"


def check_sequence(out: str | os.PathLike, overwrite: bool = False) -> Path:
    """Return the name as a path after a check that its folder may be written.

    Raises InputError if the folder is there already, unless `overwrite` is True; its own folder is missing or not
    writable.
    """
    folder, _ = folder_and_name(out)
    if folder.is_file():
        raise InputError(f"{folder} is a file, but the pictures go into a folder of that name; give another one.")
    if folder.exists() and not overwrite:
        raise InputError(f"the folder {folder} exists already; add --overwrite (overwrite=True), which replaces its "
                         "pictures of the same names, or choose another name.")
    check_writable((folder if folder.exists() else folder.parent) / PICTURES)
    return Path(out)


def write_pictures(out: str | os.PathLike, frames: Iterable[np.ndarray], audio: np.ndarray | None = None, *,
                   progress: Callable[[int], None] | None = None) -> Path:
    """Write frames as PNG files numbered from 1, and the sound as sound.wav (16 kHz). Returns the folder.

    out: a folder, or folder/pattern such as frames/face_%04d.png.  frames: (H, W, 3) uint8 RGB, or (H, W, 4) with
    the opacity.  audio: (N,) float32 at 16 kHz.  progress: function that receives the number of frames written.
    All are written beside the folder and moved into it at the end, so that after an error nothing is left; files of
    other names in the folder stay. Each picture says "AI-generated (tfg)".  Raises InputError as `check_sequence`, and
    if there are no frames.
    """
    from PIL import Image, PngImagePlugin

    from tfg.media.audio import write_wav
    from tfg.media.encode import AI_TAG

    folder, name = folder_and_name(out)
    part = folder.with_name(f".{folder.name[:40]}.{secrets.token_hex(4)}.part")
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", AI_TAG)
    try:
        with disk_errors(folder):
            make_folder(part)
            n = 0
            for n, frame in enumerate(frames, 1):
                Image.fromarray(np.ascontiguousarray(frame)).save(part / (name % n), pnginfo=told, compress_level=3)
                if progress is not None:
                    progress(n)
            if not n:
                raise InputError(f"there are no frames to write to {folder}; give at least one.")
            if audio is not None and len(audio):
                write_wav(part / SOUND, audio)
            if not folder.exists():
                os.replace(part, folder)
                return folder
            for old in _pictures(folder, name):           # of a longer film, say
                old.unlink()
            for new in part.iterdir():
                os.replace(new, folder / new.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _pictures(folder: Path, name: str) -> list[Path]:
    """Pictures of a folder whose names fit the pattern, in order of their numbers."""
    before, after = NUMBER.split(name)
    fits = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found = [(int(m.group(1)), p) for p in folder.iterdir() if (m := fits.fullmatch(p.name))]
    return [p for _, p in sorted(found)]


class PictureFrames(Sequence):
    """The pictures that `write_pictures` wrote, read when they are asked for: (H, W, 3) uint8, or (H, W, 4) with the
    opacity.  out: as given there."""

    def __init__(self, out: str | os.PathLike):
        self.paths = _pictures(*folder_and_name(out))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i):
        from PIL import Image

        if isinstance(i, slice):
            return np.stack([self[k] for k in range(*i.indices(len(self)))])
        with Image.open(self.paths[i]) as image:
            return np.array(image)
