"""Checks of notebooks/05_virtual_actors."""
from __future__ import annotations

import functools

import numpy as np

from tfg.acting.emotion import smoothstep
from tfg.course.check.core import Wrong, exercise, same


@exercise
def dominance_blend(answer):
    """dominance_blend(t (n,), starts (P,), stops (P,), targets (P, C), strengths (P,), tau_s) -> (n, C)."""
    rng = np.random.default_rng(2)
    for n, phones, channels in ((60, 4, 3), (25, 7, 1), (40, 2, 5)):
        edges = np.cumsum(rng.uniform(0.04, 0.2, phones + 1))
        starts, stops, t = edges[:-1], edges[1:], np.linspace(0, edges[-1] + 0.1, n)
        targets, strengths, tau = rng.uniform(0, 1, (phones, channels)), rng.uniform(0.2, 2, phones), 0.06
        away = np.maximum(np.maximum(starts - t[:, None], t[:, None] - stops), 0)               # (n, P)
        centre = np.abs(t[:, None] - (starts + stops) / 2)
        want = blended(t, starts, stops, targets, strengths, tau)
        raw = strengths * np.exp(-away / tau)
        mistakes = {
            "the sum is not divided by the sum of the dominances": raw @ targets,
            "the strengths are missing": _blend(np.exp(-away / tau), targets),
            "the distance is measured from the phone's middle; inside the phone it is 0":
            _blend(strengths * np.exp(-centre / tau), targets),
            "the distance is measured from the phone's end alone; inside the phone it is 0":
            _blend(strengths * np.exp(-np.abs(t[:, None] - stops) / tau), targets),
            "the distance is measured from the phone's beginning alone; inside the phone it is 0":
            _blend(strengths * np.exp(-np.abs(t[:, None] - starts) / tau), targets),
            "the distance is the time to the nearer end inside the phone, too: it is 0 there":
            _blend(strengths * np.exp(-np.minimum(np.abs(starts - t[:, None]), np.abs(t[:, None] - stops)) / tau),
                   targets),
            "the distance is the time to the farther end: outside it is the nearer one, inside 0":
            _blend(strengths * np.exp(-np.maximum(np.abs(starts - t[:, None]), np.abs(t[:, None] - stops)) / tau),
                   targets),
            "the distance is negative inside the phone: it is 0 there":
            _blend(strengths * np.exp(-np.maximum(starts - t[:, None], t[:, None] - stops) / tau), targets),
            "only the time before the phone counts as distance, not the time after it":
            _blend(strengths * np.exp(-np.maximum(starts - t[:, None], 0) / tau), targets),
            "only the time after the phone counts as distance, not the time before it":
            _blend(strengths * np.exp(-np.maximum(t[:, None] - stops, 0) / tau), targets),
            "the exponent lacks its minus sign: far phones would rule":
            _blend(strengths * np.exp(np.minimum(away / tau, 50)), targets),
            "the strongest phone takes all: blend them": targets[np.argmax(raw, 1)],
            "you divided by the number of phones, not by the sum of the dominances": raw @ targets / phones}
        same(answer(t, starts, stops, targets, strengths, tau), want, what=f"dominance_blend of {phones} phones",
             mistakes=mistakes)


def _blend(weight, targets):
    with np.errstate(over="ignore", invalid="ignore"):
        return weight @ targets / weight.sum(1, keepdims=True)


def blended(t, starts, stops, targets, strengths, tau_s: float):
    """The reference of `dominance_blend` (Cohen & Massaro 1993, eq. 1 and 2)."""
    away = np.maximum(np.maximum(starts - t[:, None], t[:, None] - stops), 0)                   # (n, P)
    return _blend(strengths * np.exp(-away / tau_s), targets)


@exercise
def envelope(answer):
    """envelope(n_frames, onset_s, decay_s, first, last) -> (T,): from `first` up to 1 and down to `last`, 25/s."""
    for n, onset, decay, first, last in ((75, .5, .8, .45, .7), (50, .3, .5, .2, .4), (100, .8, 1.0, 0., 0.),
                                         (20, .6, .7, .3, .5)):          # rise and fall overlap
        t, length = np.arange(n) / 25, n / 25
        left = length - t
        up, down = functools.partial(_flank, first), functools.partial(_flank, last)
        rise, fall = up(t / onset), down(left / decay)
        same(answer(n, onset, decay, first, last), rise * fall, what=f"envelope of {n} frames", mistakes={
            "there is no decay": rise, "there is no onset": fall,
            "time is counted in frames: divide the frame number by 25": up(25 * t / onset) * down(25 * left / decay),
            "it begins at 0: the display is under way when the clip begins": smoothstep(t / onset) * fall,
            "it ends at 0: the display outlives the clip": rise * smoothstep(left / decay),
            "the flanks are straight: put the smooth step over them":
            up(t / onset, ease=_straight) * down(left / decay, ease=_straight),
            "the smooth step is not cut to [0, 1]: clip x first":
            up(t / onset, ease=_uncut) * down(left / decay, ease=_uncut),
            "your clip ends when its last frame begins: it is n / 25 s long": rise * down((left - .04) / decay),
            "rise and fall are added: at the apex that makes 2": rise + fall,
            "you added rise and fall, less 1: multiply them": rise + fall - 1,
            "onset and decay are exchanged": up(t / decay) * down(left / onset),
            "first and last are exchanged": down(t / onset) * up(left / decay),
            "you took the smaller of rise and fall: multiply them": np.minimum(rise, fall),
            "the decay begins at the end of the clip instead of ending there": rise * down(1 - left / decay)})


