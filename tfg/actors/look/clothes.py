"""Clothes: the skin below a neckline is drawn as cloth, and a collar runs along the line."""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look.part import MeshPart
from tfg.head.model import Head

KINDS = ("crew", "v", "scoop", "shirt", "turtle", "hoodie", "jacket")
PATTERNS = ("plain", "knit", "stripes", "check")
CLOTH_COLOURS = ((.93, .93, .91), (.12, .12, .14), (.20, .24, .34), (.36, .42, .52), (.55, .20, .20), (.24, .36, .27),
                 (.62, .55, .45), (.78, .72, .62), (.42, .42, .44), (.80, .62, .28), (.50, .34, .48), (.30, .48, .58),
                 (.76, .50, .46), (.30, .20, .16), (.66, .74, .80))
AXIS = np.array([0.0, -0.150, -0.068])              # middle of the neck in metres: azimuths turn around it
RING = 64                                           # segments of a collar around the neck
# Cross-sections of collars: metres outward from the skin and metres along it away from the neck, from inside to out.
BANDS = {"crew": ((-.001, -.001), (.0055, -.001), (.0065, .007), (.0062, .016), (.003, .0175)),
         "v": ((-.001, -.001), (.0055, -.001), (.0062, .006), (.0060, .013), (.003, .014)),
         "scoop": ((-.001, -.001), (.0055, -.001), (.0062, .005), (.003, .009)),
         "turtle": ((-.001, -.002), (.0060, -.003), (.0085, .006), (.0085, .030), (.004, .033)),
         "hoodie": ((-.001, -.003), (.012, -.010), (.024, -.004), (.028, .012), (.022, .030), (.004, .036)),
         "shirt": ((-.001, .000), (.004, -.016), (.010, -.016), (.016, .004), (.017, .026), (.014, .027)),
         "jacket": ((-.001, -.001), (.007, -.003), (.011, .010), (.011, .038), (.004, .041))}


def under_neckline(clothes) -> np.ndarray:
    """Distance of each vertex below the neckline on the mean head: (V,) float32 metres, negative on bare skin.

    clothes: `tfg.actors.identity.Clothes`.
    """
    p = Head.load().mean
    line = -0.157 - 0.50 * (p[:, 2] + 0.06)
    front = np.clip((p[:, 2] + 0.09) / 0.03, 0, 1)
    middle = np.clip(1 - np.abs(p[:, 0]) / 0.055, 0, 1)
    if clothes.kind in ("v", "jacket"):
        line = line - (0.012 + 0.04 * clothes.neckline) * front * middle
    elif clothes.kind == "shirt":
        line = line + 0.004 - (0.004 + 0.035 * clothes.neckline) * front * middle**1.5
    elif clothes.kind == "scoop":
        line = line - (0.006 + 0.02 * clothes.neckline) * front
    elif clothes.kind == "turtle":
        line = line + 0.030 - 0.012 * clothes.neckline
    elif clothes.kind == "hoodie":
        line = line - 0.004 * front
    return (line - p[:, 1]).astype(np.float32)


@functools.lru_cache(maxsize=1)
def _neck_triangles() -> np.ndarray:
    """Triangles (F, 3) of the skin around the neck."""
    head = Head.load()
    tri = head.triangles[head.part == 0]
    p = head.mean[tri]
    return tri[(p[..., 1].max(1) < -0.08) & (p[..., 1].min(1) > -0.2) & (np.abs(p[..., 0]).max(1) < 0.13)]


