"""Haircuts: the direction, length, height above the head and look of the locks, one function for each hair style.

Each function is cut(hair, p, q, level) -> Cut.  p (N, 3): roots on the mean head; q (N,): 0 for the innermost lock to 1
for the outermost; level: heights of this head in metres, by the names "brow", "ear", "chin", "nape".
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.actors.look import scalp
from tfg.actors.look.hair_style import Hair
from tfg.actors.look.scalp import CENTRE, CROWN, azimuth, smooth
from tfg.actors.look.strands import Growth, unit

UP, BACK, DOWN = np.array([0, 1.0, 0]), np.array([0, 0, -1.0]), np.array([0, -1.0, 0])


@dataclass
class Cut:
    """Locks of a haircut. growth: shape of the locks (its flow also directs the painted hairs of the under-layer); n:
    number of locks; steps: segments of a card; width: (N,) metres; cap: (N,) metres of the under-layer above the skin;
    frizz, density, blunt: of the strands on a card (see strands.atlas); twist: standard deviation of a card's rotation
    in radians; mess: factor on the person's `Hair.mess`."""

    growth: Growth
    n: int
    steps: int
    width: np.ndarray
    cap: np.ndarray
    frizz: float = 0.2
    density: float = 1.0
    twist: float = 0.35
    blunt: float = 0.0
    mess: float = 1.0


def bald_of(hair: Hair) -> float:
    """Baldness of the crown in [0, 1]: above 0 only in the style "receding" with a length above 0.45."""
    return 0.3 + 0.7 * hair.length if hair.style == "receding" and hair.length > 0.45 else 0.0


def depth_of(hair: Hair, p: np.ndarray) -> np.ndarray:
    """Distance of mean-head points (..., 3) inside this person's hairline: (...) metres, negative outside."""
    recession, lift = hair.recession, 0.006 * hair.hairline
    if hair.style == "receding":
        recession, lift = 0.7 + 0.5 * hair.volume, lift + 0.010
    return scalp.inside(p, lift, recession, bald_of(hair))


def where(hair: Hair, p):
    """Density of the locks' roots at mean-head points p (N, 3): (N,) in [0, 1]."""
    if hair.style == "fringe":
        return 0.45 + 0.55 * (smooth(52, 40, azimuth(p)) * smooth(-0.075, -0.055, p[:, 2]))
    if hair.style in ("ponytail", "bun"):
        return 1.0 * (p[:, 1] > np.where(azimuth(p) < 78, 0.015, np.where(azimuth(p) < 138, -0.012, -1.0)))
    if hair.style in ("bob", "long", "wavy"):           # the back is rarely seen, so the under-layer suffices there
        return 1 - 0.65 * smooth(115, 145, azimuth(p))
    return np.ones(len(p))


def top_of(p):
    """1 on the top of the head, 0 on its sides, for mean-head points p (N, 3)."""
    return smooth(0.035, 0.08, p[:, 1])


def front_of(p):
    """1 at the front hairline, 0 behind the ears, for mean-head points p (N, 3)."""
    return smooth(-0.07, -0.01, p[:, 2]) * smooth(0.02, 0.05, p[:, 1])


def away_from_crown(p):
    """Directions (N, 3) away from the crown, turned a little so that they form a whorl."""
    f = p - CROWN
    return unit(f + 0.25 * np.cross(UP, f))


def parted(hair: Hair, p, back: float = 0.35):
    """Directions (N, 3) away from the parting and down; the parting runs from the front to the crown.

    back: how much they lean backwards.
    """
    x = p[:, 0] - 0.032 * hair.part
    side = np.where(np.abs(x) < 1e-4, 1.0, np.sign(x))
    f = side[:, None] * np.array([1.0, 0, 0]) + 0.7 * DOWN + back * BACK
    nape = smooth(-0.10, -0.15, p[:, 2])[:, None]
    return unit(unit(f) * (1 - nape) + unit(p - CROWN) * nape)


def sides_back(p):
    """Directions (N, 3) of short hair on the sides: down and a little to the back."""
    return np.broadcast_to(unit(np.array([0, -1.0, -0.45])), p.shape)


def mix(a, b, w):
    """Unit vectors (N, 3) between a (weight 1 - w) and b (weight w (N,))."""
    return unit(a * (1 - w[:, None]) + b * w[:, None])


def _short(hair, p, q, level, *, top, sides, lift, flow, thick, curl=0.0, wave=0.02, n=620, stiff=0.95):
    """Cut of the short styles: a top of length `top` and shorter `sides` (metres) that fade towards neck and ears."""
    t = top_of(p)
    fade = smooth(-0.07, 0.03, p[:, 1])
    length = sides * (0.5 + 0.5 * fade) * (1 - t) + top * t
    floor = np.where((azimuth(p) > 76) & (azimuth(p) < 112), level["ear"], -1.0)
    height = (0.002 + thick * (0.25 + 0.75 * t)) * (0.3 + 0.7 * q)
    g = Growth(flow=flow, length=length * (0.75 + 0.5 * q), height=height, lift=lift, stiff=stiff, cling=0.25,
               curl_m=curl, curl_wave_m=wave, floor=floor, comb=0.3)
    return Cut(g, n, 3, 0.006 + 0.35 * np.minimum(length, 0.025), 0.0015 + 0.25 * thick * (0.2 + 0.8 * t),
               frizz=0.2 + 0.8 * hair.curl)


