"""The person alone before another background, in the frames of any system; and where such films are written."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.media.background import TRANSPARENT, background_picture, over, with_alpha
from tfg.media.film_names import MP4_SUFFIXES, WEBM_SUFFIX, is_sequence


class Behind:
    """Put a background behind the person in each frame of a film, in order.

    background: "transparent", a colour, a picture's path, or (H, W, 3) uint8.  size: (h, w) of the frames.
    Raises InputError for a picture that cannot be read.
    """

    def __init__(self, background: Any, size: tuple[int, int]):
        transparent = isinstance(background, str) and background == TRANSPARENT
        self._behind = None if transparent else background_picture(background, *size)
        self._matte: Any = None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The person before the background: (h, w, 3) uint8; (h, w, 4) with the opacity if that is transparent.

        frame: (h, w, 3) uint8, in which the person is searched for, or (h, w, 4) of a system that knows the opacity.
        """
        if frame.shape[2] == 4:
            person, alpha = frame[..., :3], frame[..., 3] / np.float32(255)
        else:
            from tfg.faces.matte import Matte, foreground

            self._matte = self._matte or Matte()
            alpha = self._matte(frame)
            person = foreground(frame, alpha)
        return with_alpha(person, alpha) if self._behind is None else over(person, alpha, self._behind)


def chosen_background(options: Any) -> Any:
    """The background that the options name; None for none, and for a system whose options have none."""
    return getattr(options, "background", None)


def suffix_for(background: Any) -> str:
    """The ending of a film that can keep this background."""
    return WEBM_SUFFIX if isinstance(background, str) and background == TRANSPARENT else MP4_SUFFIXES[0]


def check_transparent(background: Any, out: Path | None) -> None:
    """Raise InputError if the frames are transparent, and the file to write cannot keep that."""
    if suffix_for(background) == WEBM_SUFFIX and out is not None and out.suffix.lower() in MP4_SUFFIXES:
        raise InputError(f"{out.name} cannot keep a transparent background; give a name that ends in {WEBM_SUFFIX}, or "
                         "one without an ending for a folder of PNG pictures.")


def write_film(out: Path, frames: Iterable[np.ndarray], audio, *, fps: float, times=None,
               progress: Callable[[int], None] | None = None) -> Path:
    """Write frames as the name says: .mp4 or .webm, or a folder of pictures.  The rest: as `write_video`."""
    from tfg.media.picture_sequence import write_pictures
    from tfg.media.video import write_video

    if is_sequence(out):
        return write_pictures(out, frames, audio, progress=progress)
    return write_video(out, frames, audio, fps=fps, times=times, progress=progress)
