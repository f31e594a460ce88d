"""Wrong answers to the layer of notebooks/13_deformable_synthesis and its step: name -> [(answer, a word of the
message)], for test_course_check."""
from __future__ import annotations

from functools import partial

import torch
from torch import nn

from notebook_tools import function
from tfg.course.check.looks import _step

Right = function("13_deformable_synthesis", "DeformConv")


def layer(after=None, mask=lambda m: 2 * torch.sigmoid(m), far=lambda o: o, bias=1, turned=False, convolved=False):
    """The right layers, changed by `after`, with another forward."""
    class Answer(Right):
        def __init__(self, width, guide, looks):
            super().__init__(width, guide, looks)
            if after:
                after(self)

        def forward(self, x, guide):
            found = self.where(guide).roll(-9, 1) if turned else self.where(guide)
            x = self.conv(x) if convolved else x
            return self.looks(x, far(found[:, :18]), mask(found[:, 18:]), self.conv.weight) \
                + bias * self.conv.bias[:, None, None]
    return Answer


def _random(net):
    nn.init.normal_(net.where.weight)


def _too_few(net):
    net.where = nn.Conv2d(net.where.in_channels, 18, 3, padding=1)
    nn.init.zeros_(net.where.weight), nn.init.zeros_(net.where.bias)


def _other_names(net):
    net.offsets = net.where
    del net.where


def _ordered(*calls):
    def step(net, adam, photo, frame, amount):
        loss = (net(photo, amount) - frame).abs().mean()
        for call in calls:
            getattr(loss if call == "backward" else adam, call)()
        return loss.item()
    return step


_late, _cleared = _ordered("zero_grad", "step", "backward"), _ordered("backward", "zero_grad", "step")


def _tensor(net, adam, photo, frame, amount):
    loss = (net(photo, amount) - frame).abs().mean()
    adam.zero_grad(), loss.backward(), adam.step()
    return loss


WRONG = {
    "DeformConv": [(layer(_random), "begin at 0"), (layer(_too_few), "weight (27, 4, 3, 3)"),
                   (layer(_other_names), "call them conv and where"), (layer(mask=torch.sigmoid), "begins at 1"),
                   (layer(mask=lambda m: m), "no sigmoid"), (layer(far=torch.tanh), "tanh"),
                   (layer(mask=lambda m: 1 + 0 * m), "mask has no effect"), (layer(bias=0), "bias of conv"),
                   (layer(turned=True), "masks come first"), (layer(convolved=True), "went through conv first")],
    "look_step": [(_ordered("zero_grad", "backward"), "adam.step() is missing"),
                  (partial(_step, clears=False), "step before"),
                  (partial(_step, to_photo=True), "become the frame"), (partial(_step, power=2), "squared"),
                  (partial(_step, total=True), "added up"),
                  (partial(_step, after=True), "after the step"), (_late, "stands before loss.backward()"),
                  (_cleared, "clears what was just computed"), (_tensor, "carries its graph")],
}
