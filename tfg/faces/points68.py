"""Conversion of MediaPipe's 478 landmarks to the classic 68 (the scheme of 300-W, dlib and FAN)."""
from __future__ import annotations

import numpy as np

JAW = ((127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152),
       (356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152))
"""MediaPipe's landmarks of the outline from each temple (the picture's left first) down to the chin, 152."""
INNER = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300,              # 17-26 brows, from the picture's left
         168, 197, 5, 4, 98, 97, 2, 326, 327,                        # 27-35 bridge, then under the nostrils
         33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # 36-47 eyes
         61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91,         # 48-59 outer lips
         78, 81, 13, 311, 308, 402, 14, 178)                         # 60-67 inner lips
GROUPS = {"jaw": range(0, 17), "brows": range(17, 27), "nose": range(27, 36), "eyes": range(36, 48),
          "mouth": range(48, 68)}


def along(line: np.ndarray, n: int) -> np.ndarray:
    """n points, (n, D), spaced evenly by arc length on a polyline (N, D), its ends included."""
    line = np.asarray(line, float)
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0, s[-1], n)
    return np.stack([np.interp(at, s, column) for column in line.T], 1)


def to_68(points: np.ndarray) -> np.ndarray:
    """Convert MediaPipe's landmarks (478, 2 or 3) to the classic 68, (68, 2) float32, or (T, 478, .) to (T, 68, 2).

    The jaw cannot be taken from a table: the two schemes space its points differently, and published tables are off by
    up to 30 % of the eye distance. So each side of the outline is divided into eight equal lengths; point 8 is the
    chin.  Raises ValueError for another shape.
    """
    points = np.asarray(points)
    if points.ndim == 3:
        return np.stack([to_68(p) for p in points])
    if points.shape[0] < 468 or points.shape[1] < 2:
        raise ValueError(f"MediaPipe's points have shape (478, 3), got {points.shape}")
    xy = points[:, :2]
    sides = [along(xy[list(side)], 9) for side in JAW]
    jaw = np.concatenate([sides[0], sides[1][-2::-1]])
    return np.concatenate([jaw, xy[list(INNER)]]).astype(np.float32)


def half_sides(points: np.ndarray, size: int) -> np.ndarray:
    """Points (..., P, 2 or 3) px as (..., P, 2) float32, half sides of a picture of `size` px from its middle."""
    return ((np.asarray(points, np.float32)[..., :2] + .5) * (2 / size) - 1).astype(np.float32)
