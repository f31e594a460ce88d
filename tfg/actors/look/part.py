"""Parts of an actor's mesh: pieces of geometry that are bound to a person's head."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfg.actors.look.piece import HairPiece

_USUAL: Any = None
"""Default of an array that `MeshPart.__post_init__` fills in."""


@dataclass
class MeshPart:
    """A part of an actor's mesh with M vertices.

    base: (M, 3) metres at expression 0.  offsets: (52, M, 3) metres, or None if expressions do not move it.  turn: (M,)
    share of the head's turning.  uv: (M, 2).  triangles: (F, 3).  texture: (h, w, 4) uint8 sRGB and alpha.  kind: one
    of `piece.KINDS`, or "lash".  two_sided, gloss, solid: as in HairPiece.  aux: (M,), of teeth 0 in front .. 1 far
    back.  normal, tangent: (M, 3) as in HairPiece, turning with the head.  light: (M,) `HairPiece.shade`.
    """

    base: np.ndarray
    offsets: np.ndarray | None
    turn: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    texture: np.ndarray
    kind: str
    two_sided: bool = True
    gloss: float = 1.0
    solid: bool = True
    aux: np.ndarray = _USUAL
    normal: np.ndarray = _USUAL
    tangent: np.ndarray = _USUAL
    light: np.ndarray = _USUAL

    def __post_init__(self):
        m = len(self.base)
        if self.normal is None or self.tangent is None:
            piece = HairPiece("part", np.arange(m), np.zeros((m, 3)), np.ones(m), self.triangles, self.uv, self.texture)
            self.normal, self.tangent = piece.frame(np.asarray(self.base))
        self.light = np.ones(m, np.float32) if self.light is None else self.light
        self.aux = np.zeros(m, np.float32) if self.aux is None else self.aux

    @staticmethod
    def of(piece: HairPiece, rest: np.ndarray, offsets: np.ndarray) -> "MeshPart":
        """Bind a piece to the face at rest (V, 3), whose vertices move by offsets (52, V, 3)."""
        still = bool(np.all(piece.follow >= 1))
        move = None if still else offsets[:, piece.bind_vertices] * (1 - piece.follow[:, None])
        normal, tangent = piece.frame(rest)
        return MeshPart(piece.rest(rest), move, piece.turn, piece.uv, piece.triangles, piece.texture, piece.kind,
                    piece.two_sided, piece.gloss, piece.solid, normal=normal, tangent=tangent, light=piece.shade)
