"""Checks of notebooks/14_rhythmic_heads: layers by which maps steer a decoder, and a step in which it learns to."""
from __future__ import annotations

from functools import partial

from tfg.course.check.core import Wrong, exercise
from tfg.course.check.layers import same_network
from tfg.course.check.steps import Scene, descend, not_cleared, optimiser_of, same_step

SPADE, BLOCK = {"norm", "share", "scale"}, {"first", "second", "conv1", "conv2", "skip"}
"""Names of the parts, by which later cells fill them with the shipped weights."""


@exercise(network=True)
def Spade(answer):
    """Spade(channels, maps, hidden, kernel) -> a network from (B, channels, h, w), [maps] to the same.

    The reference is the package's own `tfg.systems.rhythmic.layers.Spade`.
    """
    import torch

    for channels, maps, hidden, kernel in ((3, (4, 2), 5, 3), (4, (3,), 6, 1)):
        g = torch.Generator().manual_seed(channels)
        x = 2 + 3 * torch.randn(2, channels, 5, 6, generator=g)
        inputs = x, [torch.rand(2, c, 5, 6, generator=g) for c in maps]
        got = answer(channels, maps, hidden, kernel)
        _no_weights(got)
        of = partial(partial, _steered, inputs)
        mistakes = {
            "x is multiplied by gamma, not by 1 + gamma: where a map says nothing, gamma is 0 and all is lost":
            of(one=0),
            "gamma and beta are exchanged: the first half of the channels is gamma": of(swapped=True),
            "beta is added before the product: norm(x) (1 + gamma) + beta": of(early=True),
            "beta is missing": of(beta=0),
            "gamma and beta are averaged over all places: that is the affine layer SPADE replaces": of(affine=True),
            "x is not normalised": of(norm=lambda net, x: x),
            "mean and variance are those of each picture: nn.BatchNorm2d takes them over the batch": of(
                norm=lambda net, x: torch.nn.functional.instance_norm(x)),
            "the ReLU between the two convolutions is missing": of(act=lambda x: x)}
        if len(maps) > 1:
            mistakes |= {"only the first map has an effect: go on with the second": of(which=(0,)),
                         "only the last map has an effect: the second goes on with what the first made": of(which=(1,)),
                         "the maps come in the wrong order: first maps[0]": of(which=(1, 0)),
                         "x is normalised again before the second map: once, at the start": of(again=True)}
        same_network(got, _plain().Spade(channels, maps, hidden, kernel=kernel), inputs, mistakes=mistakes)
        _called(got, SPADE)


@exercise(network=True)
def SpadeBlock(answer):
    """SpadeBlock(c_in, c_out, maps, hidden, kernel) -> a network from (B, c_in, h, w), [maps] to (B, c_out, h, w).

    The reference is the package's own `tfg.systems.rhythmic.layers.SpadeBlock`.
    """
    import torch

    for c_in, c_out, maps, hidden, kernel in ((5, 3, (2, 4), 4, 3), (3, 3, (3,), 2, 1), (2, 4, (3,), 5, 1)):
        g = torch.Generator().manual_seed(c_in)
        inputs = 1 + torch.randn(2, c_in, 6, 5, generator=g), [torch.rand(2, c, 6, 5, generator=g) for c in maps]
        got = answer(c_in, c_out, maps, hidden, kernel)
        _no_weights(got)
        of = partial(partial, _block, inputs)
        same_network(got, _plain().SpadeBlock(c_in, c_out, maps, hidden, kernel=kernel), inputs, mistakes={
            "the activation is ReLU: leaky ReLU, with slope .2": of(act=torch.relu),
            "leaky ReLU has torch's slope, .01: it is .2 here": of(act=lambda x: torch.nn.functional.leaky_relu(x)),
            "the activations are missing: leaky ReLU after each SPADE": of(act=lambda x: x),
            "x is not added: skip(x) + conv2(...)": of(skip=0),
            "the second half begins at x again: it goes on with what conv1 made": of(again=True)
            if min(c_in, c_out) == c_in else of(skip=0)})
        _called(got, BLOCK)


def _no_weights(network) -> None:
    for name, part in network.named_modules():
        if "Norm" in type(part).__name__ and any(True for _ in part.parameters(recurse=False)):
            raise Wrong(f"your `{name}` has weights of its own: affine=False, for gamma and beta come from the maps")