def _straight(x):
    return np.clip(x, 0, 1)


def _uncut(x):
    return x * x * (3 - 2 * x)


def _flank(start, x, ease=smoothstep):
    return start + (1 - start) * ease(x)


@exercise
def landmark_error(answer):
    """landmark_error(seen (T, N, 3), true (T, N, 3)) -> mean 2-D distance over the true eye distance, NaN left out."""
    rng = np.random.default_rng(4)
    for frames in (12, 5):
        true = rng.uniform(30, 90, (frames, 478, 3))
        true[:, 33, :2], true[:, 263, :2] = (40, 60), (80, 62) + rng.uniform(0, 40, (frames, 1))
        seen = true + rng.normal(0, 1.5, true.shape)
        seen[:, :, 2] += 20
        seen[2] = np.nan
        eye = np.linalg.norm(true[:, 33, :2] - true[:, 263, :2], axis=-1)                       # (T,)
        step = seen - true
        flat, solid = np.linalg.norm(step[..., :2], axis=-1), np.linalg.norm(step, axis=-1)
        got = answer(seen.copy(), true.copy())
        if np.ndim(got) == 0 and np.isnan(float(got)):
            raise Wrong("one frame without a face (NaN) makes the whole result NaN: np.nanmean leaves it out")
        same(got, np.nanmean(flat / eye[:, None]), what="landmark_error", atol=1e-7, rtol=2e-5, mistakes={
            "the result is in pixels: divide by the distance between the eyes": np.nanmean(flat),
            "you used depth too: the landmarker guesses it": np.nanmean(solid / eye[:, None]),
            "you averaged |dx| and |dy|: a distance is the root of their squares' sum":
            np.nanmean(np.abs(step[..., :2]) / eye[:, None, None]),
            "one eye distance is used for all frames: the head comes nearer and goes away":
            np.nanmean(flat) / eye.mean(),
            "you averaged the squares (or left out the root)": np.nanmean(flat ** 2 / eye[:, None] ** 2),
            "the result is in per cent; give the share": 100 * np.nanmean(flat / eye[:, None]),
            "frames without a face count as perfect: leave them out": np.nan_to_num(flat / eye[:, None]).mean()})


@exercise
def pearson(answer):
    """pearson(a (T,), b (T,)) -> r over the frames where both are known; NaN if one of them is constant there."""
    rng = np.random.default_rng(5)
    for n, slope in ((40, 0.4), (90, -0.4)):
        a = rng.normal(3, 1, n)
        b = slope * a + rng.normal(0, 0.5, n) - 7
        a[3:9], b[[1, 5, 20]] = np.nan, np.nan
        both = np.isfinite(a) & np.isfinite(b)
        want = np.corrcoef(a[both], b[both])[0, 1]
        x, y = a - np.nanmean(a), b - np.nanmean(b)
        filled = np.corrcoef(np.nan_to_num(a), np.nan_to_num(b))[0, 1]
        got = answer(a.copy(), b.copy())
        if np.ndim(got) == 0 and np.isnan(float(got)):
            raise Wrong("single frames that were not measured (NaN) make the result NaN: use the frames where both "
                        "are known")
        same(got, want, what="pearson", atol=1e-6, rtol=1e-6, mistakes={
            "unknown frames are filled with 0: a 0 is a value too, leave them out": filled,
            "you returned r squared": want ** 2, "the sign is lost": abs(want) if want < 0 else np.nan,
            "the means are not subtracted": (a * b)[both].sum() / np.sqrt((a[both] ** 2).sum() * (b[both] ** 2).sum()),
            "each curve's mean is taken over its own frames, not over the frames where both are known":
            (x * y)[both].sum() / np.sqrt((x[both] ** 2).sum() * (y[both] ** 2).sum()),
            "you returned the covariance: divide by both standard deviations":
            ((a - a[both].mean()) * (b - b[both].mean()))[both].mean()})
    still = answer(np.full(20, 0.3), rng.normal(size=20))
    if still is None or not np.isnan(float(still)):
        raise Wrong(f"a constant curve has no correlation: return np.nan, not {still}")
