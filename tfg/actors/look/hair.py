"""Hair and beard as geometry on a head: an under-layer that follows the scalp, and locks that grow from it.

The under-layer (cap) hides the scalp, and its edge is ragged along the hairline. The locks are textured cards that lie
close, fall, curl or stand, and make the silhouette. The styles are in `haircuts`.
"""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look import scalp
from tfg.actors.look.beard import beard_density, build_beard
from tfg.actors.look.hair_style import BEARDS, STYLES, Beard, Hair, tones
from tfg.actors.look.haircuts import CUTS, bald_of, depth_of, knot_of, where
from tfg.actors.look.piece import HairPiece
from tfg.actors.look.scalp import smooth
from tfg.actors.look.skull import body_of
from tfg.actors.look.strands import Growth, atlas, cards, grow, unit
from tfg.head.model import Head

__all__ = ["BEARDS", "STYLES", "Beard", "Hair", "build", "beard_density", "build_hair", "scalp_density"]


def build(head: Head, identity, rest_vertices: np.ndarray) -> list[HairPiece]:
    """Hair and beard of a person: identity.hair (Hair) and identity.beard (Beard) on rest_vertices (V, 3)."""
    return build_hair(head, identity.hair, rest_vertices) + build_beard(head, identity.beard, rest_vertices)


def scalp_density(hair: Hair, p: np.ndarray) -> np.ndarray:
    """Opacity of the hair's colour painted on the skin at mean-head points p (..., 3): (...) in [0, 1]."""
    if hair.style == "bald":
        # a shaved head (length below 0.5) has a shadow of stubble, a bald one has not
        return 0.22 * (hair.length < 0.5) * smooth(-0.002, 0.012, scalp.inside(p, 0, hair.recession, hair.volume))
    thin = smooth(-0.004, 0.008, depth_of(hair, p))
    if hair.style == "receding":
        thin = np.maximum(thin, 0.12 * smooth(-0.002, 0.012, scalp.inside(p, 0, hair.recession)))
    return 0.75 * thin


@functools.lru_cache(maxsize=1)
def _marks() -> dict[str, np.ndarray]:
    """Name of a height that `haircuts` uses (brow, chin, nape, ear) -> vertices that lie at it."""
    head = Head.load()
    skin = np.unique(head.triangles[head.part_mask("skin")])

    def near(p):
        return skin[np.argsort(np.linalg.norm(head.mean[skin] - p, axis=1))[:4]]

    ear = np.nonzero(head.masks["ears"] > 0.5)[0]
    return {"brow": near([0.033, 0.0235, 0.02]), "chin": near([0, -0.118, 0.02]), "nape": near([0, -0.07, -0.15]),
            "ear": ear[np.argsort(-head.mean[ear, 1])[:6]]}


def build_hair(head: Head, hair: Hair, rest: np.ndarray) -> list[HairPiece]:
    """The pieces of one person's hair on the head at rest (V, 3); none if bald. Equal arguments give equal pieces."""
    if hair.style == "bald":
        return []
    rng = np.random.default_rng([hair.seed, 71])
    level = {k: float(rest[i, 1].mean()) for k, i in _marks().items()}
    level["ear"] = float(rest[_marks()["ear"], 1].max()) + 0.002
    body, cut = body_of(rest), CUTS[hair.style]
    n = cut(hair, np.zeros((1, 3)) + scalp.CROWN, np.zeros(1), level).n
    tri, bary = scalp.scatter(rng, scalp.skin_triangles(),
                              lambda p: where(hair, p) * (depth_of(hair, p) > 0.0015), n)
    p = (head.mean[tri] * bary[..., None]).sum(1)
    roots = (rest[tri] * bary[..., None]).sum(1)
    q = rng.permutation(len(p)) / len(p)
    order = np.argsort(-q)                              # outer locks come first: pixels behind them are then skipped
    tri, bary, p, roots, q = (x[order] for x in (tri, bary, p, roots, q))
    c = cut(hair, p, q, level)
    g = c.growth
    jitter = (0.08 + 0.35 * hair.mess) * c.mess
    g.flow = unit(g.flow + jitter * 0.5 * rng.normal(size=p.shape))
    g.length = g.length * rng.uniform(1 - 0.5 * jitter, 1 + 0.3 * jitter, len(p))
    start = roots.copy()
    if hair.style == "afro":                            # locks stand on the under-layer, not on the skin
        start = roots + unit(p - scalp.CENTRE) * (0.8 * g.height)[:, None]
    curve, normals = grow(body, start, g, c.steps, rng)
    if hair.style == "afro":
        normals = np.broadcast_to(unit(curve - scalp.CENTRE), curve.shape)
    fringe = (g.floor > level["brow"]) & (hair.style == "fringe") & np.ones(len(p), bool)
    curve = np.where(fringe[:, None, None], curve, _clear_face(curve, level))
    along = np.linspace(0, 1, curve.shape[1])
    shade = (0.62 + 0.38 * q)[:, None] * (0.62 + 0.38 * smooth(0.0, 0.35, along))
    colours = tones(hair.colour, hair.tip, hair.grey, rng)
    texture = atlas(rng, colours, c.density, c.frizz, c.blunt)
    bind = tri[np.arange(len(tri)), bary.argmax(1)]
    turn = smooth(-0.24, -0.12, curve[..., 1]) if g.floor is not None else None
    cap = _cap(hair, c, cut, level, rest, body, colours, rng)
    out = [cards("locks", curve, normals, width=c.width * rng.uniform(0.8, 1.2, len(p)), shade=shade,
                     texture=texture, anchor=rest, bind=bind, rng=rng, turn=turn, twist=c.twist)]
    if hair.style in ("ponytail", "bun"):
        out.append(_knot(head, hair, rest, body, knot_of(hair, level), texture, level, rng))
    return out + [cap]


