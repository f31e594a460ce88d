"""Locks of hair: curves grown from the scalp, and the textured cards that draw them."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.actors.look.piece import HairPiece
from tfg.actors.look.scalp import smooth

CELLS = 8                           # different locks in the atlas, side by side
CELL_W, CELL_H = 24, 96
AHEAD = np.array([0, 0, 1.0])


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) scaled to length 1."""
    return v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)


class Body:
    """A solid body that hair cannot enter, given by points (V, 3) of its surface and their outward normals (V, 3)."""

    def __init__(self, points: np.ndarray, normals: np.ndarray):
        from scipy.spatial import cKDTree

        self.tree, self.points, self.normals = cKDTree(points), points, normals

    def at(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Height above the surface, (N,) metres, and outward normal, (N, 3), at points q (N, 3)."""
        away, i = self.tree.query(q, k=4)
        w = 1 / (away + 2e-3) ** 2
        w /= w.sum(1, keepdims=True)
        height = ((q[:, None] - self.points[i]) * self.normals[i]).sum(2)
        return (height * w).sum(1), unit((self.normals[i] * w[..., None]).sum(1))


@dataclass
class Growth:
    """Parameters by which N locks grow; numbers for all, or arrays (N,), in metres.

    flow: (N, 3) direction in which they are combed; length: of a lock; lift in [0, 1]: 0 starts along the skin, 1
    straight off it; stiff in [0, 1]: 1 resists gravity entirely; height: distance above the skin; cling in [0, 1]:
    strength with which they return down to that height; curl_m, curl_wave_m: radius and wavelength of curls;
    curl_together in [0, 1]: 1 if neighbours wave alike; floor: y below which they are cut; comb: strength with which
    they keep to the flow; before: 1 lets them fall before the shoulders, -1 behind.
    """

    flow: np.ndarray
    length: np.ndarray
    height: np.ndarray
    lift: np.ndarray | float = 0.3
    stiff: np.ndarray | float = 0.5
    cling: np.ndarray | float = 0.3
    curl_m: np.ndarray | float = 0.0
    curl_wave_m: float = 0.03
    curl_together: float = 0.7
    floor: np.ndarray | float = -1.0
    comb: np.ndarray | float = 0.25
    before: np.ndarray | float = -1.0


def grow(body: Body, roots: np.ndarray, g: Growth, steps: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Grow N locks from their roots (N, 3): curves (N, steps + 1, 3) and the surface normals along them, same shape."""
    n = len(roots)

    def col(x):
        return np.broadcast_to(np.asarray(x, float), (n,))[:, None]

    _, normal = body.at(roots)
    tangent = unit(g.flow - (g.flow * normal).sum(1, keepdims=True) * normal)
    d = unit(tangent * (1 - col(g.lift)) + normal * col(g.lift))
    step = g.length[:, None] / steps
    p, curve, normals = roots.copy(), [roots.copy()], [normal]
    gone = np.zeros((n, 1))
    down = np.array([0, -1.0, 0])
    for _ in range(steps):
        gone = gone + step
        free = np.clip(gone / 0.05, 0, 1) * (1 - col(g.stiff))
        keep = unit(g.flow - (g.flow * normal).sum(1, keepdims=True) * normal)
        d = unit(d + col(g.comb) * (1 - free) * keep + 1.2 * free * down)
        q = p + d * step
        height, normal = body.at(q)
        want = g.height[:, None] * np.clip(gone / np.maximum(2 * g.height[:, None], 0.008), 0.1, 1)
        off = want - height[:, None]
        # at the shoulders hair moves before or behind them, not outwards along them
        low = smooth(-0.10, -0.13, q[:, 1:2]) * np.clip(normal[:, 1:2], 0, 1)
        push = normal * (1 - low) + low * col(g.before) * AHEAD
        q = q + push * np.maximum(off, 0) + normal * col(g.cling) * np.minimum(off, 0) * (q[:, 1:2] > -0.10)
        d = unit(q - p)
        p = p + d * step
        curve.append(p)
        normals.append(normal)
    curve, normals = _cut(np.stack(curve, 1), np.stack(normals, 1), np.broadcast_to(g.floor, (n,)))
    return _curl(curve, normals, g, rng), normals


def _cut(curve, normals, floor):
    """End each curve where it falls below its floor (N,), and spread its points evenly over the rest."""
    n, s, _ = curve.shape
    y = curve[..., 1]
    below = y < floor[:, None]
    first = np.where(below.any(1), below.argmax(1), s - 1)
    first = np.maximum(first, 1)
    r = np.arange(n)
    y0, y1 = y[r, first - 1], y[r, first]
    t = np.where(below.any(1), np.clip((y0 - floor) / np.maximum(y0 - y1, 1e-6), 0.05, 1), 1.0)
    at = (first - 1 + t)[:, None] * np.linspace(0, 1, s)
    i = np.minimum(at.astype(int), s - 2)
    f = (at - i)[..., None]
    r = r[:, None]
    return curve[r, i] * (1 - f) + curve[r, i + 1] * f, unit(normals[r, i] * (1 - f) + normals[r, i + 1] * f)


def _curl(curve, normals, g, rng):
    """Add the growth's curls to curves (N, S, 3)."""
    n, s, _ = curve.shape
    if not np.any(g.curl_m):
        return curve
    along = np.zeros((n, s))
    along[:, 1:] = np.cumsum(np.linalg.norm(np.diff(curve, axis=1), axis=2), 1)
    side = unit(np.cross(np.gradient(curve, axis=1), normals))
    radius = np.broadcast_to(g.curl_m, (n,))[:, None] * np.clip(along / 0.02, 0, 1)
    phase = rng.uniform(0, 2 * np.pi, (n, 1)) * (1 - g.curl_together) + g.curl_together * 60 * curve[:, :1, 2]
    turn = 2 * np.pi * along / g.curl_wave_m + phase
    return curve + side * (radius * np.cos(turn))[..., None] \
        + normals * (radius * (np.sin(turn) * 0.6 + 0.5))[..., None]


def atlas(rng, tones: np.ndarray, density: float = 1.0, frizz: float = 0.0, blunt: float = 0.0) -> np.ndarray:
    """Texture of `CELLS` locks side by side, from root (row 0) to tip: (CELL_H, CELLS * CELL_W, 4) uint8.

    tones (T, 2, 3): possible colours of single hairs at root and tip, sRGB in [0, 1].  density: factor on the number of
    hairs.  frizz in [0, 1]: their disorder.  blunt in [0, 1]: 1 lets all hairs end together, cut straight.
    """
    v = np.linspace(0, 1, CELL_H)[:, None]
    out = np.zeros((CELL_H, CELLS, CELL_W, 4), np.uint8)
    x = (np.arange(CELL_W) + 0.5) / CELL_W
    for c in range(CELLS):
        n = max(int(13 * density), 3)
        rgb, alpha = np.zeros((CELL_H, CELL_W, 3)), np.zeros((CELL_H, CELL_W))
        base = (np.arange(n) + rng.uniform(0.1, 0.9, n)) / n
        lock = rng.uniform(0.86, 1.1)
        for k in rng.permutation(n):
            centre = 0.5 + (base[k] - 0.5) * (0.88 - 0.45 * (1 - blunt) * v * rng.uniform(0.2, 1.3))
            centre = centre + rng.normal(0, 0.05 + 0.06 * frizz) * v**2
            centre = centre + (0.02 + 0.05 * frizz) * np.sin(v * rng.uniform(3, 9 + 12 * frizz) + rng.uniform(0, 6))
            end = 1 - 0.55 * rng.random() ** 2 * (1 - 0.85 * blunt)
            width = (0.075 + 0.02 * rng.random()) * np.clip((end - v) / (0.35 - 0.28 * blunt), 0, 1) ** 0.6 * (v < end)
            d = np.abs(x - centre)
            on = d < width
            root, tip = tones[rng.integers(len(tones))]
            tone = (root + (tip - root) * smooth(0.15, 0.9, v)) * lock * rng.uniform(0.82, 1.10)    # (H, 3)
            tone = tone[:, None] * (1 - 0.25 * (d / np.maximum(width, 1e-6)) ** 2)[..., None]
            rgb, alpha = np.where(on[..., None], tone, rgb), np.where(on, 1.0, alpha)
        alpha[:, np.minimum(x, 1 - x) < 0.02] = 0
        rgb = np.where(alpha[..., None] > 0, rgb, tones.mean((0, 1)))
        out[:, c, :, :3] = np.round(255 * np.clip(rgb, 0, 1))
        out[:, c, :, 3] = np.round(255 * alpha)
    return out.reshape(CELL_H, CELLS * CELL_W, 4)


def cards(name: str, curve: np.ndarray, normals: np.ndarray, *, width: np.ndarray, shade: np.ndarray,
          texture: np.ndarray, anchor: np.ndarray, bind: np.ndarray, rng, follow: float = 1.0, turn=None,
          twist: float = 0.35, solid: bool = True) -> HairPiece:
    """Make a piece of N flat ribbons along curves (N, S, 3), facing outwards.

    normals: (N, S, 3).  width: (N,) metres.  shade: (N, S).  texture: from `atlas`.  anchor: (V, 3) the head at rest.
    bind: (N,) the vertex to which each ribbon is bound.  twist: standard deviation of the ribbons' rotation, radians.
    follow, solid: as in HairPiece; turn: (N, S) as in HairPiece, or None.
    """
    n, s, _ = curve.shape
    tangent = unit(np.gradient(curve, axis=1))
    side = unit(np.cross(tangent, normals))
    angle = rng.normal(0, twist, (n, 1, 1))
    side = side * np.cos(angle) + normals * np.sin(angle)
    half = (width[:, None] / 2 * np.interp(np.linspace(0, 1, s), [0, 0.25, 1], [0.8, 1, 0.85]))[..., None]
    point = np.stack([curve - side * half, curve + side * half], 2)                     # (N, S, 2, 3)
    # normals spread across the card, so that it is lit like a round lock
    shading = unit(np.stack([normals - 0.5 * side, normals + 0.5 * side], 2))
    cell = rng.integers(0, CELLS, n)
    u = np.stack([cell + 0.02, cell + 0.98], 1) / CELLS
    u = np.where(rng.random((n, 1)) < 0.5, u[:, ::-1], u)
    u = np.broadcast_to(u[:, None], (n, s, 2))
    v = np.broadcast_to(np.linspace(0, 1, s)[:, None], (n, s, 2))
    k = np.arange(n)[:, None] * (2 * s) + 2 * np.arange(s - 1)
    tri = np.stack([np.stack([k, k + 1, k + 2], 2), np.stack([k + 1, k + 3, k + 2], 2)], 2).reshape(-1, 3)
    bind = np.repeat(bind, 2 * s)

    def flat(x):
        return np.repeat(np.asarray(x, np.float32)[:, :, None], 2, 2).reshape(-1)

    return HairPiece(name, bind, point.reshape(-1, 3) - anchor[bind], np.full(len(bind), follow), tri,
                     np.stack([u, v], -1).reshape(-1, 2), texture, turn=flat(np.ones((n, s)) if turn is None else turn),
                     solid=solid, normal=shading.reshape(-1, 3), shade=flat(shade))
