"""Head pose: its convention, in degrees and head widths, and its computation from landmarks.

Axes: x to the right of the picture, y up, z towards the camera. Yaw > 0 turns the face towards the right of the picture
(the person's left), pitch > 0 lifts the chin, roll > 0 tilts the head clockwise as one sees it. The rotation is
R = Ry(yaw) Rx(-pitch) Rz(-roll): first roll in the face's own plane, then pitch, then yaw.
"""
from __future__ import annotations

import numpy as np

HEAD_WIDTH_CM = 15.0
"""Width of the rigid head below from ear to ear; it is the unit of translations."""
VERTICAL_FOV_DEG = 63.0
"""Vertical field of view of the camera that MediaPipe's face geometry assumes for every picture. Only tz depends on
it."""
LEVEL_DEG = 7.4
"""Median pitch of 355 frontal portraits relative to MediaPipe's canonical head, whose own zero looks slightly up."""

# Landmarks that expressions hardly move, in MediaPipe's canonical head (cm; Apache-2.0, canonical_face_model.obj), with
# the weights of its own pose solver: number in the picture's left half, number of the mirror point, x, y, z, weight.
_RIGID = np.array([
    (4, 4, 0.00, -0.46, 7.59, .071), (6, 6, 0.00, 2.47, 5.79, .032), (10, 10, 0.00, 8.26, 4.48, .008),
    (33, 263, -4.45, 2.66, 3.17, .059), (54, 284, -6.28, 6.62, 1.43, .008), (67, 297, -3.52, 8.01, 3.73, .009),
    (117, 346, -5.26, 0.95, 2.97, .010), (119, 348, -3.30, 0.86, 3.87, .015), (121, 350, -1.82, 1.47, 4.22, .019),
    (127, 356, -7.74, 2.36, -2.01, .005), (129, 358, -1.79, -0.98, 4.85, .121), (132, 361, -7.27, -2.89, -2.25, .006),
    (133, 362, -1.86, 2.59, 3.76, .053), (136, 365, -5.09, -7.18, 0.71, .067), (143, 372, -6.41, 2.24, 1.56, .015),
    (147, 376, -6.23, -1.94, 1.66, .014), (198, 420, -1.25, 0.23, 5.68, .025), (205, 425, -3.83, -1.54, 4.14, .047),
])


def rotation_matrix(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation matrix (3, 3) of yaw, pitch and roll in degrees."""
    a, b, c = np.radians([yaw, -pitch, -roll])
    ry = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    rx = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return ry @ rx @ rz


def angles(rotation: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll, (3,) degrees, of a rotation (3, 3); the inverse of `rotation_matrix` for |pitch| < 90."""
    r = np.asarray(rotation, float)
    yaw = np.arctan2(r[0, 2], r[2, 2])                   # column 2 is the direction in which the face looks
    pitch = np.arcsin(np.clip(r[1, 2], -1, 1))
    roll = -np.arctan2(r[1, 0], r[1, 1])                 # row 1 holds the heights of the head's axes
    return np.degrees([yaw, pitch, roll])


def _rigid_head() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rigid head: landmark numbers (33,), positions (33, 3) in cm with the level head at pitch 0, and weights (33,)
    that sum to 1."""
    pairs = _RIGID[_RIGID[:, 0] != _RIGID[:, 1]]
    index = np.concatenate([_RIGID[:, 0], pairs[:, 1]]).astype(int)
    xyz = np.concatenate([_RIGID[:, 2:5], pairs[:, 2:5] * [-1, 1, 1]])
    weight = np.concatenate([_RIGID[:, 5], pairs[:, 5]])
    return index, xyz @ rotation_matrix(0, -LEVEL_DEG, 0).T, weight / weight.sum()


_INDEX, _HEAD, _WEIGHT = _rigid_head()
_HEAD_MEAN = _WEIGHT @ _HEAD


def rigid_fit(points: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Fit a rigid head to the landmarks by a similarity q ~ s R p + t, in weighted least squares.

    points: (478, 3) px, MediaPipe's.  Returns R (3, 3), s in px per cm, and t (3,) px with y up, the place of the
    canonical head's origin.  Kabsch 1976, with the scale of Umeyama 1991.
    """
    q = np.asarray(points, float)[_INDEX] * [1, -1, -1]                    # to the axes of this module
    q_mean = _WEIGHT @ q
    p = _HEAD - _HEAD_MEAN
    u, d, vt = np.linalg.svd((_WEIGHT[:, None] * (q - q_mean)).T @ p)
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])                # excludes reflections
    rotation = (u * sign) @ vt
    scale = float((d * sign).sum() / (_WEIGHT @ (p ** 2).sum(1)))
    return rotation, scale, q_mean - scale * rotation @ _HEAD_MEAN


def from_points(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pose (6,) float32, `vocabulary.POSE`, of MediaPipe's points (478, 3) px in a picture of `size` (height, width).

    Angles come from the shape of the face alone, so that they do not change when the picture is cropped or the face
    moves across it (those of MediaPipe's own matrix change by several degrees). Translations are those of the head's
    centre in head widths: tx right and ty up from the picture's centre; tz is minus the distance from a camera with a
    vertical field of view of 63 degrees.
    """
    rotation, scale, at = rigid_fit(points)
    head_px = scale * HEAD_WIDTH_CM
    focal_px = size[0] / (2 * np.tan(np.radians(VERTICAL_FOV_DEG / 2)))
    shift = (at[0] - size[1] / 2) / head_px, (at[1] + size[0] / 2) / head_px, -focal_px / head_px
    return np.array([*angles(rotation), *shift], np.float32)
