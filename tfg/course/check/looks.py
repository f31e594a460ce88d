"""Checks of notebooks/13_deformable_synthesis: the layer that looks elsewhere, and a step in which it learns to."""
from __future__ import annotations

from functools import partial

from tfg.course.check.core import Wrong, exercise
from tfg.course.check.layers import fill_lazy, same_network
from tfg.course.check.steps import Scene, descend, not_cleared, optimiser_of, same_step


@exercise(network=True)
def DeformConv(answer):
    """DeformConv(width, guide, looks) -> a network from (B, width, h, w), (B, guide, h, w) to (B, width, h, w).

    The reference has the layers of the package's `Sampled`; looks: function (x, offset, mask, weight) -> map.
    """
    import torch
    from torchvision.ops import deform_conv2d

    def looks(x, offset, mask, weight):
        return deform_conv2d(x, offset.contiguous(), weight, padding=1, mask=mask.contiguous())

    for width, guide in ((3, 4), (5, 2)):
        g = torch.Generator().manual_seed(width)
        inputs = torch.randn(2, width, 7, 6, generator=g), torch.randn(2, guide, 7, 6, generator=g)
        got, want = answer(width, guide, looks), _layer(width, guide)
        fill_lazy(got, inputs)
        fresh = [p.detach() for p in got.parameters()]
        with torch.no_grad():
            want.where.weight.copy_(.3 * torch.randn(want.where.weight.shape, generator=g))
        named = {name for name, part in got.named_children() if any(True for _ in part.parameters())}
        if len(fresh) == 4 and named != {"conv", "where"}:
            raise Wrong(f"your layers are called {' and '.join(sorted(named))}: call them conv and where, for later "
                        "cells ask for them")
        where = getattr(got, "where", None)
        if len(fresh) == 4 and where is not None and any((p != 0).any() for p in where.parameters()):
            raise Wrong("a new layer looks somewhere at random: weight and bias of `where` begin at 0 "
                        "(nn.init.zeros_), so that every tap begins at its own cell and the mask is 1")
        same_network(got, want, inputs, mistakes={
            "the mask is a bare sigmoid: it would begin at .5, 2 * sigmoid begins at 1": partial(
                _looked, inputs, factor=1),
            "the mask has no sigmoid": partial(_looked, inputs, gate=lambda x: x / 2),
            "the masks come first among the 27 maps: 18 offsets, then nine masks": partial(_looked, inputs,
                                                                                           turned=True),
            "x went through conv first: its weight goes into `looks`, the layer itself is never called":
            lambda net, inputs=inputs: _looked((net.conv(inputs[0]), inputs[1]), net),
            "the bias of conv is forgotten": partial(_looked, inputs, bias=0),
            "the offsets went through tanh: they are px, as far as needed": partial(_looked, inputs, far=torch.tanh),
            "the offsets have no effect": partial(_looked, inputs, far=lambda x: 0 * x),
            "the mask has no effect: every tap counts alike": partial(_looked, inputs, gate=lambda x: .5 + 0 * x),
            "the answer went through ReLU: the layer ends with the sum": partial(_looked, inputs, end=torch.relu),
            "x was added: the layer ends with the sum over its taps": lambda net, inputs=inputs: _looked(
                inputs, net) + inputs[0]})


def _layer(width: int, guide: int):
    """The package's layer as far as its sum, without ReLU, attention and skip."""
    from torchvision.ops import deform_conv2d

    from tfg.systems.deformable.layers import Sampled

    class Sum(Sampled):
        def forward(self, x, guide):
            offset, mask = self.offsets(guide)
            return deform_conv2d(x, offset.contiguous(), self.conv.weight, self.conv.bias, padding=1,
                                 mask=mask.contiguous())

    return Sum(width, guide, deform=True, attention=False)


def _looked(inputs, net, *, factor=2, gate=None, turned=False, bias=1, far=lambda x: x, end=lambda x: x):
    """What `_layer` answers; the arguments after the star make the mistakes that are named above."""
    import torch
    from torchvision.ops import deform_conv2d

    x, guide = inputs
    found = net.where(guide)
    offset, mask = (found[:, 9:], found[:, :9]) if turned else (found[:, :18], found[:, 18:])
    return end(deform_conv2d(x, far(offset).contiguous(), net.conv.weight, bias * net.conv.bias, padding=1,
                             mask=(factor * (gate or torch.sigmoid)(mask)).contiguous()))


@exercise
def look_step(answer):
    """look_step(net, adam, photo, frame (B, 3, S, S), amount (B,)) -> loss, a number."""
    same_step(answer, _scene, _step, names=("the loss",), asked="the mean of |net(photo, amount) - frame|", mistakes={
        not_cleared("adam"): {"clears": False},
        "the drawn picture is compared with the photo: it should become the frame": {"to_photo": True},
        "differences are squared: the mean of |drawn - frame| blurs less": {"power": 2},
        "the differences are added up: take their mean, or the step depends on the pictures' size": {"total": True},
        "the loss is taken after the step: give the one that was learned from": {"after": True}})


def _step(net, adam, photo, frame, amount, *, clears=True, to_photo=False, power=1, total=False, after=False):
    """The step as it should be; the arguments after the star make the mistakes that `look_step` names."""
    def error():
        away = (net(photo, amount) - (photo if to_photo else frame)).abs() ** power
        return away.sum() if total else away.mean()

    return descend(error, adam, clears=clears, after=after)


def _scene() -> Scene:
    """A small network, photos and the frames that they should become."""
    import torch
    from torch import nn

    g = torch.Generator().manual_seed(6)
    photo, frame = (torch.rand(3, 3, 5, 5, generator=g) for _ in "pf")
    amount = torch.rand(3, generator=g)

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 3, 3, padding=1)

        def forward(self, photo, amount):
            return self.conv(torch.cat([photo, amount[:, None, None, None].expand(-1, 1, 5, 5)], 1))

    net = Small()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) / 3)
    learning = {"the network": list(net.parameters())}
    adam, noted = optimiser_of(learning, .3, "adam")
    return Scene((net, adam, photo, frame, amount), learning, (noted,))
