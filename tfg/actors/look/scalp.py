"""Where hair grows: the hairline, and roots spread over the scalp.

All functions take points of the mean head (metres, see tfg.head.model), so that one hairline fits every identity.
"""
from __future__ import annotations

import functools

import numpy as np

from tfg.head.model import Head

CENTRE = np.array([0.0, 0.02, -0.075], np.float32)      # middle of the skull
CROWN = np.array([0.0, 0.102, -0.125], np.float32)      # the whorl that short hair runs away from
AXIS = np.array([0.0, 0.94, -0.34], np.float32)         # the cap's texture is unrolled around this direction
CAP_PX = 192
# The hairline: its height (m) by the direction around the skull (degrees: 0 front, 90 ear, 180 nape).
LINE_DEG = np.array([0, 14, 26, 36, 44, 52, 58, 63, 68, 73, 78, 90, 106, 114, 124, 140, 160, 180.0])
LINE_M = np.array([.072, .073, .072, .067, .057, .044, .028, .008, -.012, -.014, .006, .016, .012, -.008, -.032, -.055,
                   -.066, -.068])


def smooth(a: float, b: float, x: np.ndarray) -> np.ndarray:
    """0 where x <= a, 1 where x >= b, smooth between (a > b: falling)."""
    t = np.clip((x - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def azimuth(p: np.ndarray) -> np.ndarray:
    """(N,) degrees around the skull: 0 front, 90 ears, 180 nape."""
    return np.degrees(np.arctan2(np.abs(p[..., 0]), p[..., 2] - CENTRE[2]))


def inside(p: np.ndarray, hairline_m: float = 0.0, recession: float = 0.0, balding: float = 0.0) -> np.ndarray:
    """(N,) metres inside the hairline (negative: bare skin) of mean-head points (N, 3).

    hairline_m lifts the front; recession in [0, 1] opens the temples; balding in [0, 1] bares the crown.
    """
    a = azimuth(p)
    front = smooth(70, 40, a)
    line = np.interp(a, LINE_DEG, LINE_M) + hairline_m * front
    line = line + recession * (0.012 * front + 0.026 * np.exp(-(((a - 34) / 13) ** 2)))
    rise = np.diff(LINE_M) / (np.radians(np.diff(LINE_DEG)) * 0.085)
    slope = np.interp(a, (LINE_DEG[1:] + LINE_DEG[:-1]) / 2, rise)
    depth = (p[..., 1] - line) / np.sqrt(1 + slope**2)
    if balding > 0:
        # A horseshoe is left: bare above a level that rises to the back, and everywhere in front of the temples.
        level = 0.112 - 0.060 * balding + 0.6 * np.clip(-p[..., 2] - 0.10, 0, 0.06) * (1.3 - balding)
        level = level - 0.12 * smooth(64 + 8 * balding, 48 + 8 * balding, a) * smooth(0.01, 0.03, p[..., 1])
        depth = np.minimum(depth, (level - p[..., 1]) * 0.8)
    return depth


@functools.lru_cache(maxsize=1)
def skin_triangles() -> np.ndarray:
    """(F, 3) the skin's triangles on and around the scalp, ears left out."""
    head = Head.load()
    tri = head.triangles[head.part_mask("skin")].astype(np.int32)
    near = inside(head.mean) > -0.016
    keep = near[tri].any(1) & (head.masks["ears"][tri].max(1) < 0.5) & (head.masks["inside_mouth"][tri].max(1) < 0.1)
    keep &= (head.mean[tri][..., 1] > -0.10).all(1)
    return tri[keep]


@functools.lru_cache(maxsize=1)
def cap_mesh() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scalp as a mesh of its own: head vertices (M,), triangles (F, 3) into them, uv (M, 2)."""
    used, tri = np.unique(skin_triangles(), return_inverse=True)
    return used, tri.reshape(-1, 3).astype(np.int32), unroll(Head.load().mean[used])


def unroll(p: np.ndarray) -> np.ndarray:
    """(N, 2) texture coordinates in [0, 1] of mean-head points: azimuthal equidistant around AXIS, front downwards."""
    d = p - CENTRE
    d = d / np.linalg.norm(d, axis=-1, keepdims=True)
    axis = AXIS / np.linalg.norm(AXIS)
    side = np.array([1.0, 0, 0])
    ahead = np.cross(side, axis)
    polar = np.arccos(np.clip(d @ axis, -1, 1)) / np.radians(146)
    x, y = d @ side, d @ ahead
    r = np.hypot(x, y) + 1e-9
    return np.stack([0.5 + 0.5 * polar * x / r, 0.5 + 0.5 * polar * y / r], -1).astype(np.float32)


@functools.lru_cache(maxsize=1)
def cap_points() -> np.ndarray:
    """(CAP_PX, CAP_PX, 3) the mean-head point behind each texel of the cap (edges repeated outside it)."""
    from scipy.spatial import cKDTree

    from tfg.head.raster import rasterise

    used, tri, uv = cap_mesh()
    p = Head.load().mean[used]
    face, bary, _ = rasterise(uv * CAP_PX - 0.5, np.zeros(len(uv)), tri, CAP_PX, CAP_PX)
    out = (p[tri[face]] * bary[..., None]).sum(2)
    hit = face >= 0
    out[~hit] = out[hit][cKDTree(np.argwhere(hit)).query(np.argwhere(~hit))[1]]
    return out.astype(np.float32)


def spread(points: np.ndarray, n: int, radius: np.ndarray | None = None) -> np.ndarray:
    """(n,) which of points (N, 3) to keep so that they lie far apart (farthest point first).

    radius (N,): wanted spacing, relative; smaller where more are wanted.
    """
    away = np.full(len(points), np.inf)
    weight = 1.0 if radius is None else 1 / radius**2
    chosen = np.zeros(min(n, len(points)), int)
    for k in range(1, len(chosen)):
        away = np.minimum(away, ((points - points[chosen[k - 1]]) ** 2).sum(1))
        chosen[k] = np.argmax(away * weight)
    return chosen


def scatter(rng, triangles: np.ndarray, weight_of, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n random surface points, evenly spread: triangle (n, 3) vertex numbers and weights (n, 3).

    weight_of(mean-head points (N, 3)) -> (N,) density in [0, 1] (0: none grows there).
    """
    mean = Head.load().mean
    corner = mean[triangles]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    m = 12 * n
    pick = rng.choice(len(triangles), m, p=area / area.sum())
    u = rng.random((m, 2))
    u = np.where(u.sum(1, keepdims=True) > 1, 1 - u, u)
    bary = np.stack([1 - u.sum(1), u[:, 0], u[:, 1]], 1).astype(np.float32)
    p = (corner[pick] * bary[..., None]).sum(1)
    keep = weight_of(p) > rng.random(m)
    pick, bary, p = pick[keep], bary[keep], p[keep]
    best = spread(p, n)
    return triangles[pick[best]], bary[best]