def ring(under: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The neckline as a closed ring on the person at rest.

    under: (V,) from `under_neckline`.  rest: (V, 3) vertices.  Returns points (RING + 1, 3) around the neck, from the
    nape; the number of the vertex nearest to each, (RING + 1,); and False if the neckline leaves the mesh.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.spatial import cKDTree

    tri = _neck_triangles()
    a, b = np.concatenate([tri[:, [0, 1]], tri[:, [1, 2]], tri[:, [2, 0]]]).T
    crosses = (under[a] < 0) != (under[b] < 0)
    a, b = a[crosses], b[crosses]
    t = (under[a] / (under[a] - under[b]))[:, None]
    at = rest[a] * (1 - t) + rest[b] * t
    angle = np.arctan2(at[:, 0] - AXIS[0], -(at[:, 2] - AXIS[2]))               # 0 at the nape, +-pi in front
    want = np.linspace(-np.pi, np.pi, RING + 1)
    out = np.empty((RING + 1, 3))
    for k, w in enumerate(want):                                                # weighted mean of the nearby crossings
        d = np.angle(np.exp(1j * (angle - w)))
        weight = np.exp(-(d / 0.07) ** 2) + 1e-12
        out[k] = (weight[:, None] * at).sum(0) / weight.sum()
    out[-1] = out[0]
    out = gaussian_filter1d(out[:-1], 0.8, axis=0, mode="wrap")
    out = np.concatenate([out, out[:1]])
    seen = np.unique(tri)
    return out, seen[cKDTree(rest[seen]).query(out)[1]], crosses.sum() > 20


def collar(clothes, under: np.ndarray, rest: np.ndarray, normal: np.ndarray, turn: np.ndarray) -> list[MeshPart]:
    """The band or collar along the neckline, as a list of one part; empty if the neckline leaves the mesh.

    clothes: `tfg.actors.identity.Clothes`.  under: (V,) from `under_neckline`.  rest, normal: (V, 3) vertices and
    normals at rest.  turn: (V,) share of the head's turning.
    """
    rng = np.random.default_rng([clothes.seed, 8])
    line, near, whole = ring(under, rest)
    if not whole:
        return []
    band = np.array(BANDS[clothes.kind])
    out = normal[near].astype(float)
    out = out + 0.6 * _unit(np.stack([line[:, 0], 0 * line[:, 0], line[:, 2] - AXIS[2]], 1))
    out = _unit(_round(out))
    along = _unit(np.gradient(np.concatenate([line[-2:-1], line, line[1:2]]), axis=0)[1:-1])
    down = _unit(np.cross(out, along))
    down = np.where(down[:, 1:2] > 0, -down, down)
    angle = np.linspace(-np.pi, np.pi, RING + 1)
    front = np.abs(angle) > np.pi - 0.16                                        # gap of an open collar
    k = len(band)
    stretch = np.ones((RING + 1, 1))
    if clothes.kind == "shirt":                                                 # points of the collar
        stretch = 1 + 0.55 * np.exp(-((np.abs(angle) - (np.pi - 0.28)) / 0.16) ** 2)[:, None]
    if clothes.kind == "hoodie":
        stretch = 1 + 0.35 * np.cos(angle)[:, None]
    grow = np.where(band[:, 1] > 0, 1, 0)
    scale = 1 + (stretch - 1) * grow
    p = line[:, None] + out[:, None] * (band[:, 0] * (0.8 + 0.2 * scale))[..., None] + down[:, None] * (
        band[:, 1] * scale)[..., None]
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 1, RING + 1)[:, None], np.linspace(0, 1, k)[None]), -1)
    i = np.arange(RING)[:, None] * k + np.arange(k - 1)
    if clothes.kind in ("shirt", "jacket"):
        i = i[~(front[:-1] & front[1:])]
    quads = np.stack([i, i + 1, i + k, i + k + 1], -1).reshape(-1, 4)
    tri = np.concatenate([quads[:, [0, 2, 1]], quads[:, [1, 2, 3]]])
    colour = np.array(clothes.second if clothes.kind == "shirt" and clothes.pattern == "plain" else clothes.colour)
    texture = np.full((32, 256, 4), 255, np.uint8)
    shade = 1 + 0.05 * rng.standard_normal((32, 256, 1))
    if clothes.kind in ("crew", "turtle", "hoodie"):
        shade = shade * (1 - 0.14 * (np.arange(256) % 4 < 2))[None, :, None]    # ribs
    shade = shade * np.interp(np.arange(32), [0, 6, 26, 31], [0.62, 0.95, 1.0, 0.8])[:, None, None]
    texture[..., :3] = np.round(255 * np.clip(colour * shade * 0.93, 0, 1))
    return [MeshPart(base=p.reshape(-1, 3).astype(np.float32), offsets=None, turn=np.repeat(turn[near], k),
                 uv=uv.reshape(-1, 2), triangles=tri, texture=texture, kind="cloth", two_sided=True, gloss=0.2)]


def _unit(x):
    """Vectors (..., 3) scaled to length 1."""
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-9)


def _round(x):
    """Smooth a closed ring (N + 1, C), whose first and last rows are equal."""
    from scipy.ndimage import gaussian_filter1d

    soft = gaussian_filter1d(x[:-1], 2.0, axis=0, mode="wrap")
    return np.concatenate([soft, soft[:1]])
