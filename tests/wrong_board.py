"""Wrong answers to the exercises of notebooks/16_five_systems_compared: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import itertools

import numpy as np

from tfg.course.check.board import _ranges, _rounds
from tfg.metrics import compare


def _means(d):
    return np.array([np.dot(s, d) for s in itertools.product((1, -1), repeat=len(d))]) / len(d)


def _steps(p):
    order = np.argsort(p, kind="stable")
    return order, p[order] * (len(p) - np.arange(len(p)))


def _back(p, values):
    out = np.empty(len(p))
    out[np.argsort(p, kind="stable")] = values
    return out


def _sure(means, p, level):
    return (p < level) & (means[:, None] > means[None])


WRONG = {
    "sign_flip": [(lambda d: (_means(d) >= abs(d.mean()) - 1e-12).mean(), "one side"),
                  (lambda d: (abs(_means(d)) > abs(d.mean()) + 1e-12).mean(), "at least as far"),
                  (lambda d: float((abs(_means(d)) >= abs(d.mean()) - 1e-12).sum()), "share"),
                  (lambda d: 1 - compare.sign_flip_p(d), "1 - p"),
                  (lambda d: (abs(_means(d)) >= d.mean() - 1e-12).mean(), "absolute value"),
                  (lambda d: np.mean([abs(np.mean(np.array(s) * d)) >= abs(d.mean()) for s in itertools.product(
                      (1, -1), repeat=len(d))]), "last digits")],
    "holm": [(lambda p: np.minimum(p * len(p), 1), "Bonferroni"),
             (lambda p: _back(p, np.minimum(_steps(p)[1], 1)), "running maximum"),
             (lambda p: np.minimum(np.maximum.accumulate(_steps(p)[1]), 1), "own place"),
             (lambda p: _back(p, np.maximum.accumulate(_steps(p)[1])), "above 1"), (lambda p: p, "nothing is"),
             (lambda p: _back(p, np.minimum(np.maximum(_steps(p)[1], np.append(0, _steps(p)[1][:-1])), 1)), "runs on"),
             (lambda p: _back(p, np.minimum(np.maximum.accumulate(_steps(p)[1] - np.sort(p)), 1)), "K - 1")],
    "rank_ranges": [(lambda m, p, level: np.stack([(-m).argsort().argsort() + 1] * 2, 1), "ranks of the means"),
                    (lambda m, p, level: np.stack([_sure(m, p, level).sum(0), len(m) - 1 - _sure(m, p, level).sum(1)],
                                                  1), "begin with 1"),
                    (lambda m, p, level: np.stack([len(m) - _sure(m, p, level).sum(1), 1 + _sure(m, p, level).sum(0)],
                                                  1), "exchanged"),
                    (lambda m, p, level: np.stack([1 + _sure(m, p, level).sum(1), len(m) - _sure(m, p, level).sum(0)],
                                                  1), "surely worse"),
                    (lambda m, p, level: _ranges(_sure(m, p, .05)), "level is given"),
                    (lambda m, p, level: _ranges((p > level) & (m[:, None] > m[None])), "above the level"),
                    (lambda m, p, level: _ranges(_sure(m, p, level + 1e-9)), "equals the level"),
                    (lambda m, p, level: _ranges(_sure(m, p, level)) - [1, 0], "best rank is 1 +"),
                    (lambda m, p, level: _ranges(_sure(m, p, level)) - [0, 1], "S - 1")],
    "bradley_terry": [(lambda w, n: np.exp(_rounds(w, n)), "not their logarithms"),
                      (lambda w, n: _rounds(w, n, centred=False), "subtract it"),
                      (lambda w, n: _rounds(w.T, n), "row and column"),
                      (lambda w, n: _rounds(w, n, in_place=True), "in place"),
                      (lambda w, n: _rounds(w, n + 1), "too many"), (lambda w, n: _rounds(w, n - 1), "too few"),
                      (lambda w, n: _rounds(w, 1), "single round"),
                      (lambda w, n: np.exp(_rounds(w, n, centred=False)) - np.exp(_rounds(w, n, centred=False)).mean(),
                       "before the logarithm")],
}
