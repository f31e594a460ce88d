"""Landmarks taken apart into a face seen from the front and a pose, and put together again (Chen et al. 2020).

    points (68, 3) px  --fit-->  Rigid  --canonical-->  face at pose 0, (68, 3) cm  --recompose-->  points in any pose

The audio part speaks of canonical points alone, so a mouth is the same numbers whichever way the head looks; the head's
motion comes from elsewhere, and `turned` and `recompose` lay it over.

Axes are those of a picture: x right, y down, z away from the camera (smaller is nearer), in the same unit. Canonical
points are centimetres about the point between the eyes.
"""
from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from tfg.actors.actor import landmarks68
from tfg.head.model import CAMERA_M, HEAD_WIDTH_M, NECK_PIVOT, Head, angles, rotation

STABLE = (0, 1, 2, 14, 15, 16, *range(27, 36), 36, 39, 42, 45)
"""Landmarks by which a pose is found: upper outline, nose, corners of the eyes. The original's 27 take the outline down
to the jaw and the ends of the brows with them, which speech and feelings move."""
FLIP = np.diag([1.0, -1.0, -1.0])
"""From the head's axes (y up, z towards the camera) to a picture's."""
CM = 100.0
WIDTH_CM, CAMERA_CM = CM * HEAD_WIDTH_M, CM * CAMERA_M
PIVOT = FLIP @ NECK_PIVOT * CM
"""Joint of the neck in canonical points, cm."""
TURN_DEG, SHIFT = 10.0, .1
"""An angle and a shift (head widths) that count alike when poses are compared."""
WORST_P = .75
"""Share of training examples whose reference is the shot with the most different pose, as published."""


_AROUND = np.radians(np.linspace(-100, 100, 9))
SKULL = np.stack([10 * np.sin(_AROUND), 1 - 13.5 * np.cos(_AROUND), np.full(9, 5.0)], 1)
"""(9, 3) canonical points, cm, about where the outline of the hair is: behind the face, near the axis of its turns. No
landmark is there, and a flow that knew the face alone would tear the hair along with it."""
POINTS = 68 + len(SKULL)
"""Points that a flow is told by: landmarks, then those of the skull."""


class Rigid(NamedTuple):
    """A pose in a picture: points = scale * rotation @ canonical + shift.

    rotation: (..., 3, 3).  scale: (...,) px per cm.  shift: (..., 3) px, the place of the point between the eyes.
    """

    rotation: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    def at(self, *k) -> Rigid:
        """The pose of frame k, or of several frames: each array indexed by k."""
        return Rigid(*(np.asarray(x)[k] for x in self))


@functools.lru_cache(maxsize=1)
def template() -> np.ndarray:
    """(68, 3) cm, read-only: the landmarks of the mean head, which has pose 0."""
    out = landmarks68(Head.load().landmark_points() @ FLIP * CM)
    out.setflags(write=False)
    return out


def fit(points: np.ndarray) -> Rigid:
    """The pose of landmarks: the similarity that brings the mean head's stable points closest to theirs.

    points: (..., 68, 3) px, z in the same scale.  NaN points give a pose of NaN.  Raises ValueError for other shapes.
    Kabsch 1976 with the scale of Umeyama 1991; never a reflection.
    """
    points = np.asarray(points, float)
    if points.shape[-2:] != (68, 3):
        raise ValueError(f"points are (..., 68, 3), got {points.shape}")
    flat = points.reshape(-1, 68, 3)
    rigid = Rigid(np.full((len(flat), 3, 3), np.nan), np.full(len(flat), np.nan), np.full((len(flat), 3), np.nan))
    a = template()[list(STABLE)].astype(float)
    middle = a.mean(0)
    for k, one in enumerate(flat[:, list(STABLE)]):
        if not np.isfinite(one).all():
            continue
        b = one - one.mean(0)
        u, d, vt = np.linalg.svd(b.T @ (a - middle))
        sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])           # excludes reflections
        rigid.rotation[k] = (u * sign) @ vt
        rigid.scale[k] = (d * sign).sum() / ((a - middle) ** 2).sum()
        rigid.shift[k] = one.mean(0) - rigid.scale[k] * rigid.rotation[k] @ middle
    shape = points.shape[:-2]
    return Rigid(rigid.rotation.reshape(*shape, 3, 3), rigid.scale.reshape(shape), rigid.shift.reshape(*shape, 3))


