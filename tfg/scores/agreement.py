"""Do the emotion judges agree? Share of clips that two of them name alike, and Cohen's kappa, on the true clips.

Kappa (Cohen 1960) is the agreement beyond what their habits alone would give: (p - e) / (1 - e), where p is the share
named alike and e the share that two judges with the same habits, but blind to the clips, would name alike. 1 is full
agreement, 0 that of chance. A judge that calls nearly everything neutral agrees often, and has a kappa near 0.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tfg.metrics.stats import Mean, mean
from tfg.scores.judges import PUBLISHED
from tfg.scores.results import Scores

NAMED = {"judge_emotion": "named"} | {name: f"named_{name}" for name in PUBLISHED}
"""Emotion judges, and where a clip's record keeps the emotion that each of them named."""


@dataclass(frozen=True)
class Agreement:
    """Two judges on the true clips of a group.  alike: share of clips that they name alike, mean of actors with its
    interval.  kappa: Cohen's, over all clips; NaN where chance alone explains everything.  clips: their number."""

    one: str
    other: str
    alike: Mean
    kappa: float
    clips: int


def kappa(one: Sequence[str], other: Sequence[str]) -> float:
    """Cohen's kappa of two lists of names; NaN if both always say the same one word, or nothing was named."""
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"both judges must name the same clips, got {a.shape} and {b.shape}")
    if not len(a):
        return float("nan")
    alike = float((a == b).mean())
    chance = sum(float((a == word).mean() * (b == word).mean()) for word in np.unique(np.concatenate([a, b])))
    return (alike - chance) / (1 - chance) if chance < 1 else float("nan")


def agreements(result: Scores, group: str | None = None) -> list[Agreement]:
    """The agreement of each pair of emotion judges that named true clips of a group."""
    clips, out = result.where("true", group), []
    for one, other in combinations(NAMED, 2):
        both = [c for c in clips if c.get(NAMED[one]) and c.get(NAMED[other])]
        if both:
            a, b = ([c[NAMED[judge]] for c in both] for judge in (one, other))
            alike = mean(np.array(a) == np.array(b), [c["actor"] for c in both])
            out.append(Agreement(one, other, alike, kappa(a, b), len(both)))
    return out
