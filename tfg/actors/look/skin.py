"""Textures of the skin, painted once per person on the chart of the mean head: colour, gloss and relief."""
from __future__ import annotations

import functools

import numpy as np

from tfg.actors.look import brows
from tfg.actors.look import phenotypes as people
from tfg.actors.look.chart import chart, place, unfolded
from tfg.actors.look.colour import linear
from tfg.actors.look.hair import beard_density, scalp_density
from tfg.head.model import Head

SIZE = 512
RELIEF = 127.0              # int8 value of a change of 1 in a normal


def paint(identity, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Paint the skin of an identity at size S x S.

    Returns skin (S, S, 4) uint8: square roots of linear colour, and gloss; and detail (S, S, 4) int8: changes of the
    normals (x, y, z of the head, 127 = 1) and 127 times the darkness of pores and folds.
    """
    rng = np.random.default_rng([identity.skin.seed, 3])
    c, s, z = chart(size), identity.skin, zones(size)
    noise = [_noise(rng, size, r) * z["even"] for r in (1.2, 2.5, 6, 16, 48)]
    base = linear(people.tone(s.melanin, s.warmth))
    colour = np.broadcast_to(base, (size, size, 3)).copy()
    fair = float(np.clip(1 - s.melanin / 0.6, 0, 1))

    blood = s.redness * (0.75 * z["cheek"] + 0.85 * z["nose"] + 0.35 * z["chin"] + 0.5 * z["ear"])
    blood = blood + 0.30 * z["lid"] + (0.09 + 0.15 * s.blotches) * (noise[3] + 0.6 * noise[2] + 0.4 * noise[4])
    colour *= np.exp(-blood[..., None] * (0.35 + 0.65 * fair) * np.array([0.05, 0.36, 0.30], np.float32))
    bags = (0.25 + 0.75 * s.bags) * z["under_eye"] + 0.25 * z["socket"]
    colour *= np.exp(-bags[..., None] * np.array([0.30, 0.38, 0.28], np.float32))
    uneven = (0.03 + 0.05 * s.blotches) * (noise[4] + 0.7 * noise[3]) + 0.030 * noise[1] + 0.03 * s.pores * noise[0]
    colour *= np.exp(-uneven[..., None] * np.array([0.8, 1.0, 1.1], np.float32))
    _spots(rng, colour, identity, z)

    lids = z["lid_upper"] * identity.lashes.shadow * 0.55
    colour = _mix(colour, linear(identity.lashes.shadow_colour), lids)
    lip = z["lips"]
    lines = 1 + 0.10 * _streaks(rng, size) + 0.06 * noise[1]
    lip_colour = linear(identity.lips.colour) * lines[..., None] * (1 - 0.22 * z["lip_edge"][..., None])
    colour = _mix(colour, lip_colour, lip * identity.lips.strength)
    scalp = scalp_density(identity.hair, c.point)
    colour = _mix(colour, linear(identity.hair.colour) * 0.9, np.clip(scalp * (1 + 0.5 * noise[0]), 0, 0.97))
    beard = beard_density(identity.beard, c.point)
    beard = np.clip(beard * (1 + (1 - beard) * (0.8 * noise[0] + 0.4 * noise[1])), 0, 0.95) * (1 - lip)
    colour = _mix(colour, linear(identity.beard.colour), beard)

    hair_of_brow = brows.paint(identity.brows, size)
    colour = _mix(colour, linear(identity.brows.colour), hair_of_brow)
    dark = linear(np.array([.06, .045, .04])) + 0.15 * (1 - identity.lashes.dark) * base
    colour = _mix(colour, dark, np.clip(z["lash_upper"] * (0.75 + 0.25 * identity.lashes.liner), 0, 1))
    colour = _mix(colour, dark, np.clip(z["lash_lower"] * (0.35 + 0.5 * identity.lashes.liner), 0, 1))
    colour = _mix(colour, colour * 0.45, z["crease"] * 0.55)
    colour = _mix(colour, base * [0.45, 0.25, 0.22], 0.8 * z["lip_line"])
    colour = _mix(colour, base * 0.10, z["nostril"])

    gloss = 0.05 + 0.22 * s.shine * (0.35 + 0.9 * z["oily"]) * (1 + 0.3 * noise[1])
    gloss = gloss * (1 - lip) + lip * (0.10 + 0.45 * identity.lips.gloss)
    gloss = gloss * (1 - 0.8 * np.clip(hair_of_brow + beard + scalp, 0, 1))
    skin = np.empty((size, size, 4), np.uint8)
    skin[..., :3] = np.round(np.sqrt(np.clip(colour, 0, 1)) * 255)
    skin[..., 3] = np.round(255 * np.clip(gloss, 0, 1))

    mm = 0.045 * s.pores * noise[0] + 0.05 * (0.4 + s.lines) * noise[1] + 0.05 * noise[2]       # height of the relief
    mm = mm * (1 - 0.6 * lip) + 0.05 * lip * lines + 0.25 * hair_of_brow - 0.35 * s.bags * z["bag_edge"]
    detail = np.zeros((size, size, 4), np.int8)
    detail[..., :3] = relief(c, mm * 1e-3)
    detail[..., 3] = 0
    return skin, detail


def relief(c, height: np.ndarray) -> np.ndarray:
    """Change of the normals by a relief: (S, S, 3) int8, 127 = 1.

    c: `tfg.actors.look.chart.Chart`.  height: (S, S) metres above the skin.
    """
    dv, du = np.gradient(height)
    across = c.across / (np.maximum((c.across**2).sum(-1, keepdims=True), 4e-8))
    down = c.down / (np.maximum((c.down**2).sum(-1, keepdims=True), 4e-8))
    dn = -(du[..., None] * across + dv[..., None] * down)
    return np.round(np.clip(dn * RELIEF, -127, 127)).astype(np.int8)


@functools.lru_cache(maxsize=2)
def zones(size: int) -> dict[str, np.ndarray]:
    """Zones of the face on the chart: name -> (S, S) float32 in [0, 1], equal for all persons. Arrays are read-only."""
    head, c = Head.load(), chart(size)
    p = c.point
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]

    def blob(cx, cy, rx, ry, front=-0.03):
        return np.exp(-((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2) * (z > front)

    out = {"cheek": blob(.044, -.043, .020, .016), "nose": blob(0, -.036, .013, .016, .02),
           "chin": blob(0, -.105, .02, .014),
           "under_eye": blob(.031, -.0165, .0145, .0055), "socket": blob(.017, .002, .007, .010),
           "oily": np.maximum(np.maximum(blob(0, .045, .035, .020), blob(0, -.03, .010, .026)),
                              0.7 * blob(.038, -.034, .013, .010)),
           "freckle": np.maximum(blob(.035, -.032, .026, .017), blob(0, -.028, .022, .016)),
           "bag_edge": np.exp(-((y + .0225 - 20 * np.clip(x - .031, -.02, .02) ** 2) / .0014) ** 2)
           * blob(.031, -.022, .014, .008),
           "lips": np.clip(1.35 * c.spread(head.masks["lips"]) - 0.1, 0, 1), "ear": c.spread(head.masks["ears"]),
           "lid": c.spread(head.masks["lids"])}
    texel = np.maximum(np.linalg.norm(c.across, axis=-1), np.linalg.norm(c.down, axis=-1)) * size / 512
    out["even"] = np.clip(1.8 - texel / 0.0007, 0.15, 1)               # weakens noise on wide texels, against streaks
    out["lip_edge"] = np.clip(4 * out["lips"] * (1 - out["lips"]), 0, 1)
    at = place(head.at_landmarks(unfolded(head))) * size - 0.5
    px = size / 0.23                                                # texels per metre, about
    upper, lower = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    crease, lid_upper = upper.copy(), upper.copy()
    for (t, b), brow in zip(lid_margins(size), (brows.LOWER[0], brows.LOWER[1]), strict=True):
        w = at[list(brow)]
        upper = np.maximum(upper, stroke(size, t, 0.0012 * px))
        lower = np.maximum(lower, stroke(size, b, 0.0005 * px))
        rise = np.interp(t[:, 0], np.sort(w[:, 0]), w[np.argsort(w[:, 0]), 1]) - t[:, 1]
        bell = np.sin(np.linspace(0.25, 2.95, len(t)))
        crease = np.maximum(crease, stroke(size, t + np.stack([0 * t[:, 0], 0.40 * rise * bell], 1), 0.0007 * px))
        lid_upper = np.maximum(lid_upper, fill(size, np.concatenate(
            [t, (t + np.stack([0 * t[:, 0], 0.50 * rise * bell], 1))[::-1]]), 0.0024 * px))
    out |= {"lash_upper": upper, "lash_lower": lower, "crease": crease, "lid_upper": lid_upper}
    mouth = at[[78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]]
    out["lip_line"] = stroke(size, mouth, 0.0008 * size / .23)
    nostril = np.exp(-((x - .0085) / .0042) ** 2 - ((y + .0475) / .0022) ** 2) * (z > .02)
    out["nostril"] = 0.7 * nostril * np.clip(-c.normal[..., 1] * 2.0, 0, 1)
    out = {k: np.ascontiguousarray(v, np.float32) for k, v in out.items()}
    for v in out.values():
        v.setflags(write=False)
    return out


def lid_margins(size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Margins of the open lids on the chart: for the right and the left eye, (N, 2) texels along the upper and the
    lower margin, from left to right."""
    from scipy.ndimage import gaussian_filter1d

    uv = chart(size).uv
    return [tuple(gaussian_filter1d((uv[t] * b[..., None]).sum(1) * size - 0.5, 2.0, axis=0, mode="nearest")
                  for t, b in eye) for eye in margin_points()]


@functools.lru_cache(maxsize=1)
def margin_points() -> list:
    """Margins of the open lids on the mean head, found in a view from the front.

    Returns for the right and the left eye a list of the upper and the lower margin, each as vertex numbers (N, 3) and
    weights (N, 3), from left to right.
    """
    from tfg.head.raster import rasterise

    head = Head.load()
    per_m, width, height = 16000, 1760, 560
    xy = head.mean[:, :2] * [per_m, -per_m] + [width / 2, height / 2]
    drawn = ~head.part_mask("lash_left", "lash_right")
    tri, part = head.triangles[drawn], head.part[drawn]
    face, bary, _ = rasterise(xy, -head.mean[:, 2], tri, height, width)
    eye = np.isin(part[face], [head.part_names.index(n) for n in ("eye_left", "eye_right")]) & (face >= 0)
    out = []
    for half in (slice(0, width // 2), slice(width // 2, width)):
        cols = np.flatnonzero(eye[:, half].any(0))[4:-4:6] + half.start
        rows = (eye[:, cols].argmax(0) - 3, height - eye[::-1, cols].argmax(0) + 2)
        out.append([(tri[face[r, cols]], bary[r, cols]) for r in rows])
    return out


def stroke(size: int, points: np.ndarray, width: float) -> np.ndarray:
    """Draw a soft line through points (N, 2) in texels, `width` texels wide: (S, S) float32 in [0, 1]."""
    import cv2

    big = np.zeros((size, size), np.uint8)
    cv2.polylines(big, [np.round(points * 16).astype(np.int32)[:, None]], False, 255, max(1, int(round(width))),
                  cv2.LINE_AA, 4)
    return cv2.GaussianBlur(big, (0, 0), max(0.45, 0.30 * width)).astype(np.float32) / 255


def fill(size: int, polygon: np.ndarray, blur: float) -> np.ndarray:
    """Draw the inside of a polygon (N, 2) in texels, blurred by `blur` texels: (S, S) float32 in [0, 1]."""
    import cv2

    big = np.zeros((size, size), np.uint8)
    cv2.fillPoly(big, [np.round(polygon * 16).astype(np.int32)[:, None]], 255, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(big, (0, 0), blur).astype(np.float32) / 255


def _noise(rng, size: int, radius: float) -> np.ndarray:
    """Smooth noise: (S, S), mean 0, standard deviation 1. radius: size of its spots in texels."""
    import cv2

    step = max(1, int(radius // 3))
    small = rng.standard_normal((size // step + 2, size // step + 2), np.float32)
    small = cv2.GaussianBlur(small, (0, 0), radius / step, borderType=cv2.BORDER_REFLECT)
    out = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    return (out - out.mean()) / (out.std() + 1e-6)


def _streaks(rng, size: int) -> np.ndarray:
    """Noise of vertical streaks, for the fine lines of lips: (S, S), standard deviation 1."""
    import cv2

    out = cv2.GaussianBlur(rng.standard_normal((size, size), np.float32), (0, 0), sigmaX=1.0, sigmaY=7.0)
    return out / (out.std() + 1e-6)


def _spots(rng, colour, identity, z) -> None:
    """Draw freckles and moles into colour (S, S, 3), linear, in place. z: `zones`."""
    size, s = len(colour), identity.skin
    n = int(700 * s.freckles)
    at = rng.integers(0, size, (4 * n, 2))
    keep = rng.random(4 * n) < z["freckle"][at[:, 0], at[:, 1]] + 0.04
    _dots(colour, at[keep][:n], rng.uniform(0.5, 1.5, keep.sum())[:n], rng.uniform(0.1, 0.45, keep.sum())[:n],
          np.array([0.55, 0.95, 1.1]))
    n = int(rng.poisson(1 + 9 * s.moles))
    at = rng.integers(int(.12 * size), int(.88 * size), (n, 2))
    _dots(colour, at, rng.uniform(0.8, 2.2, n), rng.uniform(0.5, 1.3, n), np.array([0.8, 1.1, 1.2]))


def _dots(colour, at, radius, depth, tint) -> None:
    """Draw dark dots into colour (S, S, 3) in place. at: (N, 2) row and column.  radius: (N,) texels.  depth: (N,)
    strength.  tint: (3,) strength in each channel."""
    size = len(colour)
    for (i, j), r, d in zip(at, radius, depth):
        k = int(3 * r) + 1
        if k <= i < size - k and k <= j < size - k:
            o = np.arange(-k, k + 1)
            w = d * np.exp(-(o[:, None] ** 2 + o[None] ** 2) / (2 * r * r))
            colour[i - k:i + k + 1, j - k:j + k + 1] *= np.exp(-w[..., None] * tint)


def _mix(colour, target, weight):
    """Blend colour (S, S, 3) with target (3,) or (S, S, 3) by weight (S, S)."""
    return colour + (np.asarray(target, np.float32) - colour) * weight[..., None].astype(np.float32)
