"""Strengths of systems from pairwise answers: Bradley and Terry 1952, with ties as Davidson 1970; bootstrap intervals.

System i has the strength exp(b_i), sum of b = 0. Of an answer to the pair (i, j) the three outcomes have

    P(i) : P(j) : P(no difference)  =  exp(b_i) : exp(b_j) : exp(t + (b_i + b_j) / 2)

which is a multinomial logit, so that its likelihood has one maximum. A weak normal prior of standard deviation PRIOR on
b and t keeps a system that always wins finite; it moves ordinary strengths by less than a hundredth.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tfg.metrics.compare import holm
from tfg.scores.study.answers import Answer

PRIOR = 3.0
DRAWS = 2000
FEWEST = 5
"""Least number of participants for an interval; fewer cannot stand for other people."""


@dataclass(frozen=True)
class Strengths:
    """Strengths of the systems of a question.

    systems: S names.  b: (S,) log strengths, their sum 0.  low, high: (S,) ends of the 95 % interval, NaN with too few
    participants.  share: (S,) mean probability to be preferred to each other system, no difference counted half.
    wins: (S, S) answers in which the row was preferred to the column.  ties: (S, S).  pairs: differences.
    tie: log weight of no difference, NaN if nobody said so.  people, clips: numbers behind it.
    """

    systems: list[str]
    b: np.ndarray
    low: np.ndarray
    high: np.ndarray
    share: np.ndarray
    wins: np.ndarray
    ties: np.ndarray
    tie: float
    pairs: list[Pair]
    people: int
    clips: int

    def rates(self) -> np.ndarray:
        """(S, S) share of answers in which the row was preferred to the column, ties counted half; NaN without
        answers."""
        n = self.wins + self.wins.T + self.ties
        with np.errstate(invalid="ignore"):
            return np.where(n > 0, (self.wins + self.ties / 2) / np.where(n > 0, n, 1), np.nan)


@dataclass(frozen=True)
class Pair:
    """Difference of two log strengths, its 95 % interval, two-sided p, and p by Holm's correction; NaN with too few
    participants.  n: answers to this very pair; the difference rests on all answers."""

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    holm: float
    n: int


def fit(counts: np.ndarray, pairs: np.ndarray, systems: int) -> tuple[np.ndarray, np.ndarray]:
    """Davidson's model by Newton's method, for many tables at once.

    counts: (B, P, 3) answers for the first, the second and no difference, of P pairs; weights may be broken numbers.
    pairs: (P, 2) numbers of systems.  Returns b (B, S), whose rows sum to 0, and t (B,), NaN where no table has ties.
    """
    tied = bool(counts[..., 2].any())
    k = systems + tied
    features = np.zeros((len(pairs), 3, k))
    for p, (i, j) in enumerate(pairs):
        features[p, 0, i] = features[p, 1, j] = 1
        features[p, 2, [i, j]] = .5
        if tied:
            features[p, 2, -1] = 1
    if not tied:
        counts, features = counts[..., :2], features[:, :2]
    n, beta = counts.sum(-1), np.zeros((len(counts), k))
    for _ in range(60):
        logits = np.einsum("pok,bk->bpo", features, beta)
        share = np.exp(logits - logits.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        gradient = np.einsum("bpo,pok->bk", counts - n[..., None] * share, features) - beta / PRIOR ** 2
        mean = np.einsum("bpo,pok->bpk", share, features)
        weighted = n[..., None] * share
        hessian = np.einsum("bpo,pok,pol->bkl", weighted, features, features, optimize=True) \
            - np.einsum("bp,bpk,bpl->bkl", n, mean, mean, optimize=True) + np.eye(k) / PRIOR ** 2
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        beta += np.clip(step, -1.5, 1.5)
        if np.abs(step).max() < 1e-8:
            break
    b = beta[:, :systems]
    return b - b.mean(1, keepdims=True), beta[:, -1] if tied else np.full(len(counts), np.nan)


def strengths(answers: list[Answer], *, draws: int = DRAWS, seed: int = 0) -> Strengths:
    """Strengths of the systems, from answers to one question; second answers to a pair seen twice are left out.

    The bootstrap draws participants and, apart from them, clips, both with replacement (Owen 2007), as answers of one
    person and to one clip resemble each other; its intervals are on the safe side.
    """
    answers = [a for a in answers if not a.repeat]
    systems = sorted({s for a in answers for s in (a.first, a.second)})
    number = {s: k for k, s in enumerate(systems)}
    pairs = np.array([(i, j) for i in range(len(systems)) for j in range(i + 1, len(systems))])
    place = {(systems[i], systems[j]): p for p, (i, j) in enumerate(pairs)}
    person, people = _numbered([a.participant for a in answers])
    clip, clips = _numbered([a.clip for a in answers])
    cell = np.array([3 * place[a.first, a.second] + {0: 0, 1: 1, .5: 2}[a.value] for a in answers])
    counts = np.bincount(cell, minlength=3 * len(pairs)).reshape(1, -1, 3).astype(float)
    b, t = fit(counts, pairs, len(systems))
    enough = people >= FEWEST
    drawn = fit(_bootstrap(person, people, clip, clips, cell, len(pairs), draws, seed), pairs, len(systems))[0] \
        if enough else np.full((1, len(systems)), np.nan)
    wins, ties = np.zeros((len(systems),) * 2), np.zeros((len(systems),) * 2)
    for (i, j), (first, second, none) in zip(pairs, counts[0]):
        wins[i, j], wins[j, i], ties[i, j], ties[j, i] = first, second, none, none
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    differences = [_pair(systems[i], systems[j], b[0, i] - b[0, j], drawn[:, i] - drawn[:, j], int(counts[0, p].sum()))
                   for p, (i, j) in enumerate(pairs)]
    return Strengths([*number], b[0], low, high, _shares(b[0], float(t[0])), wins, ties, float(t[0]),
                     corrected(differences), people, clips)


def _shares(b: np.ndarray, t: float) -> np.ndarray:
    """Mean probability of each system to be preferred to each other one, no difference counted half, (S,)."""
    neither = np.exp((b[:, None] + b[None]) / 2 + t) if np.isfinite(t) else 0.0
    mine, other = np.exp(b)[:, None], np.exp(b)[None]
    each = (mine + neither / 2) / (mine + other + neither)                            # .5 on the diagonal
    return (each.sum(1) - .5) / max(1, len(b) - 1)


def _numbered(names: list[str]) -> tuple[np.ndarray, int]:
    found, which = np.unique(np.array(names), return_inverse=True)
    return which, len(found)


def _bootstrap(person, people: int, clip, clips: int, cell, pairs: int, draws: int, seed: int) -> np.ndarray:
    """Tables (draws, P, 3) of answers weighted by how often their person and their clip were drawn."""
    rng = np.random.default_rng(seed)
    out = np.empty((draws, 3 * pairs))
    for k in range(draws):
        who = np.bincount(rng.integers(0, people, people), minlength=people)
        what = np.bincount(rng.integers(0, clips, clips), minlength=clips) if clips >= FEWEST else np.ones(clips)
        out[k] = np.bincount(cell, who[person] * what[clip], minlength=3 * pairs)
    return out.reshape(draws, pairs, 3)


def _pair(first: str, second: str, difference: float, drawn: np.ndarray, n: int) -> Pair:
    if not np.isfinite(drawn).all():
        none = float("nan")
        return Pair(first, second, float(difference), none, none, none, none, n)
    low, high = np.percentile(drawn, (2.5, 97.5))
    p = min(1.0, 2 * (1 + min((drawn <= 0).sum(), (drawn >= 0).sum())) / (len(drawn) + 1))
    return Pair(first, second, float(difference), float(low), float(high), float(p), float("nan"), n)


def corrected(pairs: list[Pair]) -> list[Pair]:
    """The pairs with p corrected for their number (`tfg.metrics.compare.holm`), in the order given."""
    return [replace(pair, holm=float(p)) for pair, p in zip(pairs, holm([pair.p for pair in pairs]))]
