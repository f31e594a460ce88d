"""Wrong answers to the networks of notebooks/12_speech_to_action_units_to_gan: name -> [(answer, a word of the
message)], for test_course_check."""
from __future__ import annotations

from functools import partial

import torch
from torch import nn

from notebook_tools import function
from tfg.course.check.edits import _step

Right = function("12_speech_to_action_units_to_gan", "AttentionGenerator")


def generator(after=None, scale=lambda x: 2 * x - 1, share=torch.sigmoid, colour=lambda x: (torch.tanh(x) + 1) / 2,
              residual=True, turned=False, join=lambda picture, planes: [picture, planes], behind=lambda x: x):
    """The right layers, changed by `after`, with another forward."""
    class Answer(Right):
        def __init__(self, width, blocks):
            super().__init__(width, blocks)
            if after:
                after(self)

        def forward(self, picture, aus):
            planes = aus[:, :, None, None].expand(-1, -1, *picture.shape[2:])
            x = self.down(self.first(torch.cat(join(scale(picture), planes), 1)))
            for block in self.middle:
                x = behind(x + block(x) if residual else block(x))
            maps = self.heads(self.up(x))
            maps = maps.roll(-1, 1) if turned else maps
            return colour(maps[:, :3]), share(maps[:, 3:])
    return Answer


def _batch_norms(net):
    for part in (net.first, net.down):
        for k, layer in enumerate(part):
            if isinstance(layer, nn.InstanceNorm2d):
                part[k] = nn.BatchNorm2d(layer.num_features)


def _strided(net):
    net.down[3].stride = (1, 1)


def _narrow(net):
    net.first[0] = nn.Conv2d(3, net.first[0].out_channels, 7, 1, 3, bias=False)


def _without_a_step(critic, adams, *others):
    adams["critic"].step = lambda: None
    return _step(critic, adams, *others)


def _no_generators_step(critic, adams, *others):
    adams["critic"].step = adams["generator"].step
    return _step(critic, adams, *others)


def _undetached(critic, adams, true, drawn, *others):
    told = _step(critic, adams, true, drawn, *others)
    critic(drawn)[0].mean().backward()
    return told


WRONG = {
    "AttentionGenerator": [
        (generator(_batch_norms), "BatchNorm2d"), (generator(_strided), "has stride 1, expected 2"),
        (generator(_narrow), "expected is a Conv2d with weight (4, 20, 7, 7)"),
        (generator(scale=lambda x: x), "2 * picture - 1"), (generator(share=lambda x: x), "has no sigmoid"),
        (generator(share=lambda x: torch.sigmoid(-x)), "STAYS"), (generator(colour=torch.tanh), "left in -1..1"),
        (generator(colour=torch.sigmoid), "from -1..1 to 0..1"), (generator(residual=False), "x + block(x)"),
        (generator(turned=True), "first of the four maps"), (generator(behind=torch.relu), "behind the sum"),
        (generator(join=lambda picture, planes: [planes, picture]), "planes come first"),
        (type("Bare", (Right,), {"forward": lambda self, *x: Right.forward(self, *x)[0]}), "gives 1 results"),
        (type("Turned", (Right,), {"forward": lambda self, *x: Right.forward(self, *x)[::-1]}), "exchanged")],
    "critic_step": [
        (_without_a_step, "the critic does not move"), (partial(_step, clears=False), "step before"),
        (partial(_step, sign=-1), "signs of the two means"), (partial(_step, gp=0), "penalty is forgotten"),
        (partial(_step, exchanged=True), "weights are exchanged"),
        (partial(_step, bare=True), "without its weight"), (partial(_step, cls=0), "units are forgotten"),
        (partial(_step, of_drawn=True), "drawn pictures"), (partial(_step, half=True), "never sees drawn"),
        (_no_generators_step, "wrong network"), (_undetached, "detach()"),
        (lambda *x: _step(*x)[::-1], "order"), (lambda *x: _step(*x)[0], "return all three")],
}
