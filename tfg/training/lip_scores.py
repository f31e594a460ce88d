"""How near predicted lips come to true ones: what the mouth network and ExpNet are both scored by."""
from __future__ import annotations

import numpy as np

SHUT, WIDE = .05, .15
"""Openings, shares of a full jaw drop: lips count as shut below (1.7 mm), as wide open above."""


def closed(gap: np.ndarray, closures: list[tuple[float, float]]) -> list[bool]:
    """For each p, b, m whether the lips are shut on some frame of theirs, or of half a frame around them.

    gap: (T,) opening, 25 a second.  closures: start and stop in seconds.
    """
    out = []
    for start, stop in closures:
        a, b = int(start * 25 - .5), int(np.ceil(stop * 25 + .5))
        out.append(gap[max(a, 0):max(b, a + 1)].min(initial=1) < SHUT)
    return out


def mistaken(gap: np.ndarray, true: np.ndarray) -> tuple[int, int]:
    """(frames that are shut though wide open in truth, frames wide open in truth).  gap, true: (T,)."""
    return int(((gap < SHUT) & (true > WIDE)).sum()), int((true > WIDE).sum())


def r(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r; 0 where one of them does not move, for a network that says nothing has earned nothing."""
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0