def _clear_face(curve: np.ndarray, level: dict) -> np.ndarray:
    """Move locks (N, S, 3) that hang below the brows aside and back, off the eyes, cheeks and mouth."""
    x, y, z = np.moveaxis(curve, -1, 0)
    line = level["brow"] + 0.010
    low = smooth(line + 0.014, line - 0.010, y)
    side = np.where(x[:, -1:] < 0, -1.0, 1.0)
    wide = 0.068 * smooth(level["chin"] - 0.07, level["chin"] + 0.02, y)
    before = low * smooth(-0.055, -0.035, z)
    move_x = before * (side * np.maximum(np.abs(x), wide) - x)
    move_z = low * smooth(level["chin"] - 0.08, level["chin"] + 0.01, y) * np.minimum(-0.022 - z, 0) * 0.8
    move = np.stack([move_x, 0 * y, move_z], -1)
    for _ in range(3):                                  # smooth the movement along each lock, so that it has no kink
        inner = 0.25 * move[:, :-2] + 0.5 * move[:, 1:-1] + 0.25 * move[:, 2:]
        move[:, 1:-1] = np.where(np.abs(inner) > np.abs(move[:, 1:-1]), inner, move[:, 1:-1])
    return curve + move


def _cap(hair, c, cut, level, rest, body, colours, rng) -> HairPiece:
    """The under-layer: the scalp, lifted a little, painted with hairs along the flow, and ragged at the hairline."""
    head = Head.load()
    bind, tri, uv = scalp.cap_mesh()
    p, at = head.mean[bind], rest[bind]
    depth = depth_of(hair, p)
    height = cut(hair, p, 0.5 + 0 * depth, level).cap * smooth(-0.002, 0.030, depth) + 0.0008
    height = np.where(depth < -0.004, 0.0004, height)
    _, normal = body.at(at)
    if hair.style == "afro":
        normal = unit(p - scalp.CENTRE)
        height = height * rng.uniform(0.85, 1.1, len(height))
    elif hair.style == "curly":
        height = height * rng.uniform(0.6, 1.3, len(height))
    point = at + normal * height[:, None]
    used = (depth[tri] > -0.010).any(1)
    fade = 0.55 + 0.25 * smooth(0.0, 0.02, depth)
    return HairPiece("cap", bind, point - at, np.ones(len(p)), tri[used], uv,
                     _cap_texture(hair, cut, level, colours, rng), two_sided=False, normal=normal,
                     tangent=unit(cut(hair, p, 0.5 + 0 * depth, level).growth.flow), shade=fade)


