"""Animations (GIF, APNG, WebP, AVIF) as frames with times, read by Pillow; FFmpeg reads only some of them completely.

The module is private to tfg.media.video.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.media.film_index import Index
from tfg.media.image import to_rgb
from tfg.media.picture_file import n_frames, open_picture

MIN_DELAY_S, USUAL_DELAY_S = 0.011, 0.1
"""A frame whose time on screen is below the first of these is shown for the second instead, as in browsers."""


def animation_index(path: Path) -> Index:
    """The `Index` of an animation: the time of each frame in milliseconds. All frames are decoded for it."""
    stamps: list[tuple[float, float]] = []
    for _, at, lasts in animation_frames(path):
        stamps.append((round(at * 1000), round(lasts * 1000)))
    return Index(stamps, None, Fraction(1, 1000), Fraction(0), 1000 / stamps[0][1])


def animation_frames(path: str | os.PathLike) -> Iterator[tuple[np.ndarray, float, float]]:
    """Yield an animation's frames in order: ((H, W, 3) uint8 RGB, start in seconds, duration in seconds).

    Raises InputError for a damaged file.
    """
    second = 0.0
    try:
        with open_picture(path) as image:
            for k in range(n_frames(image)):
                image.seek(k)
                image.load()                                  # WebP and AVIF give the duration only after this
                lasts = float(image.info.get("duration") or 0) / 1000
                lasts = USUAL_DELAY_S if lasts < MIN_DELAY_S else lasts
                yield to_rgb(image, Path(path).name), second, lasts
                second += lasts
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError) as error:
        raise InputError(f"{path} is cut off or corrupt ({str(error).rstrip('.').lower()}); copy or download it "
                         "again.") from error
