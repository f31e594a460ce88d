"""Display of a decoded picture: rotation, mirroring and pixel shape as the file asks. Private to tfg.media.video.

Phones store pictures in the sensor's orientation with a matrix that turns them upright; camcorders store pixels that
are wider than high. Players apply both, so that a face is upright and not squeezed.
"""
from __future__ import annotations

from fractions import Fraction

import numpy as np

WIDEST_PIXEL = 4
"""Largest ratio of a pixel's sides; a larger one comes from a broken header, and the pixels count as square."""
DISPLAY_MATRIX = "DISPLAYMATRIX"


def display_matrix(frame) -> np.ndarray | None:
    """The display matrix of an av.VideoFrame, (2, 2), or None if it has none.

    Its rows are the directions on screen (x right, y down) of one step right and one step down in the stored picture.
    """
    for data in frame.side_data:
        if data.type.name == DISPLAY_MATRIX:
            values = np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2]
            return values / 65536
    return None


def upright(picture: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """Turn a picture in steps of 90 degrees and mirror it by its display matrix.

    picture: (H, W, C).  matrix: from `display_matrix`.  Returns a view, (W, H, C) after a quarter turn.
    """
    if matrix is None:
        return picture
    (a, b), (c, d) = matrix
    if turns(matrix):
        picture, a, d = picture.swapaxes(0, 1), c, b
    if a < 0:
        picture = picture[:, ::-1]
    return picture[::-1] if d < 0 else picture


def turns(matrix: np.ndarray | None) -> bool:
    """True if the display matrix swaps width and height."""
    return matrix is not None and abs(matrix[0, 1]) + abs(matrix[1, 0]) > abs(matrix[0, 0]) + abs(matrix[1, 1])


def rotation_deg(matrix: np.ndarray | None) -> int:
    """Degrees counterclockwise by which the stored picture must be turned, a multiple of 90.

    A mirrored picture is first mirrored left to right, then turned.
    """
    if matrix is None:
        return 0
    (a, b), (c, d) = matrix
    if a * d - b * c < 0:                                     # mirrored: remove that first
        a, b = -a, -b
    if turns(matrix):
        return 90 if b < 0 else 270
    return 0 if a > 0 else 180


def square_size(height: int, width: int, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Height and width in px of the stored picture with square pixels.

    The shorter direction is enlarged, so that nothing is lost, to an even number of pixels, as films need.
    pixel_aspect: a pixel's width over its height, or None (square).
    """
    if not pixel_aspect or pixel_aspect == 1 or not Fraction(1, WIDEST_PIXEL) <= pixel_aspect <= WIDEST_PIXEL:
        return height, width
    if pixel_aspect >= 1:
        return height, 2 * round(width * pixel_aspect / 2)
    return 2 * round(height / pixel_aspect / 2), width
