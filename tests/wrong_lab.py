"""Wrong answers to the exercises of notebooks/15_metric_lab: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from tfg.course.check.lab import _curve, _smallest, _wrapped


def _r(x, y, way="average", still=0.0):
    a, b = rankdata(x, way), rankdata(y, way)
    return still if a.std() == 0 or b.std() == 0 else float(np.corrcoef(a, b)[0, 1])


def _effect(v, spread=None):
    return np.nanmean(v[:, 1:] - v[:, :1], 0) / (v[:, 0].std() if spread is None else spread)


def _told(low, high):
    return (low > 0) | (high < 0)


def _first(low, high):
    told = _told(low, high)
    return int(np.argmax(told)) + 1 if told.any() else 0


def _either_side(low, high):
    k = len(low)
    while k and _told(low, high)[k - 1]:
        k -= 1
    return k + 1 if k < len(low) else 0


def _run(told):
    """Number of the first of the last doses that are true."""
    return next((k + 1 for k in range(len(told)) if told[k:].all()), 0)


def _about(p, s, reach, over):
    curve = _wrapped(p, s, reach, over, _curve(p, s, reach, False))
    return np.median(curve) - curve.min()


def _nothing_added(p, s, reach):
    curve = _curve(p, s, reach, False, by_n=True)
    return np.median(curve) - curve.min()


def _score(p, s, reach, padded, end=np.median):
    curve = _curve(p, s, reach, padded)
    return end(curve) - curve.min()


WRONG = {
    "rank_correlation": [(lambda x, y: float(np.corrcoef(x, y)[0, 1]), "not their ranks"),
                         (lambda x, y: float(np.corrcoef(x.argsort(), y.argsort())[0, 1]), "places"),
                         (lambda x, y: _r(x, y, "ordinal"), "share the mean"),
                         (lambda x, y: _r(x, y, "min"), "smallest"), (lambda x, y: abs(_r(x, y)), "sign is lost"),
                         (lambda x, y: _r(x, y, still=np.nan), "does not change"),
                         (lambda x, y: _r(x, y, still=0 if y.std() == 0 else np.nan), "first argument")],
    "effect_sizes": [(lambda v: _effect(v, 1), "difference itself"),
                     (lambda v: _effect(v, np.nanstd(v[:, 1:] - v[:, :1], 0)), "spread of the differences"),
                     (lambda v: _effect(v, np.nanstd(v)), "all doses"), (lambda v: -_effect(v), "sign"),
                     (lambda v: np.append(0, _effect(v)), "none against none"),
                     (lambda v: (v[:, 1:] - v[:, :1]).mean(0) / v[:, 0].std(), "np.nanmean"),
                     (lambda v: (np.nanmean(v[:, 1:], 0) - v[:, 0].mean()) / v[:, 0].std(), "two means"),
                     (lambda v: _effect(v[np.isfinite(v).all(1)], v[:, 0].std()), "every dose"),
                     (lambda v: _effect(v[np.isfinite(v).all(1)]), "altogether")],
    "smallest_told": [(_first, "lose it again"), (lambda a, b: _smallest(a, b) - 1, "from 1"),
                      (_either_side, "opposite"), (lambda a, b: int(_told(a, b).sum()), "how many"),
                      (lambda a, b: _run(a > 0), "score that falls"), (lambda a, b: max(
                          _run(a >= 0), _run(b <= 0)), "holds it"),
                      (lambda a, b: len(a) if _smallest(a, b) else 0, "walk down")],
    "specificity": [(lambda e, own: np.nansum(e[own]) / np.nansum(e), "cancel"),
                    (lambda e, own: np.nansum(abs(e[own])) / np.nansum(abs(e[~own])), "other defects"),
                    (lambda e, own: abs(e[own]).sum() / abs(e).sum(), "np.nansum"),
                    (lambda e, own: np.nansum(e[own] ** 2) / np.nansum(e ** 2), "squares")],
    "lse_c": [(lambda p, s, reach, padded: _score(p, s, reach, not padded), "exchanged"),
              (lambda p, s, reach, padded: _score(p, s, reach, False), "not used"),
              (lambda p, s, reach, padded: _score(p, s, reach, padded, np.mean), "mean of D"),
              (lambda p, s, reach, padded: -_score(p, s, reach, padded), "sign"),
              (lambda p, s, reach, padded: _curve(p, s, reach, padded).min(), "LSE-D"),
              (lambda p, s, reach, padded: _score(p, s, reach, padded, lambda c: np.median(c) - c[reach] + c.min()),
               "need not be 0"),
              (lambda p, s, reach, padded: _about(p, s, reach, range(-reach, reach + 1)), "goes round"),
              (lambda p, s, reach, padded: _about(p, s, reach, range(-reach, reach + 1)) if padded else _score(
                  p, s, reach, False), "goes round"),
              (lambda p, s, reach, padded: _score(p, s, reach, True) if padded else _about(
                  p, s, reach, range(-reach, 0)), "from the end"),
              (lambda p, s, reach, padded: _nothing_added(p, s, reach) if padded else _score(p, s, reach, False),
               "added nothing")],
    "fid_infinite": [(lambda n, v: np.polyfit(1 / n, v, 1)[0], "slope"), (lambda n, v: np.polyfit(n, v, 1)[1], "in N"),
                     (lambda n, v: v[-1], "largest N"), (lambda n, v: v.mean(), "mean of the values"),
                     (lambda n, v: max(np.polyfit(1 / n, v, 1)[1], 0), "cut off")],
}
