"""Checks of notebooks/10_scores."""
from __future__ import annotations

import numpy as np

from tfg import metrics
from tfg.course.check.core import Wrong, exercise, same
from tfg.metrics.lips import OUTER_EYES
from tfg.scores.face_distance import frechet as package_frechet

C1, C2 = .01 ** 2, .03 ** 2


@exercise
def psnr(answer):
    """psnr(a (T, H, W, 3) uint8, b likewise) -> (T,) dB of each frame, 10 log10(255^2 / mean squared error)."""
    rng = np.random.default_rng(3)
    for T, size, reach, top in ((4, 9, 60, 256), (3, 6, 9, 180), (1, 5, 200, 256)):
        b = rng.integers(0, top, (T, size, size + 1, 3))
        noise = rng.integers(-reach, reach + 1, b.shape) * np.arange(1, T + 1)[:, None, None, None] // T
        a, b = np.clip(b + noise, 0, 255).astype(np.uint8), b.astype(np.uint8)
        e = (a.astype(float) - b) ** 2
        mse, wrapped = e.mean((1, 2, 3)), ((a - b) ** 2).astype(float).mean((1, 2, 3))
        half = (a.astype(float) - b).astype(np.uint8).astype(float)
        short = ((a.astype(np.int16) - b) ** 2).mean((1, 2, 3))

        def db(x):
            with np.errstate(divide="ignore", invalid="ignore"):
                return 10 * np.log10(255 ** 2 / np.asarray(x))

        what = f"psnr of {T} frame{'s' * (T > 1)}"
        same(answer(a.copy(), b.copy()), db(mse), what=what, atol=1e-3, rtol=1e-5, mistakes={
            "the bytes wrapped around: 3 - 5 is 254, and 20 squared is 144. Make them float first": db(wrapped),
            "the difference was still taken in bytes, and is float only then: convert before you subtract":
            db((((a - b).astype(float)) ** 2).mean((1, 2, 3))),
            "the differences became bytes again before they were squared": db((half ** 2).mean((1, 2, 3))),
            "the squares did not fit into int16, which ends at 32767, and 200 ** 2 is 40000: take floats": db(short),
            "the largest value is that of these pictures; it is 255, whatever they show":
            db(mse) + 20 * np.log10(a.max() / 255),
            "you gave one number for the clip; give one for each frame": db(e.mean()),
            "you gave one number for the clip; give one for each frame and let the caller average": db(mse).mean(),
            "that is the mean squared error itself": mse,
            "the values are 0 to 255, so the largest square is 255 ** 2, not 1": db(mse) - 20 * np.log10(255),
            "the largest value has to be squared, too: 255 ** 2": 10 * np.log10(255 / mse),
            "it is 10 times the logarithm of the squared error; 20 times is for its root": 2 * db(mse),
            "the sign is wrong: a smaller error gives more dB": -db(mse),
            "the logarithm is to base e: decibels use log10": db(mse) * np.log(10),
            "that is the mean of the absolute error, not of its square":
            db(np.abs(a.astype(float) - b).mean((1, 2, 3)) ** 2),
            "you added the colours up instead of averaging them": db(3 * mse)})


