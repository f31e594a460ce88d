"""Wrong answers to the exercises of notebooks/08_emotion_discriminator, for test_course_check.py."""
from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.course.explore.emotion import confusion_matrix, occlusion


def _soft(logits, target, log_softmax=lambda x: x.log_softmax(1)):
    return -(target * log_softmax(logits)).sum(1)


def _chosen(actors, n, seed):
    return np.isin(actors, np.random.default_rng(seed).permutation(np.unique(actors))[:n])


def _n(actors, share):
    return max(1, round(share * len(np.unique(actors))))


def _of_clips(actors, share, seed):
    return np.isin(actors, np.random.default_rng(seed).permutation(actors)[:_n(actors, share)])


def _hide(probability, frames, patch, step, *, colour=None, keep=False, only=slice(None), sign=1):
    starts = range(0, frames.shape[-1] - patch + 1, step)
    colour = frames.mean((0, 2, 3))[:, None, None] if colour is None else colour
    before, out, x = float(probability(frames[None])[0]), [], frames.clone()
    for top in starts:
        for left in starts:
            x = x if keep else frames.clone()
            x[only, :, top:top + patch, left:left + patch] = colour
            out.append(sign * (before - float(probability(x[None])[0])))
    return np.array(out).reshape(len(starts), -1)


def _in_place(probability, frames, patch, step):
    out = occlusion(probability, frames, patch, step)
    frames[:] = 0
    return out


def _slow_confusion(true, said, divide):
    counts = np.zeros((6, 6))
    for t, s in zip(true, said):
        counts[t, s] += 1
    with np.errstate(invalid="ignore"):
        return divide(counts)


def _once(true, said):
    counts = np.zeros((6, 6))
    counts[true, said] += 1
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(1, keepdims=True)