def _called(network, wanted: set) -> None:
    found = {name for name, _ in network.named_children()}
    if not {name for name in wanted if name != "skip"} <= found:
        raise Wrong(f"the numbers are right, but later cells fill the parts by name: call them "
                    f"{', '.join(sorted(wanted))} (missing: {', '.join(sorted(wanted - found))})")


def _plain():
    """The package's layers, which take no code of a person here."""
    from types import SimpleNamespace

    from tfg.systems.rhythmic import layers

    def forward(of):
        def run(self, x, maps):
            return of.forward(self, x, maps, None)
        return type(of.__name__, (of,), {"forward": run})

    return SimpleNamespace(Spade=forward(layers.Spade), SpadeBlock=forward(layers.SpadeBlock))


def _steered(inputs, net, *, one=1, swapped=False, early=False, beta=1, affine=False, norm=None, which=None,
             again=False, act=None):
    """What the package's `Spade` answers; the arguments after the star make the mistakes that are named above."""
    import torch

    def normal(x):
        return norm(net, x) if norm else net.norm(x)

    x, maps = inputs
    x = normal(x)
    for place, k in enumerate(which or range(len(maps))):
        gain, added = net.scale[k]((act or torch.relu)(net.share[k](maps[k]))).chunk(2, 1)
        gain, added = (added, gain) if swapped else (gain, added)
        if affine:
            gain, added = (v.mean((0, 2, 3), keepdim=True) for v in (gain, added))
        x = normal(x) if again and place else x
        x = (x + added) * (one + gain) if early else x * (one + gain) + beta * added
    return x


def _block(inputs, net, *, act=None, skip=1, again=False):
    """What the package's `SpadeBlock` answers, or with one mistake."""
    import torch

    act = act or partial(torch.nn.functional.leaky_relu, negative_slope=.2)
    x, maps = inputs
    y = net.conv1(act(net.first.forward(x, maps, None)))
    y = x if again else y
    return skip * net.skip(x) + net.conv2(act(net.second.forward(y, maps, None)))


@exercise
def paint_step(answer):
    """paint_step(painter, adam, given, true (B, 3, S, S), weight (B, 1, S, S)) -> loss, a number."""
    same_step(answer, _scene, _step, names=("the loss",), asked="the weighted mean of |painter(*given) - true|",
              mistakes={
        not_cleared("adam"): {"clears": False},
        "every pixel counts alike: multiply by `weight` before the mean": {"weighs": False},
        "the sum is divided by the number of pixels: divide by what the weights add up to, three times (one for "
        "each colour)": {"by": "pixels"},
        "the sum is divided by what the weights add up to, but each counts for three colours": {"by": "once"},
        "differences are squared: that is L2, which blurs more": {"power": 2},
        "the loss is taken after the step: give the one that was learned from": {"after": True}})


def _step(painter, adam, given, true, weight, *, clears=True, weighs=True, by="weights", power=1, after=False):
    """The step as it should be; the arguments after the star make the mistakes that `paint_step` names."""
    def error():
        away = (painter(*given) - true).abs() ** power
        count = weight if weighs else 0 * weight + 1
        total = {"weights": 3 * count.sum(), "once": count.sum(), "pixels": away.numel()}[by]
        return (count * away).sum() / total

    return descend(error, adam, clears=clears, after=after)


def _scene() -> Scene:
    """A small painter, what it is given, and what it should paint."""
    import torch
    from torch import nn

    g = torch.Generator().manual_seed(8)
    given = tuple(torch.rand(3, 3, 5, 5, generator=g) for _ in range(2))
    true, weight = torch.rand(3, 3, 5, 5, generator=g), torch.rand(3, 1, 5, 5, generator=g) ** 2

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(6, 3, 3, padding=1)

        def forward(self, shot, sketch):
            return self.conv(torch.cat([shot, sketch], 1))

    painter = Small()
    with torch.no_grad():
        for p in painter.parameters():
            p.copy_(torch.randn(p.shape, generator=g) / 3)
    learning = {"the painter": list(painter.parameters())}
    adam, noted = optimiser_of(learning, .3, "adam")
    return Scene((painter, adam, given, true, weight), learning, (noted,))
