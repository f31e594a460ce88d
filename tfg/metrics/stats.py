"""Means with 95 % intervals; the bootstrap draws actors, not clips, as clips of one actor resemble each other."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DRAWS = 2000
FEWEST = 3
"""Least number of actors for an interval: with two, the bootstrap gives no more than their range."""


@dataclass(frozen=True)
class Mean:
    """A mean over actors' means, its 95 % interval, and the numbers of actors and clips behind it."""

    value: float
    low: float
    high: float
    clips: int
    actors: int

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def mean(values, actors, *, seed: int = 0, draws: int = DRAWS) -> Mean:
    """Mean of clips' scores: per actor first, then over actors, with a bootstrap clustered by actor.

    values: (N,), NaN for clips that could not be scored.  actors: (N,) names.  With fewer than FEWEST actors the
    interval is NaN: so few cannot stand for other people. Raises ValueError if no value is finite.
    """
    values, actors = np.asarray(values, float), np.asarray(actors)
    if values.shape != actors.shape or values.ndim != 1:
        raise ValueError(f"there must be one actor for each value, got {actors.shape} and {values.shape}")
    ok = np.isfinite(values)
    if not ok.any():
        raise ValueError("none of the values is finite")
    _, which = np.unique(actors[ok], return_inverse=True)
    per_actor = np.bincount(which, values[ok]) / np.bincount(which)
    n = len(per_actor)
    low = high = float("nan")
    if n >= FEWEST:
        drawn = np.random.default_rng(seed).integers(0, n, (draws, n))
        low, high = np.percentile(per_actor[drawn].mean(1), (2.5, 97.5))
    return Mean(float(per_actor.mean()), float(low), float(high), int(ok.sum()), n)


def paired(a, b, actors, *, seed: int = 0, draws: int = DRAWS) -> Mean:
    """Mean difference a - b of two systems on the *same* clips, clustered by actor as `mean`.

    The systems differ if the interval does not contain 0.  a, b, actors: (N,), in the same order of clips.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f"paired scores need the same clips on both sides, got {a.shape} and {b.shape}")
    return mean(a - b, actors, seed=seed, draws=draws)


def verdict(difference: Mean, words: tuple[str, str] = ("more", "less")) -> str:
    """What a paired difference allows to say: one of two words, "no difference seen" where the 95 % interval holds 0,
    "too few actors" where there is none.  words: for a difference above 0, below 0."""
    if not np.isfinite(difference.low):
        return "too few actors"
    if difference.low > 0:
        return words[0]
    return words[1] if difference.high < 0 else "no difference seen"
