"""Wrong answers to the exercises of notebooks/12_speech_to_action_units_to_gan: name -> [(answer, a word of the
message)], for test_course_check."""
from __future__ import annotations

import numpy as np
import torch

from tfg.faces.aus import AUS

LIDS = AUS.index(45)


def _slopes(critic, a, b, share, reduce=torch.sum, detach=True):
    share = share.reshape(-1, 1, 1, 1) if share.ndim == 1 else share
    between = share * a + (1 - share) * b
    between = (between.detach() if detach else between).requires_grad_(True)
    return torch.autograd.grad(reduce(critic(between)[0]), between, create_graph=True)[0]


def _penalty(norm):
    return ((norm - 1) ** 2).mean()


def _each(gradient):
    return gradient.flatten(1).norm(dim=1)


def _mix(t, copy, paint):
    return t * copy + (1 - t) * paint


def _detached(generator, source, aus, aus_source):
    return (generator(generator(source, aus).detach(), aus_source) - source).abs().mean()


def _shown(units, shut, full=5.0, how=np.maximum):
    out = units.copy()
    out[:, LIDS] = how(out[:, LIDS], full * shut)
    return np.clip(out, 0, 5)


def _in_place(speech, feeling, listen, shut):
    speech += listen * feeling
    return _shown(speech, shut)


WRONG = {
    "unit_loss": [(lambda f, t, s, m: ((f - t) ** 2).mean(), "counts alike"),
                  (lambda f, t, s, m: (((f - t) / s) ** 2).mean(), "divided by 0"),
                  (lambda f, t, s, m: (((f - t) / (s + m)) ** 2).mean(), "added to every deviation"),
                  (lambda f, t, s, m: ((f - t) ** 2 / s.clamp(min=m)).mean(), "square the deviation"),
                  (lambda f, t, s, m: (((f - t) * s.clamp(min=m)) ** 2).mean(), "multiply"),
                  (lambda f, t, s, m: ((f - t) / s.clamp(min=m)).abs().mean(), "not squared"),
                  (lambda f, t, s, m: (((f - t) / s.clamp(min=m)) ** 2).sum(), "added"),
                  (lambda f, t, s, m: (((f - t) / s.clamp(min=m)) ** 2).sum(1).mean(), "units are added"),
                  (lambda f, t, s, m: (((f - t) / t.std(0, unbiased=False).clamp(min=m)) ** 2).mean(), "this batch"),
                  (lambda f, t, s, m: (((f - t) / s.clamp(min=m)) ** 2).mean().detach(), "gradient")],
    "gradient_penalty": [
        (lambda c, t, d, s, still: _penalty(_each(_slopes(c, still, d, s))), "published code"),
        (lambda c, t, d, s, still: _penalty(_each(_slopes(c, t, still, s))), "to `drawn`"),
        (lambda c, t, d, s, still: _penalty(_each(_slopes(c, d, t, s))), "exchanged"),
        (lambda c, t, d, s, still: _penalty(_slopes(c, t, d, s).norm(dim=1)), "colours alone"),
        (lambda c, t, d, s, still: _penalty(_slopes(c, t, d, s).flatten(2).norm(dim=2)), "three numbers"),
        (lambda c, t, d, s, still: _penalty(_slopes(c, t, d, s).norm()), "whole batch"),
        (lambda c, t, d, s, still: _penalty(_slopes(c, t, d, s).flatten(1).norm(dim=0)), "first axis"),
        (lambda c, t, d, s, still: _penalty(_each(_slopes(c, t, d, s, torch.mean))), "Add them up"),
        (lambda c, t, d, s, still: _penalty(_each(_slopes(c, t, d, torch.ones(len(t))))), "at the true pictures"),
        (lambda c, t, d, s, still: (_each(_slopes(c, t, d, s)) ** 2).mean(), "pulled to 0"),
        (lambda c, t, d, s, still: (_each(_slopes(c, t, d, s)) - 1).abs().mean(), "not squared"),
        (lambda c, t, d, s, still: (_each(_slopes(c, t, d, s)) - 1).clamp(min=0).square().mean(), "below cost, too"),
        (lambda c, t, d, s, still: (_each(_slopes(c, t, d, s)) - 1).mean() ** 2, "before the square"),
        (lambda c, t, d, s, still: _penalty(_each(_slopes(c, t, d, s))).detach(), "create_graph"),
        (lambda c, t, d, s, still: _penalty(_each(_slopes(c, t, d, s, detach=False))), "reaches the generator")],
    "compose": [(lambda x, c, a, f, t, w: _mix(1 - a * (1 - t), w(x, a * f), c), "wrong way round"),
                (lambda x, c, a, f, t, w: _mix(1 - (1 - a) * (1 - t), w(x, f), c), "all the same"),
                (lambda x, c, a, f, t, w: _mix(1 - (1 - a) * (1 - t), x, c), "nothing moves"),
                (lambda x, c, a, f, t, w: _mix(a, x, c), "published rule"),
                (lambda x, c, a, f, t, w: _mix(t, w(x, (1 - a) * f), c), "attention has no effect"),
                (lambda x, c, a, f, t, w: _mix(a * t, w(x, (1 - a) * f), c), "A times trust"),
                (lambda x, c, a, f, t, w: _mix(1 - (1 - a) * t, w(x, (1 - a) * f), c), "1 copies"),
                (lambda x, c, a, f, t, w: _mix(1 - (1 - a) * (1 - t), w(x, (1 - a) * f), c.detach()), "gradient")],
    "cycle_loss": [(lambda g, x, y, z: (g(g(x, y), y) - x).abs().mean(), "NEW units"),
                   (lambda g, x, y, z: (g(x, y) - x).abs().mean(), "no way back"),
                   (lambda g, x, y, z: (g(x, z) - x).abs().mean(), "begins at the edit"),
                   (lambda g, x, y, z: (g(g(x, z), y) - x).abs().mean(), "exchanged"),
                   (lambda g, x, y, z: ((g(g(x, y), z) - x) ** 2).mean(), "L2"),
                   (_detached, "only one of the two ways"),
                   (lambda g, x, y, z: (g(g(x, y), z) - x).abs().mean().detach(), "no gradient")],
    "frame_units": [(lambda s, f, k, b: _shown(s, b), "no effect"), (lambda s, f, k, b: _shown(s + f, b), "fully"),
                    (lambda s, f, k, b: _shown((1 - k) * s + k * f, b), "fades"),
                    (lambda s, f, k, b: _shown(s + k * f, b, 1.0), "up to 5"),
                    (lambda s, f, k, b: _shown(s + k * f, b, how=lambda x, y: y), "replaces lids"),
                    (lambda s, f, k, b: _shown(s + k * f, b, how=np.add), "cannot shut more"),
                    (lambda s, f, k, b: np.clip(s + k * f, 0, 5), "nobody blinks"),
                    (lambda s, f, k, b: np.maximum(s + k * f, 0), "nobody blinks, and"),
                    (_in_place, "changed its argument")],
}
