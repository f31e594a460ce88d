"""The `Actor` protocol, which built faces (tfg.actors.virtual) and photographed ones (tfg.actors.portrait) satisfy.

An actor turns an expression and a pose into a picture and knows the truth of that picture: landmarks, label map,
depth, and optical flow. Two kinds of expression are kept apart everywhere: the *asked* one (0 is relaxed; performances
use it), and the *absolute* one that this face shows, `personal(asked)`, which is drawn and recorded as the truth.
"""
from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from tfg.errors import InputError
from tfg.faces.points68 import to_68

LAYERS = ("background", "skin", "lips", "teeth", "eyes", "hair", "mouth", "clothes")
"""Names of the label map's values 0 to 7. `mouth` is the dark inside with the tongue; lashes count as eyes; brows and
beards count as hair only where they have geometry of their own."""
UNKNOWN = 255
"""Label of a pixel whose layer is not known."""
LAYER = {name: i for i, name in enumerate(LAYERS)}
"""Layer name -> label."""
Z_ORIGIN_M = 0.009
"""Distance in metres from the head's origin forward to the point where MediaPipe's z is 0 (median over 355 portraits,
whose slope is 0.99)."""


class Layers(NamedTuple):
    """Label map and depth map of a frame. labels: (h, w) uint8, values of `LAYER` or `UNKNOWN`.  depth: (h, w) float32,
    metres from the camera, inf where there is only background."""

    labels: np.ndarray
    depth: np.ndarray


@runtime_checkable
class Actor(Protocol):
    """A face that can be drawn in any expression and pose, with the truth of each picture.

    Expressions are (52,) as `tfg.vocabulary.EXPRESSION`, absolute (see `personal`); poses are (6,) as
    `tfg.vocabulary.POSE`, relative to the actor's own rest, None for 0. Pixels: x right, y down, centres at whole
    numbers.
    """

    name: str
    """Name of the actor in file names, such as V001."""
    kind: str
    """Kind of face: "virtual" or "portrait"."""
    seed: int
    size: tuple[int, int]
    """Height and width of the frames in px."""
    shape: np.ndarray
    """Identity coefficients (K,) of `tfg.head.model.Head`."""
    neutral: np.ndarray
    """Absolute expression (52,) of the face at rest: personal(0)."""
    camera: dict
    """Camera of the frames: scale_px_per_m (at the eyes), shift_px [x, y] of the head's origin, distance_m, and the
    parameters of this kind of actor."""
    about: dict
    """Description of the person's looks; values are of types that JSON knows."""

    def personal(self, expression: np.ndarray) -> np.ndarray:
        """Translate asked expressions (..., 52) into the absolute ones (..., 52) that this face shows."""

    def render(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """Draw a frame: (h, w, 3) uint8 RGB."""

    def landmarks(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """MediaPipe's 478 landmarks: (478, 3) float32 px; z in px, smaller is nearer, 0 about the head's centre."""

    def layers(self, expression: np.ndarray, pose: np.ndarray | None = None) -> Layers:
        """Label map and depth map of the frame."""

    def flow(self, a: tuple, b: tuple) -> np.ndarray:
        """Optical flow from frame a to frame b: (h, w, 2) float32 px, by which each pixel of frame a moves; NaN where
        it is not known. a, b: (expression, pose)."""


def check_size(size: int) -> int:
    """Return the side of a square frame in px. Raises InputError unless it is an even number from 32 to 1024."""
    if not isinstance(size, (int, np.integer)) or not 32 <= size <= 1024 or size % 2:
        raise InputError(f"the size is {size} px; give an even number from 32 to 1024.")
    return int(size)


def landmarks68(points: np.ndarray) -> np.ndarray:
    """The classic 68 landmarks, (68, 3) or (T, 68, 3) float32 px, of MediaPipe's (478, 3) or (T, 478, 3).

    x and y are as `tfg.faces.points68` picks them, z by the same rule.
    """
    points = np.asarray(points, np.float32)
    if points.ndim == 3:
        return np.stack([landmarks68(p) for p in points]) if len(points) else np.zeros((0, 68, 3), np.float32)
    xy = to_68(points)
    depth = _z68(points)
    return np.concatenate([xy, depth[:, None]], 1)


def _z68(points):
    """z of the 68 landmarks, (68,): the jaw's by the arc lengths of `to_68`, the others by its table."""
    from tfg.faces.points68 import INNER, JAW

    sides = []
    for side in JAW:
        line = points[list(side)]
        s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
        sides.append(np.interp(np.linspace(0, s[-1], 9), s, line[:, 2]))
    return np.concatenate([sides[0], sides[1][-2::-1], points[list(INNER), 2]]).astype(np.float32)


def mediapipe_z(depth: np.ndarray, scale: float) -> np.ndarray:
    """Convert depth in metres (smaller is nearer, 0 at the head's origin) to z in px as MediaPipe reports it.

    scale: px per metre.
    """
    return ((np.asarray(depth) + Z_ORIGIN_M) * scale).astype(np.float32)


def mesh_flow(xy_a: np.ndarray, depth_a: np.ndarray, xy_b: np.ndarray, triangles: np.ndarray,
              size: tuple[int, int]) -> np.ndarray:
    """Optical flow between two states of a mesh.

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