@exercise
def window_ssim(answer):
    """window_ssim(x (11, 11), y (11, 11), w (11, 11) that sums to 1) -> float."""
    rng = np.random.default_rng(5)
    ramp = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    w = np.outer(ramp, ramp) / ramp.sum() ** 2
    for spread, offset, turned in ((.3, .0, 0), (.05, .2, 0), (.5, -.1, 0), (.3, .0, 1)):
        x = np.clip(.5 + spread * rng.normal(size=(11, 11)), 0, 1)
        y = np.clip(.6 * x + .4 * np.clip(.5 + spread * rng.normal(size=(11, 11)), 0, 1) + offset, 0, 1)
        y = 1 - y if turned else y                                      # bright where x is dark
        want = _ssim(x, y, w)
        got = answer(x.copy(), y.copy(), w.copy())
        flat = np.full((11, 11), 1 / 121)
        mx, my = (w * x).sum(), (w * y).sum()
        vx, vy, cov = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum(), (w * (x - mx) * (y - my)).sum()
        light = _light(mx, my)
        same(got, want, what="window_ssim", atol=1e-5, rtol=1e-5, mistakes={
            "the window's weights are not used: w says how much each pixel counts": _ssim(x, y, flat),
            "the variances are plain ones; weight them with w, as the means": _ssim(x, y, w, flat),
            "the means are plain ones; weight them with w, as the variances": _ssim(
                x, y, w, means=(x.mean(), y.mean())),
            "you took means where the formula has sums: w sums to 1, so add w x up, and divide by nothing":
            _ssim(x, y, w / w.size),
            "the means are not subtracted: a variance is the sum of w (x - mean)^2": _uncentred(x, y, w),
            "the two factors are added; multiply them": light + (2 * cov + C2) / (vx + vy + C2),
            "a value below 0 was cut off: of a window and its negative, SSIM is negative": max(want, 0),
            "the sign is lost: of a window and its negative, SSIM is negative": abs(want),
            "the constants are those of pictures from 0 to 255; these are from 0 to 1":
            _ssim(x, y, w, c1=6.5025, c2=58.5225),
            "the constants are not squared: (0.01)^2 and (0.03)^2": _ssim(x, y, w, c1=.01, c2=.03),
            "the constants are missing": _ssim(x, y, w, c1=0, c2=0),
            "c1 and c2 are exchanged": _ssim(x, y, w, c1=C2, c2=C1),
            "only the second factor is there; the means, too, must agree": want / light,
            "only the first factor is there; the structure, too, must agree": light,
            "you took standard deviations; the formula has variances": light * (2 * cov + C2) / (
                np.sqrt(vx) + np.sqrt(vy) + C2),
            "it is a sum of variances below, not their product": light * (2 * cov + C2) / (vx * vy + C2),
            "the covariance is not doubled": light * (cov + C2) / (vx + vy + C2),
            "that is 1 - SSIM, a distance": 1 - want})
    if not np.isclose(float(answer(x, x, w)), 1):
        raise Wrong("the SSIM of a window with itself must be 1")


def _ssim(x, y, w, v=None, c1=C1, c2=C2, means=None):
    """SSIM of two windows (11, 11) with weights w; v: weights of the variances and the covariance, if not w; means: of
    x and y, if not those by w."""
    v = w if v is None else v
    mx, my = means or ((w * x).sum(), (w * y).sum())
    vx, vy, cov = (v * (x - mx) ** 2).sum(), (v * (y - my) ** 2).sum(), (v * (x - mx) * (y - my)).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return (2 * mx * my + c1) / (mx ** 2 + my ** 2 + c1) * (2 * cov + c2) / (vx + vy + c2)


def _uncentred(x, y, w):
    return _light((w * x).sum(), (w * y).sum()) * (2 * (w * x * y).sum() + C2) / ((w * (x * x + y * y)).sum() + C2)


def _light(mx, my):
    return (2 * mx * my + C1) / (mx ** 2 + my ** 2 + C1)


@exercise
def lmd(answer):
    """lmd(drawn (T, 68, 2), true (T, 68, 2)) -> (T,): mean distance of points 48 to 67, in true outer-eye distances."""
    rng = np.random.default_rng(7)
    for T in (5, 3):
        true = 48 + 20 * rng.normal(size=(T, 68, 2)) * np.linspace(.7, 1.5, T)[:, None, None]
        drawn = true * rng.uniform(.8, 1.2) + 3 * rng.normal(size=true.shape)
        drawn[1], want = np.nan, metrics.landmark_distance
        away = np.linalg.norm(drawn - true, axis=2)                                               # (T, 68)
        left, right = OUTER_EYES
        eye = np.linalg.norm(true[:, left] - true[:, right], axis=1)
        theirs = np.linalg.norm(drawn[:, left] - drawn[:, right], axis=1)
        inner = np.linalg.norm(true[:, 39] - true[:, 42], axis=1)
        mouth = away[:, 48:68].mean(1)
        same(answer(drawn.copy(), true.copy()), want(drawn, true), what=f"lmd of {T} frames", atol=1e-6, mistakes={
            "that is in pixels: divide by the distance of the outer eye corners": mouth,
            "the twenty distances are added: take their mean": away[:, 48:68].sum(1) / eye,
            "all 68 points are in it: the mouth is 48 to 67": away.mean(1) / eye,
            "point 67 is missing: a slice ends before its last number": away[:, 48:67].mean(1) / eye,
            "you divided by the drawn face's eyes: a system could shrink its score by widening them": mouth / theirs,
            "those are the inner eye corners; the outer ones are 36 and 45": mouth / inner,
            "you divided all frames by one eye distance; each has its own": mouth / eye.mean(),
            "you took squares: the distance is their root": (away[:, 48:68] ** 2).mean(1) / eye,
            "x and y are two distances now: take the length over the last axis":
            np.abs(drawn - true)[:, 48:68].mean((1, 2)) / eye,
            "you gave one number; give one for each frame": np.nanmean(mouth / eye),
            "you averaged the twenty differences before you took a length: each point has its own distance":
            np.linalg.norm((drawn - true)[:, 48:68].mean(1), axis=1) / eye,
            "a frame without a face was dropped; it keeps its place, and is NaN": (mouth / eye)[np.isfinite(mouth)],
            "a frame without a face got a score of 0, the best there is: leave it NaN": np.nan_to_num(mouth / eye)})