def canonical(points: np.ndarray, rigid: Rigid) -> np.ndarray:
    """The face as it is seen from the front: (..., 68, 3) px -> (..., 68, 3) float32 cm."""
    away = np.asarray(points, float) - rigid.shift[..., None, :]
    return (away @ rigid.rotation / np.asarray(rigid.scale)[..., None, None]).astype(np.float32)


def recompose(face: np.ndarray, rigid: Rigid) -> np.ndarray:
    """Canonical points in a pose, the inverse of `canonical`: (..., 68, 3) cm -> (..., 68, 3) float32 px."""
    turned = np.asarray(face, float) @ np.swapaxes(rigid.rotation, -1, -2)
    return (np.asarray(rigid.scale)[..., None, None] * turned + rigid.shift[..., None, :]).astype(np.float32)


def with_skull(points: np.ndarray, rigid: Rigid) -> np.ndarray:
    """Landmarks (..., 68, 3) px and the skull's points in the same pose: (..., POINTS, 3) float32."""
    skull = recompose(np.broadcast_to(SKULL, (*np.shape(points)[:-2], *SKULL.shape)), rigid)
    return np.concatenate([np.asarray(points, np.float32), skull], -2)


def turned(rest: Rigid, pose: np.ndarray) -> Rigid:
    """A pose moved about the neck, as actors and portraits move.

    rest: of one frame, or of as many as there are poses.  pose: (..., 6) as `tfg.vocabulary.POSE`, relative to it.
    """
    pose = np.asarray(pose, float)
    turns = np.stack([FLIP @ rotation(*p[:3]) @ FLIP for p in pose.reshape(-1, 6)]).reshape(*pose.shape[:-1], 3, 3)
    neck = rest.rotation @ PIVOT
    away = neck - (turns @ neck[..., None])[..., 0] + pose[..., 3:] @ FLIP * WIDTH_CM      # cm; of the eyes
    scale = rest.scale / np.maximum(1 + away[..., 2] / CAMERA_CM, .2)                      # nearer is larger
    return Rigid(turns @ rest.rotation, scale, rest.shift + np.asarray(rest.scale)[..., None] * away)


def pose_of(rigid: Rigid, rest: Rigid) -> np.ndarray:
    """The pose (..., 6) that leads from `rest` to `rigid`: the inverse of `turned`. float32."""
    turns = rigid.rotation @ np.swapaxes(rest.rotation, -1, -2)
    neck = rest.rotation @ PIVOT
    away = (rigid.shift - rest.shift) / np.asarray(rest.scale)[..., None]
    away[..., 2] = CAMERA_CM * (rest.scale / rigid.scale - 1)             # a landmarker's depth has no origin
    moved = (away - neck + (turns @ neck[..., None])[..., 0]) @ FLIP / WIDTH_CM
    flat = (FLIP @ turns @ FLIP).reshape(-1, 3, 3)
    yaw = np.stack([angles(r) if np.isfinite(r).all() else np.full(3, np.nan) for r in flat])
    return np.concatenate([yaw.reshape(*turns.shape[:-2], 3), moved], -1).astype(np.float32)


def apart(a: Rigid, b: Rigid) -> np.ndarray:
    """How different two poses are, (...,): 1 is `TURN_DEG` degrees or `SHIFT` head widths.  Broadcasts."""
    trace = np.trace(np.swapaxes(a.rotation, -1, -2) @ b.rotation, axis1=-2, axis2=-1)
    turn = np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
    shift = np.linalg.norm((a.shift - b.shift)[..., :2], axis=-1) / (WIDTH_CM * np.asarray(a.scale))
    return turn / TURN_DEG + shift / SHIFT


def choose(target: Rigid, shots: Rigid, *, worst: bool = False) -> int:
    """Number of the shot whose pose is closest to the target's, or, for training alone, most different.

    target: one pose.  shots: (K,) poses. The original's test branch keeps the worst one, too; here nothing but the
    training's data asks for it.
    """
    far = apart(shots, Rigid(*(np.asarray(x)[None] for x in target)))
    return int(np.argmax(far) if worst else np.argmin(far))


def of_478(points: np.ndarray) -> np.ndarray:
    """MediaPipe's landmarks (..., 478, 3) px as the 68 of this module, (..., 68, 3)."""
    points = np.asarray(points, np.float32)
    flat = points.reshape(-1, *points.shape[-2:])
    return landmarks68(flat).reshape(*points.shape[:-2], 68, 3)
