"""Wrong answers to the exercises of notebooks/03_action_units_and_expression: name -> [(answer, a word of the
message)].

For test_course_check.py.
"""
from __future__ import annotations

import numpy as np

from tfg import vocabulary

WRONG = {
    "action_unit": [(lambda e, name: e[:, vocabulary.index(name)].mean(1), "0 to 5"),
                    (lambda e, name: 5 * e[:, vocabulary.index(name)].sum(1), "added"),
                    (lambda e, name: 5 * e[:, vocabulary.index(name)].mean(), "time")],
    "move": [(lambda m, b, a: np.tensordot(a, b, 1), "mean shape"), (lambda m, b, a: m + b.sum(0), "weight"),
             (lambda m, b, a: m + np.tensordot(np.clip(a, 0, 1), b, 1), "limited"),
             (lambda m, b, a: m + np.tensordot(abs(a), b, 1), "sign"),
             (lambda m, b, a: np.add(m, np.tensordot(a, b, 1), out=m), "changed")],
    "project": [(lambda p, s, t, d: p[:, :2] / (1 - p[:, 2:] / d) * s + t, "points up"),
                (lambda p, s, t, d: p[:, :2] * p.new_tensor([1, -1]) * s + t, "perspective"),
                (lambda p, s, t, d: (p[:, :2] / (1 - p[:, 2:] / d) * s + t) * p.new_tensor([1, -1]), "flipped as well"),
                (lambda p, s, t, d: (p[:, :2] / (1 - p[:, 2:] / d) * p.new_tensor([1, -1]) * s + t).numpy(), "tensor")],
    "fit_loss": [(lambda x, y, e, i, c, w: ((x - y) ** 2).sum(1).mean() / e + w * ((i ** 2).mean() + (c ** 2).mean()),
                  "once"),
                 (lambda x, y, e, i, c, w: ((x - y) ** 2).sum(1).mean() / e ** 2 + w * (i ** 2).mean()
                  + (c ** 2).mean(), "brackets"),
                 (lambda x, y, e, i, c, w: ((x - y) ** 2).sum(1).mean() / e ** 2, "prior"),
                 (lambda x, y, e, i, c, w: ((x - y) ** 2).sum(1).mean() / e ** 2 + (i ** 2).mean() + (c ** 2).mean(),
                  "weight"),
                 (lambda x, y, e, i, c, w: (((x - y) ** 2).sum(1).mean() / e ** 2
                                            + w * ((i ** 2).mean() + (c ** 2).mean())).detach(), "gradient")],
    "emotion_change": [(lambda e, n: np.nanmean(n, 0) - np.nanmean(e, 0), "sign"),
                       (lambda e, n: np.nanmean(e, 0), "subtracted"), (lambda e, n: e.mean(0) - n.mean(0), "NaN"),
                       (lambda e, n: np.nanmean(e, 0) - n.mean(0), "NaN"),
                       (lambda e, n: abs(np.nanmean(e, 0) - np.nanmean(n, 0)), "abs"),
                       (lambda e, n: np.nan_to_num(np.nanmean(e, 0) - np.nanmean(n, 0)), "0 where NaN"),
                       (lambda e, n: np.nan_to_num(e).mean(0) - np.nan_to_num(n).mean(0), "counts as 0")],
}
