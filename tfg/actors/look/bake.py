"""Soft light that is computed once: the directions from which light reaches each vertex.

The visibility from `directions`, found with depth maps of the resting face, gives two quantities in every frame by one
matrix product: the light that arrives from any surroundings (precomputed radiance transfer, Sloan et al. 2002), and
the share of a lamp of any size that nose, brow, chin and hair leave unshadowed.
"""
from __future__ import annotations

import functools

import numpy as np

from tfg.head.raster import depth_map
from tfg.jit import jit

N_DIRECTIONS = 72
MAP_PX = 160                # side of a depth map
BIAS_M = 0.0028             # a vertex is hidden only by surfaces that lie further than this in front of it


@functools.lru_cache(maxsize=1)
def directions() -> np.ndarray:
    """Evenly spread directions: (D, 3) unit vectors on a Fibonacci spiral. The array is shared and read-only."""
    i = np.arange(N_DIRECTIONS) + 0.5
    y = 1 - 2 * i / N_DIRECTIONS
    phi = np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - y * y)
    out = np.stack([r * np.cos(phi), y, r * np.sin(phi)], 1).astype(np.float32)
    out.setflags(write=False)
    return out


def visibility(v: np.ndarray, normal: np.ndarray, tri: np.ndarray, corners: np.ndarray | None = None) -> np.ndarray:
    """Visibility of the surroundings from each vertex in each of `directions`: (N, D) float32 in [0, 1], 1 is free.

    v, normal: (N, 3) vertices and normals.  tri: (F, 3) triangles that may hide the view.  corners: (C, 3) vertices of
    these triangles; None: v.
    """
    corners = v if corners is None else corners
    out = np.empty((len(v), N_DIRECTIONS), np.float32)
    lifted = v + normal * np.float32(0.0015)
    span = 0.40
    scale = MAP_PX / span
    zbuf = np.empty((MAP_PX, MAP_PX), np.float32)
    for k, d in enumerate(directions()):
        side = np.cross([0.0, 1.0, 0.0] if abs(d[1]) < 0.9 else [1.0, 0.0, 0.0], d)
        side /= np.linalg.norm(side)
        frame = np.stack([side, np.cross(d, side), d]).astype(np.float32)
        q = corners @ frame.T
        xy = q[:, :2] * np.float32(scale) + np.float32(MAP_PX / 2)
        xy[:, 1] += np.float32(0.04 * scale * frame[1, 1])
        zbuf.fill(1e9)
        depth_map(xy, -q[:, 2], tri, zbuf)
        ql = lifted @ frame.T
        xyl = ql[:, :2] * np.float32(scale) + np.float32(MAP_PX / 2)
        xyl[:, 1] += np.float32(0.04 * scale * frame[1, 1])
        _look(xyl, -ql[:, 2], zbuf, np.float32(BIAS_M), out[:, k])
    return out


@jit
def _look(xy, depth, zbuf, bias, out):
    """Write into out (N,) the share of the four pixels around xy (N, 2) that are not nearer than depth (N,) - bias."""
    height, width = zbuf.shape
    for i in range(xy.shape[0]):
        x, y = xy[i, 0], xy[i, 1]
        j, k = int(np.floor(x)), int(np.floor(y))
        if j < 0 or k < 0 or j >= width - 1 or k >= height - 1:
            out[i] = 1
            continue
        fx, fy = x - j, y - k
        limit = depth[i] - bias
        s = (1 - fx) * (1 - fy) * (zbuf[k, j] > limit) + fx * (1 - fy) * (zbuf[k, j + 1] > limit)
        out[i] = s + (1 - fx) * fy * (zbuf[k + 1, j] > limit) + fx * fy * (zbuf[k + 1, j + 1] > limit)


def transfer(seen: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Light that a matt surface with visibility seen (N, D) and normals (N, 3) reflects from each direction: (N, D)."""
    cosine = np.maximum(normal @ directions().T, 0)
    return np.ascontiguousarray(seen * cosine * np.float32(4 / N_DIRECTIONS), np.float32)
