"""Checks of notebooks/16_five_systems_compared."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, same
from tfg.metrics import compare


@exercise
def sign_flip(answer):
    """sign_flip(d (A,)) -> float: the share of all 2^A choices of signs whose mean is at least as far from 0 as d's."""
    rng = np.random.default_rng(3)
    for d in (rng.normal(.6, 1, 7), rng.normal(-.8, .7, 9), np.array([1., 1, 1, 1, 1, 1]), rng.normal(0, 1, 6)):
        n = len(d)
        signs = 1 - 2 * ((np.arange(2 ** n)[:, None] >> np.arange(n)) & 1)                             # (2^n, n)
        means, seen = signs @ d / n, d.mean()
        same(answer(d.copy()), compare.sign_flip_p(d), what=f"sign_flip of {n} people", atol=1e-9, mistakes={
            "you counted one side only: a mean as far below 0 counts, too": (means >= abs(seen) - 1e-12).mean(),
            "the choice that was seen is not counted: at least as far means >=": (np.abs(means) > abs(seen) + 1e-12
                                                                                 ).mean(),
            "you gave the number of choices; give their share": float((np.abs(means) >= abs(seen) - 1e-12).sum()),
            "that is 1 - p": 1 - (np.abs(means) >= abs(seen) - 1e-12).mean(),
            "you compared with the mean of the absolute values; the seen one is |mean(d)|":
            (np.abs(means) >= np.abs(d).mean() - 1e-12).mean()})


@exercise
def holm(answer):
    """holm(p (K,)) -> (K,): p-values corrected for their number (Holm 1979), in the order given."""
    for p in ([.01, .04, .03], [.2, .001, .013, .012], [.6, .9], [.004, .5, .02, .3, .02]):
        given = np.array(p)
        order = np.argsort(given, kind="stable")
        k = len(given)
        plain = np.empty(k)
        plain[order] = given[order] * (k - np.arange(k))
        sorted_ = np.minimum(np.maximum.accumulate(given[order] * (k - np.arange(k))), 1)
        high = np.empty(k)
        high[order] = np.maximum.accumulate(plain[order])
        bh = np.empty(k)
        bh[order] = np.minimum(np.minimum.accumulate((given[order] * k / np.arange(1, k + 1))[::-1])[::-1], 1)
        same(answer(given.copy()), compare.holm(given), what=f"holm of {k} p-values", atol=1e-9, mistakes={
            "all are multiplied by their number: that is Bonferroni; Holm's factor falls by 1 with each rank":
            np.minimum(given * k, 1),
            "a larger p came out smaller than the one before it: take the running maximum": np.minimum(plain, 1),
            "they are in the order of size: put each back into its own place": sorted_,
            "probabilities above 1: cut them there": high,
            "the factors rise instead of falling: the smallest p gets the largest": _rising(given),
            "that is Benjamini and Hochberg's: it holds the share of false findings, not the chance of any": bh,
            "nothing is corrected": given})


def _rising(p: np.ndarray) -> np.ndarray:
    out, order = np.empty(len(p)), np.argsort(p, kind="stable")
    out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(1, len(p) + 1)), 1)
    return out


@exercise
def rank_ranges(answer):
    """rank_ranges(means (S,), p (S, S), level: float) -> (S, 2) whole numbers: best and worst rank of each."""
    rng = np.random.default_rng(7)
    for S in (4, 6, 3):
        means = rng.permutation(np.linspace(.2, .9, S))
        p = rng.uniform(0, .2, (S, S))
        p = np.triu(p, 1) + np.triu(p, 1).T + np.eye(S)
        names = [str(k) for k in range(S)]
        found = compare.rank_ranges(dict(zip(names, means)), {(a, b): p[int(a), int(b)] for a in names for b in names
                                                              if a < b}, 1, .05)
        want = np.array([found[n] for n in names])
        sure = (p < .05) & (means[:, None] > means[None])                               # row surely better than column
        by_mean = (-means).argsort().argsort() + 1
        same(answer(means.copy(), p.copy(), .05), want, what=f"rank_ranges of {S} systems", atol=1e-9, mistakes={
            "those are the ranks of the means: differences that may be chance must not order anybody":
            np.stack([by_mean, by_mean], 1),
            "ranks begin with 1": want - 1,
            "best and worst are exchanged": want[:, ::-1],
            "you counted who is surely worse for the best rank, and who is surely better for the worst":
            np.stack([1 + sure.sum(1), S - sure.sum(0)], 1),
            "the direction of a difference is not in it: p says that two differ, means say who is better":
            np.stack([1 + (p < .05).sum(0), S - (p < .05).sum(1)], 1),
            "you turned the comparison round: a pair is told apart where p is below the level":
            _ranges((p >= .05) & (means[:, None] > means[None])),
            "the best rank is 1 + the number of systems that are surely better": np.stack(
                [np.maximum(sure.sum(0), 1), want[:, 1]], 1)})


def _ranges(sure: np.ndarray) -> np.ndarray:
    return np.stack([1 + sure.sum(0), len(sure) - sure.sum(1)], 1)


@exercise
def bradley_terry(answer):
    """bradley_terry(wins (S, S), steps: int) -> (S,): log strengths, mean 0, after that many rounds from equal ones."""
    rng = np.random.default_rng(11)
    for S, steps in ((3, 1), (4, 60), (5, 7)):
        wins = rng.integers(1, 20, (S, S)).astype(float)
        np.fill_diagonal(wins, 0)
        got = answer(wins.copy(), steps)
        same(got, _rounds(wins, steps), what=f"bradley_terry of {S} systems, {steps} rounds", atol=1e-8, mistakes={
            "those are the strengths, not their logarithms": np.exp(_rounds(wins, steps)),
            "the mean of the logarithms is not 0: subtract it": _rounds(wins, steps, centred=False),
            "row and column are exchanged: wins[i, j] counts that i was preferred to j": _rounds(wins.T, steps),
            "you updated in place, one system after the other: compute all new strengths from the old ones":
            _rounds(wins, steps, in_place=True),
            "the number of answers to a pair is wins[i, j] + wins[j, i], both": _rounds(wins, steps, both=False),
            "that is the share of wins; it does not ask against whom": _share(wins),
            "you did one round too many": _rounds(wins, steps + 1), "you did one round too few":
            _rounds(wins, steps - 1)})
        if np.asarray(got).shape != (S,):
            raise Wrong(f"bradley_terry has shape {np.asarray(got).shape}, expected ({S},)")


def _rounds(wins: np.ndarray, steps: int, *, centred: bool = True, in_place: bool = False,
            both: bool = True) -> np.ndarray:
    """Hunter 2004, eq. 3; the solution, and what it gives with a mistake."""
    S, strength = len(wins), np.ones(len(wins))
    n = wins + wins.T if both else wins
    for _ in range(steps):
        old = strength if in_place else strength.copy()
        for i in range(S):
            strength[i] = wins[i].sum() / sum(n[i, j] / (old[i] + old[j]) for j in range(S) if j != i)
    out = np.log(strength)
    return out - out.mean() if centred else out


def _share(wins: np.ndarray) -> np.ndarray:
    out = np.log(wins.sum(1) / (wins.sum(1) + wins.sum(0)))
    return out - out.mean()
