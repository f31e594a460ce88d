"""Wrong answers to the exercises of notebooks/08_emotion_discriminator, for test_course_check.py."""
from __future__ import annotations

import numpy as np
import torch

from tfg.course.explore.emotion import confusion_matrix, occlusion


def _soft(logits, target, log_softmax=lambda x: x.log_softmax(1)):
    return -(target * log_softmax(logits)).sum(1)


def _chosen(actors, n, seed):
    return np.isin(actors, np.random.default_rng(seed).permutation(np.unique(actors))[:n])


def _n(actors, share):
    return max(1, round(share * len(np.unique(actors))))


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


WRONG = {   # name -> [(wrong answer, a word of the message)]
    "fold_frames": [(lambda x: x.reshape(-1, x.shape[1], *x.shape[3:]), "renamed"),
                    (lambda x: x.permute(2, 0, 1, 3, 4).flatten(0, 1), "alternate"),
                    (lambda x: x.movedim(2, 1), "not folded"),
                    (lambda x: x.movedim(2, 1).flatten(0, 1).transpose(2, 3), "height and width")],
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
                       (lambda a, share, seed: np.flatnonzero(_chosen(a, _n(a, share), seed)), "True or False"),
                       (lambda a, share, seed: _chosen(a, _n(a, share), None), "default_rng(seed)")],
    "confusion": [(lambda t, s: _slow_confusion(t, s, lambda c: c), "counts"),
                  (lambda t, s: confusion_matrix(s, t), "should be what was acted"),
                  (lambda t, s: _slow_confusion(t, s, lambda c: c / c.sum(0)), "column"),
                  (lambda t, s: confusion_matrix(t, s).T, "exchanged"),
                  (_once, "np.add.at"), (lambda t, s: np.nan_to_num(confusion_matrix(t, s)), "NaN")],
    "occlusion_map": [(lambda *a: _hide(*a, sign=-1), "sign"), (lambda *a: occlusion(*a).T, "exchanged"),
                      (lambda *a: _hide(*a, keep=True), "clone"), (lambda *a: _hide(*a, only=0), "first frame"),
                      (lambda *a: _hide(*a, colour=torch.zeros(3, 1, 1)), "black"),
                      (lambda p, x, n, k: float(p(x[None])[0]) - occlusion(p, x, n, k), "left"),
                      (lambda p, *a: occlusion(lambda x: p(x[0]), *a), "frames[None]"), (_in_place, "changed")],
}
