"""Scores of emotion models: error of the result against the true emotional take, on people whom no model has seen.

The error is the root mean square over frames and all 52 offsets: over everything that one actor plays, then the mean
over actors, with intervals by drawing actors anew (tfg.metrics.stats).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tfg.metrics.stats import Mean, mean, paired
from tfg.systems.expression.emotion.features import FELT
from tfg.systems.expression.emotion.pairs import Pair

SHUT = .02
"""Largest opening of closed lips, as a share of a full jaw drop; 0.7 mm on the mean head."""
Change = Callable[[np.ndarray, str, float], np.ndarray]
"""Type of a model: (source (T, 52), emotion, intensity) -> change (T, 52)."""


@dataclass(frozen=True)
class Scored:
    """Scores of one replay.  square, absolute: mean squared and absolute error over its frames and coefficients.  kept:
    for each p, b, m, whether the lips are still closed."""

    actor: str
    emotion: str
    level: str
    square: float
    absolute: float
    kept: tuple[bool, ...]


def score(change: Change, pairs: Sequence[Pair]) -> list[Scored]:
    """Scores of a model on each replay of each pair."""
    return [one(pair, p, pair.source + change(pair.source, p.emotion, p.intensity))
            for pair in pairs for p in pair.played]


def one(pair: Pair, played, result: np.ndarray) -> Scored:
    """Scores of one result (T, 52) against the true replay."""
    error = result - played.target
    return Scored(pair.actor, played.emotion, played.level, float((error ** 2).mean()), float(np.abs(error).mean()),
                  tuple(kept(pair.source, result, pair.closures)))


def kept(source: np.ndarray, result: np.ndarray, closures: Sequence[tuple[int, int]]) -> list[bool]:
    """For each p, b, m with closed lips in the source: True if they are closed in some frame of the result, too.

    source, result: (T, 52), clipped here as rendering does.  closures: (start, stop) frames.
    """
    from tfg.speech.visemes import opening

    before, after = opening(np.clip(source, 0, 1)), opening(np.clip(result, 0, 1))
    out = []
    for start, stop in closures:
        shut = np.flatnonzero(before[start:stop] <= SHUT)
        if len(shut):
            out.append(bool(after[start:stop][shut].min() <= SHUT))
    return out


def by_actor(scored: Sequence[Scored], what: str = "rmse", **only) -> dict[str, float]:
    """Score of each actor over his or her replays, by actor.  what: rmse, mae or closures.  only: emotion= or level= to
    keep."""
    rows = [s for s in scored if all(getattr(s, k) == v for k, v in only.items())]
    out = {}
    for actor in sorted({s.actor for s in rows}):
        mine = [s for s in rows if s.actor == actor]
        if what == "closures":
            closed = [k for s in mine for k in s.kept]
            out[actor] = float(np.mean(closed)) if closed else float("nan")
        else:
            values = [s.square if what == "rmse" else s.absolute for s in mine]
            out[actor] = float(np.sqrt(np.mean(values)) if what == "rmse" else np.mean(values))
    return out


def figure(scored: Sequence[Scored], what: str = "rmse", **only) -> Mean:
    """Mean over actors with its 95 % interval.  Arguments as `by_actor`."""
    values = by_actor(scored, what, **only)
    return mean(list(values.values()), list(values))


def difference(a: Sequence[Scored], b: Sequence[Scored], *, share: float = 1.0, **only) -> Mean:
    """Mean over actors of RMSE of a minus `share` times that of b, with its interval: below 0 where a is better."""
    x, y = by_actor(a, **only), by_actor(b, **only)
    return paired([x[k] for k in x], [share * y[k] for k in x], list(x))


def report(changes: dict[str, Change], pairs: Sequence[Pair], model: str) -> dict:
    """Scores for the card of `model`, one of `changes` (which include identity and mean), as plain numbers."""
    found = {name: score(change, pairs) for name, change in changes.items()}
    out: dict = {name: {"rmse": _interval(figure(s)), "mae": round(figure(s, "mae").value, 5),
                        "closures_kept": _closures(s)} for name, s in found.items()}
    mine = found[model]
    out["of_identity"] = round(figure(mine).value / figure(found["identity"]).value, 4)
    out["less_half_identity"] = _interval(difference(mine, found["identity"], share=.5))
    out["less_mean"] = _interval(difference(mine, found["mean"]))
    out["emotions"] = {e: {n: round(figure(found[n], emotion=e).value, 4) for n in found} for e in FELT}
    out["levels"] = {v: {n: round(figure(found[n], level=v).value, 4) for n in found}
                     for v in dict.fromkeys(s.level for s in mine)}
    out["actors"], out["replays"] = len({s.actor for s in mine}), len(mine)
    return out


def _closures(scored: Sequence[Scored]) -> float | None:
    """Share of p, b, m that stay closed; None without any."""
    return round(figure(scored, "closures").value, 4) if any(s.kept for s in scored) else None


def _interval(m: Mean) -> list[float]:
    """A mean as [value, low, high]."""
    return [round(v, 5) for v in (m.value, m.low, m.high)]
