"""Inputs of networks that read a face: an upright crop of its pixels, and its landmarks in the head's own axes."""
from __future__ import annotations

import numpy as np

from tfg.faces.align import warp
from tfg.faces.pose import rigid_fit

SIZE = 64
"""Side of a crop in px."""
SIDE_CM = 15.0
"""Side of a crop in centimetres of MediaPipe's canonical head: it reaches from above the brows to the chin."""
CENTRE = np.array([0.0, -1.4, 5.0])
"""Point of the canonical head at the middle of a crop: x right, y up, z towards the camera, cm."""


def crop(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Cut out a face upright: (SIZE, SIZE, 3) uint8. Its size follows rigid parts of the face, not the jaw.

    image: (H, W, 3) uint8.  points: (478, 3) px, MediaPipe's.
    """
    rotation, scale, at = rigid_fit(points)
    x, y, _ = scale * rotation @ CENTRE + at
    zoom = SIZE / (SIDE_CM * scale)
    up = rotation[:2, 1] / max(np.hypot(*rotation[:2, 1]), 1e-6)           # the head's vertical, in the picture (y up)
    linear = zoom * np.array([[up[1], up[0]], [-up[0], up[1]]])            # maps (up.x, -up.y), y down, to (0, -1)
    shift = np.array([(SIZE - 1) / 2] * 2) - linear @ [x, -y]
    return warp(image, np.column_stack([linear, shift]), SIZE)


def in_head(points: np.ndarray) -> np.ndarray:
    """Landmarks (T, 478, 3) px in the axes of MediaPipe's canonical head: (T, 478, 3) float32 cm, without the head's
    rotation, translation and scale. Frames of NaN stay NaN."""
    out = np.full(np.shape(points), np.nan, np.float32)
    for t, p in enumerate(np.asarray(points, float)):
        if np.isfinite(p).all():
            rotation, scale, at = rigid_fit(p)
            out[t] = (p * [1, -1, -1] - at) @ rotation / scale
    return out
