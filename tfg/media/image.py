"""Reading of still pictures: any photo becomes (H, W, 3) uint8 RGB, upright, in sRGB."""
from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic, check_file
from tfg.media.colour import by_profile, is_plain, to_srgb
from tfg.media.picture_file import is_camera_raw, n_frames, open_picture, photo_pages, picture_kind, still_container

MAX_PIXELS = 40_000_000
MAX_SIDE = 7679
"""Longest side and number of pixels of a picture that is read: below 8k, which is more than any face needs."""


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read a photo as (H, W, 3) uint8 RGB, turned upright by its EXIF rotation, in sRGB by its ICC profile.

    Grey, palette, 16-bit and CMYK pictures are converted; transparent ones are laid over white.
    Raises InputError if the file is missing, no picture, cut off, animated, of several pages, a camera's raw file, or
    too large (long side over 7679 px or more than 40 megapixels).
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = check_file(path, "image")
    try:
        image = open_picture(path)
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is far too large ({error}); make it at most 4000 pixels wide.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        if still_container(path):
            raise InputError(f"{path} is a photo of a kind that cannot be read here (HEIC, AVIF or akin), or it is cut "
                             "off; save it as JPEG or PNG.") from error
        raise InputError(f"{path} is no image or video that can be read; give a JPEG, PNG, WebP, TIFF, HEIC or "
                         "BMP file, or a video.") from error
    with image:
        width, height = image.size
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise InputError(f"{path} is {width} x {height} pixels; the limit is {MAX_SIDE} on the long side and "
                             f"{MAX_PIXELS // 10**6} megapixels: make it smaller, 2000 pixels are plenty for a face.")
        if n_frames(image) > 1:
            raise InputError(f"{path} is an animation of {n_frames(image)} frames, not a photo; pass it where a video "
                             "is expected, or save one frame of it as a picture.")
        if is_camera_raw(image):
            raise InputError(f"{path} is a camera's raw file; export the photo from it as JPEG or PNG.")
        if image.format == "TIFF" and len(pages := photo_pages(image)) > 1:
            raise InputError(f"{path} is a document of {len(pages)} pages; save the one with the photo as a picture.")
    try:
        with open_picture(path, load=True) as image:
            return np.ascontiguousarray(to_rgb(ImageOps.exif_transpose(image), path.name))
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError) as error:
        raise InputError(f"{path} is cut off or corrupt ({str(error).rstrip('.').lower()}); copy or download it "
                         "again.") from error


def smaller(picture: np.ndarray, factor: int) -> np.ndarray:
    """Divide the sides of a picture (H, W, 3) uint8 by `factor`; each new pixel is the mean of those it replaces."""
    if factor == 1:
        return picture
    import cv2

    size = [max(1, side // factor) for side in picture.shape[1::-1]]
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)


def resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize a picture (H, W) or (H, W, C) to that size in px, by area means if it shrinks, else bicubic."""
    import cv2

    down = width < picture.shape[1]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if down else cv2.INTER_CUBIC)


def write_image(picture: np.ndarray, path: str | os.PathLike) -> Path:
    """Write a picture (H, W, 3) uint8 as .png or .jpg (quality 95), whole or not at all.  Returns the path."""
    from PIL import Image

    kind = "PNG" if str(path).lower().endswith(".png") else "JPEG"
    with atomic(Path(path)) as part:
        Image.fromarray(picture).save(part, format=kind, quality=95)
    return Path(path)


def to_rgb(image, name: str) -> np.ndarray:
    """Convert any loaded Pillow image to (H, W, 3) uint8 in sRGB.  name: its name in warnings about its colours."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # Pillow would clip 16-bit grey to 255 instead of scaling it
        values = np.asarray(image).astype(np.float64)
        values = np.nan_to_num(values)
        top = values.max(initial=0)
        scale = 255 if image.mode == "F" and top <= 1 else 1 if top <= 255 and image.mode == "F" else 255 / 65535
        grey = np.clip(np.round(values * scale), 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        info, image = image.info, image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
        image.info = {k: v for k, v in info.items() if k != "transparency"}
        white = Image.new("RGBA", image.size, "white")
        image = Image.fromarray(_srgb(image, name))
        image.putalpha(alpha)
        return np.asarray(Image.alpha_composite(white, image).convert("RGB"))
    return _srgb(image, name)


def _srgb(image, name: str) -> np.ndarray:
    """Convert a Pillow image without transparency to (H, W, 3) uint8, by its ICC profile or H.273 numbers (HEIC)."""
    rgb = np.asarray(by_profile(image if image.mode in ("RGB", "L", "CMYK") else _plain(image), name).convert("RGB"))
    numbers = image.info.get("nclx_profile")
    if numbers and not image.info.get("icc_profile"):
        transfer, primaries = int(numbers["transfer_characteristics"]), int(numbers["color_primaries"])
        if not is_plain(transfer, primaries):
            return to_srgb(rgb.astype(np.uint16) * 257, transfer, primaries)
    return rgb


def _plain(image):
    """Convert an image (palette, LAB, YCbCr, black and white) to RGB and keep its metadata."""
    out = image.convert("RGB")
    out.info = image.info
    return out


def is_image(path: str | os.PathLike) -> bool:
    """True if the file's content is one still picture; False for animations and missing files."""
    return picture_kind(path) == "photo"
