"""The scalp: its hairline, and the roots of hairs spread over it.

All functions take points of the mean head (metres, see tfg.head.model), so that one hairline fits every identity.
"""
from __future__ import annotations

import functools

import numpy as np

from tfg.head.model import Head

CENTRE = np.array([0.0, 0.02, -0.075], np.float32)      # middle of the skull
CROWN = np.array([0.0, 0.102, -0.125], np.float32)      # whorl of the hair: short hair points away from it
AXIS = np.array([0.0, 0.94, -0.34], np.float32)         # direction around which the cap's texture is unrolled
CAP_PX = 192                                            # side of the cap's texture
# The hairline: its height (m) by the direction around the skull (degrees: 0 front, 90 ear, 180 nape).
LINE_DEG = np.array([0, 14, 26, 36, 44, 52, 58, 63, 68, 73, 78, 90, 106, 114, 124, 140, 160, 180.0])
LINE_M = np.array([.072, .073, .072, .067, .057, .044, .028, .008, -.012, -.014, .006, .016, .012, -.008, -.032, -.055,
                   -.066, -.068])


def smooth(a: float, b: float, x: np.ndarray) -> np.ndarray:
    """Smooth step: 0 for x up to a, 1 for x from b on; with a > b it falls instead. x: any shape."""
    t = np.clip((x - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def azimuth(p: np.ndarray) -> np.ndarray:
    """Direction of points (..., 3) around the skull: (...) degrees, 0 in front, 90 at both ears, 180 at the nape."""
    return np.degrees(np.arctan2(np.abs(p[..., 0]), p[..., 2] - CENTRE[2]))


def inside(p: np.ndarray, hairline_m: float = 0.0, recession: float = 0.0, balding: float = 0.0) -> np.ndarray:
    """Distance of mean-head points (N, 3) inside the hairline: (N,) metres, negative on bare skin.

    hairline_m: metres by which the front is lifted.  recession: 0..1, size of the bare temples.  balding: 0..1, size
    of the bare crown.
    """
    a = azimuth(p)
    front = smooth(70, 40, a)
    line = np.interp(a, LINE_DEG, LINE_M) + hairline_m * front
    line = line + recession * (0.012 * front + 0.026 * np.exp(-(((a - 34) / 13) ** 2)))
    rise = np.diff(LINE_M) / (np.radians(np.diff(LINE_DEG)) * 0.085)
    slope = np.interp(a, (LINE_DEG[1:] + LINE_DEG[:-1]) / 2, rise)
    depth = (p[..., 1] - line) / np.sqrt(1 + slope**2)
    if balding > 0:
        # a horseshoe of hair remains: the skin is bare above a level that rises to the back, and before the temples
        level = 0.112 - 0.060 * balding + 0.6 * np.clip(-p[..., 2] - 0.10, 0, 0.06) * (1.3 - balding)
        level = level - 0.12 * smooth(64 + 8 * balding, 48 + 8 * balding, a) * smooth(0.01, 0.03, p[..., 1])
        depth = np.minimum(depth, (level - p[..., 1]) * 0.8)
    return depth


@functools.lru_cache(maxsize=1)
def skin_triangles() -> np.ndarray:
    """Triangles (F, 3) of the skin on and around the scalp, without the ears."""
    head = Head.load()
    tri = head.triangles[head.part_mask("skin")].astype(np.int32)
    near = inside(head.mean) > -0.016
    keep = near[tri].any(1) & (head.masks["ears"][tri].max(1) < 0.5) & (head.masks["inside_mouth"][tri].max(1) < 0.1)
    keep &= (head.mean[tri][..., 1] > -0.10).all(1)
    return tri[keep]


@functools.lru_cache(maxsize=1)
def cap_mesh() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mesh of the scalp: head vertices (M,), triangles (F, 3) into them, and texture coordinates (M, 2)."""
    used, tri = np.unique(skin_triangles(), return_inverse=True)
    return used, tri.reshape(-1, 3).astype(np.int32), unroll(Head.load().mean[used])


def unroll(p: np.ndarray) -> np.ndarray:
    """Texture coordinates (N, 2) in [0, 1] of mean-head points (N, 3): an azimuthal equidistant projection around AXIS
    with the front at the bottom."""
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
    """Mean-head point at each texel of the cap: (CAP_PX, CAP_PX, 3) metres; outside the cap, the nearest one's."""
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
    """Choose n of the points (N, 3) so that they lie far apart, by farthest-point sampling. Returns their numbers (n,).

    radius: (N,) relative spacing, smaller where more points are wanted.
    """
    away = np.full(len(points), np.inf)
    weight = 1.0 if radius is None else 1 / radius**2
    chosen = np.zeros(min(n, len(points)), int)
    for k in range(1, len(chosen)):
        away = np.minimum(away, ((points - points[chosen[k - 1]]) ** 2).sum(1))
        chosen[k] = np.argmax(away * weight)
    return chosen


def scatter(rng, triangles: np.ndarray, weight_of, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw n evenly spread random points of a surface: vertex numbers (n, 3) of their triangles, and weights (n, 3).

    triangles: (F, 3).  weight_of: function from mean-head points (N, 3) to their density (N,) in [0, 1].
    Fewer points come back where the density leaves no room for n.
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
