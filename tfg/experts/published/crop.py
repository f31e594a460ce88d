"""The square of a frame that a published network looks at, from landmarks."""
from __future__ import annotations

import numpy as np

from tfg.faces.points68 import to_68


def square(points: np.ndarray, scale: float, shift: float = 0.0) -> tuple[np.ndarray, float]:
    """Centre (2,) and side in px of a face's square: `scale` times the longer side of the upright box around the 68
    landmarks of points (478, 2 or 3); its centre lies `shift` such longer sides below the box's (below 0: above)."""
    found = to_68(points)
    low, high = found.min(0), found.max(0)
    longer = float((high - low).max())
    return (low + high) / 2 + [0, shift * longer], longer * scale


def cut(frames: np.ndarray, points: np.ndarray, size: int, scale: float, shift: float = 0.0) -> np.ndarray:
    """The faces of frames (T, S, S, 3) uint8 as (T, size, size, 3) uint8, bilinear, upright as filmed; see `square`.

    points: (T, 478, 2 or 3) px, finite.  What lies outside a frame repeats its border.
    """
    import cv2

    out = np.empty((len(frames), size, size, 3), np.uint8)
    for t, frame in enumerate(frames):
        middle, side = square(points[t], scale, shift)
        step = side / size                                   # px of the frame per px of the crop
        start = middle - step * (size - 1) / 2
        matrix = np.array([[step, 0, start[0]], [0, step, start[1]]])
        out[t] = cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                borderMode=cv2.BORDER_REPLICATE)
    return out
