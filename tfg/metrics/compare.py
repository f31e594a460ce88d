"""Several systems on the same clips: p-values by actor, a correction for many pairs, and the ranks that they allow.

Clips of one actor resemble each other, so the unit is the actor: a system is better where its advantage over another
keeps its sign from actor to actor.
"""
from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

EXACT = 16
"""Up to so many actors all 2^n changes of sign are counted; beyond, DRAWS of them are drawn."""
DRAWS = 20_000
FEWEST = 6
"""Least number of actors for a p-value: with five, even five differences of one sign have p = 2/32 = .06."""
LEVEL = .05


def by_actor(values, actors) -> np.ndarray:
    """Mean of each actor's finite values, (A,), in the order of the names; actors without one are left out.

    values: (N,) of clips.  actors: (N,) names.
    """
    values, actors = np.asarray(values, float), np.asarray(actors)
    ok = np.isfinite(values)
    _, which = np.unique(actors[ok], return_inverse=True)
    return np.bincount(which, values[ok]) / np.maximum(np.bincount(which), 1) if ok.any() else np.zeros(0)


def sign_flip_p(differences, *, seed: int = 0) -> float:
    """Two-sided p-value of a mean difference by changes of sign (Fisher 1935): the share of all 2^A choices of signs
    whose mean is at least as far from 0 as the one that was seen.

    differences: (A,) of actors, `by_actor` of paired differences.  It assumes no normal distribution, only that without
    an effect each actor's difference could as well have the other sign.  NaN with fewer than FEWEST actors.
    """
    d = np.asarray(differences, float)
    n = len(d)
    if n < FEWEST:
        return float("nan")
    seen = abs(d.mean()) - 1e-12 * max(abs(d).max(), 1e-300)            # rounding must not lose the seen choice itself
    if n <= EXACT:
        signs = 1 - 2 * ((np.arange(2 ** n)[:, None] >> np.arange(n)) & 1).astype(np.int8)            # (2^n, n)
        return float((np.abs(signs @ d) / n >= seen).mean())
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (DRAWS, n))
    return float(((np.abs(signs @ d) / n >= seen).sum() + 1) / (DRAWS + 1))


def holm(p) -> np.ndarray:
    """p-values corrected for their number, so that the chance of any false finding stays below the level (Holm 1979).

    p: (K,), NaN where there is none, which stays NaN and is not counted.  Returns (K,), in the same order.
    """
    p = np.asarray(p, float)
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    out[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return out


def pairs_p(scores: Mapping[str, Any], actors: Sequence[str]) -> dict[tuple[str, str], float]:
    """Corrected p-value of each pair of systems, {(a, b): p} with a before b in the order of `scores`.

    scores: system -> (N,) values of the same clips, NaN where a clip has none; a clip counts where both have one.
    actors: (N,).
    """
    pairs = list(itertools.combinations(scores, 2))
    p = [sign_flip_p(by_actor(np.subtract(scores[a], scores[b]), actors)) for a, b in pairs]
    return dict(zip(pairs, holm(p).tolist()))


def rank_ranges(means: Mapping[str, float], p: Mapping[tuple[str, str], float], better: int,
                level: float = LEVEL) -> dict[str, tuple[int, int] | None]:
    """Ranks that each system may have, (best, worst): 1 + systems that are surely better, and the number of systems
    minus those that are surely worse. None for all where some pair has no p-value: too few actors allow no ranks.

    means: system -> its mean.  p: `pairs_p`.  better: 1 where more is better, -1 where less is.
    """
    if any(not np.isfinite(value) for value in p.values()):
        return dict.fromkeys(means)

    def beats(a: str, b: str) -> bool:
        return p.get((a, b), p.get((b, a), 1.0)) < level and better * (means[a] - means[b]) > 0

    return {a: (1 + sum(beats(b, a) for b in means if b != a),
                len(means) - sum(beats(a, b) for b in means if b != a)) for a in means}
