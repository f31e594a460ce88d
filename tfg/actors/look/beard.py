"""Beards: the areas where they grow, and their locks, which are bound to the skin and so move with jaw and lips.

Areas are functions of points of the mean head (metres, see tfg.head.model), whose mouth corners lie at (0.025, -0.073)
and whose chin lies at y = -0.115. Each takes points (..., 3) and returns a density (...) in [0, 1].
"""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look import scalp
from tfg.actors.look.hair_style import Beard, tones
from tfg.actors.look.piece import HairPiece
from tfg.actors.look.scalp import smooth
from tfg.actors.look.skull import body_of
from tfg.actors.look.strands import Growth, atlas, cards, grow, unit
from tfg.head.model import Head


def _mouth(p: np.ndarray) -> np.ndarray:
    """Density that keeps the lips free: 0 on them and just beside the corners, 1 elsewhere."""
    x = np.abs(p[..., 0])
    upper = -0.0628 - 0.0105 * np.clip(x / 0.026, 0, 1) ** 1.6           # the upper lip's edge
    lower = -0.0868 + 0.0125 * np.clip(x / 0.026, 0, 1) ** 2
    over = np.maximum(np.maximum(p[..., 1] - upper, lower - p[..., 1]), x - 0.0265)
    return np.where(p[..., 2] < 0, 1.0, smooth(0.0, 0.0025, over))


def moustache(p: np.ndarray, width: float = 0.5) -> np.ndarray:
    """Density of a moustache between nose and upper lip; width in [0, 1] extends it beyond the corners."""
    x, y = np.abs(p[..., 0]), p[..., 1]
    top = -0.0520 - 0.010 * np.clip((x - 0.012) / 0.02, 0, 1.5)
    bottom = -0.070 - 0.012 * smooth(0.022, 0.034, x) * width
    side = 0.027 + 0.007 * width
    return smooth(0.002, -0.002, y - top) * smooth(-0.001, 0.002, y - bottom) * smooth(side, side - 0.006, x) \
        * smooth(0.0, 0.006, p[..., 2])


def goatee(p: np.ndarray, width: float = 0.5) -> np.ndarray:
    """Density of a goatee: the chin, the patch below the lower lip, and from width 0.5 lines up to the moustache."""
    x, y = np.abs(p[..., 0]), p[..., 1]
    half = 0.017 + 0.013 * width
    chin = smooth(half + 0.003, half - 0.003, x) * smooth(-0.0915, -0.0955, y + 0.25 * np.maximum(0.008 - x, 0)) \
        * smooth(-0.020, -0.008, p[..., 2])
    patch = smooth(0.008, 0.005, x) * smooth(-0.087, -0.0885, y)
    bridge = smooth(0.0265, 0.029, x) * smooth(0.037, 0.034, x) * smooth(-0.063, -0.068, y)
    return np.maximum(np.maximum(chin, patch * (p[..., 2] > 0)), bridge * (width > 0.5) * (p[..., 2] > 0)) \
        * smooth(-0.150, -0.138, y)


def jaw(p: np.ndarray, width: float = 0.5) -> np.ndarray:
    """Density of a full beard without its moustache: cheeks, jaw, chin and upper throat, up to the sideburns."""
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
    back = np.clip((0.022 - z) / 0.075, 0, 1)                       # 0 beside the mouth, 1 before the ear
    top = -0.083 + 0.012 * width + (0.052 - 0.006 * width) * back + 0.030 * smooth(0.55, 1.0, back)
    top = np.where(x < 0.026, np.minimum(top, -0.089 + 0.010 * smooth(0.018, 0.026, x)), top)
    bottom = -0.128 + 0.062 * smooth(0.35, 0.95, back)
    near = smooth(-0.064, -0.056, z)
    return smooth(0.004, -0.004, y - top) * smooth(-0.006, 0.006, y - bottom) * near


def beard_density(beard: Beard, p: np.ndarray) -> np.ndarray:
    """Opacity of the beard's colour painted on the skin at mean-head points p (..., 3): (...) in [0, 1]."""
    w = beard.width
    grown = {"none": 0, "stubble": 1, "moustache": 1, "goatee": 1, "short": 1, "long": 1}[beard.style]
    if not grown:
        return np.zeros(p.shape[:-1])
    area = _area(beard, p)
    strength = (0.16 + 0.30 * beard.length) * beard.density if beard.style == "stubble" else 0.72 + 0.22 * beard.density
    shadow = 0.08 * beard.density * np.maximum(jaw(p, w), np.maximum(moustache(p, w), goatee(p, w)))
    return np.maximum(strength * area, shadow) * _mouth(p)


