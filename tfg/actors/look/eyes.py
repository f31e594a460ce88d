"""The eyeball's texture: iris, pupil, limbal ring, veins, seen from the front."""
from __future__ import annotations

import numpy as np

from tfg.actors.look.colour import linear
from tfg.actors.look.mesh import EYE_R_M
from tfg.head.model import Head

SIZE = 128


def paint(identity, size: int = SIZE) -> np.ndarray:
    """(E, E, 4) uint8: square roots of linear colour; the pupil in the middle, the ball's edge at the border."""
    rng = np.random.default_rng([identity.iris.seed, 1])
    at = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(at * EYE_R_M, at * EYE_R_M)
    r = np.hypot(x, y) / identity.iris.size_m
    phi = np.arctan2(y, x)
    fibres = sum(rng.normal(0, 1) * np.cos(k * phi + rng.uniform(0, 6.28) + 2 * r) for k in (5, 9, 14, 21, 30)) / 4
    outer, inner, white = (linear(c) for c in (identity.iris.colour, identity.iris.inner, identity.iris.white))
    blend = np.clip((r - identity.iris.pupil - 0.05) / 0.4, 0, 1)[..., None]
    iris = (inner * (1 - blend) + outer * blend) * (1 + 0.28 * fibres[..., None])
    iris = iris * (1 - identity.iris.limbal * np.clip((r - 0.72) / 0.26, 0, 1) ** 2 * 0.85)[..., None]
    soft = 0.08
    in_iris = np.clip((1 - r) / soft + 0.5, 0, 1)[..., None]
    in_pupil = np.clip((identity.iris.pupil - r) / soft + 0.5, 0, 1)[..., None]
    veins = np.clip((r - 1.2) / 1.2, 0, 1)[..., None] * np.array([0.0, 0.10, 0.09])
    out = white * (1 - veins) * (1 - in_iris) + iris * in_iris
    out = out * (1 - in_pupil) + 0.004 * in_pupil
    rgba = np.full((size, size, 4), 255, np.uint8)
    rgba[..., :3] = np.round(np.sqrt(np.clip(out, 0, 1)) * 255)
    return rgba


def landmarks(radius_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (10, 3) and weights (10, 3) of the iris landmarks 468-477: for the right, then the left eye the centre,
    then the ring at the picture's right, top, left, bottom."""
    head = Head.load()
    tris, weights = [], []
    for side in ("eye_right", "eye_left"):
        tri = head.triangles[head.part_mask(side)]
        p = head.mean
        ball = p[np.unique(tri)]
        middle = (ball.min(0) + ball.max(0))[:2] / 2
        tri = tri[p[tri][..., 2].mean(1) > p[tri][..., 2].mean()]                   # the front half
        a, b, c = (p[tri[:, k], :2] for k in range(3))
        for step in ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)):
            at = middle + radius_m * np.array(step)
            area = _cross(b - a, c - a)
            w = np.stack([_cross(b - at, c - at), _cross(c - at, a - at), _cross(a - at, b - at)], 1) / area[:, None]
            k = np.argmax(w.min(1))
            tris.append(tri[k])
            weights.append(w[k])
    return np.array(tris), np.array(weights, np.float32)


def _cross(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
