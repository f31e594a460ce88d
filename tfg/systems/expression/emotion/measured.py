"""Test whether an added emotion moves a measured face towards the person's own emotional clips; nothing is fitted."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.media.motion import Motion
from tfg.systems.expression.emotion.apply import add_to_motion
from tfg.systems.expression.emotion.features import FELT
from tfg.vocabulary import EXPRESSION

ALIVE = .02
"""Least maximum of a coefficient over all clips of a person; one below it was not measured there and is left out."""


@dataclass(frozen=True)
class Own:
    """Result of `towards_own`.

    cosines: (5, 5), row = added, column = the person's own, between mean offsets from the calm clip, in the order of
    `FELT`.  before, after: (5,) distances of the calm clip's mean, and of the result's, to the own mean.
    names: the coefficients that were compared.
    """

    cosines: np.ndarray
    before: np.ndarray
    after: np.ndarray
    names: tuple[str, ...]


def towards_own(curves: dict[str, np.ndarray], intensity: float, *, model: str = "linear", **options) -> Own:
    """Add each emotion to the calm clip, compare with the person's own clips.

    curves: emotion -> (T, 52) measured, absolute expression, NEU and the five; their lengths differ, so means over time
    are compared.  intensity: 0..1; the person's own is not known.  options: keyword arguments of
    `tfg.systems.expression.emotion.add`.
    """
    every = np.stack([np.fmax.reduce(curves[e], 0) for e in ("NEU", *FELT)])               # NaN: never measured there
    alive = np.isfinite(every).all(0) & (every.max(0) > ALIVE)

    def mean(expression) -> np.ndarray:
        return np.nanmean(np.clip(expression[:, alive], 0, 1), 0)

    motion, calm = Motion(curves["NEU"], meta={"measured": "curves"}), mean(curves["NEU"])
    own = np.stack([mean(curves[e]) - calm for e in FELT])
    added = np.stack([mean(add_to_motion(motion, e, intensity, model=model, **options).expression) - calm
                      for e in FELT])
    size = np.linalg.norm(added, axis=1)[:, None] * np.linalg.norm(own, axis=1)[None]
    return Own(added @ own.T / np.maximum(size, 1e-9), np.linalg.norm(own, axis=1),
               np.linalg.norm(own - added, axis=1), tuple(n for n, a in zip(EXPRESSION, alive) if a))
