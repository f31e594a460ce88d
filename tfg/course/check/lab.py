"""Checks of notebooks/15_metric_lab."""
from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from tfg.course.check.core import Wrong, exercise, same
from tfg.metrics.sync import sync_scores
from tfg.scores.lab.matrix import smallest
from tfg.scores.lab.measure import padded_lse_c


@exercise
def rank_correlation(answer):
    """rank_correlation(x (D,), y (D,)) -> float: Pearson's r of the ranks; equal values share the mean of their ranks.
    """
    for x, y in (([0, 1, 2, 4, 8], [.9, .7, .2, .1, -4.]), ([2, 0, 5, 1, 3, 4], [3., 1, 1, 1, 9, 2]),
                 ([1, .75, .5, .25, 0], [5., 5, 2, 2, 7]), ([0, 1, 1, 2, 2, 9], [.2, .4, .1, .4, .8, .7])):
        x, y = np.array(x, float), np.array(y)
        n = len(x)
        ranks = [_ranks(x, y, way) for way in ("average", "min", "max", "ordinal")]
        once = [v.argsort().astype(float) for v in (x, y)]
        away = ((ranks[0][0] - ranks[0][1]) ** 2).sum()
        want = _r(*ranks[0])
        same(answer(x.copy(), y.copy()), want, what=f"rank_correlation of {n} values", atol=1e-9, mistakes={
            "you correlated the values, not their ranks": _r(x, y),
            "argsort gives places, not ranks: argsort of argsort would, without ties": _r(*once),
            "equal values have different ranks: they share the mean of theirs": _r(*ranks[3]),
            "equal values have the smallest of their ranks; take the mean": _r(*ranks[1]),
            "equal values have the largest of their ranks; take the mean": _r(*ranks[2]),
            "the short formula with 6 sum(d^2) is right without ties only: correlate the ranks":
            1 - 6 * away / (n * (n * n - 1)),
            "the sign is lost: a score that falls has a negative correlation": abs(want)})
    for x, y, which in ((np.arange(5.), np.full(5, 2.5), "a score that does not change with the dose"),
                        (np.full(4, 1.), np.array([3., 1, 2, 2]), "a first argument that does not change")):
        still = answer(x, y)
        if still is None or not np.isclose(np.asarray(still, float), 0):
            raise Wrong(f"{which} gives {still}, expected 0: its ranks have no spread to divide by")


def _ranks(x, y, way):
    return rankdata(x, way), rankdata(y, way)


def _r(a, b):
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(a, b)[0, 1])


@exercise
def effect_sizes(answer):
    """effect_sizes(values (N, D)) -> (D - 1,): mean of dose k less none, over the spread between the unbroken clips."""
    rng = np.random.default_rng(5)
    for N, D in ((6, 5), (9, 4), (4, 3)):
        values = rng.normal(.8, .2, (N, 1)) + np.arange(D) * rng.normal(-.3, .1, (N, D))
        if N == 9:
            values[2, 1] = np.nan                                                       # not defined at one dose
        d = values[:, 1:] - values[:, :1]
        shift, spread = np.nanmean(d, 0), values[:, 0].std()
        whole = np.isfinite(values).all(1)
        same(answer(values.copy()), shift / spread, what=f"effect_sizes of {N} clips", atol=1e-9, mistakes={
            "that is the difference itself: divide it by the spread of the unbroken clips": shift,
            "you divided by the spread of the differences; the unit is what clips differ by when nothing is broken":
            shift / np.nanstd(d, 0),
            "you divided by the spread of all doses together: the defect would hide itself":
            shift / np.nanstd(values),
            "you divided by the spread at each dose; take the unbroken clips'": shift / np.nanstd(values[:, 1:], 0),
            "the spread is np.std as it is, divided by N": shift / values[:, 0].std(ddof=1),
            "you divided by the variance; the spread is its root": shift / spread ** 2,
            "the sign is wrong: a score that falls has a negative effect": -shift / spread,
            "none against none is in it, too: give the doses after it": np.append(0, shift / spread),
            "you compared with the dose before; compare with none": np.nanmean(np.diff(values, axis=1), 0) / spread,
            "one value that is not defined made the whole dose so: np.nanmean": d.mean(0) / spread,
            "undefined values were counted as no difference": np.nan_to_num(d).mean(0) / spread,
            "you subtracted two means, of which one holds a clip that the other lacks: subtract clip by clip first":
            (np.nanmean(values[:, 1:], 0) - values[:, 0].mean()) / spread,
            "a clip with one undefined value was left out of every dose; leave it out of that dose only":
            d[whole].mean(0) / spread,
            "a clip with one undefined value was left out altogether; leave it out of that dose only":
            d[whole].mean(0) / values[whole, 0].std()})


