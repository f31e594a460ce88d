"""Wrong answers to the exercises of notebooks/09_emogen_gan: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.vocabulary import EMOTIONS

NEU = EMOTIONS.index("NEU")


def _in_place(frames, mask):
    frames *= mask <= 0
    return frames


def _feel(emotion, intensity, first, second):
    """Feelings whose two entries are assigned one after the other instead of added."""
    out = np.zeros((len(emotion), 6))
    for name in (first, second):
        if name == "rest":
            out[:, NEU] = 1 - intensity
        else:
            out[np.arange(len(emotion)), emotion] = intensity
    return out


def _one(emotion, intensity):
    return np.eye(6)[emotion], np.asarray(intensity)[:, None]


def _join(sound, emotion, picture, how):
    many = how(emotion, len(sound) // len(emotion))
    return torch.cat([sound, many[:, :, None, None], picture], 1)


def _bce(x, label):
    return F.binary_cross_entropy_with_logits(x, torch.full_like(x, label))


def _judge(quality, true, drawn, *, real=1.0, fake=0.0):
    return (_bce(quality(true), real) + _bce(quality(drawn.detach()), fake)) / 2


def _gan(ask=lambda q, t, d: _bce(q(d), 1.0), judge=_judge):
    return lambda q, t, d: (ask(q, t, d), judge(q, t, d))


def _sum(sync=True, rest=True, share=None, fools=1, top=True):
    """The whole loss with something forgotten.  share: whether L1 gives a share to sync although lips do not follow."""
    def whole(l1, perceptual, told, emotion, fool, w, lips_follow):
        weight = w.sync * (lips_follow or sync == "always") * (sync is not False)
        taken = w.perceptual + w.emotion + (w.sync if share else weight) + (0 if top else w.quality)
        return (1 - taken * rest) * l1 + w.perceptual * perceptual + weight * told + w.emotion * emotion \
            + fools * w.quality * fool
    return whole


def _step(draw, whole, critic, true, adam, adam_critic, *, clear=True, clear_critic=True, move=True, learn=True,
          together=False, anew=False):
    drawn = draw()
    loss, judged = whole(drawn), None
    if clear:
        adam.zero_grad()
    if together:
        adam_critic.zero_grad()
    loss.backward()
    if move:
        adam.step()
    judged = _judge(critic, true, draw() if anew else drawn)
    if clear_critic and not together:
        adam_critic.zero_grad()
    judged.backward()
    if learn:
        adam_critic.step()
    return loss.item(), judged.item()


def _stepping(**how):
    return lambda *given: _step(*given, **how)


def _exchanged(draw, whole, critic, true, adam, adam_critic):
    return _step(draw, whole, critic, true, adam_critic, adam)


def _forgotten(draw, whole, critic, true, adam, adam_critic):
    drawn = draw()
    loss, judged = whole(drawn), _judge(critic, true, drawn)
    adam.zero_grad(), loss.backward(), adam.step(), adam_critic.zero_grad(), adam_critic.step()
    return loss.item(), judged.item()


def _no_critic(draw, whole, critic, true, adam, adam_critic):
    drawn = draw()
    loss, judged = whole(drawn), _judge(critic, true, drawn)
    adam.zero_grad(), loss.backward(), adam.step()
    return loss.item(), judged.item()


def _asks_for_the_sum(draw, whole, critic, true, adam, adam_critic):
    drawn = draw()
    both = whole(drawn) + _judge(critic, true, drawn)
    adam.zero_grad(), adam_critic.zero_grad(), both.backward(), adam.step(), adam_critic.step()
    return both.item(), both.item()


WRONG = {
    "hide_face": [(lambda x, m: x * (1 - m), "soft edge"), (lambda x, m: x * (m < 1), "only where it is 1"),
                  (lambda x, m: x * (m > 0), "around the face"), (lambda x, m: x * m, "kept the face"),
                  (lambda x, m: torch.zeros_like(x), "stay"), (_in_place, "changed its argument"),
                  (lambda x, m: x, "nothing is hidden")],
    "feelings": [(lambda e, i: _one(e, i)[0], "no effect"), (lambda e, i: np.multiply(*_one(e, i)), "rest is missing"),
                 (lambda e, i: _feel(e, i, "rest", "emotion"), "only `intensity`"),
                 (lambda e, i: _feel(e, i, "emotion", "rest"), "only 1 - intensity"),
                 (lambda e, i: np.multiply(*_one(e, i)) + (1 - i)[:, None] / 6, "all six"),
                 (lambda e, i: np.multiply(*_one(e, i)) + (1 - i)[:, None] * (1 - np.eye(6)[e]) / 5, "other five"),
                 (lambda e, i: np.eye(6)[e] * (1 - i)[:, None] + np.eye(6)[[NEU]] * i[:, None], "exchanged")],
    "may_refer": [(lambda a, e, i: np.flatnonzero((a == a[i]) & (np.arange(len(a)) != i)), "feel the same"),
                  (lambda a, e, i: np.flatnonzero(a == a[i]), "the clip itself"),
                  (lambda a, e, i: np.flatnonzero(e != e[i]), "other people"),
                  (lambda a, e, i: np.flatnonzero((a == a[i]) & (e == e[i])), "another one"),
                  (lambda a, e, i: (a == a[i]) & (e != e[i]), "np.flatnonzero")],
    "at_bottleneck": [(lambda s, e, p: _join(s, e, p, lambda e, T: e.repeat(T, 1)), "another window"),
                      (lambda s, e, p: _join(s, e, p, lambda e, T: e.repeat_interleave(5, 0)), "not of 1"),
                      (lambda s, e, p: torch.cat([s, p], 1), "missing"),
                      (lambda s, e, p: _join(p, e, s, lambda e, T: e.repeat_interleave(T, 0)), "order"),
                      (lambda s, e, p: _join(s, e, p, lambda e, T: e.repeat_interleave(T, 0))[..., 0, 0], "height")],
    "weighted_l1": [(lambda d, t, w: ((d - t).abs() * w).mean(), "sum of the weights"),
                    (lambda d, t, w: (d - t).abs().mean(), "no effect"),
                    (lambda d, t, w: ((d - t) * w).sum() / (3 * len(d) * w.sum()), "cancel"),
                    (lambda d, t, w: ((d - t) ** 2 * w).sum() / (3 * len(d) * w.sum()), "L2"),
                    (lambda d, t, w: ((d - t).abs() * w).sum() / (len(d) * w.sum()), "colours"),
                    (lambda d, t, w: ((d - t).abs() * w).sum() / w.sum(), "colours and pictures"),
                    (lambda d, t, w: (((d - t).abs() * w).sum() / (3 * len(d) * w.sum())).detach(), "gradient")],
    "gan_losses": [(lambda q, t, d: _gan()(q, t, d)[::-1], "exchanged"),
                   (_gan(lambda q, t, d: _bce(q(d), 0.0)), "found"),
                   (_gan(lambda q, t, d: -_bce(q(d), 0.0)), "vanishes"),
                   (_gan(lambda q, t, d: _bce(q(d.detach()), 1.0)), "do not detach"),
                   (_gan(judge=lambda q, t, d: (_bce(q(t), 1.0) + _bce(q(d), 0.0)) / 2), "drawn.detach()"),
                   (_gan(judge=lambda q, t, d: 2 * _judge(q, t, d)), "added"),
                   (_gan(judge=lambda q, t, d: _judge(q, t, d, real=0.0, fake=1.0)), "labels are exchanged"),
                   (_gan(judge=lambda q, t, d: _judge(q, t, d, fake=1.0)), "label 1 here, too"),
                   (_gan(judge=lambda q, t, d: _judge(q, t, d).detach()), "not its answers"),
                   (lambda q, t, d: tuple(x.detach() for x in _gan()(q, t, d)), "do not detach"),
                   (lambda q, t, d: tuple(map(float, _gan()(q, t, d))), "do not detach"),
                   (_gan(lambda q, t, d: ((q(d) - 1) ** 2).mean()), "LSGAN"),
                   (_gan(lambda q, t, d: -q(d).mean()), "hinge"),
                   (_gan(lambda q, t, d: -q(d).sigmoid().mean().log()), "mean of the logarithms"),
                   (_gan(judge=lambda q, t, d: ((q(t) - 1).square().mean() + q(d.detach()).square().mean()) / 2),
                    "LSGAN"),
                   (_gan(judge=lambda q, t, d: (F.relu(1 - q(t)).mean() + F.relu(1 + q(d.detach())).mean()) / 2),
                    "hinge"), (_gan(judge=lambda q, t, d: (q(d.detach()).mean() - q(t).mean()) / 2), "Wasserstein"),
                   (lambda q, t, d: _gan()(q, t, d)[0], "return both")],
    "whole_loss": [(_sum(rest=False), "weight 1"), (_sum(top=False), "on top"), (_sum(fools=0), "nobody asks"),
                   (_sum(sync="always"), "do not follow yet"), (_sum(share=True), "still taken from L1"),
                   (_sum(sync=False), "never counts"), (lambda *x: sum(x[:5]), "all losses with the weight 1"),
                   (lambda *x: _sum()(x[0], x[1], x[3], x[2], *x[4:]), "exchanged"),
                   (lambda *x: _sum()(*x).item(), "gradient"),
                   (lambda *x: _sum()(*(v.detach() for v in x[:5]), *x[5:]), "gradient")],
    "train_step": [(_stepping(move=False), "the generator does not move: adam.step()"),
                   (_stepping(learn=False), "the critic does not move: adam_critic.step()"),
                   (_stepping(clear=False), "step before"), (_stepping(clear_critic=False), "are never cleared"),
                   (_stepping(together=True), "left in the critic"),
                   (_stepping(clear=False, clear_critic=False), "ever cleared"),
                   (_stepping(anew=True), "draw once in each"), (_asks_for_the_sum, "its own"),
                   (_exchanged, "the two optimisers are exchanged"), (_forgotten, "no backward() of its own loss"),
                   (_no_critic, "adam_critic.step() is missing, after its own loss.backward()"),
                   (lambda *x: _step(*x)[::-1], "exchanged"),
                   (lambda *x: _step(*x)[0], "return both")],
}


def _conv(a, b, kernel=3, stride=1, pad=1):
    return nn.Sequential(nn.Conv2d(a, b, kernel, stride, pad, bias=False), nn.BatchNorm2d(b), nn.ReLU())


def _up(a, b, first):
    how = dict(stride=1, padding=0) if first else dict(stride=2, padding=1, output_padding=1)
    return nn.Sequential(nn.ConvTranspose2d(a, b, 3, **how, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class _Unet(nn.Module):
    """`FaceUnet`, with something wrong."""

    def __init__(self, widths, up_widths, told, skip=1, grows=True, end=3, nearest=False):
        super().__init__()
        self.down = nn.ModuleList([_conv(6, widths[0], 7, 1, 3)])
        self.down += [_conv(a, b, 3, 2) for a, b in zip(widths[:-2], widths[1:-1])]
        self.down.append(nn.Sequential(_conv(*widths[-2:], 3, 1, 0), _conv(widths[-1], widths[-1], 1, 1, 0)))
        self.up, n = nn.ModuleList(), told + widths[-1]
        for k, (width, more) in enumerate(zip(up_widths, widths[-2::-1])):
            self.up.append(_up(n, width, k == 0) if grows else _conv(n, width))
            n = width + more * skip
        self.last = nn.Sequential(_conv(n, 8), nn.Conv2d(8, end, 1))
        self.twice = nn.Upsample(scale_factor=2) if nearest else nn.Identity()

    def maps(self, x):
        found = []
        for layer in self.down:
            found.append(x := layer(x))
        return found

    def code(self, skips, sound, emotion):
        return _join(sound, emotion, skips.pop(), lambda m, n: m.repeat_interleave(n, 0))

    def forward(self, pictures, sound, emotion, *, end=torch.sigmoid, place=-1, turned=False, joins=True):
        skips = self.maps(pictures)
        x = self.code(skips, sound, emotion)
        for layer in self.up:
            both = [layer(x), skips.pop(place)]
            x = torch.cat(both[::-1] if turned else both, 1) if joins else both[0]
        return end(self.last(x))


def _unet(how=None, **settings):
    """The U-Net with arguments of `forward`, or of `__init__`."""
    class Answer(_Unet):
        def __init__(self, *sizes):
            super().__init__(*sizes, **settings)

        def forward(self, *given):
            return super().forward(*given, **(how or {}))
    return Answer


class _PictureFirst(_Unet):
    def code(self, skips, sound, emotion):
        each = emotion.repeat_interleave(len(sound) // len(emotion), 0)[:, :, None, None]
        return torch.cat([skips.pop(), sound, each], 1)


class _TwoSteps(_Unet):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.down = nn.ModuleList([*self.down[:-1], *self.down[-1]])


def _joined(repeated):
    class Answer(_Unet):
        def code(self, skips, sound, emotion):
            return torch.cat([sound, repeated(emotion, len(sound) // len(emotion))[:, :, None, None], skips.pop()], 1)
    return Answer


WRONG["FaceUnet"] = [
    (_unet({"end": lambda x: x}), "last activation is missing"), (_unet({"end": torch.tanh}), "tanh"),
    (_unet({"end": torch.relu}), "no upper end"), (_unet({"place": 0}), "skips come in the wrong order"),
    (_unet({"turned": True}), "a skip stands before"), (_unet({"joins": False}), "forgotten in `forward`"),
    (_unet({"joins": False}, skip=0), "the skips are forgotten"), (_unet(grows=False), "the upsampling is missing"),
    (_unet(nearest=True), "doubles once more"), (_unet(end=6), "expected is a Conv2d"),
    (_PictureFirst, "code of the picture comes first"), (_TwoSteps, "ONE step"),
    (_joined(lambda emotion, n: emotion), "a row for each frame"),
    (_joined(lambda emotion, n: emotion.repeat(n, 1)), "repeat_interleave, not repeat")]