def _area(beard: Beard, p: np.ndarray) -> np.ndarray:
    """Density of the beard's style at mean-head points p (..., 3)."""
    w = beard.width
    lip, chin = moustache(p, w), goatee(p, w)
    return {"moustache": lambda: lip, "goatee": lambda: np.maximum(chin, lip * (w > 0.3)),
            "none": lambda: 0 * lip}.get(beard.style, lambda: np.maximum(np.maximum(lip, 0.9 * chin), jaw(p, w)))()


@functools.lru_cache(maxsize=1)
def _skin() -> np.ndarray:
    """Triangles (F, 3) of the skin on which a beard may grow."""
    head = Head.load()
    tri = head.triangles[head.part_mask("skin")].astype(np.int32)
    p = head.mean[tri]
    keep = (p[..., 1].min(1) > -0.16) & (p[..., 1].max(1) < 0.02) & (p[..., 2].max(1) > -0.07)
    keep &= (head.masks["inside_mouth"][tri].max(1) < 0.05) & (head.masks["ears"][tri].max(1) < 0.3)
    keep &= head.masks["lips"][tri].max(1) < 0.5
    return tri[keep]


def build_beard(head: Head, beard: Beard, rest: np.ndarray) -> list[HairPiece]:
    """Locks of the beard on the head at rest (V, 3), bound to the skin. There are none for the styles "none" and
    "stubble", which are only painted (`beard_density`)."""
    if beard.style in ("none", "stubble"):
        return []
    rng = np.random.default_rng([beard.seed, 72])

    def area(p):
        thin = np.where(moustache(p, beard.width) > 0.3, 1.0, 0.45)      # hairs of a moustache are short: more of them
        return _area(beard, p) * (_mouth(p) > 0.9) * thin

    n = int({"short": 560, "long": 430, "goatee": 230, "moustache": 110}[beard.style] * (0.7 + 0.3 * beard.density))
    tri, bary = scalp.scatter(rng, _skin(), area, n)
    p, roots = ((x[tri] * bary[..., None]).sum(1) for x in (head.mean, rest))
    n = len(p)
    x, y = p[:, 0], p[:, 1]
    on_lip = (y > -0.074) & (np.abs(x) < 0.033) & (p[:, 2] > 0)
    side = np.sign(x + rng.normal(0, 0.001, n))
    chin = smooth(0.034, 0.0, np.abs(x)) * smooth(-0.085, -0.10, y)
    long = beard.style == "long"
    length = 0.005 + 0.007 * beard.length + (0.008 + (0.016 + 0.05 * beard.length) * (0.35 + 0.65 * chin)) * long
    length = length * smooth(-0.02, -0.06, y) + 0.005
    room = np.where(np.abs(x) < 0.026, y + 0.0628 + 0.0105 * np.clip(np.abs(x) / 0.026, 0, 1) ** 1.6, 0.011)
    # A moustache must not hang over the mouth: it runs sideways, and ends at the lip's edge.
    length = np.where(on_lip, np.clip(1.6 * room, 0.003, 0.006 + 0.004 * beard.length), length)
    flow = np.stack([0.25 * side, -1 + 0 * x, 0.15 + 0 * x], 1)
    flow[on_lip] = np.stack([1.1 * side, -0.55 + 0 * x, 0.25 + 0 * x], 1)[on_lip]
    flow = unit(flow + 0.25 * rng.normal(size=p.shape))
    lift = np.where(on_lip, 0.12, 0.30 if not long else 0.22)
    height = np.where(on_lip, 0.0012, 0.15 * length)
    g = Growth(flow=flow, length=length * rng.uniform(0.8, 1.15, n), height=height, lift=lift,
               stiff=0.5 if long else 0.8, cling=0.1, curl_m=np.where(on_lip, 0, 0.0007 + 0.003 * long),
               curl_wave_m=0.02, curl_together=0.3)
    curve, normals = grow(body_of(rest), roots - 0.0005 * unit(roots - roots.mean(0)), g, 4 if long else 2, rng)
    t = np.linspace(0, 1, curve.shape[1])
    shade = (0.70 + 0.30 * smooth(0, 0.6, t))[None] * rng.uniform(0.8, 1.0, (n, 1))
    width = np.where(on_lip, 0.0055, 0.0055 + 0.003 * long) * rng.uniform(0.8, 1.2, n)
    texture = atlas(rng, tones(beard.colour, beard.colour, beard.grey, rng), density=0.8, frizz=0.5)
    bind = tri[np.arange(n), bary.argmax(1)]
    return [cards("beard", curve, normals, width=width, shade=shade, texture=texture, anchor=rest, bind=bind, rng=rng,
                  follow=0.0, solid=False)]
