"""Still pictures in: any photo becomes (H, W, 3) uint8 RGB, upright."""
from __future__ import annotations

import os
import warnings

import numpy as np

from tfg.errors import InputError
from tfg.files import check_file

MAX_PIXELS = 40_000_000
MAX_SIDE = 7679
"""One pixel short of 8k. A face never needs that much, and a mistyped file should not fill the memory."""


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read a photo.

    Returns (H, W, 3) uint8 RGB, turned upright by its EXIF rotation. Grey, palette, 16-bit and CMYK pictures are
    converted; transparent ones are laid over white.
    Raises InputError if it is missing, no picture, cut off, animated, or 8k and above (long side over 7679 px or more
    than 40 megapixels).
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = check_file(path, "image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked below
            image = Image.open(path)
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is far too large ({error}); make it at most 4000 pixels wide.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path} is no image or video that can be read; give a JPEG, PNG, WebP, TIFF or "
                         "BMP file, or a video.") from error
    with image:
        width, height = image.size
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise InputError(f"{path} is {width} x {height} pixels; the limit is {MAX_SIDE} on the long side and "
                             f"{MAX_PIXELS // 10**6} megapixels: make it smaller, 2000 pixels are plenty for a face.")
        n = _n_frames(image)
        if n > 1:
            raise InputError(f"{path} is an animation of {n} frames, not a photo; pass it where a video is expected, "
                             "or save one frame of it as a picture.")
        try:
            image.load()
            image = ImageOps.exif_transpose(image)
            return np.ascontiguousarray(_to_rgb(image))
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError) as error:
            raise InputError(f"{path} is cut off or corrupt ({str(error).rstrip('.').lower()}); copy or download it "
                             "again.") from error


def _n_frames(image) -> int:
    """Frames of an animation. A phone's JPEG with a second picture in it (format MPO) is one photo."""
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def _to_rgb(image) -> np.ndarray:
    """Any Pillow image -> (H, W, 3) uint8."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # Pillow would clip 16-bit grey to 255 instead of scaling it
        values = np.asarray(image).astype(np.float64)
        values = np.nan_to_num(values)
        top = values.max(initial=0)
        scale = 255 if image.mode == "F" and top <= 1 else 1 if top <= 255 and image.mode == "F" else 255 / 65535
        grey = np.clip(np.round(values * scale), 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def is_image(path: str | os.PathLike) -> bool:
    """Whether the file holds one still picture, judged by its content.  Missing files and animations are none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _n_frames(image) == 1
    except Image.DecompressionBombError:
        return True
    except (OSError, ValueError, SyntaxError):
        return False
