"""Teeth and lashes: two rows of teeth on the dental arches and the lashes on the lids, as strips with a texture."""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look.part import MeshPart
from tfg.head.model import Head

UPPER_MM = (8.6, 6.6, 7.7, 7.0, 6.8, 9.5)           # widths from the middle: two incisors, canine, premolars, molar
LOWER_MM = (5.4, 5.9, 6.9, 7.0, 7.1, 10.5)
ARCH_M = np.array([[0, 20.6], [6, 20.2], [12, 18.4], [17, 15.6], [21, 11.6], [24.3, 6.6], [27.3, -1.0],
                   [29.5, -8], [31, -15]]) * 1e-3
TOP_M, EDGE_M = -0.0560, -0.0745                    # heights of the upper row's gum and biting edge on the mean head
LOWER_TOP_M, LOWER_BOTTOM_M = -0.0752, -0.0915      # heights of the lower row's biting edge and gum
COLUMNS, TEXTURE = 41, (64, 768)


@functools.lru_cache(maxsize=1)
def _arch():
    """The dental arch: (COLUMNS, 2) x, z of the mean head in metres, and signed arc length (COLUMNS,) from its middle.
    """
    from scipy.interpolate import CubicSpline

    x, z = ARCH_M.T
    fine = np.linspace(0, x[-1], 400)
    depth = CubicSpline(x, z, bc_type=((1, 0.0), (2, 0.0)))(fine)
    s = np.concatenate([[0], np.cumsum(np.hypot(np.diff(fine), np.diff(depth)))])
    half = np.linspace(0, 0.042, COLUMNS // 2 + 1)
    px, pz = np.interp(half, s, fine), np.interp(half, s, depth)
    side = np.concatenate([-px[:0:-1], px])
    return np.stack([side, np.concatenate([pz[:0:-1], pz])], 1), np.concatenate([-half[:0:-1], half])


def build(head: Head, rest: np.ndarray, offsets: np.ndarray, identity) -> list[MeshPart]:
    """The upper and the lower row of teeth, which follow the affine motion of Anny's own simple teeth.

    rest: (V, 3) vertices at expression 0.  offsets: (52, V, 3).
    """
    rng = np.random.default_rng([identity.seed, 5])
    arch, s = _arch()
    colour = np.array([.96, .94, .89]) - np.array([.03, .06, .13]) * rng.random() * (0.35 + identity.age / 80)
    out = []
    for name, widths, top, bottom in (("teeth_upper", UPPER_MM, TOP_M, EDGE_M),
                                      ("teeth_lower", LOWER_MM, LOWER_TOP_M, LOWER_BOTTOM_M)):
        rough = np.unique(head.triangles[head.part_mask(name)])
        upper = name == "teeth_upper"
        rows = np.linspace(0, 1, 4)
        y = top + (bottom - top) * rows
        lean = np.array([-0.0020, 0.0, 0.0006, 0.0]) if upper else np.array([-0.0006, 0.0, 0.0, -0.002])
        p = np.stack([np.broadcast_to(arch[None, :, 0], (4, COLUMNS)), np.broadcast_to(y[:, None], (4, COLUMNS)),
                      arch[None, :, 1] + lean[:, None] - (0 if upper else 0.0028)], -1).reshape(-1, 3)
        if not upper:
            p[:, 0] *= 0.955
        basis = np.c_[np.ones(len(rough)), head.mean[rough]]
        fit = np.c_[np.ones(len(p)), p] @ np.linalg.pinv(basis)
        base = p + fit @ (rest[rough] - head.mean[rough])
        move = np.einsum("pr,krc->kpc", fit, offsets[:, rough])
        uv = np.stack([np.broadcast_to((s / 0.084 + 0.5)[None], (4, COLUMNS)),
                       np.broadcast_to(rows[:, None], (4, COLUMNS))], -1).reshape(-1, 2)
        i = np.arange(3)[:, None] * COLUMNS + np.arange(COLUMNS - 1)
        quads = np.stack([i, i + 1, i + COLUMNS, i + COLUMNS + 1], -1).reshape(-1, 4)
        tri = np.concatenate([quads[:, [0, 2, 1]], quads[:, [1, 2, 3]]])
        out.append(MeshPart(base=base, offsets=move, turn=np.ones(len(p)), uv=uv, triangles=tri,
                        texture=_row(widths, abs(top - bottom), upper, colour, rng), kind="teeth", two_sided=True,
                        aux=np.clip((0.0206 - np.tile(arch[:, 1], 4)) / 0.030, 0, 1), solid=False))
    return out


def _row(widths, height_m: float, upper: bool, colour, rng) -> np.ndarray:
    """Texture of a row of teeth in its gum: (h, w, 4) uint8; row 0 is the upper edge.

    widths: mm of the teeth from the middle.  height_m: metres of the strip.  colour: (3,) sRGB.
    """
    h, w = TEXTURE
    s = (np.arange(w) + 0.5) / w * 84 - 42                                      # mm along the arch
    edges = np.concatenate([[0], np.cumsum(widths)])
    k = np.clip(np.searchsorted(edges, np.abs(s), side="right") - 1, 0, len(widths) - 1)
    width = np.array(widths)[k]
    t = np.clip(2 * (np.abs(s) - edges[k]) / width - 1, -1, 1)                  # -1 .. 1 across a tooth
    mm = (np.arange(h) + 0.5)[:, None] / h * height_m * 1e3                     # from the strip's top
    from_edge = (height_m * 1e3 - mm) if upper else mm                          # 0 at the biting edge
    uneven = rng.normal(0, 0.12, 2 * len(widths))[k + len(widths) * (s > 0)]
    short = (np.array([0, 0.6, 0.1, 0.7, 1.0, 1.3]) if upper else np.array([0.1, 0.15, 0.0, 0.6, 1.0, 1.4]))[k] + 0.2
    edge = short + uneven + 0.7 * np.abs(t) ** 4
    length = (np.array([9.8, 8.4, 9.6, 8.0, 7.4, 7.0]) if upper else np.array([8.4, 8.6, 9.2, 8, 7.4, 7]))[k]
    gum_line = short + length - 1.3 * (1 - t * t) * -1 - 1.4
    cover = np.clip((from_edge - edge) / 0.35 + 0.5, 0, 1)
    gap = (1 - np.abs(t)) * width / 2
    shade = (1 - 0.16 * np.abs(t) ** 3) * (1 - 0.26 * np.exp(-(gap / 0.24) ** 2))
    shade = shade * (0.88 + 0.12 * np.clip((from_edge - edge) / 3.0, 0, 1)) * (1 - 0.05 * (k == 2))
    tooth = colour * shade[..., None]
    gum = np.clip((from_edge - gum_line) / 0.5 + 0.5, 0, 1)[..., None]
    rgb = tooth * (1 - gum) + np.array([.70, .40, .40]) * (0.85 + 0.15 * np.cos(np.pi * t))[None, :, None] * gum
    out = np.empty((h, w, 4), np.uint8)
    out[..., :3] = np.round(255 * np.clip(rgb, 0, 1))
    out[..., 3] = np.round(255 * cover)
    return out


def lashes(head: Head, rest: np.ndarray, offsets: np.ndarray, identity) -> list[MeshPart]:
    """The lash strips of both eyes, with single hairs drawn on them.

    rest: (V, 3) vertices at expression 0.  offsets: (52, V, 3).
    """
    from scipy.spatial import cKDTree

    rng = np.random.default_rng([identity.seed, 6])
    look = identity.lashes
    out = []
    skin = np.unique(head.triangles[head.part == 0])
    for name in ("lash_left", "lash_right"):
        tri = head.triangles[head.part_mask(name)]
        rows = np.unique(tri)
        for upper in (True, False):
            use = (_component(name) == 0) == upper
            at = rows[use]
            away = cKDTree(head.mean[skin]).query(head.mean[at])[0]
            x = head.mean[at, 0]
            uv = np.stack([(x - x.min()) / np.ptp(x), np.clip((away - 0.0006) / (0.006 if upper else 0.0035), 0, 1)], 1)
            row = np.full(len(head.mean), -1)
            row[at] = np.arange(len(at))
            part = row[tri[np.isin(tri, at).all(1)]]
            reach = (look.length_m / 0.010) * (1.0 if upper else 0.45)
            out.append(MeshPart(base=rest[at], offsets=offsets[:, at], turn=np.ones(len(at)), uv=uv, triangles=part,
                            texture=_hairs(rng, 60 if upper else 34, reach, look.dark, upper), kind="lash",
                            two_sided=True, gloss=0.1, solid=False))
    return out


@functools.lru_cache(maxsize=2)
def _component(name: str) -> np.ndarray:
    """Row of each lash vertex of an eye: 0 for the upper lid's lashes, 1 for the lower lid's."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    head = Head.load()
    tri = head.triangles[head.part_mask(name)]
    rows, t = np.unique(tri, return_inverse=True)
    t = t.reshape(-1, 3)
    ones = np.ones(2 * len(t))
    link = coo_matrix((ones, (np.r_[t[:, 0], t[:, 1]], np.r_[t[:, 1], t[:, 2]])), shape=(len(rows), len(rows)))
    label = connected_components(link, False)[1]
    high = head.mean[rows[label == 0], 1].mean() > head.mean[rows[label == 1], 1].mean()
    return label if high else 1 - label


def _hairs(rng, n: int, reach: float, dark: float, upper: bool) -> np.ndarray:
    """Texture (h, w, 4) uint8 of n lashes. reach: their length as a share of the strip.  dark: 0..1."""
    import cv2

    h, w = 48, 256
    alpha = np.zeros((h, w), np.uint8)
    for k in range(n):
        x = (k + rng.uniform(0.1, 0.9)) / n * w
        length = min(reach, 1.0) * rng.uniform(0.7, 1.1) * h * np.sin(np.pi * np.clip(0.12 + 0.8 * x / w, 0, 1)) ** 0.5
        bend = rng.normal(0, 5) + 14 * (x / w - .5)
        pts = np.array([[x, 0], [x + .3 * bend, .5 * length], [x + bend, length]])
        cv2.polylines(alpha, [np.round(pts * 16).astype(np.int32)[:, None]], False, int(255 * (0.6 + 0.4 * dark)), 2,
                      cv2.LINE_AA, 4)
    out = np.zeros((h, w, 4), np.uint8)
    out[..., :3] = np.array([16, 12, 10]) + int(40 * (1 - dark))
    out[..., 3] = alpha
    return out