def _frames(*, act=lambda: nn.LeakyReLU(.3), norm_last=False, last=True, linear=True, drop=nn.Dropout, side=None,
            stride=2, norm=True, groups=None):
    """A network of single frames with something wrong."""
    class FrameNet(nn.Module):
        def __init__(self, widths, hidden, size, dropout, given):
            super().__init__()
            parts, c_in = [], 3
            for width in widths:
                parts += [nn.Conv2d(c_in, width, 3, stride, 1)]
                norms = [nn.GroupNorm(groups or given, width)] if norm else [nn.BatchNorm2d(width)]
                parts += [act(), *norms] if norm_last else [*norms, act()]
                c_in = width
            self.parts = nn.Sequential(*parts, nn.Flatten(), drop(dropout))
            cells = c_in * (side(size) if side else -(-size // 32)) ** 2
            self.one, self.two = nn.Linear(cells, hidden[0]), nn.Linear(*hidden)
            self.act, self.end = act() if linear else nn.Identity(), act() if last and linear else nn.Identity()

        def forward(self, x):
            return self.end(self.two(self.act(self.one(self.parts(x)))))

    return FrameNet


def _step(network, teller, frames, emotion, expression, hint, optimiser, *, order="zbs", loss_of=None, result=None,
          copied=False):
    """One step with something wrong.  order: of zero_grad, backward, step."""
    network = copy.deepcopy(network) if copied else network
    logits, codes = network(frames, codes=True)
    named, told = F.cross_entropy(logits, emotion), F.mse_loss(teller(codes), expression)
    loss = loss_of(named, told, hint) if loss_of else named + hint * told
    for act in order:
        {"z": optimiser.zero_grad, "b": loss.backward, "s": optimiser.step}[act]()
    right = (logits.argmax(1) == emotion).float()
    return result(loss, named, right) if result else (loss.item(), right.mean().item())


def _stepping(**how):
    return lambda *given: _step(*given, **how)


def _cut(network, teller, *given):
    return _step(network, lambda codes: teller(codes.detach()), *given)


def _asleep(network, *given):
    return _step(network.eval(), *given)


def _twice(network, *given):
    return _step(lambda *a, **k: (lambda logits, codes: (logits.softmax(1), codes))(*network(*a, **k)), *given)


def _summed(network, teller, frames, emotion, expression, hint, optimiser):
    return _step(network, teller, frames, emotion, expression, hint * expression.numel(), optimiser)


WRONG = {   # name -> [(wrong answer, a word of the message)]
    "fold_frames": [(lambda x: x.reshape(-1, x.shape[1], *x.shape[3:]), "renamed"),
                    (lambda x: x.permute(2, 0, 1, 3, 4).flatten(0, 1), "alternate"),
                    (lambda x: x.movedim(2, 1), "not folded"),
                    (lambda x: x.movedim(2, 1).flatten(0, 1).transpose(2, 3), "height and width")],
    "FrameNet": [(_frames(act=nn.ReLU), "plain ReLU"), (_frames(act=nn.LeakyReLU), "default slope"),
                 (_frames(norm_last=True), "before the norm"), (_frames(last=False), "last activation is missing"),
                 (_frames(linear=False), "only the convolutions"), (_frames(drop=lambda p: nn.Identity()), "no drop"),
                 (_frames(drop=lambda p: nn.Dropout(.9)), "hides 90%, expected 30%"),
                 (_frames(drop=lambda p: nn.Sequential(nn.Dropout(p), nn.Dropout(p))), "other numbers"),
                 (_frames(groups=1), "has num_groups 1, expected 2"),
                 (_frames(side=lambda size: size // 32), "expected is a Linear with weight (8, 36)"),
                 (_frames(stride=1), "has stride 1, expected 2"), (_frames(norm=False), "expected is a GroupNorm")],
    "emotion_step": [(_stepping(order="bs"), "the step before are still there"),
                     (_stepping(order="zb"), "optimiser.step() is missing"),
                     (_stepping(order="zs"), "loss.backward() is missing"),
                     (_stepping(order="zsb"), "stands before loss.backward()"),
                     (_stepping(order="bzs"), "between loss.backward() and step()"),
                     (_stepping(copied=True), "stays as it was"), (_asleep, "eval mode"), (_cut, "teller alone"),
                     (_twice, "softmax is taken twice"), (_summed, "squared errors are added"),
                     (_stepping(loss_of=lambda named, told, hint: named), "hint is missing"),
                     (_stepping(loss_of=lambda named, told, hint: named + told), "no effect"),
                     (_stepping(loss_of=lambda named, told, hint: hint * named + told), "wrong loss"),
                     (_stepping(loss_of=lambda named, told, hint: hint * (named + told)), "both losses"),
                     (_stepping(result=lambda loss, named, right: (loss, right.mean())), "still carries its graph"),
                     (_stepping(result=lambda loss, named, right: (named.item(), right.mean().item())), "alone"),
                     (_stepping(result=lambda loss, named, right: (loss.item(), right.sum().item())), "how many"),
                     (_stepping(result=lambda loss, named, right: loss.item()), "return both")],
    "soft_cross_entropy": [(lambda x, q: _soft(x, q).sum(), "added"), (lambda x, q: -_soft(x, q).mean(), "minus"),
                           (lambda x, q: _soft(x, q), "per example"),
                           (lambda x, q: torch.nn.functional.cross_entropy(x, q.argmax(1)), "largest"),
                           (lambda x, q: _soft(x, q, lambda x: x.log_softmax(0)).mean(), "over the batch"),
                           (lambda x, q: torch.nn.functional.kl_div(x.log_softmax(1), q, reduction="batchmean"),
                            "KL"),
                           (lambda x, q: torch.nn.functional.cross_entropy(x.softmax(1), q), "twice"),
                           (lambda x, q: _soft(x, q).mean().detach(), "gradient"),
                           (lambda x, q: _soft(x, q, lambda x: (x.exp() / x.exp().sum(1, keepdim=True)).log()).mean(),
                            "overflows")],
    "split_by_actor": [(lambda a, share, seed: np.random.default_rng(seed).random(len(a)) < share, "both sides"),
                       (lambda a, share, seed: np.isin(a, np.unique(a)[:_n(a, share)]), "depend on the seed"),
                       (lambda a, share, seed: ~_chosen(a, _n(a, share), seed), "test side"),
                       (lambda a, share, seed: _chosen(a, int(share * len(np.unique(a))), seed), "at least one"),
                       (lambda a, share, seed: _chosen(a, int(np.ceil(share * len(np.unique(a)))), seed), "round"),
                       (_of_clips, "drawn twice"),
                       (lambda a, share, seed: np.flatnonzero(_chosen(a, _n(a, share), seed)), "True or False"),
                       (lambda a, share, seed: _chosen(a, _n(a, share), None), "default_rng(seed)")],
    "confusion": [(lambda t, s: _slow_confusion(t, s, lambda c: c), "counts"),
                  (lambda t, s: confusion_matrix(s, t), "should be what was acted"),
                  (lambda t, s: _slow_confusion(t, s, lambda c: c / c.sum(0)), "column"),
                  (lambda t, s: confusion_matrix(t, s).T, "exchanged"),
                  (_once, "np.add.at"), (lambda t, s: np.nan_to_num(confusion_matrix(t, s)), "NaN")],
    "occlusion_map": [(lambda *a: _hide(*a, sign=-1), "sign"), (lambda *a: occlusion(*a).T, "exchanged"),
                      (lambda *a: _hide(*a, keep=True), "clone"), (lambda *a: _hide(*a, only=0), "first frame"),
                      (lambda p, x, *a: _hide(p, x, *a, colour=x.mean((2, 3))[:, :, None, None]), "its own mean"),
                      (lambda p, x, *a: _hide(p, x, *a, colour=x[0].mean((1, 2))[:, None, None]), "first frame's mean"),
                      (lambda *a: _hide(*a, colour=torch.zeros(3, 1, 1)), "black"),
                      (lambda p, x, n, k: float(p(x[None])[0]) - occlusion(p, x, n, k), "left"),
                      (lambda p, *a: occlusion(lambda x: p(x[0]), *a), "frames[None]"), (_in_place, "changed")],
}
