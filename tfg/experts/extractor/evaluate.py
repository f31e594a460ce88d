"""Scores of measured expression: Pearson's r within each actor and mean absolute error, for each coefficient."""
from __future__ import annotations

import warnings

import numpy as np

from tfg.experts.extractor.data import Readings
from tfg.vocabulary import EXPRESSION

GROUPS = ("mouthSmile", "jawOpen", "mouthPucker", "browInnerUp", "browOuterUp", "browDown", "eyeBlink", "mouthFrown")
"""Actions that a meter must measure; the aim is r >= 0.7 on each."""
LEAST_STD = .01
"""Actors whose value varies less than this are left out of r."""


def within(found: np.ndarray, true: np.ndarray, actors: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """r (A, 52) and mean absolute error (A, 52) of each actor over all of the actor's frames, and their names.

    found, true: (N, 52).  actors: (N,) names.  r is NaN where found or truth is constant; r and error are NaN
    where nothing was found.
    """
    names = sorted(set(actors.tolist()))
    r, error = (np.full((len(names), true.shape[1]), np.nan) for _ in range(2))
    for a, name in enumerate(names):
        mine = actors == name
        x, y = found[mine].astype(float), true[mine].astype(float)
        seen = np.isfinite(x)
        error[a] = np.where(seen.any(0), np.nansum(np.abs(x - y), 0) / np.maximum(seen.sum(0), 1), np.nan)
        count = np.maximum(seen.sum(0), 1)
        x0 = np.where(seen, x - np.nansum(x, 0) / count, 0)
        y0 = np.where(seen, y - np.where(seen, y, 0).sum(0) / count, 0)
        sx, sy = np.sqrt((x0 ** 2).sum(0)), np.sqrt((y0 ** 2).sum(0))
        moves = (sx > 1e-6) & (sy > LEAST_STD * np.sqrt(count))
        r[a, moves] = (x0 * y0).sum(0)[moves] / (sx * sy)[moves]
    return r, error, names


def score(readings: Readings, found: np.ndarray) -> dict[str, dict]:
    """Scores by kind of actor: {"actors": N, "frames": N, "r": {coefficient: r}, "error": {coefficient: error}}, means
    over actors; None where it is not defined."""
    actors = np.array([readings.clips[k].actor for k in readings.clip])
    kinds = np.array([readings.clips[k].kind for k in readings.clip])
    out = {}
    for kind in sorted(set(kinds.tolist())):
        of = kinds == kind
        r, error, names = within(found[of], readings.arrays["expression"][of], actors[of])
        out[kind] = {"actors": len(names), "frames": int(of.sum()), "r": _named(r), "error": _named(error)}
    return out


def _named(x: np.ndarray) -> dict[str, float | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)                       # constant for all actors
        mean = np.nanmean(x, 0)
    return {name: None if np.isnan(v) else round(float(v), 3) for name, v in zip(EXPRESSION, mean)}


def listed(scores: dict[str, dict]) -> dict[str, dict]:
    """Scores for a card, with r and error as lists in the order of `vocabulary.EXPRESSION`."""
    return {kind: s | {k: list(s[k].values()) for k in ("r", "error")} for kind, s in scores.items()}


def group(values: dict[str, float | None], name: str) -> float:
    """Mean of the left and the right coefficient; NaN if neither has a value."""
    both = [v for n, v in values.items() if n in (name, name + "Left", name + "Right") and v is not None]
    return float(np.mean(both)) if both else float("nan")


def summary(scores: dict[str, dict]) -> dict[str, float]:
    """Means for the log.  r: over `GROUPS` and kinds; worst: the least of these; r_all: over all coefficients that
    move; error: over all; and each group by kind, as r_mouthSmile_portrait."""
    each = {f"r_{name}_{kind}": group(s["r"], name) for kind, s in scores.items() for name in GROUPS}
    known = [v for v in each.values() if np.isfinite(v)]
    every = [v for s in scores.values() for v in s["r"].values() if v is not None]
    errors = [v for s in scores.values() for v in s["error"].values() if v is not None]
    return {"r": float(np.mean(known)) if known else 0.0, "worst": min(known, default=0.0),
            "r_all": float(np.mean(every)) if every else 0.0,
            "error": float(np.mean(errors)) if errors else float("nan")} | {
                k: round(v, 3) for k, v in each.items() if np.isfinite(v)}
