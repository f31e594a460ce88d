"""The head as a solid body, on which hair and beard lie and which they cannot enter."""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look.strands import Body, unit
from tfg.head.model import Head
from tfg.head.render import vertex_normals


@functools.lru_cache(maxsize=1)
def _solid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles (F, 3) of the outer skin, the numbers of their vertices, and those of the ears' vertices."""
    head = Head.load()
    tri = head.triangles[head.part_mask("skin")]
    tri = tri[head.masks["inside_mouth"][tri].max(1) < 0.3]
    return tri, np.unique(tri), np.nonzero(head.masks["ears"] > 0.5)[0]


def body_of(rest: np.ndarray) -> Body:
    """Make the `Body` of a head at rest (V, 3). The normals of the thin ears all point outwards, so that hair passes
    over them."""
    tri, used, ears = _solid()
    normal = vertex_normals(rest, tri)
    normal[ears] = unit(np.stack([np.sign(rest[ears, 0]), 0 * ears, 0 * ears], 1))
    return Body(rest[used], normal[used])
