"""Wrong answers to the exercises of notebooks/05_virtual_actors: name -> [(answer, a word of its message)].

For test_course_check.py.
"""
from __future__ import annotations

import numpy as np

from tfg.acting.emotion import smoothstep


def _blend(t, starts, stops, targets, strengths, tau, *, norm=True, strong=True, middle=False, far=None):
    away = np.maximum(np.maximum(starts - t[:, None], t[:, None] - stops), 0)
    away = np.abs(t[:, None] - (starts + stops) / 2) if middle else away
    away = far(np.abs(starts - t[:, None]), np.abs(t[:, None] - stops)) if far else away
    weight = np.exp(-away / tau) * (strengths if strong else 1)
    return weight @ targets / (weight.sum(1, keepdims=True) if norm else 1)


def _rise(x, start, ease=None):
    return start + (1 - start) * (ease or smoothstep)(x)


def _flanks(n, onset, decay, first, last, ease=None):
    t = np.arange(n) / 25
    return _rise(t / onset, first, ease) * _rise((n / 25 - t) / decay, last, ease)


def _far(seen, true):
    return np.linalg.norm((seen - true)[..., :2], axis=-1)


def _eyes(true):
    return np.linalg.norm(true[:, 33, :2] - true[:, 263, :2], axis=-1)[:, None]


def _r(a, b):
    both = np.isfinite(a) & np.isfinite(b)
    return np.corrcoef(a[both], b[both])[0, 1]


WRONG = {
    "dominance_blend": [(lambda *a: _blend(*a, norm=False), "divided by the sum"),
                        (lambda *a: _blend(*a, strong=False), "strengths"),
                        (lambda *a: _blend(*a, middle=True), "middle"), (lambda *a: _blend(*a).T, "transposed"),
                        (lambda t, a, b, x, s, tau: _blend(t, b, b, x, s, tau), "from the phone's end alone"),
                        (lambda *a: _blend(*a, far=np.minimum), "nearer end inside"),
                        (lambda *a: _blend(*a, far=np.maximum), "farther end")],
    "envelope": [(lambda n, on, off, a, b: _rise(np.arange(n) / 25 / on, a), "no decay"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, a, b, ease=lambda x: np.clip(x, 0, 1)), "straight"),
                 (lambda n, on, off, a, b: _flanks(n, off, on, a, b), "onset and decay are exchanged"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, b, a), "first and last"),
                 (lambda n, on, off, a, b: _flanks(n, on / 25, off / 25, a, b), "frames"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, a, b, lambda x: x * x * (3 - 2 * x)), "clip x first"),
                 (lambda n, on, off, a, b: np.minimum(_flanks(n, on, off, a, 1), _flanks(n, on, off, 1, b)), "smaller"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, a, 1) + _flanks(n, on, off, 1, b) - 1, "less 1"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, a, 1) * np.append(_flanks(n, on, off, 1, b)[1:], b),
                  "last frame begins"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, a, b)[:-1], "shape")],
    "landmark_error": [(lambda s, t: np.nanmean(_far(s, t)), "pixels"),
                       (lambda s, t: np.nanmean(np.linalg.norm(s - t, axis=-1) / _eyes(t)), "depth"),
                       (lambda s, t: np.mean(_far(s, t) / _eyes(t)), "nanmean"),
                       (lambda s, t: np.nanmean(_far(s, t)) / _eyes(t).mean(), "one eye"),
                       (lambda s, t: np.mean(np.nan_to_num(_far(s, t)) / _eyes(t)), "perfect")],
    "pearson": [(lambda a, b: np.corrcoef(a, b)[0, 1], "NaN"),
                (lambda a, b: np.corrcoef(np.nan_to_num(a), np.nan_to_num(b))[0, 1], "filled with 0"),
                (lambda a, b: _r(a, b) ** 2, "squared"), (lambda a, b: abs(_r(a, b)), "sign is lost"),
                (lambda a, b: 0.0 if np.nanstd(a) == 0 else _r(a, b), "constant")],
}
