"""Wrong answers to the layers of notebooks/14_rhythmic_heads and their step: name -> [(answer, a word of the message)],
for test_course_check."""
from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from notebook_tools import function
from tfg.course.check.steer import _step

CHAPTER = "14_rhythmic_heads"
RightSpade, RightBlock = function(CHAPTER, "Spade"), function(CHAPTER, "SpadeBlock")


def spade(after=None, mix=lambda x, gamma, beta: x * (1 + gamma) + beta, act=F.relu, which=slice(None), again=False):
    """The right layers, changed by `after`, with another forward."""
    class Answer(RightSpade):
        def __init__(self, *given):
            super().__init__(*given)
            if after:
                after(self)

        def forward(self, x, maps):
            x = self.norm(x)
            for k, (m, share, scale) in enumerate([*zip(maps, self.share, self.scale)][which]):
                x = self.norm(x) if again and k else x
                x = mix(x, *scale(act(share(m))).chunk(2, 1))
            return x
    return Answer


def _leaky(x):
    return F.leaky_relu(x, .2)


def _affine(net):
    net.norm = nn.BatchNorm2d(net.norm.num_features)


def _instance(net):
    net.norm = nn.InstanceNorm2d(net.norm.num_features)


def _none(net):
    net.norm = nn.Identity()


def _renamed(net):
    norm = net.norm
    del net.norm
    net.normal, net.__dict__["norm"] = norm, norm


def block(act=_leaky, skip=1, after=None):
    class Answer(RightBlock):
        def __init__(self, *given):
            super().__init__(*given)
            if after:
                after(self)

        def forward(self, x, maps):
            y = self.conv1(act(self.first(x, maps)))
            return skip * self.skip(x) + self.conv2(act(self.second(y, maps)))
    return Answer


def _biased(net):
    if isinstance(net.skip, nn.Conv2d):
        net.skip = nn.Conv2d(net.skip.in_channels, net.skip.out_channels, 1)


def _wide(net):
    net.conv1 = nn.Conv2d(net.conv1.in_channels, net.conv1.out_channels, 1)


def _without_a_step(painter, adam, *others):
    adam.step = lambda: None
    return _step(painter, adam, *others)


WRONG = {
    "Spade": [(spade(_affine), "affine=False"), (spade(_instance), "each picture"), (spade(_none), "not normalised"),
              (spade(mix=lambda x, a, b: x * a + b), "1 + gamma"), (spade(mix=lambda x, a, b: x * (1 + a)), "beta is"),
              (spade(mix=lambda x, a, b: x * (1 + b) + a), "first half"),
              (spade(mix=lambda x, a, b: (x + b) * (1 + a)), "before the product"),
              (spade(mix=lambda x, a, b: x * (1 + a.mean((0, 2, 3), True)) + b.mean((0, 2, 3), True)), "averaged"),
              (spade(act=lambda x: x), "ReLU"), (spade(which=slice(1)), "only the first"),
              (spade(which=slice(1, None)), "only the last"), (spade(which=slice(None, None, -1)), "wrong order"),
              (spade(again=True), "normalised again"), (spade(_renamed), "by name")],
    "SpadeBlock": [(block(torch.relu), "activation is ReLU"), (block(F.leaky_relu), ".01"),
                   (block(lambda x: x), "are missing"), (block(skip=0), "not added"),
                   (block(after=_biased), "bias=False"),
                   (block(after=_wide), "weight (3, 5, 1, 1)")],
    "paint_step": [(_without_a_step, "the painter does not move"),
                   (partial(_step, clears=False), "step before"),
                   (partial(_step, weighs=False), "alike"), (partial(_step, by="pixels"), "number of pixels"),
                   (partial(_step, by="once"), "three colours"), (partial(_step, power=2), "L2"),
                   (partial(_step, after=True), "after the step")],
}