@exercise
def smallest_told(answer):
    """smallest_told(low (D,), high (D,)) -> int: number, from 1, of the first dose from which on all are on one side of
    0; 0 if there is none."""
    cases = ([(-.1, .2), (.1, .3), (.2, .5), (.4, .9)], [(.1, .2), (-.1, .3), (.2, .5), (.4, .9)],
             [(.1, .2), (-.1, .1), (-.3, -.1), (-.4, -.1), (.2, .5)], [(-.3, -.1), (.1, .3), (.2, .4)],
             [(-.3, -.1), (-.5, -.2), (-.6, -.3), (-.9, -.1)],
             [(.1, .2), (.2, .4), (-.1, .6)], [(-.2, .1), (-.3, .1), (-.5, -.2)], [(0., .2), (0., .3), (.2, .4)])
    for ends in cases:
        low, high = (np.array(e) for e in zip(*ends))
        found = answer(low.copy(), high.copy())
        told = (low > 0) | (high < 0)
        D, first = len(low), int(np.argmax(told)) if told.any() else -1
        want = _smallest(low, high)
        same(found, want, what=f"smallest_told of {D} doses, low {low.tolist()}, high {high.tolist()}", mistakes={
            "the first dose that differs is not enough: a later one must not lose it again": first + 1,
            "a score that falls is told from none, too: high < 0 counts as low > 0 does": _last_run(low > 0),
            "doses are numbered from 1": want - 1,
            "an interval that begins or ends at 0 holds it: compare with < and >": _last_run(low >= 0),
            "two doses differ from none in opposite directions: go on only while the side stays the same":
            _last_run(told),
            "an interval holds 0 if low < 0 < high; you counted those": _last_run(~told),
            "you gave how many doses differ": int(told.sum()),
            "that is the strongest dose; walk down from it": D if want else 0})


def _smallest(low, high) -> int:
    from tfg.metrics.stats import Mean

    return smallest(tuple(Mean((a + b) / 2, a, b, 1, 3) for a, b in zip(low, high))) or 0


def _last_run(told) -> int:
    """Number from 1 of the first of the last ones that are true; 0 if the last is not."""
    k = len(told)
    while k and told[k - 1]:
        k -= 1
    return k + 1 if k < len(told) else 0


@exercise
def specificity(answer):
    """specificity(effects (K,), own (K,) True or False) -> float: share of the absolute effects that is of own defects.
    """
    rng = np.random.default_rng(9)
    for K in (5, 8, 6):
        effects, own = rng.normal(0, 2, K), np.arange(K) % 3 == 0
        effects[0], effects[1] = -2.5, 1.5
        if K == 8:
            effects[4] = np.nan
        size = np.abs(effects)
        mine, all_ = np.nansum(size[own]), np.nansum(size)
        same(answer(effects.copy(), own.copy()), mine / all_, what=f"specificity of {K} effects", atol=1e-9, mistakes={
            "effects of different signs cancel: take absolute values": np.nansum(effects[own]) / np.nansum(effects),
            "you divided by the other defects' effects; divide by all": mine / (all_ - mine),
            "that is the share of the others": 1 - mine / all_,
            "that is the share of the defects, not of the effects": own.mean(),
            "you took means over defects; sum them": np.nanmean(size[own]) / np.nanmean(size),
            "you took squares; take absolute values": np.nansum(size[own] ** 2) / np.nansum(size ** 2),
            "what was not measured is NaN: leave it out with np.nansum": size[own].sum() / size.sum(),
            "you took the largest of each; add them up": np.nanmax(size[own]) / np.nanmax(size)})


