"""Which pairs a participant sees: sheets of pairs, balanced over systems, clips and sides.

With s systems there are s (s - 1) / 2 pairs of systems, of each clip; nobody can see them all. The sheets are a
balanced incomplete block design made greedily: at any number of sheets the pairs of systems were used equally often
(they differ by SLACK at most), so that participants numbered 0, 1, 2, ... are balanced whenever the study ends; within
a sheet each system appears about equally often, which connects its comparisons and makes strengths best estimated.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from tfg.errors import InputError

SLACK = 2
"""Most by which the uses of two pairs of systems differ, where each pair has clips enough."""
SHEETS = 120
"""Sheets of a study; participants beyond that number begin with the first again."""


def pairs_of(films: Mapping[str, Mapping]) -> dict[tuple[str, str], list[str]]:
    """Pairs of systems and the clips that both have.  films: clip -> system -> anything."""
    out: dict[tuple[str, str], list[str]] = {}
    systems = sorted({system for of_clip in films.values() for system in of_clip})
    for a, first in enumerate(systems):
        for second in systems[a + 1:]:
            clips = [clip for clip, of_clip in films.items() if first in of_clip and second in of_clip]
            if clips:
                out[first, second] = clips
    return out


def sheets(films: Mapping[str, Mapping], each: int, *, how_many: int = SHEETS,
           seed: int = 0) -> list[list[tuple[str, str, str]]]:
    """Sheets of `each` comparisons (clip, system on the left, system on the right).

    films: clip -> system -> anything.  Raises InputError if there are fewer different comparisons than a sheet has.
    """
    pairs = pairs_of(films)
    most = sum(map(len, pairs.values()))
    if not 1 <= each <= most:
        raise InputError(f"{each} pairs were asked for each person, and there are {most} different ones; give 1 to "
                         f"{most}." if most else "no clip has films of two systems; give films of the same clips.")
    rng = np.random.default_rng(seed)
    used: Counter = Counter()                                   # pair, (pair, clip), clip -> times
    out = []
    for _ in range(how_many):
        sheet: list[tuple[str, str, str]] = []
        here: Counter = Counter()
        while len(sheet) < each:
            free = [p for p in pairs if any((p, clip) not in here for clip in pairs[p])]
            least = min(used[p] for p in free)
            pair = min((p for p in free if used[p] < least + SLACK),
                       key=lambda p: (max(here[p[0]], here[p[1]]), here[p[0]] + here[p[1]], used[p], rng.random()))
            clip = min((c for c in pairs[pair] if (pair, c) not in here),
                       key=lambda c: (here[c], used[pair, c], used[c], rng.random()))
            sheet.append((clip, *(pair if used[pair] % 2 == 0 else pair[::-1])))
            used.update([pair, (pair, clip), clip])
            here.update([*pair, (pair, clip), clip])
        out.append(sheet)
    return out
