"""Opening of picture files: photos, animations, and the photo among several pages.

Pillow opens every format of pictures, HEIC by its plugin pi-heif. FFmpeg opens many of these files too, but as films:
of a HEIC it would show only the first tile. The module is private to tfg.media.image and tfg.media.video.
"""
from __future__ import annotations

import io
import os
import struct
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np

ANIMATED = {"GIF", "PNG", "WEBP", "AVIF", "FLI"}
"""Formats whose frames follow each other in time; in other formats, frames are pages, layers or further sizes."""
PNG_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def open_picture(path: str | os.PathLike, *, load: bool = False):
    """Open a picture as a Pillow image, at the page of its photo.  load: decode it now.

    Raises Pillow's errors: OSError, ValueError, SyntaxError, Image.DecompressionBombError.
    """
    _know_heic()
    try:
        return _opened(path, load)
    except ValueError:
        # Pillow refuses a PNG with a text of more than 1 MB, as image generators write
        if not _is_png(path):
            raise
        return _opened(_png_without_text(path), load)


def _opened(file, load: bool):
    """Open a file with Pillow, at the page of its photo."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)    # read_image checks the size
        image = Image.open(file)
    try:
        if image.format == "TIFF":
            pages = photo_pages(image)
            image.seek(pages[0])
        if load:
            image.load()
    except BaseException:
        image.close()
        raise
    return image


@lru_cache(maxsize=1)
def _know_heic() -> None:
    """Register the reader of HEIC with Pillow."""
    import pi_heif

    pi_heif.register_heif_opener()


def picture_kind(path: str | os.PathLike) -> str | None:
    """Kind of a picture file by its content: "photo", "animation", or None for other files and missing ones."""
    from PIL import Image

    try:
        with open_picture(path) as image:
            if image.format == "MPEG":                        # Pillow recognises this film but cannot read it
                return None
            return "animation" if n_frames(image) > 1 else "photo"
    except Image.DecompressionBombError:
        return "photo"
    except (OSError, ValueError, SyntaxError):
        return "photo" if still_container(path) else None


def n_frames(image) -> int:
    """Number of an animation's frames; 1 for photos, also for those with layers, thumbnails or a stereo picture."""
    return getattr(image, "n_frames", 1) if image.format in ANIMATED else 1


def photo_pages(image) -> list[int]:
    """Numbers of the pages of a TIFF that are photos, not thumbnails, smaller copies or masks; at least one."""
    sizes, marked = [], []
    for k in range(getattr(image, "n_frames", 1)):
        image.seek(k)
        sizes.append(max(image.size))
        kind = image.tag_v2.get(254, {2: 1}.get(image.tag_v2.get(255), 0))     # NewSubfileType, or the older tag
        marked.append(bool(kind & 5))                                          # 1: a smaller copy, 4: a mask
    image.seek(0)
    largest = max((s for s, m in zip(sizes, marked) if not m), default=max(sizes))
    pages = [k for k, s in enumerate(sizes) if not marked[k] and 2 * s > largest]
    return pages or [int(np.argmax(sizes))]


def is_camera_raw(image) -> bool:
    """True if an image is a camera's raw file (DNG, NEF and the like), of which Pillow reads only a thumbnail."""
    if image.format != "TIFF":
        return False
    thumbnail_of_more = image.tag_v2.get(254, 0) & 1 and 330 in image.tag_v2         # SubIFDs hold the photo
    return bool(50706 in image.tag_v2 or thumbnail_of_more)                          # DNGVersion


def still_container(path: str | os.PathLike) -> bool:
    """True if the file is an ISO container (HEIC, AVIF and the like) with pictures and no film."""
    boxes: list[bytes] = []
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            while file.tell() + 8 <= size and len(boxes) < 64:
                start = file.tell()
                length, name = struct.unpack(">I4s", file.read(8))
                if length == 1:
                    length = int.from_bytes(file.read(8), "big")
                boxes.append(name)
                if boxes[0] != b"ftyp" or length < 8:         # another kind of file, or the last box
                    break
                file.seek(start + length)
    except OSError:
        return False
    return boxes[:1] == [b"ftyp"] and b"meta" in boxes and b"moov" not in boxes


def _is_png(path) -> bool:
    """True if the file begins as a PNG."""
    try:
        with open(path, "rb") as file:
            return file.read(8) == b"\x89PNG\r\n\x1a\n"
    except OSError:
        return False


def _png_without_text(path) -> io.BytesIO:
    """The bytes of a PNG file without its texts, as a file in memory."""
    data = Path(path).read_bytes()
    kept, at = [data[:8]], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        if data[at + 4:at + 8] not in PNG_TEXT:
            kept.append(data[at:at + 12 + length])
        at += 12 + length
    return io.BytesIO(b"".join(kept))