@exercise
def frechet(answer):
    """frechet(a (N, P), b (M, P)) -> |mean a - mean b|^2 + tr(A + B) - 2 tr (A B)^(1/2), A and B their covariances."""
    rng = np.random.default_rng(11)
    for N, M, P in ((40, 60, 4), (30, 30, 7), (25, 50, 2), (30, 40, 8)):
        mix = rng.normal(size=(P, P))
        a = rng.normal(size=(N, P)) @ mix + rng.normal(size=P)
        b = rng.normal(size=(M, P)) @ rng.normal(size=(P, P))
        if P == 8:                              # half of the features tell nothing new: rounding leaves values below 0
            a[:, 4:], b[:, 4:] = a[:, :4] @ mix[:4, :4], b[:, :4] @ mix[:4, :4]
        A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        far = ((a.mean(0) - b.mean(0)) ** 2).sum()
        root = np.sqrt(np.linalg.eigvals(A @ B).real.clip(0)).sum()
        element = np.trace(np.sqrt(np.clip(A @ B, 0, None)))
        plain = np.cov(a, rowvar=False, ddof=0), np.cov(b, rowvar=False, ddof=0)
        biased = far + np.trace(sum(plain)) - 2 * np.sqrt(np.linalg.eigvals(plain[0] @ plain[1]).real.clip(0)).sum()
        got = answer(a.copy(), b.copy())
        number = np.asarray(got)
        if P == 8 and number.dtype.kind == "f" and np.isnan(number).any():
            raise Wrong("where features tell nothing new, rounding makes some eigenvalues of A B negative or complex: "
                        "take .real.clip(0) of them, and then the roots")
        same(got, package_frechet(a, b).value, what=f"frechet of {N} and {M} pictures",
             atol=1e-6, rtol=1e-6, mistakes={
            "the means are not in it: add the squared distance of the means": np.trace(A + B) - 2 * root,
            "only the means are in it": far,
            "the means' distance is not squared": np.sqrt(far) + np.trace(A + B) - 2 * root,
            "the last term comes twice: 2 tr (A B)^(1/2)": far + np.trace(A + B) - root,
            "you took the root of each entry; the root of a matrix is another thing. Its trace is the sum of the roots "
            "of the eigenvalues": far + np.trace(A + B) - 2 * element,
            "you took the eigenvalues without their roots":
            far + np.trace(A + B) - 2 * np.linalg.eigvals(A @ B).real.sum(),
            "the last term is missing": far + np.trace(A + B), "the last term is to be subtracted":
            far + np.trace(A + B) + 2 * root,
            "only the variances are in it: covariances tell which features go together": far + ((
                np.sqrt(np.diag(A)) - np.sqrt(np.diag(B))) ** 2).sum(),
            "np.cov divides by N - 1, as it should; yours divides by N": biased})


