"""`HairPiece`: geometry that is bound to a head's vertices, such as strands of hair or beard.

Coordinates are the head's (tfg.head.model): metres, x right, y up, z towards the camera, before the head turns.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfg.errors import InputError

KINDS = ("hair", "cloth", "teeth")


_WITH_HEAD: Any = None
"""Default of `turn`, which becomes ones: all of the piece turns with the head."""
_OPEN: Any = None
"""Default of `shade`, which becomes ones: all of the piece is fully lit."""


@dataclass
class HairPiece:
    """M vertices and their triangles that follow the head, with a texture whose alpha cuts out strands.

    name: name in error messages.  bind_vertices: (M,) head vertex to which each vertex of the piece is bound.
    offset: (M, 3) metres from that vertex in the neutral face of this person; it turns with the head.
    follow: (M,) 1 moves with the skull only, 0 moves with the skin's vertex, as beards and moustaches do in speech.
    triangles: (F, 3) into M.  uv: (M, 2) in [0, 1] into `texture`, v downward (row = v * (h - 1)); hairs run along v,
    with the root at v = 0, and their highlights are computed from that direction.
    texture: (h, w, 4) uint8, sRGB and alpha, compared with a dithered threshold: 0.1 and more is visible, 0.9 and more
    is solid.  two_sided: draw a triangle also from its back, with its normals turned to the camera.
    turn: (M,) 1 turns with the head, 0 stays with the shoulders (ends of long hair); default 1.
    kind: "hair" (layer "hair", shaded as hair), "cloth" or "teeth".  gloss: strength of the highlight, usually 1.
    solid: the piece casts soft shadows on skin (False for thin strands).
    normal: (M, 3) shading normals in the head's frame (those of the hair's volume, not of the card); None: from the
    triangles.  tangent: (M, 3) direction of the hairs, root to tip; None: along v of the texture.
    shade: (M,) factor in [0, 1] on the light, low at roots and inner locks; None: 1.
    """

    name: str
    bind_vertices: np.ndarray
    offset: np.ndarray
    follow: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    texture: np.ndarray
    two_sided: bool = True
    turn: np.ndarray = _WITH_HEAD
    kind: str = "hair"
    gloss: float = 1.0
    solid: bool = True
    normal: np.ndarray | None = None
    tangent: np.ndarray | None = None
    shade: np.ndarray = _OPEN

    def __post_init__(self):
        self.bind_vertices = np.ascontiguousarray(self.bind_vertices, np.int32)
        self.offset = np.ascontiguousarray(self.offset, np.float32)
        self.follow = np.ascontiguousarray(self.follow, np.float32)
        self.triangles = np.ascontiguousarray(self.triangles, np.int32)
        self.uv = np.ascontiguousarray(self.uv, np.float32)
        self.texture = np.ascontiguousarray(self.texture, np.uint8)
        m = len(self.bind_vertices)
        self.turn = np.ones(m, np.float32) if self.turn is None else np.ascontiguousarray(self.turn, np.float32)
        self.shade = np.ones(m, np.float32) if self.shade is None else np.ascontiguousarray(self.shade, np.float32)
        for name in ("normal", "tangent"):
            if getattr(self, name) is not None:
                setattr(self, name, np.ascontiguousarray(getattr(self, name), np.float32))
        if not (self.offset.shape == (m, 3) and self.uv.shape == (m, 2) and self.follow.shape == self.turn.shape == (m,)
                and self.triangles.ndim == 2 and self.triangles.shape[1] == 3 and self.texture.ndim == 3
                and self.texture.shape[2] == 4 and self.kind in KINDS):
            raise InputError(f"the piece {self.name!r} has arrays that do not fit: {m} bound vertices, offset "
                             f"{self.offset.shape}, uv {self.uv.shape}, triangles {self.triangles.shape}, texture "
                             f"{self.texture.shape}, kind {self.kind!r}; see HairPiece.")

    def rest(self, vertices: np.ndarray) -> np.ndarray:
        """Vertices (M, 3) of the piece on a neutral face with vertices (V, 3), metres."""
        return vertices[self.bind_vertices] + self.offset

    def frame(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit normals (M, 3) and unit directions of the hairs (M, 3) on a neutral face with vertices (V, 3)."""
        at, tri = self.rest(vertices), self.triangles
        e1, e2 = at[tri[:, 1]] - at[tri[:, 0]], at[tri[:, 2]] - at[tri[:, 0]]
        uv1, uv2 = self.uv[tri[:, 1]] - self.uv[tri[:, 0]], self.uv[tri[:, 2]] - self.uv[tri[:, 0]]
        area = (uv1[:, :1] * uv2[:, 1:] - uv2[:, :1] * uv1[:, 1:])
        along = (e2 * uv1[:, :1] - e1 * uv2[:, :1]) * np.sign(area)      # d position / d v

        def vertex(x):
            out = np.stack([np.bincount(tri.ravel(), np.repeat(x[:, k], 3), len(at)) for k in range(3)], 1)
            return (out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-12)).astype(np.float32)

        normal = vertex(np.cross(e1, e2)) if self.normal is None else self.normal
        return normal, vertex(along) if self.tangent is None else self.tangent
