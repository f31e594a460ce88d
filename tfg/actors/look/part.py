"""What the mesh is put together from, once it is bound to a person."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tfg.actors.look.piece import HairPiece


@dataclass
class Part:
    """base (M, 3) metres at expression 0; offsets (52, M, 3), or None for what expressions do not move; turn (M,);
    uv (M, 2); triangles (F, 3); texture (h, w, 4) uint8 sRGB and alpha; kind of `piece.KINDS` or
    "lash"; aux (M,): teeth: 0 in
    front .. 1 far back.  normal, tangent (M, 3): as in HairPiece, they turn with the head; light (M,): its shade."""

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
    aux: np.ndarray | None = field(default=None)
    normal: np.ndarray | None = None
    tangent: np.ndarray | None = None
    light: np.ndarray | None = None

    def __post_init__(self):
        m = len(self.base)
        if self.normal is None or self.tangent is None:
            piece = HairPiece("part", np.arange(m), np.zeros((m, 3)), np.ones(m), self.triangles, self.uv, self.texture)
            self.normal, self.tangent = piece.frame(np.asarray(self.base))
        self.light = np.ones(m, np.float32) if self.light is None else self.light
        self.aux = np.zeros(m, np.float32) if self.aux is None else self.aux

    @staticmethod
    def of(piece: HairPiece, rest: np.ndarray, offsets: np.ndarray) -> "Part":
        """A piece on the face at rest (V, 3) whose vertices move by offsets (52, V, 3)."""
        still = bool(np.all(piece.follow >= 1))
        move = None if still else offsets[:, piece.bind_vertices] * (1 - piece.follow[:, None])
        return Part(piece.rest(rest), move, piece.turn, piece.uv, piece.triangles, piece.texture, piece.kind,
                    piece.two_sided, piece.gloss, piece.solid, None, *piece.frame(rest), piece.shade)
