"""Texture of the eyeball seen from the front: iris, pupil, limbal ring and veins."""
from __future__ import annotations

import numpy as np

from tfg.actors.look.colour import linear
from tfg.actors.look.mesh import EYE_R_M

SIZE = 128


def paint(identity, size: int = SIZE) -> np.ndarray:
    """Paint the eye of an identity: (E, E, 4) uint8, square roots of linear colour and alpha 255.

    The pupil is in the middle, and the ball's edge touches the border.  size: E.
    """
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
