"""Wrong answers to the exercises of notebooks/13_deformable_synthesis: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tfg.course.check.deformable import _between, _deformed, _pixel, _turned


def _step(comes, own, h, c, order=(0, 1, 2, 3), new=torch.tanh):
    let, keep, show, come = ((comes + own(h)).chunk(4, 1)[k] for k in order)
    c = torch.sigmoid(keep) * c + torch.sigmoid(let) * new(come)
    return torch.sigmoid(show) * torch.tanh(c), c


def _bare(comes, own, h, c):
    return _step(comes, lambda x: 0, h, c)


def _gru(comes, own, h, c):
    let, _, show, new = (comes + own(h)).chunk(4, 1)
    c = (1 - torch.sigmoid(let)) * c + torch.sigmoid(let) * torch.tanh(new)
    return torch.sigmoid(show) * torch.tanh(c), c


def _mean(a, b, score):
    n = min(len(a), len(b))
    return float(np.mean(score(a[:n], b[:n])))


def _one_truth(drawn, truth, score):
    return {e: _mean(x, next(iter(truth.values())), score) for e, x in drawn.items() if e in truth}


def _best_truth(drawn, truth, score):
    return {e: max(_mean(x, t, score) for t in truth.values()) for e, x in drawn.items() if e in truth}


def _every(drawn, truth, score):
    return {e: _mean(x, truth.get(e, next(iter(truth.values()))), score) for e, x in drawn.items()}


def _uncut(drawn, truth, score):
    return {e: float(np.mean(score(x, truth[e]))) for e, x in drawn.items() if e in truth}


def _other(drawn, truth, score):
    both = [e for e in drawn if e in truth]
    return {e: _mean(drawn[e], truth[o], score) for e, o in zip(both, both[::-1])}


def _neutral(drawn, truth, score):
    return {e: _mean(x, truth["NEU"], score) for e, x in drawn.items() if e in truth}


def _label(emotion, k):
    return torch.full_like(emotion, k)


def _losses(critic, true, drawn, emotion, *, caught=None, wanted=None, half=2, detach=True):
    """The right losses, but with other labels of drawn runs: caught for the critic, wanted for the generator."""
    seen = drawn.detach() if detach else drawn
    own = F.cross_entropy(critic(true), emotion)
    own = own + F.cross_entropy(critic(seen), _label(emotion, 6) if caught is None else caught)
    return own / half, F.cross_entropy(critic(drawn), emotion if wanted is None else wanted)


WRONG = {
    "bilinear": [(lambda g, y, x: _between(g, x, y, edge=True), "exchanged"),
                 (lambda g, y, x: _pixel(g, y.round(), x.round()), "nearest"),
                 (lambda g, y, x: _between(g, y, x, even=True), "alike"),
                 (lambda g, y, x: _between(g, y, x, far=True), "1 - its distance"),
                 (lambda g, y, x: _between(g, y, x.floor()), "columns lie"),
                 (lambda g, y, x: _between(g, y.floor(), x), "rows lie"),
                 (lambda g, y, x: _between(g, y - .5, x - .5), "taken off"),
                 (lambda g, y, x: _between(g, y, x, edge=True), "ZEROS"),
                 (lambda g, y, x: _between(g, y, x, wrap=True), "other end"),
                 (lambda g, y, x: _between(g, y, x, cut=True), "torch.floor"),
                 (lambda g, y, x: _between(g, y, x, cut=True, apart=True), "rows 0 and 1 were mixed"),
                 (lambda g, y, x: _between(g, y, x).detach(), "gradient")],
    "deform_conv": [(lambda x, o, m, w, s: _deformed(x, _turned(o), m, w), "y, then x"),
                    (lambda x, o, m, w, s: _deformed(x, torch.stack([o[:9], o[9:]], 1).flatten(0, 1), m, w), "turns"),
                    (lambda x, o, m, w, s: _deformed(x, o, torch.ones_like(m), w), "mask has no effect"),
                    (lambda x, o, m, w, s: _deformed(x, 0 * o, m, w), "ordinary"),
                    (lambda x, o, m, w, s: _deformed(x, -o, m, w), "added to"),
                    (lambda x, o, m, w, s: _deformed(x, o, m, w, middle=0), "lower right"),
                    (lambda x, o, m, w, s: _deformed(x, o, m, w, spread=0), "own cell"),
                    (lambda x, o, m, w, s: _deformed(x, o, m, w, columns=True), "i counts rows"),
                    (lambda x, o, m, w, s: _deformed(x, o, m, w.flip(2, 3)), "turned round"),
                    (lambda x, o, m, w, s: _deformed(x, o, m, w.mT), "rows and columns are exchanged"),
                    (lambda x, o, m, w, s: _deformed(x, o, m, w, start=0), "corner"),
                    (lambda x, o, m, w, s: _deformed(x, o, torch.sigmoid(m), w), "before"),
                    (lambda x, o, m, w, s: _deformed(x, o.detach(), m, w), "gradient")],
    "remember": [(lambda a, own, h, c: _step(a, own, h, c)[::-1], "h first"),
                 (lambda a, own, h, c: _step(a, own, h, c, (1, 0, 2, 3)), "let and keep"),
                 (lambda a, own, h, c: _step(a, own, h, c, (0, 2, 1, 3)), "keep and show"),
                 (lambda a, own, h, c: _step(a, own, h, c, (0, 1, 3, 2)), "last two"),
                 (lambda a, own, h, c: _step(a + own(c), lambda x: 0, h, c), "was given c"),
                 (lambda a, own, h, c: _step(a, own, h, c, new=lambda x: x), "went in as it is"),
                 (_bare, "own(h)"), (lambda a, own, h, c: _step(a, own, h, 0 * c), "nothing is remembered"),
                 (_gru, "GRU"), (lambda a, own, h, c: _step(a, own, h, c, new=torch.sigmoid), "only grow"),
                 (lambda a, own, h, c: _step(a, own, h, c)[0], "return both"),
                 (lambda a, own, h, c: (_step(a, own, h, c)[0], a), "CHANNELS")],
    "right_truth": [(_one_truth, "as published"), (_best_truth, "best true film"), (_every, "without a true film"),
                    (_uncut, "shorter one"), (_other, "OTHER emotion"), (_neutral, "neutral"),
                    (lambda d, t, s: [1.0, 2.0], "a dict"), (lambda d, t, s: {}, "no score")],
    "emotion_losses": [
        (lambda c, t, d, e: _losses(c, t, d, e)[::-1], "exchanged"),
        (lambda c, t, d, e: _losses(c, t, d, e, caught=e), "seventh class"),
        (lambda c, t, d, e: _losses(c, t, d, e, caught=_label(e, 0)), "count from 0"),
        (lambda c, t, d, e: _losses(c, t, d, e, caught=_label(e, 7)), "stopped with"),
        (lambda c, t, d, e: _losses(c, t, d, e, half=1), "half of each"),
        (lambda c, t, d, e: _losses(c, t, d, e, wanted=_label(e, 6)), "called by their emotion"),
        (lambda c, t, d, e: (_losses(c, t, d, e)[0], -F.cross_entropy(c(d), _label(e, 6))), "RIGHT emotion"),
        (lambda c, t, d, e: _losses(c, t, d, e, detach=False), "detach them"),
        (lambda c, t, d, e: _losses(c, t, d.detach(), e), "teaches nothing"),
        (lambda c, t, d, e: _losses(c, t, d, e)[0], "return both")],
}
