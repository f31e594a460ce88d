"""What is put behind a person: nothing (transparent), a colour, or a picture."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError

TRANSPARENT = "transparent"


def check_background(value: Any) -> Any:
    """The value, if it is "transparent", a colour that Pillow knows (white, #00ff00), a file that is there, an array
    (H, W, 3) uint8, or None.  Raises InputError."""
    if isinstance(value, np.ndarray):
        if value.ndim == 3 and value.shape[2] == 3 and value.dtype == np.uint8:
            return value
        raise InputError(f"the background is an array of shape {value.shape} and type {value.dtype}; give (height, "
                         "width, 3) uint8 RGB.")
    if value is None or value == TRANSPARENT:
        return value
    if colour_of(value) is None and not Path(value).is_file():
        raise InputError(f"the background {os.fspath(value)!r} is neither {TRANSPARENT}, nor a colour such as white or "
                         "#00ff00, nor a picture that is there.")
    return value


def colour_of(value: Any) -> tuple[int, int, int] | None:
    """(red, green, blue) of a colour's name; None for anything else."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(value)[:3]
    except (ValueError, AttributeError, TypeError):
        return None
    return red, green, blue


def background_picture(value: Any, height: int, width: int) -> np.ndarray:
    """A colour or picture as (height, width, 3) uint8; a picture is scaled to cover that, and its middle is shown.
    Raises InputError as `tfg.media.image.read_image`."""
    from tfg.media.image import read_image, resized

    colour = None if isinstance(value, np.ndarray) else colour_of(value)
    if colour is not None:
        return np.full((height, width, 3), colour, np.uint8)
    picture = value if isinstance(value, np.ndarray) else read_image(value)
    scale = max(height / picture.shape[0], width / picture.shape[1])
    size = [max(least, round(side * scale)) for side, least in zip(picture.shape[:2], (height, width))]
    picture = resized(picture, size[1], size[0])
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return np.ascontiguousarray(picture[top:top + height, left:left + width])


def over(person: np.ndarray, alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The person over a background: (H, W, 3) uint8.  person, behind: (H, W, 3) uint8.  alpha: (H, W) in [0, 1]."""
    a = alpha[..., None]
    return (person * a + behind * (1 - a) + .5).astype(np.uint8)


def with_alpha(person: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8: red, green, blue, not multiplied, and the opacity."""
    return np.dstack([person, (alpha * 255 + .5).astype(np.uint8)])
