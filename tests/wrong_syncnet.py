"""Wrong answers to the exercises of notebooks/07_syncnet: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

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


def _tower(*, between=None, end=(nn.ReLU, nn.Flatten), bias=False, pad=True, pool=3, then=lambda x: x):
    """A tower with something wrong."""
    class Tower(nn.Module):
        def __init__(self, c_in, layers, embedding):
            super().__init__()
            parts = []
            for c_out, kernel, stride in layers:
                parts += [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2 if pad else 1, bias=bias)]
                parts += between(c_out) if between else [nn.BatchNorm2d(c_out), nn.ReLU()]
                c_in = c_out
            self.layers = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(pool), nn.Conv2d(c_in, embedding, pool),
                                        *(part() for part in end))

        def forward(self, x):
            return then(self.layers(x))

    return Tower


def _step(network, faces, mels, loss, optimiser, K, *, order="zbs", fit_of=None, loss_of=None, result=None,
          copied=False):
    """One step with something wrong.  order: of zero_grad, backward, step."""
    network = copy.deepcopy(network) if copied else network
    v, a = network(faces, mels)
    v, a = v.unflatten(0, (-1, K)), a.unflatten(0, (-1, K))
    fit = fit_of(v, a) if fit_of else v @ a.transpose(1, 2)
    cost = loss_of(fit) if loss_of else loss(fit)
    for act in order:
        {"z": optimiser.zero_grad, "b": cost.backward, "s": optimiser.step}[act]()
    right = (fit.argmax(2) == torch.arange(K)).float()
    return result(cost, right) if result else (cost.item(), right.mean().item())


def _stepping(**how):
    return lambda *given: _step(*given, **how)


def _own_optimiser(network, faces, mels, loss, optimiser, K):
    return _step(network, faces, mels, loss, torch.optim.SGD(network.parameters(), .1), K)


def _asleep(network, *given):
    return _step(network.eval(), *given)


def _over_all(network, faces, mels, loss, optimiser, K):
    v, a = network(faces, mels)
    return loss(v @ a.T).item(), 0.0


def _without_gradient(network, *given):
    with torch.no_grad():
        return _step(network, *given)


def _choices(fit):
    z = fit / .07
    return (_way(z, 1) + _way(z, 2)) / 2


def _mixed(network, faces, mels, loss, optimiser, K):
    def other(x):                                           # unflatten(0, (K, -1)), then turned to (B, K, ...)
        return x.unflatten(0, (K, -1)).transpose(0, 1).flatten(0, 1)

    return _step(lambda *given: map(other, network(*given)), faces, mels, loss, optimiser, K)


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
    "Tower": [(_tower(end=(nn.Flatten,)), "no ReLU at the end"), (_tower(end=(nn.ReLU,)), "nn.Flatten() is missing"),
              (_tower(between=lambda c: [nn.BatchNorm2d(c)]), "missing after each norm"),
              (_tower(between=lambda c: [nn.ReLU(), nn.BatchNorm2d(c)]), "before the norm"),
              (_tower(between=lambda c: [nn.ReLU()]), "a BatchNorm2d with weight (4), bias (4) is expected"),
              (_tower(bias=True), "bias=False is missing"), (_tower(pad=False), "has padding 1, expected 3"),
              (_tower(pool=1), "expected is a Conv2d"),
              (_tower(then=lambda x: F.normalize(x, dim=1)), "both towers alike")],
    "sync_step": [(_stepping(order="bs"), "the step before are still there"),
                  (_stepping(order="zb"), "optimiser.step() is missing"),
                  (_stepping(order="z"), "loss.backward() is missing"), (_stepping(order="zs"), "loss.backward() is"),
                  (_stepping(order="zsb"), "stands before loss.backward()"),
                  (_stepping(order="bzs"), "between loss.backward() and step()"),
                  (_stepping(copied=True), "a copy was asked"),
                  (_own_optimiser, "not by the optimiser that was given"), (_asleep, "eval mode"),
                  (_over_all, "(24, 24), expected (3, 8, 8)"), (_without_gradient, "gradient was cut"),
                  (_stepping(loss_of=_choices), "loss of your own"),
                  (_stepping(fit_of=lambda v, a: a @ v.transpose(1, 2)), "rows are sounds"),
                  (_mixed, "follow each other"),
                  (_stepping(result=lambda cost, right: (cost, right.mean())), "still carries its graph"),
                  (_stepping(result=lambda cost, right: (cost.item(), right.sum().item())), "how many are right"),
                  (_stepping(result=lambda cost, right: (cost.item(), 1 - right.mean().item())), "wrong choices"),
                  (_stepping(result=lambda cost, right: (right.mean().item(), cost.item())), "exchanged"),
                  (_stepping(result=lambda cost, right: cost.item()), "return both")],
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
