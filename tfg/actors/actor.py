"""What every actor can do, whether its face was built (tfg.actors.virtual) or photographed (tfg.actors.portrait).

An actor turns an expression and a pose into a picture and knows the truth of that picture: landmarks, label map,
depth, and where each pixel travels. Expressions have two meanings, kept apart everywhere: what is *asked* for
(0 is relaxed; performances speak so), and what the face *does* (`personal(asked)`; this is drawn, and it is the truth
that is recorded).
"""
from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from tfg.errors import InputError
from tfg.faces.points68 import to_68

LAYERS = ("background", "skin", "lips", "teeth", "eyes", "hair", "mouth", "clothes")
"""The label map's values, 0 to 7. `mouth` is the dark inside with the tongue; lashes count as eyes, brows and beards
as hair only where they are pieces of their own."""
UNKNOWN = 255
"""The label where a pixel's layer is not known."""
LAYER = {name: i for i, name in enumerate(LAYERS)}
Z_ORIGIN_M = 0.009
"""MediaPipe's z is 0 this far in front of the head's origin (median over 355 portraits, whose slope is 0.99)."""


class Layers(NamedTuple):
    """labels: (h, w) uint8, values of `LAYER` or `UNKNOWN`.  depth: (h, w) float32, metres from the camera, inf where
    there is only background."""

    labels: np.ndarray
    depth: np.ndarray


@runtime_checkable
class Actor(Protocol):
    """Expressions are (52,) as `tfg.vocabulary.EXPRESSION`, absolute (see `personal`); poses (6,) as
    `tfg.vocabulary.POSE`, relative to the actor's own rest. Pixels: x right, y down, centres at whole numbers."""

    name: str
    """As in V001."""
    kind: str
    """"virtual" or "portrait"."""
    seed: int
    size: tuple[int, int]
    """(height, width) of the frames."""
    shape: np.ndarray
    """(K,) identity coefficients of `tfg.head.model.Head`."""
    neutral: np.ndarray
    """(52,) the face at rest: personal(0)."""
    camera: dict
    """scale_px_per_m (at the eyes), shift_px [x, y] of the head's origin, distance_m, and what else defines it."""
    about: dict
    """What the person looks like; anything that JSON can hold."""

    def personal(self, expression: np.ndarray) -> np.ndarray:
        """(..., 52) asked -> (..., 52) absolute: what this face really does."""

    def render(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """(h, w, 3) uint8."""

    def landmarks(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """(478, 3) float32 px, MediaPipe's points; z in px, smaller is nearer, 0 about the head's centre."""

    def layers(self, expression: np.ndarray, pose: np.ndarray | None = None) -> Layers:
        """What is seen where."""

    def flow(self, a: tuple, b: tuple) -> np.ndarray:
        """(h, w, 2) float32 px: how far each pixel of frame a travels to its place in frame b; NaN where that is not
        known. a, b: (expression, pose)."""


def check_size(size: int) -> int:
    """The side of a frame in px. Raises InputError for one that cannot be drawn or encoded."""
    if not isinstance(size, (int, np.integer)) or not 32 <= size <= 1024 or size % 2:
        raise InputError(f"the size is {size} px; give an even number from 32 to 1024.")
    return int(size)


def landmarks68(points: np.ndarray) -> np.ndarray:
    """(68, 3) float32 px of points (478, 3), or (T, 68, 3) of (T, 478, 3): x and y as `tfg.faces.points68` picks them,
    z by the same rule."""
    points = np.asarray(points, np.float32)
    if points.ndim == 3:
        return np.stack([landmarks68(p) for p in points]) if len(points) else np.zeros((0, 68, 3), np.float32)
    xy = to_68(points)
    depth = _z68(points)
    return np.concatenate([xy, depth[:, None]], 1)


def _z68(points):
    """(68,) z of the 68 points: the jaw by the same arc lengths, the rest by the same table."""
    from tfg.faces.points68 import INNER, JAW

    sides = []
    for side in JAW:
        line = points[list(side)]
        s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
        sides.append(np.interp(np.linspace(0, s[-1], 9), s, line[:, 2]))
    return np.concatenate([sides[0], sides[1][-2::-1], points[list(INNER), 2]]).astype(np.float32)


def mediapipe_z(depth: np.ndarray, scale: float) -> np.ndarray:
    """Depth in metres (-q_z, smaller is nearer, 0 at the head's origin) -> z in px as MediaPipe reports it."""
    return ((np.asarray(depth) + Z_ORIGIN_M) * scale).astype(np.float32)


def mesh_flow(xy_a: np.ndarray, depth_a: np.ndarray, xy_b: np.ndarray, triangles: np.ndarray,
              size: tuple[int, int]) -> np.ndarray:
    """Flow from a mesh in two states.

    xy_a, xy_b: (N, 2) px of frame a and b.  depth_a: (N,), smaller is nearer.  triangles: (F, 3).  size: (h, w).
    Returns (h, w, 2) float32 px, NaN where no triangle is seen in frame a.
    """
    from tfg.head.raster import rasterise

    face, bary, _ = rasterise(xy_a, depth_a, triangles, *size)
    step = (np.asarray(xy_b) - xy_a).astype(np.float32)
    seen = face >= 0
    out = np.full((*size, 2), np.nan, np.float32)
    out[seen] = (step[triangles[face[seen]]] * bary[seen][..., None]).sum(1)
    return out
