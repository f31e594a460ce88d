"""Scores of predicted lips against true ones, shared by the mouth network and ExpNet."""
from __future__ import annotations

import numpy as np

SHUT, WIDE = .05, .15
"""Openings as shares of a full jaw drop: lips below the first (1.7 mm) count as shut, above the second as wide open."""


def closed(gap: np.ndarray, closures: list[tuple[float, float]]) -> list[bool]:
    """True for each p, b, m during which, or within half a frame of which, the lips are shut in some frame.

    gap: (T,) opening as a share of a full jaw drop, 25 a second.  closures: start and stop in seconds.
    """
    out = []
    for start, stop in closures:
        a, b = int(start * 25 - .5), int(np.ceil(stop * 25 + .5))
        out.append(gap[max(a, 0):max(b, a + 1)].min(initial=1) < SHUT)
    return out


def mistaken(gap: np.ndarray, true: np.ndarray) -> tuple[int, int]:
    """Counts of frames: those shut though wide open in truth, and those wide open in truth.  gap, true: (T,)
    openings."""
    return int(((gap < SHUT) & (true > WIDE)).sum()), int((true > WIDE).sum())


def r(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two curves (T,); 0 where one is constant, so that a network with a constant answer gets no
    credit."""
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0


def summary(clips: list[tuple[np.ndarray, np.ndarray, list[tuple[float, float]]]]) -> dict[str, float | None]:
    """Scores of the lips over clips: (gap (T,), true gap (T,), closures) of each.

    opening_r: Pearson's r of the opening, mean of the clips.  closure_recall: share of p, b, m with the lips shut in
    some frame of theirs, None where there are none.  false_closures: share of frames well open in truth that are shut.
    """
    hits = [hit for gap, _, closures in clips for hit in closed(gap, closures)]
    shut, wide = np.sum([mistaken(gap, true) for gap, true, _ in clips], 0)
    return {"opening_r": round(float(np.mean([r(gap, true) for gap, true, _ in clips])), 3),
            "closure_recall": round(float(np.mean(hits)), 3) if hits else None,
            "false_closures": round(float(shut / max(wide, 1)), 4)}
