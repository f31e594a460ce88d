"""Do people agree, with themselves and with each other: repeats answered alike, Krippendorff's alpha, one-person
correlation."""
from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from tfg.scores.study.answers import Answer
from tfg.scores.study.strength import Strengths


def repeats(pairs: list[tuple[float, float]]) -> tuple[float, int]:
    """Share of pairs seen twice, with sides swapped, that were answered alike, and their number; NaN for none."""
    return (float(np.mean([a == b for a, b in pairs])) if pairs else float("nan")), len(pairs)


def alpha(answers: list[Answer]) -> float:
    """Krippendorff's alpha, nominal: 1 if all agree on each pair of films, 0 at chance; NaN where no pair has answers
    of two people, or all answers are the same.

    A unit is a clip and a pair of systems; its values are which system is preferred, or none. Not everybody sees all
    units, which alpha allows (Krippendorff 2004, ch. 11).
    """
    units: dict[tuple, Counter] = defaultdict(Counter)
    for a in answers:
        if not a.repeat:
            units[a.clip, a.first, a.second][_value(a)] += 1
    values = sorted({v for unit in units.values() for v in unit})
    table = np.zeros((len(values), len(values)))                      # coincidences
    for unit in units.values():
        n = np.array([unit[v] for v in values], float)
        if n.sum() >= 2:
            table += (np.outer(n, n) - np.diag(n)) / (n.sum() - 1)
    each = table.sum(1)
    total = each.sum()
    by_chance = total ** 2 - (each ** 2).sum()
    if total < 2 or by_chance == 0:
        return float("nan")
    return float(1 - (total - 1) * (total - np.trace(table)) / by_chance)


def _value(a: Answer) -> str:
    """The answer as a name that does not depend on the alphabet's order of systems."""
    return "none" if a.value == .5 else a.second if a.value == 1 else a.first


def alike(answers: list[Answer], strengths: Strengths) -> float:
    """Correlation of two answers of one person to the same pair of systems, beyond what all people share; at least 0.

    Residuals from each pair's mean, products of different answers of a person over the mean square. NaN if nobody
    answered twice.
    """
    mean = {(a, b): strengths.rates()[strengths.systems.index(b), strengths.systems.index(a)]
            for a in strengths.systems for b in strengths.systems}
    groups: dict[tuple, list[float]] = defaultdict(list)
    for a in answers:
        if not a.repeat:
            groups[a.participant, a.first, a.second].append(a.value - mean[a.first, a.second])
    together = sum(sum(g) ** 2 - sum(v * v for v in g) for g in groups.values())
    n = sum(len(g) * (len(g) - 1) for g in groups.values())
    square = float(np.mean([v * v for g in groups.values() for v in g]))
    return max(0.0, together / n / square) if n and square > 0 else float("nan")