@exercise
def bootstrap(answer):
    """bootstrap(values (N,), actors (N,), seed, draws) -> (draws,): means of actors drawn anew, with replacement."""
    rng, draws = np.random.default_rng(13), 6000
    for people, most in ((7, 9), (5, 14)):
        clips = rng.integers(1, most, people)
        clips[0] = most
        names = np.repeat([f"V{k:03d}" for k in range(people)], clips)
        values = np.repeat(rng.normal(.5, .3, people) + np.eye(people)[0], clips) + .2 * rng.normal(size=len(names))
        order = rng.permutation(len(names))
        names, values = names[order], values[order]
        per = np.array([values[names == n].mean() for n in np.unique(names)])
        want = {"mean": per.mean(), "std": per.std() / people ** .5}
        got = answer(values.copy(), names.copy(), 1, draws)
        got = np.asarray(got, float)
        if got.shape != (draws,):
            raise Wrong(f"bootstrap has shape {got.shape}, expected ({draws},): one mean for each draw")
        if not np.isfinite(got).all():
            raise Wrong("some means are NaN or infinite: was somebody left without a clip?")
        if got.std() < 1e-9:
            raise Wrong("every draw gives the same mean: draw with replacement, so that some actors come twice and "
                        "others not at all; and make the generator once, not anew for each draw")
        of_clips = values.std() / len(values) ** .5
        near = lambda x, y, share: abs(x - y) < share * y                                              # noqa: E731
        if not np.isclose(got.mean(), want["mean"], atol=5 * want["std"] / draws ** .5):
            if np.isclose(got.mean(), values.mean(), atol=6 * want["std"] / draws ** .5):
                clustered = not near(got.std(), of_clips, .1)
                raise Wrong("actors with many clips count more: take each actor's mean first, then draw actors" if
                            clustered else "you drew clips: draw actors, for clips of one person resemble each other")
            ratio = got.mean() / want["mean"]
            how = "has the wrong sign" if ratio < 0 else f"is {ratio:.4g} times as large as it should be"
            raise Wrong(f"the mean of the draws, {got.mean():.4g}, {how}: expected is the mean of the actors' means, "
                        f"{want['mean']:.4g}")
        if not near(got.std(), want["std"], .06):
            single = per.std()
            raise Wrong("one actor is drawn each time: draw as many as there are" if near(got.std(), single, .06) else
                        f"the draws spread by {got.std():.3g}, expected {want['std']:.3g}: draw as many actors as "
                        "there are, with replacement, and take the mean of theirs")
        if not np.array_equal(got, answer(values.copy(), names.copy(), 1, draws)):
            raise Wrong("the same seed gave other draws: use np.random.default_rng(seed)")
        if np.array_equal(got, answer(values.copy(), names.copy(), 2, draws)):
            raise Wrong("another seed gave the same draws: use the seed that is given")


@exercise
def paired_difference(answer):
    """paired_difference(a (N,), b (N,), actors (N,)) -> (P,): mean of a - b of each actor, in np.unique's order."""
    rng = np.random.default_rng(17)
    for people in (4, 6):
        actors = rng.permutation(np.repeat([f"V{k:03d}" for k in range(people)], rng.integers(3, 7, people)))
        b = rng.normal(size=len(actors))
        a = b + .5 + .3 * rng.normal(size=len(actors)) - 1.2 * (actors == "V002")
        a[rng.choice(len(a), 3, replace=False)] = np.nan
        b[rng.choice(len(b), 2, replace=False)] = np.nan
        a[actors == "V001"] = np.nan                                    # an actor without any score
        names = np.unique(actors)

        def each(x, names=names, actors=actors, how=np.nanmean):
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                return np.array([how(x[actors == n]) for n in names])

        want = each(a - b)
        known = np.isfinite(want)
        kept = want[known]
        apart = (each(a) - each(b))[known]
        same(answer(a.copy(), b.copy(), actors.copy()), kept, what="paired_difference", atol=1e-6, mistakes={
            "the sign is wrong: a - b": -kept,
            "you subtracted two means of different clips: subtract clip by clip first, then take the mean": apart,
            "one actor has no clip that both could score: leave them out": want,
            "one actor has no clip that both could score: leave them out; 0 would say that nothing differs":
            np.nan_to_num(want),
            "clips that could not be scored counted as 0: leave them out": each(np.nan_to_num(a) - np.nan_to_num(b)),
            "the sign is lost: of whom b is larger, the mean is below 0": np.abs(kept),
            "a clip that could not be scored made its actor's mean NaN: go on with np.isfinite(a - b) only":
            each(a - b, how=np.mean),
            "you subtracted two means of different clips: subtract clip by clip first, then take the mean. And leave "
            "out an actor of whom nothing remains": each(a) - each(b),
            "clips that could not be scored counted as no difference: leave them out": each(np.nan_to_num(a - b)),
            "the actors come in the order of their first clips; np.unique sorts their names":
            np.array([want[names == n][0] for n in dict.fromkeys(actors[np.isfinite(a - b)])]),
            "one clip that could not be scored took its actor away: np.nanmean":
            each(a - b, how=np.mean)[np.isfinite(each(a - b, how=np.mean))],
            "you gave one difference for all; give one for each actor": np.nanmean(a - b),
            "you gave one difference for each clip; take each actor's mean": (a - b)[np.isfinite(a - b)]})