def buzz(hair, p, q, level):
    c = _short(hair, p, q, level, top=0.005 + 0.004 * hair.length, sides=0.004, lift=0.55, flow=away_from_crown(p),
               thick=0.001, n=420)
    c.width = np.full(len(p), 0.006)
    return c


def crop(hair, p, q, level):
    top = 0.018 + 0.022 * hair.length
    return _short(hair, p, q, level, top=top, sides=0.009 + 0.009 * hair.length, lift=0.3 + 0.3 * hair.volume * q,
                  flow=away_from_crown(p), thick=0.003 + 0.009 * hair.volume, curl=0.003 * hair.curl)


def receding(hair, p, q, level):
    return _short(hair, p, q, level, top=0.016, sides=0.010 + 0.012 * hair.length, lift=0.2, n=480,
                  flow=mix(away_from_crown(p), sides_back(p), 1 - top_of(p)), thick=0.003 + 0.004 * hair.volume)


def side_part(hair, p, q, level):
    t = top_of(p)
    flow = mix(sides_back(p), parted(hair, p, 0.3), t)
    # the larger side rises at the parting and falls over
    c = _short(hair, p, q, level, top=0.040 + 0.030 * hair.length, sides=0.010 + 0.010 * hair.length, n=560,
               lift=0.15 + (0.25 + 0.3 * hair.volume) * t * q, flow=flow, thick=0.006 + 0.014 * hair.volume,
               curl=0.002 * hair.curl, wave=0.04, stiff=0.75)
    c.mess, c.steps, c.growth.cling = 0.6, 4, 0.4
    heavy = smooth(-0.01, 0.05, -np.sign(hair.part) * p[:, 0])
    c.growth.height = c.growth.height + t * q * heavy * (0.006 + 0.014 * hair.volume)
    c.growth.length = c.growth.length * (1 + 0.25 * t * heavy)
    return c


def quiff(hair, p, q, level):
    t, f = top_of(p), front_of(p)
    lean = np.array([0.5 * hair.part, 0.0, 0.0])
    flow = mix(sides_back(p), unit(BACK + 0.3 * UP + lean) + 0 * p, t)
    c = _short(hair, p, q, level, top=0.040 + 0.025 * hair.length, sides=0.008 + 0.008 * hair.length,
               lift=0.10 + t * (0.15 + (0.25 + 0.25 * hair.volume) * f), flow=flow,
               thick=0.006 + 0.010 * hair.volume, curl=0.002 * hair.curl, wave=0.04, n=560)
    c.growth.height = c.growth.height + t * f * q * (0.014 + 0.020 * hair.volume)
    c.growth.comb, c.growth.cling, c.steps, c.mess = 0.3 + 0.5 * t, 0.25 + 0.25 * t, 4, 0.5
    return c


def curly(hair, p, q, level):
    t = top_of(p)
    length = 0.035 + 0.025 * hair.length
    c = _short(hair, p, q, level, top=length, sides=0.6 * length, lift=0.55, flow=away_from_crown(p),
               thick=0.014 + 0.014 * hair.volume, curl=0.004 + 0.004 * hair.curl, wave=0.022 - 0.008 * hair.curl, n=420)
    c.steps, c.frizz, c.blunt = 6, 0.7, 0.4
    c.growth.curl_together, c.growth.stiff = 0.1, 0.8 + 0.1 * t
    c.growth.height = np.maximum(c.growth.height, 0.010 * q + 0.003)
    c.width = 0.010 + 0 * c.width
    return c


def afro(hair, p, q, level):
    out = unit(p - CENTRE)
    edge = smooth(-0.002, 0.030, depth_of(hair, p))      # close to the skin at the hairline
    radius = (0.25 + 0.75 * edge) * (0.020 + 0.044 * hair.volume) * (0.55 + 0.45 * smooth(-0.07, 0.04, p[:, 1]))
    g = Growth(flow=out, length=0.022 + 0 * q, height=radius * (0.55 + 0.45 * q), lift=0.95, stiff=1.0, cling=0.0,
               curl_m=0.005, curl_wave_m=0.014, curl_together=0.0, comb=0.1)
    return Cut(g, 580, 4, np.full(len(p), 0.013), 0.80 * radius, frizz=0.8, density=0.9, twist=1.2, blunt=0.4)