@exercise
def lse_c(answer):
    """lse_c(picture (N, E), sound (N, E), reach: int, padded: bool) -> float: median less minimum of D(s)."""
    rng = np.random.default_rng(13)
    for N, reach, at in ((30, 6, 0), (18, 9, 2), (40, 5, -1)):
        both = rng.normal(size=(N + 4, 8))
        sound, picture = both[2:-2], both[2 + at:2 + at + N] + .7 * rng.normal(size=(N, 8))      # they fit at s = at
        picture, sound = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (picture, sound))
        for padded in (False, True):
            curve = _curve(picture, sound, reach, padded)
            other = _curve(picture, sound, reach, not padded)
            lost = _curve(picture, sound, reach, padded, by_n=True)
            squares = _curve(picture, sound, reach, padded, power=2)
            free = _curve(picture, sound, reach, False, by_n=True)
            round_ = _wrapped(picture, sound, reach, range(-reach, reach + 1), curve)
            before = _wrapped(picture, sound, reach, range(-reach, 0), curve)
            want = padded_lse_c(picture, sound, reach) if padded else sync_scores(picture, sound, reach).lse_c
            word = "with" if padded else "without"
            same(answer(picture.copy(), sound.copy(), reach, padded), want, what=f"lse_c {word} zeros, {N} windows",
                 atol=1e-9, mistakes={
                "the two ways are exchanged, or `padded` is not used": np.median(other) - other.min(),
                "you took the mean of D(s); the median does not mind one deep valley": curve.mean() - curve.min(),
                "the sign is wrong: the median less the minimum": curve.min() - np.median(curve),
                "that is LSE-D, the minimum": curve.min(), "that is the median alone": np.median(curve),
                "it is the largest distance less the smallest; take the median": curve.max() - curve.min(),
                "the best shift need not be 0: take the minimum of all D(s)": np.median(curve) - curve[reach],
                "a negative index is counted from the end: i begins at -s where s is below 0":
                np.median(before) - before.min(),
                "the sound goes round, as np.roll does: behind its end comes no beginning":
                np.median(round_) - round_.min(),
                "distances of pairs that are missing count as 0: divide by the pairs that are there":
                np.median(lost) - lost.min(),
                "where the sound is missing you added nothing; it is the zero vector, whose distance is no 0":
                np.median(free) - free.min(),
                "you took squared distances; take lengths": np.median(squares) - squares.min(),
                "the shifts end at reach - 1; both ends are in": np.median(curve[:-1]) - curve[:-1].min(),
                "only shifts from 0 on are tried; the sound may be early, too":
                np.median(curve[reach:]) - curve[reach:].min()})


def _curve(picture, sound, reach: int, padded: bool, *, by_n: bool = False, power: int = 1) -> np.ndarray:
    """D(s); by_n: sums over the pairs that are there, divided by N."""
    n, out = len(picture), []
    for s in range(-reach, reach + 1):
        i = np.arange(max(0, -s), min(n, n - s))
        d = np.linalg.norm(picture[i] - sound[i + s], axis=1) ** power
        if padded:
            alone = np.setdiff1d(np.arange(n), i)
            d = np.append(d, np.linalg.norm(picture[alone], axis=1) ** power)
        out.append(d.sum() / n if by_n else d.mean())
    return np.array(out)


def _wrapped(picture, sound, reach: int, over, curve) -> np.ndarray:
    """D(s), where for the shifts `over` the sound goes round."""
    out = curve.copy()
    for s in over:
        out[s + reach] = np.linalg.norm(picture - np.roll(sound, -s, 0), axis=1).mean()
    return out


@exercise
def fid_infinite(answer):
    """fid_infinite(sizes (K,), values (K,)) -> float: the straight line in 1 / N through the values, at 1 / N = 0."""
    rng = np.random.default_rng(17)
    for truth, slope, sizes in ((0., 300., [80, 110, 160, 300, 700]), (4., 900., [100, 200, 400, 1600]),
                                (1.5, 50., [60, 70, 95, 140, 200, 330])):
        n = np.array(sizes)
        values = truth + slope / n + .05 * rng.normal(size=len(n))
        a, b = np.polyfit(1 / n, values, 1)
        straight, logs, root = (np.polyfit(x, values, 1) for x in (n, np.log(n), n ** -.5))
        same(answer(n.copy(), values.copy()), b, what=f"fid_infinite of {len(n)} sizes", atol=1e-7, mistakes={
            "that is the slope; what is left at 1 / N = 0 is the other one": a,
            "the line is in N; the bias falls with 1 / N": straight[1],
            "the line is in log N; the bias falls with 1 / N": logs[1],
            "the line is in 1 / sqrt(N); the bias falls with 1 / N": root[1],
            "that is the value of the largest N: it still has its bias": values[-1],
            "that is the mean of the values": values.mean(),
            "that is the line at the largest N; go on to 1 / N = 0": a / n[-1] + b,
            "a distance below 0 was cut off; the end of a line may lie there": max(b, 0),
            "that is the line at N = 1": a + b})