def _cap_texture(hair, cut, level, colours, rng) -> np.ndarray:
    """Texture of the under-layer: (CAP_PX, CAP_PX, 4) uint8, noise smeared along the flow of the hair (line integral
    convolution), transparent beyond the hairline."""
    import cv2

    size = scalp.CAP_PX
    points = scalp.cap_points().reshape(-1, 3)
    c = cut(hair, points, 0.5 + 0 * points[:, 0], level)
    step = scalp.unroll(points + 0.002 * unit(c.growth.flow)) - scalp.unroll(points)
    step = step / (np.linalg.norm(step, axis=1, keepdims=True) + 1e-9)
    step = np.nan_to_num(step).reshape(size, size, 2).astype(np.float32)
    noise = rng.random((size, size)).astype(np.float32)
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).astype(np.float32)
    total, at = noise.copy(), grid.copy()
    for _ in range(9):
        at = at + cv2.remap(step, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        total += cv2.remap(noise, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    total = (total - total.mean()) / total.std()
    tone = colours[rng.integers(0, len(colours), (size // 4, size // 4)), 0].astype(np.float32)
    tone = cv2.resize(tone, (size, size), interpolation=cv2.INTER_LINEAR)
    rgb = tone * np.clip(0.88 + 0.16 * total, 0.4, 1.4)[..., None]
    depth = depth_of(hair, points).reshape(size, size) + 0.0022 * total + rng.normal(0, 0.0008, (size, size))
    soft = 0.010 if hair.style in ("buzz", "crop", "receding", "side_part", "quiff") else 0.006
    soft = 0.022 if bald_of(hair) > 0 else soft
    alpha = smooth(-0.35 * soft, soft, depth)
    if hair.style == "buzz":
        alpha = alpha * (0.55 + 0.35 * hair.length)
    return np.round(255 * np.clip(np.dstack([rgb, alpha]), 0, 1)).astype(np.uint8)


def _knot(head, hair, rest, body, knot, texture, level, rng) -> HairPiece:
    """The tail or the bun at the point `knot` (3,) of the mean head where hair is tied."""
    near = scalp.skin_triangles()
    v = np.unique(near)
    bind = int(v[np.argmin(np.linalg.norm(head.mean[v] - knot, axis=1))])
    knot = rest[bind]
    out = unit(knot - scalp.CENTRE)
    across = np.array([1.0, 0, 0])
    along = np.cross(across, out)
    if hair.style == "ponytail":
        n, steps = 60, 10
        a, r = rng.uniform(0, 2 * np.pi, n), 0.010 * np.sqrt(rng.random(n))
        roots = knot + out * 0.004 + r[:, None] * (np.cos(a)[:, None] * across + np.sin(a)[:, None] * along)
        spread_out = (np.cos(a)[:, None] * across + np.sin(a)[:, None] * along)
        length = np.full(n, 0.13 + 0.10 * hair.volume)
        g = Growth(flow=out + 0.45 * spread_out + 0.25 * np.array([0, 1.0, 0]), length=length,
                   height=np.full(n, 0.008), lift=0.8, stiff=0.35, cling=0.0, comb=0.15, floor=-0.24,
                   curl_m=0.001 + 0.004 * hair.curl, curl_wave_m=0.07)
        curve, _ = grow(body, roots, g, steps, rng)
        normals = unit(curve - curve.mean(0, keepdims=True) + 0.01 * out)
        width = np.full(n, 0.016)
    else:
        n, steps = 46, 8
        radius = 0.024 + 0.016 * hair.volume
        centre = knot + out * (0.6 * radius)
        # the locks of a bun are great circles around axes that lean at random
        axis = unit(out + 0.5 * rng.normal(size=(n, 3)))
        e1 = unit(np.cross(axis, rng.normal(size=(n, 3))))
        e2 = np.cross(axis, e1)
        a = np.linspace(0, 1.2 * np.pi, steps + 1)[None, :, None]
        normals = e1[:, None] * np.cos(a) + e2[:, None] * np.sin(a)
        curve = centre + normals * radius * rng.uniform(0.8, 1.08, (n, 1, 1)) * np.array([1, 0.88, 1])
        width = np.full(n, 0.6 * radius)
    t = np.linspace(0, 1, curve.shape[1])
    away = np.linalg.norm(curve - curve.mean((0, 1)), axis=2)
    shade = np.clip(0.6 + 0.4 * away / away.max(), 0, 1) * (0.8 + 0.2 * t)
    return cards("knot", curve, normals, width=width, shade=shade, texture=texture, anchor=rest,
                 bind=np.full(len(curve), bind), rng=rng, turn=smooth(-0.24, -0.12, curve[..., 1]))