def _hanging(hair, p, q, level, *, floor, wave_m=0.0, wave=0.06, n=190, steps=10, thick=None, flow=None):
    """Cut of the hanging styles: parted, over or behind the ears, down to the height `floor` (metres)."""
    thick = 0.004 + 0.012 * hair.volume if thick is None else thick
    flow = parted(hair, p, 0.15 + 0.5 * hair.ears) if flow is None else flow
    behind = hair.ears * smooth(0.09, 0.05, p[:, 1]) * smooth(110, 80, azimuth(p))
    flow = mix(flow, unit(np.array([0, -0.35, -1.0])) + 0 * p, behind)
    t = top_of(p)
    # locks of the front hairline go aside and back before they fall, so that the face stays free
    edge = smooth(-0.045, -0.015, p[:, 2])
    flow = unit(flow + edge[:, None] * (0.35 * BACK - 0.2 * DOWN))
    g = Growth(flow=flow, length=p[:, 1] - floor + 0.10 + 0.0 * q, height=(0.003 + thick) * (0.25 + 0.75 * q),
               lift=0.08 + 0.10 * hair.volume * t, stiff=0.25 + 0.3 * edge, comb=0.45,
               cling=0.35 - 0.15 * hair.volume + 0.25 * edge, floor=floor, curl_m=wave_m, curl_wave_m=wave,
               curl_together=0.8, before=np.where((azimuth(p) < 125) & (hair.front > 0.5), 1.0, -1.0))
    return Cut(g, n, steps, 0.016 + 0.004 * q, 0.0015 + 0.35 * thick * t, frizz=0.1 + 0.5 * hair.curl, mess=0.6,
               blunt=0.35)


def bob(hair, p, q, level):
    line = level["chin"] + 0.045 - 0.06 * hair.length + 0.012 * (1 - q)
    nape = smooth(120, 170, azimuth(p))
    c = _hanging(hair, p, q, level, floor=line + 0.015 * nape, wave_m=0.002 * hair.curl,
                 thick=0.008 + 0.014 * hair.volume)
    c.blunt = 0.8 - 0.6 * hair.mess
    return c


def long(hair, p, q, level):
    return _hanging(hair, p, q, level, floor=level["chin"] - 0.06 - 0.09 * hair.length + 0.02 * q, steps=11, n=180)


def wavy(hair, p, q, level):
    return _hanging(hair, p, q, level, floor=level["chin"] - 0.03 - 0.10 * hair.length + 0.03 * q, steps=13, n=160,
                    wave_m=0.004 + 0.006 * hair.curl, wave=0.075 - 0.03 * hair.curl, thick=0.008 + 0.014 * hair.volume)


def fringe(hair, p, q, level):
    """Cut of a bob, or of longer hair, whose front falls over the forehead and ends above the brows."""
    short = hair.length < 0.4
    line = level["chin"] + 0.03 - 0.16 * hair.length + 0.012 * (1 - q)
    c = _hanging(hair, p, q, level, floor=line, thick=0.007 + 0.010 * hair.volume, n=280, steps=9,
                 wave_m=0.002 * hair.curl)
    c.blunt = 0.9 - 0.5 * hair.mess
    if short:                                            # a crop with a fringe
        c.growth.floor = np.where(azimuth(p) > 70, np.maximum(level["ear"] - 0.02, line), line)
    w = smooth(52, 40, azimuth(p)) * smooth(-0.075, -0.055, p[:, 2])
    ahead = unit(np.stack([p[:, 0] * 6 + 0.25 * hair.part, -0.5 + 0 * q, 1 + 0 * q], 1))
    c.growth.flow = mix(c.growth.flow, ahead, w)
    line = level["brow"] + 0.024 - 0.014 * hair.fringe + 0.004 * (1 - q) \
        - 0.9 * np.maximum(np.abs(p[:, 0]) - 0.030, 0)
    c.growth.floor = np.where(w > 0.5, line, c.growth.floor)
    return c


def _tied(hair, p, q, level, knot):
    """Cut of tied hair: all locks run close to the skull to the point `knot` (3,)."""
    flow = unit(knot - p)
    away = np.linalg.norm(knot - p, axis=1)
    g = Growth(flow=flow, length=0.93 * away, height=(0.0025 + 0.005 * hair.volume * top_of(p)) * (0.4 + 0.6 * q),
               lift=0.06, stiff=1.0, cling=0.8, comb=0.9)
    return Cut(g, 240, 6, np.full(len(p), 0.014), 0.002 + 0.003 * hair.volume * top_of(p), frizz=0.05, mess=0.35)


def knot_of(hair, level) -> np.ndarray:
    """Point (3,) of the mean head at which the hair is tied."""
    if hair.style == "bun":
        a = np.radians(2 + 75 * hair.length)             # top knot to chignon
    else:
        a = np.radians(40 + 60 * hair.length)
    return CENTRE + np.array([0.0, 0.105 * np.cos(a), -0.118 * np.sin(a)])


def ponytail(hair, p, q, level):
    return _tied(hair, p, q, level, knot_of(hair, level))


bun = ponytail
CUTS = {"buzz": buzz, "crop": crop, "side_part": side_part, "quiff": quiff, "curly": curly, "afro": afro, "bob": bob,
        "long": long, "wavy": wavy, "ponytail": ponytail, "bun": bun, "receding": receding, "fringe": fringe}
