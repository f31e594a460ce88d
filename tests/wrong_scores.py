"""Wrong answers to the exercises of notebooks/10_scores: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import numpy as np

from tfg.course.check.scores import C2, _light, _ssim
from tfg.scores.face_distance import frechet


def _db(mse):
    return 10 * np.log10(255 ** 2 / mse)


def _mse(a, b):
    return ((a.astype(float) - b) ** 2).mean((1, 2, 3))


def _away(a, b):
    return np.linalg.norm(a - b, axis=2)[:, 48:68]


def _eye(x, left=36, right=45):
    return np.linalg.norm(x[:, left] - x[:, right], axis=1)


def _covs(a, b):
    return np.cov(a, rowvar=False), np.cov(b, rowvar=False)


def _unclipped(a, b):
    """Without .real.clip(0); where features tell nothing new, some eigenvalues are below 0 or complex."""
    A, B = _covs(a, b)
    with np.errstate(invalid="ignore"):
        return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B) - 2 * np.sqrt(np.linalg.eigvals(A @ B)).sum()


def _people(values, actors):
    return np.array([values[actors == n].mean() for n in np.unique(actors)])


def _draws(units, seed, draws, n=None):
    rng = np.random.default_rng(seed)
    return units[rng.integers(0, len(units), (draws, n or len(units)))].mean(1)


def _unmeaned(values, actors, seed, draws):
    """Actors are drawn, but all their clips go into one pot."""
    rng, names = np.random.default_rng(seed), np.unique(actors)
    own = [values[actors == n] for n in names]
    return np.array([np.concatenate([own[k] for k in rng.integers(0, len(names), len(names))]).mean()
                     for _ in range(draws)])


def _structure(x, y, w, mx, my):
    return (2 * (w * (x - mx) * (y - my)).sum() + C2) / ((w * ((x - mx) ** 2 + (y - my) ** 2)).sum() + C2)


def _by(x, actors, how=np.nanmean):
    return np.array([how(x[actors == n]) for n in np.unique(actors)])


def _known(x):
    return x[np.isfinite(x)]


def _quietly(do):
    def run(*given):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return do(*given)
    return run


_FLAT = np.full((11, 11), 1 / 121)
WRONG = {
    "psnr": [(lambda a, b: _db(((a - b) ** 2).mean((1, 2, 3))), "wrapped"),
             (lambda a, b: _db(((a - b).astype(float) ** 2).mean((1, 2, 3))), "before you subtract"),
             (lambda a, b: _db(_mse(a, b).mean()), "each frame"), (lambda a, b: _db(_mse(a, b)).mean(), "each frame"),
             (lambda a, b: -10 * np.log10(_mse(a, b)), "255 ** 2"), (lambda a, b: 2 * _db(_mse(a, b)), "20 times"),
             (lambda a, b: -_db(_mse(a, b)), "sign"), (lambda a, b: 10 * np.log(255 ** 2 / _mse(a, b)), "log10"),
             (lambda a, b: 10 * np.log10(255 / _mse(a, b)), "squared, too"), (_mse, "error itself"),
             (lambda a, b: 10 * np.log10(float(a.max()) ** 2 / _mse(a, b)), "whatever they show"),
             (lambda a, b: _db(((a.astype(np.int16) - b) ** 2).mean((1, 2, 3))), "int16")],
    "window_ssim": [(lambda x, y, w: _ssim(x, y, _FLAT), "weights"),
                    (lambda x, y, w: _ssim(x, y, w, _FLAT), "variances"),
                    (lambda x, y, w: _ssim(x, y, w, c1=6.5025, c2=58.5225), "0 to 255"),
                    (lambda x, y, w: _ssim(x, y, w, c1=.01, c2=.03), "not squared"),
                    (lambda x, y, w: _ssim(x, y, w, c1=.0009, c2=.0001), "exchanged"),
                    (lambda x, y, w: 1 - _ssim(x, y, w), "distance"),
                    (lambda x, y, w: max(_ssim(x, y, w), 0), "cut off"),
                    (lambda x, y, w: abs(_ssim(x, y, w)), "sign is lost"),
                    (lambda x, y, w: _ssim(x, y, w / w.size), "sums to 1"),
                    (lambda x, y, w: _light(x.mean(), y.mean()) * _structure(x, y, w, x.mean(), y.mean()),
                     "means are plain"),
                    (lambda x, y, w: _light((w * x).sum(), (w * y).sum()) * _structure(x, y, w, 0, 0),
                     "not subtracted"),
                    (lambda x, y, w: _ssim(x, y, w) / _ssim(np.full_like(x, (w * x).sum()), np.full_like(
                        y, (w * y).sum()), w), "means, too")],
    "lmd": [(lambda a, b: _away(a, b).mean(1), "pixels"), (lambda a, b: _away(a, b).sum(1) / _eye(b), "added"),
            (lambda a, b: np.linalg.norm(a - b, axis=2).mean(1) / _eye(b), "68"),
            (lambda a, b: _away(a, b)[:, :-1].mean(1) / _eye(b), "67"),
            (lambda a, b: _away(a, b).mean(1) / _eye(a), "widening"),
            (lambda a, b: _away(a, b).mean(1) / _eye(b, 39, 42), "inner"),
            (lambda a, b: _away(a, b).mean(1) / _eye(b).mean(), "one eye"),
            (lambda a, b: np.nan_to_num(_away(a, b).mean(1) / _eye(b)), "best there is"),
            (lambda a, b: _known(_away(a, b).mean(1) / _eye(b)), "keeps its place"),
            (lambda a, b: np.linalg.norm((a - b)[:, 48:68].mean(1), axis=1) / _eye(b), "own distance")],
    "frechet": [(lambda a, b: frechet(a, b).value - ((a.mean(0) - b.mean(0)) ** 2).sum(), "means are not"),
                (lambda a, b: ((a.mean(0) - b.mean(0)) ** 2).sum(), "only the means"),
                (lambda a, b: ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(sum(_covs(a, b))), "missing"),
                (lambda a, b: ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(sum(_covs(a, b))) - 2 * np.trace(
                    np.sqrt(np.clip(_covs(a, b)[0] @ _covs(a, b)[1], 0, None))), "root of each entry"),
                (lambda a, b: ((a.mean(0) - b.mean(0)) ** 2).sum() + ((a.std(0, ddof=1) - b.std(0, ddof=1)) ** 2).sum(),
                 "variances"),
                (_unclipped, "clip(0)")],
    "bootstrap": [(lambda v, a, seed, n: _draws(v, seed, n), "you drew clips"), (_unmeaned, "count more"),
                  (lambda v, a, seed, n: _draws(_people(v, a), seed, n, 1), "one actor"),
                  (lambda v, a, seed, n: np.full(n, _people(v, a).mean()), "with replacement"),
                  (lambda v, a, seed, n: np.repeat(_draws(_people(v, a), seed, 1), n), "not anew for each draw"),
                  (lambda v, a, seed, n: _draws(_people(v, a), None, n), "default_rng(seed)"),
                  (lambda v, a, seed, n: _draws(_people(v, a), 0, n), "seed that is given"),
                  (lambda v, a, seed, n: _draws(_people(v, a), seed, n)[:9], "each draw")],
    "paired_difference": [(lambda a, b, x: -_known(_quietly(_by)(a - b, x)), "sign"),
                          (lambda a, b, x: _known(_quietly(_by)(a, x) - _quietly(_by)(b, x)), "clip by clip"),
                          (lambda a, b, x: _quietly(_by)(a - b, x), "leave them out"),
                          (lambda a, b, x: _known(_by(a - b, x, np.mean)), "nanmean"),
                          (lambda a, b, x: np.nanmean(a - b), "each actor"),
                          (lambda a, b, x: abs(_known(_quietly(_by)(a - b, x))), "sign is lost"),
                          (lambda a, b, x: _by(a - b, x, np.mean), "mean NaN"),
                          (lambda a, b, x: _quietly(_by)(a, x) - _quietly(_by)(b, x), "of whom nothing"),
                          (lambda a, b, x: _by(np.nan_to_num(a - b), x), "no difference"),
                          (lambda a, b, x: np.array([np.nanmean((a - b)[x == n]) for n in dict.fromkeys(
                              x[np.isfinite(a - b)])]), "first clips"),
                          (lambda a, b, x: np.nan_to_num(_quietly(_by)(a - b, x)), "nothing differs")],
}
