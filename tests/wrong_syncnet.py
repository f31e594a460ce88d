"""Wrong answers to the exercises of notebooks/07_syncnet: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import numpy as np
import torch

from tfg.metrics.sync import sync_curve


def _floor(x):
    return np.floor(x).astype(int)


def _bce(p, label):
    p = p.clamp(1e-6, 1 - 1e-6)
    return -(label * p.log() + (1 - label) * (1 - p).log())


def _cosine(v, a):
    return (v * a).sum(1) / (v.norm(dim=1) * a.norm(dim=1))


def _way(z, dim):
    return -torch.log_softmax(z, dim).diagonal(dim1=1, dim2=2).mean()


def _rolled(v, a, reach):
    return np.array([np.linalg.norm(v - np.roll(a, -s, 0), axis=1).mean() for s in range(-reach, reach + 1)])


def _padded(v, a, reach):
    a = np.pad(a, ((reach, reach), (0, 0)))
    return np.array([np.linalg.norm(v - a[k:k + len(v)], axis=1).mean() for k in range(2 * reach + 1)])


def _scores(curve, middle=np.nanmedian, sign=1, start=None):
    least, R = np.nanmin(curve), len(curve) // 2
    return least, sign * (middle(curve) - least), int(np.nanargmin(curve)) - (R if start is None else start)


WRONG = {
    "lower_half": [(lambda x: x[..., :x.shape[-2] // 2, :].flatten(1, 2), "upper half"),
                   (lambda x: x[..., x.shape[-1] // 2:].flatten(1, 2), "right half"),
                   (lambda x: x[..., x.shape[-2] // 2:, :].flatten(0, 1), "batch"),
                   (lambda x: x[..., x.shape[-2] // 2:, :].transpose(1, 2).flatten(1, 2), "exchanged"),
                   (lambda x: x.flatten(1, 2), "whole face"), (lambda x: x[..., x.shape[-2] // 2:, :], "join them")],
    "moments": [(lambda n, K, start: (np.arange(K) + start) / K * n, "whole"),
                (lambda n, K, start: np.round((np.arange(K) + start) / K * n), "round down"),
                (lambda n, K, start: _floor(np.arange(K) / K * n), "start is missing"),
                (lambda n, K, start: np.linspace(0, n - 1, K).astype(int), "n - 1"),
                (lambda n, K, start: 5 * np.arange(K), "side by side")],
    "sync_loss": [(lambda v, a, y: _bce((v * a).sum(1), y).mean(), "unit vectors"),
                  (lambda v, a, y: _bce(_cosine(v, a), 1 - y).mean(), "exchanged"),
                  (lambda v, a, y: _bce(_cosine(v, a), y).sum(), "mean"),
                  (lambda v, a, y: _bce(_cosine(v, a), y), "averaged"),
                  (lambda v, a, y: _bce((1 + _cosine(v, a)) / 2, y).mean(), "without negative entries"),
                  (lambda v, a, y: -(y * _cosine(v, a).log() + (1 - y) * (1 - _cosine(v, a)).log()).mean(), "clamp"),
                  (lambda v, a, y: -_bce(_cosine(v, a), y).mean(), "sign"),
                  (lambda v, a, y: _bce(_cosine(v, a), y).mean().detach(), "no gradient"),
                  (lambda v, a, y: float(_bce(_cosine(v, a), y).mean()), "no gradient"),
                  (lambda v, a, y: _bce(_cosine(v, a.detach()), y).mean(), "reaches `a`"),
                  (lambda v, a, y: _bce((v * a).sum(1) / (v.norm() * a.norm()), y).mean(), "each pair has its own"),
                  (lambda v, a, y: _bce((v * a).sum(1) / (v.square().sum(1) * a.square().sum(1)), y).mean(), "squares"),
                  (lambda v, a, y: -((1 - y) * (1 - _cosine(v, a)).clamp(1e-6).log()).mean(), "false pairs alone"),
                  (lambda v, a, y: _bce(_cosine(v, a).sigmoid(), y).mean(), "sigmoid"),
                  (lambda v, a, y: ((_cosine(v, a) - y) ** 2).mean(), "squared difference"),
                  (lambda v, a, y: (1 - _cosine(v, a)).mean(), "1 - cosine"),
                  (lambda v, a, y: _bce(_cosine(v, a).clamp(.01, .99), y).mean(), "no more and no less")],
    "choice_loss": [(lambda f, t: _way(f / t, 2), "for each sound"), (lambda f, t: _way(f / t, 1), "for each picture"),
                    (lambda f, t: (_way(f, 1) + _way(f, 2)) / 2, "temperature is missing"),
                    (lambda f, t: (_way(f * t, 1) + _way(f * t, 2)) / 2, "divide"),
                    (lambda f, t: _way(f / t, 1) + _way(f / t, 2), "mean"),
                    (lambda f, t: -(_way(f / t, 1) + _way(f / t, 2)) / 2, "sign"),
                    (lambda f, t: (_way(f / t, 1) + _way(f / t, 2)).detach() / 2, "no gradient"),
                    (lambda f, t: float(_way(f / t, 1) + _way(f / t, 2)) / 2, "no gradient"),
                    (lambda f, t: -((f / t).log_softmax(2) + (f / t).log_softmax(1)).mean() / 2, "wrong ones, too"),
                    (lambda f, t: -(f / t).flatten(1).log_softmax(1).unflatten(1, f.shape[1:]).diagonal(
                        dim1=1, dim2=2).mean(), "one softmax for each row"),
                    (lambda f, t: -((f / t).log_softmax(2)[:, :, 0].mean() + (f / t).log_softmax(1)[:, 0].mean()) / 2,
                     "first sound"),
                    (lambda f, t: -sum((f / t).log_softmax(d).diagonal(dim1=0, dim2=1).mean() for d in (1, 2)) / 2,
                     "dim1=1, dim2=2"),
                    (lambda f, t: -sum((f / t).softmax(d).diagonal(dim1=1, dim2=2).mean().log() for d in (1, 2)) / 2,
                     "mean of the logarithms"),
                    (lambda f, t: (_way(f / t ** 2, 1) + _way(f / t ** 2, 2)) / 2, "counts twice")],
    "sync_curve": [(lambda v, a, r: sync_curve(v, a, r)[::-1], "direction"), (_rolled, "np.roll"), (_padded, "zeros"),
                   (lambda v, a, r: sync_curve(v, a, r)[:-1], "last shift"),
                   (lambda v, a, r: np.nan_to_num(sync_curve(v, a, r)), "np.nan")],
    "sync_scores": [(lambda c: _scores(c, start=0), "index"), (lambda c: _scores(c, np.nanmean), "not the mean"),
                    (lambda c: _scores(c, np.nanmax), "not the maximum"),
                    (lambda c: _scores(c, sign=-1), "more is better"),
                    (lambda c: (np.min(c), np.median(c) - np.min(c), np.argmin(c) - len(c) // 2), "NaN"),
                    (lambda c: _scores(c)[:2], "return all three")],
}
