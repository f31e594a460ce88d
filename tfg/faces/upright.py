"""A face brought upright: an even crop of its pixels, and its points in the head's own axes. What networks look at."""
from __future__ import annotations

import numpy as np

from tfg.faces.align import warp
from tfg.faces.pose import rigid_fit

SIZE = 64
"""px of a crop's side."""
SIDE_CM = 15.0
"""What a crop shows, in centimetres of MediaPipe's canonical head: from above the brows to the chin."""
CENTRE = np.array([0.0, -1.4, 5.0])
"""Its middle, in that head: x, y up, z towards the camera, cm."""


def crop(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8: the face upright, as large as its rigid parts say, whatever the jaw does.

    image: (H, W, 3) uint8.  points: (478, 3) px, MediaPipe's.
    """
    rotation, scale, at = rigid_fit(points)
    x, y, _ = scale * rotation @ CENTRE + at
    zoom = SIZE / (SIDE_CM * scale)
    up = rotation[:2, 1] / max(np.hypot(*rotation[:2, 1]), 1e-6)           # the head's vertical, in the picture (y up)
    linear = zoom * np.array([[up[1], up[0]], [-up[0], up[1]]])            # takes (up.x, -up.y), y down, to (0, -1)
    shift = np.array([(SIZE - 1) / 2] * 2) - linear @ [x, -y]
    return warp(image, np.column_stack([linear, shift]), SIZE)


def in_head(points: np.ndarray) -> np.ndarray:
    """(T, 478, 3) px -> the same points in the axes of MediaPipe's canonical head, cm: neither turned, nor moved, nor
    larger. Frames of NaN stay NaN."""
    out = np.full(np.shape(points), np.nan, np.float32)
    for t, p in enumerate(np.asarray(points, float)):
        if np.isfinite(p).all():
            rotation, scale, at = rigid_fit(p)
            out[t] = (p * [1, -1, -1] - at) @ rotation / scale
    return out
