"""Landmarks drawn as a picture: the labels of SPADE, and what the encoders of landmarks see."""
from __future__ import annotations

import numpy as np

LINE, RING, FILLED = range(3)
LINES = (((range(0, 17), LINE), (range(17, 22), LINE), (range(22, 27), LINE), (range(27, 31), LINE),
          (range(31, 36), LINE)),
         ((range(36, 42), FILLED), (range(42, 48), FILLED), (range(48, 60), RING)),
         ((range(60, 68), FILLED),))
"""What is drawn on each colour plane: outline, brows and nose; eyes and outer lips; the inside of the mouth."""
CHANNELS = len(LINES)
INSIDE = 2
"""The plane of the mouth's inside."""
_BITS = 4


def draw(points: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 3) uint8, lines of landmarks (68 or more, 2 or 3) px; eyes and the open mouth are filled."""
    import cv2

    planes = []
    at = np.round(np.asarray(points, float)[:, :2] * (1 << _BITS)).astype(np.int32)
    for lines in LINES:
        out = np.zeros((size, size), np.uint8)
        for which, how in lines:
            part = at[list(which)]
            if how == FILLED:
                cv2.fillPoly(out, [part], 255, cv2.LINE_AA, _BITS)
            else:
                cv2.polylines(out, [part], how == RING, 255, max(1, size // 128), cv2.LINE_AA, _BITS)
        planes.append(out)
    return np.stack(planes, -1)


def many(points: np.ndarray, size: int) -> np.ndarray:
    """(..., 3, size, size) uint8 of landmarks (..., 68 or more, 2 or 3) px."""
    flat = np.asarray(points).reshape(-1, *np.shape(points)[-2:])
    out = np.stack([draw(p, size) for p in flat]).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(out).reshape(*np.shape(points)[:-2], CHANNELS, size, size)
