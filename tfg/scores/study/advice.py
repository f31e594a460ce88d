"""How many answers a study needs, before it begins and after it."""
from __future__ import annotations

import math
from statistics import NormalDist

POWER, LEVEL = .8, .05
SHARES = (.60, .55)
"""Preferred shares for which advice is printed: .60 lies .10 above chance; .55 is .10 above the other's .45."""
ALIKE = .1
"""Correlation of one person's answers to one pair of systems, assumed until it is measured."""


def answers(share: float, *, tests: int = 1, power: float = POWER, level: float = LEVEL) -> int:
    """Independent answers by which a preferred share is told from .5: two-sided binomial test, normal approximation.

    tests: number of pairs of systems, whose levels Holm's correction divides in the worst case.
    """
    normal = NormalDist()
    a, b = normal.inv_cdf(1 - level / tests / 2), normal.inv_cdf(power)
    return math.ceil(((a * .5 + b * math.sqrt(share * (1 - share))) / (share - .5)) ** 2)


def people(share: float, pairs: int, each: int, alike: float = ALIKE) -> tuple[int, int]:
    """Answers for each pair of systems, and people, whose answers resemble each other.

    pairs: pairs of systems.  each: comparisons per person.  alike: correlation of a person's answers to one pair of
    systems; m answers of a person count as m / (1 + (m - 1) alike) (Kish 1965).
    """
    mine = max(1.0, each / pairs)
    needed = math.ceil(answers(share, tests=pairs) * (1 + (mine - 1) * alike))
    return needed, math.ceil(needed * pairs / each)


def sentences(pairs: int, each: int, alike: float = ALIKE, where: str = "assumed") -> list[str]:
    """Advice in words, a sentence for each of SHARES."""
    out = []
    for share in SHARES:
        needed, heads = people(share, pairs, each, alike)
        out.append(f"To tell a preference of {share:.0%} to {1 - share:.0%} from none ({POWER:.0%} power, 5 % level, "
                   f"Holm over {pairs} pair{'s' * (pairs > 1)} of systems), each pair needs {needed} answers: {heads} "
                   f"people of {each} pairs each (correlation of a person's answers {alike:.2f}, {where}).")
    return out
