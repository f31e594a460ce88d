"""Checks of notebooks/16_five_systems_compared."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, same
from tfg.metrics import compare


@exercise
def sign_flip(answer):
    """sign_flip(d (A,)) -> float: the share of all 2^A choices of signs whose mean is at least as far from 0 as d's."""
    rng = np.random.default_rng(3)
    for d in (rng.normal(.6, 1, 7), rng.normal(-.8, .7, 9), np.array([1., 1, 1, 1, 1, 1]), rng.normal(0, 1, 6),
              np.array([.3, .5, .3, .2, .1, .5, -.5, .2])):                        # many choices give the same mean
        n = len(d)
        signs = 1 - 2 * ((np.arange(2 ** n)[:, None] >> np.arange(n)) & 1)                             # (2^n, n)
        means, seen = signs @ d / n, d.mean()
        same(answer(d.copy()), compare.sign_flip_p(d), what=f"sign_flip of {n} people", atol=1e-9, mistakes={
            "you counted one side only: a mean as far below 0 counts, too": (means >= abs(seen) - 1e-12).mean(),
            "the choice that was seen is not counted: at least as far means >=": (np.abs(means) > abs(seen) + 1e-12
                                                                                 ).mean(),
            "the seen mean, too, may be below 0: compare with its absolute value":
            (np.abs(means) >= seen - 1e-12).mean(),
            "equal means differ in their last digits: compare with abs(d.mean()) - 1e-12":
            (np.abs((signs * d).mean(1)) >= abs(seen)).mean(),
            "equal sums differ in their last digits: compare with abs(d.mean()) - 1e-12":
            (np.abs(means) >= abs(seen)).mean(),
            "you gave the number of choices; give their share": float((np.abs(means) >= abs(seen) - 1e-12).sum()),
            "that is 1 - p": 1 - (np.abs(means) >= abs(seen) - 1e-12).mean(),
            "you compared with the mean of the absolute values; the seen one is |mean(d)|":
            (np.abs(means) >= np.abs(d).mean() - 1e-12).mean()})


@exercise
def holm(answer):
    """holm(p (K,)) -> (K,): p-values corrected for their number (Holm 1979), in the order given."""
    for p in ([.01, .04, .03], [.2, .001, .013, .012], [.6, .9], [.004, .5, .02, .3, .02], [.07, .03, .03]):
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
            "each is held against the one before it alone, as it was: the maximum runs on (np.maximum.accumulate)":
            _neighbour(given),
            "the smallest p is multiplied by K, not by K - 1": _scaled(given, k - 1 - np.arange(k)),
            "they are in the order of size: put each back into its own place": sorted_,
            "probabilities above 1: cut them there": high,
            "the factors rise instead of falling: the smallest p gets the largest": _scaled(given, np.arange(1, k + 1)),
            "that is Benjamini and Hochberg's: it holds the share of false findings, not the chance of any": bh,
            "nothing is corrected": given})


def _scaled(p: np.ndarray, factors: np.ndarray, largest=np.maximum.accumulate) -> np.ndarray:
    """Holm's correction with these factors, for p from the smallest on."""
    out, order = np.empty(len(p)), np.argsort(p, kind="stable")
    out[order] = np.minimum(largest(p[order] * factors), 1)
    return out


def _neighbour(p: np.ndarray) -> np.ndarray:
    return _scaled(p, len(p) - np.arange(len(p)), lambda q: np.maximum(q, np.append(0, q[:-1])))


@exercise
def rank_ranges(answer):
    """rank_ranges(means (S,), p (S, S), level: float) -> (S, 2) whole numbers: best and worst rank of each."""
    rng = np.random.default_rng(7)
    for S, level in ((4, .05), (6, .1), (3, .02)):
        means = rng.permutation(np.linspace(.2, .9, S))
        p = rng.uniform(0, 4 * level, (S, S))
        p[0, -1] = level                                                                # not below it
        p = np.triu(p, 1) + np.triu(p, 1).T + np.eye(S)
        names = [str(k) for k in range(S)]
        found = compare.rank_ranges(dict(zip(names, means)), {(a, b): p[int(a), int(b)] for a in names for b in names
                                                              if a < b}, 1, level)
        want = np.array([found[n] for n in names])
        higher = means[:, None] > means[None]
        sure = (p < level) & higher                                                     # row surely better than column
        by_mean = (-means).argsort().argsort() + 1
        same(answer(means.copy(), p.copy(), level), want, what=f"rank_ranges of {S} systems", atol=1e-9, mistakes={
            "those are the ranks of the means: differences that may be chance must not order anybody":
            np.stack([by_mean, by_mean], 1),
            "ranks begin with 1": want - 1,
            "best and worst are exchanged": want[:, ::-1],
            "you counted who is surely worse for the best rank, and who is surely better for the worst":
            np.stack([1 + sure.sum(1), S - sure.sum(0)], 1),
            "the direction of a difference is not in it: p says that two differ, means say who is better":
            np.stack([1 + (p < level).sum(0), S - (p < level).sum(1)], 1),
            "the level is given; you wrote .05 into the function": _ranges((p < .05) & higher),
            "a p that equals the level is not below it": _ranges((p <= level) & higher),
            "you turned the comparison round: a pair is told apart where p is below the level":
            _ranges((p >= level) & higher),
            "you turned the comparison round: where p is above the level, a pair is not told apart":
            _ranges((p > level) & higher),
            "the best rank is 1 + the number of systems that are surely better": want - [1, 0],
            "the worst rank is the number of all, less those that are surely worse: S, not S - 1": want - [0, 1]})


def _ranges(sure: np.ndarray) -> np.ndarray:
    return np.stack([1 + sure.sum(0), len(sure) - sure.sum(1)], 1)


@exercise
def bradley_terry(answer):
    """bradley_terry(wins (S, S), steps: int) -> (S,): log strengths, mean 0, after that many rounds from equal ones."""
    rng = np.random.default_rng(11)
    for S, steps in ((5, 7), (3, 1), (4, 60)):
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
            "that is the share of wins, or a single round; it does not ask against whom": _share(wins),
            "pi is centred before the logarithm; take the logarithm, then subtract its mean":
            _centred(np.exp(_rounds(wins, steps, centred=False))),
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
    return _centred(np.log(strength)) if centred else np.log(strength)


def _centred(x: np.ndarray) -> np.ndarray:
    return x - x.mean()


def _share(wins: np.ndarray) -> np.ndarray:
    return _centred(np.log(wins.sum(1) / (wins.sum(1) + wins.sum(0))))
