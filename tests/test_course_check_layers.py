"""Networks that learners write are compared with the reference layer by layer, and by what they answer."""
from __future__ import annotations

import pytest
import torch
from torch import nn

from tfg.course import check
from tfg.course.check.core import exercise
from tfg.course.check.layers import same_network


class Small(nn.Module):
    def __init__(self, channels, kernel=3, stride=2, bias=True, end=None):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, kernel, stride, 1, bias=bias)
        self.norm = nn.BatchNorm2d(channels)
        self.end = nn.Linear(end or channels, 2)

    def forward(self, x):
        return self.end(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


class Renamed(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.last = nn.Linear(channels, 2)
        self.first = nn.Sequential(nn.Conv2d(3, channels, 3, 2, 1), nn.BatchNorm2d(channels))

    def forward(self, x):
        return self.last(torch.relu(self.first(x)).mean((2, 3)))


def summed(self, x):
    return self.end(torch.relu(self.norm(self.conv(x))).sum((2, 3)))


@exercise(network=True)
def small(answer):
    """small(channels) -> a network from (B, 3, H, W) to (B, 2).

    More text.
    """
    for channels in (4, 6):
        want = Small(channels)
        same_network(answer(channels), want, (torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)),),
                     mistakes={"the sum is taken over the picture, not the mean": of(summed)(channels)})


def told(answer) -> str:
    mark, message = check.judge(small, answer)
    assert mark == "✗", mark
    return message


def of(forward=None, **settings):
    class Answer(Small):
        def __init__(self, channels):
            super().__init__(channels, **settings)

    if forward:
        Answer.forward = forward
    return Answer


def test_a_right_network_passes_however_its_parts_are_named():
    class Own(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.parts = nn.Sequential(nn.Conv2d(3, channels, 3, 2, 1), nn.BatchNorm2d(channels), nn.ReLU())
            self.last = nn.Linear(channels, 2)

        def forward(self, x):
            return self.last(self.parts(x).mean((-2, -1)))

    assert check.judge(small, Own) == ("✓", "")
    assert small(Own)(4)(torch.rand(1, 3, 8, 8)).shape == (1, 2)           # what later cells get


def test_lazy_layers_get_their_shapes_first():
    class Lazy(Small):
        def __init__(self, channels):
            super().__init__(channels)
            self.end = nn.LazyLinear(2)

    assert check.judge(small, Lazy) == ("✓", "")


def test_not_done_is_not_wrong():
    class Open(nn.Module):
        def __init__(self, channels):
            super().__init__()
            raise NotImplementedError

    assert check.judge(small, Open) == ("○", "not done")


@pytest.mark.parametrize("answer, word", [
    (of(stride=1), "your `conv` has stride 1, expected 2"),
    (of(bias=False), "it has a bias there"),
    (of(kernel=5), r"layer 1 of 3 that hold weights, your `conv`, is a Conv2d with weight (4, 3, 5, 5)"),
    (of(end=7), "your `end`"),
    (of(summed), "the sum is taken"),
    (of(lambda self, x: self.end(self.norm(self.conv(x)).mean((2, 3)))), "the layers are right, the weights the same"),
    (of(lambda self, x: self.end(x)), "a linear layer gets another number of values"),
    (of(lambda self, x: self.norm(self.conv(x))), "shape"),
    (of(lambda self, x: "text"), "expected a tensor"),
    (of(lambda self: 0), "stopped with TypeError"),
    (Small(4), "was made already"),
    (lambda channels: Small(channels), "give it the class itself"),
])
def test_mistakes_are_named(answer, word):
    assert word in told(answer)


def test_a_layer_that_forward_never_uses_is_named():
    class Double(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.a, self.b = nn.Linear(n, n, bias=False), nn.Linear(n, n, bias=False)

        def forward(self, x):
            return self.a(x)

    class Used(Double):
        def forward(self, x):
            return self.a(x) + 0 * self.b(x)

    @exercise(network=True)
    def double(answer):
        """double(n) -> a network."""
        same_network(answer(3), Used(3), (torch.rand(2, 3),))

    assert check.judge(double, Used)[0] == "✓"
    assert "`b` gets no gradient: it is made, but `forward` never uses it" in check.judge(double, Double)[1]


def test_layers_may_be_made_in_any_order_that_names_or_use_tell():
    class Turned(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.end = nn.Linear(channels, 2)
            self.conv = nn.Conv2d(3, channels, 3, 2, 1)
            self.norm = nn.BatchNorm2d(channels)

        forward = Small.forward

    class Untold(Renamed):
        def forward(self, x):
            return self.last(torch.relu(self.first[0](x)).mean((2, 3)))           # the norm never runs

    assert check.judge(small, Turned) == ("✓", "") and check.judge(small, Renamed) == ("✓", "")
    assert "made in another order" in told(Untold)


def test_a_plain_list_of_layers_is_named():
    class Listed(Small):
        def __init__(self, channels):
            super().__init__(channels)
            self.more = [nn.Linear(2, 2)]

    assert "your `more` is a plain list" in told(Listed)


def test_a_missing_layer_is_named_with_its_place():
    class Bare(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.conv, self.end = nn.Conv2d(3, channels, 3, 2, 1), nn.Linear(channels, 2)

        def forward(self, x):
            return self.end(torch.relu(self.conv(x)).mean((2, 3)))

    assert "lacks layer 2 of 3 that hold weights: a BatchNorm2d" in told(Bare)
    assert "after `conv`" in told(Bare)


def test_a_mistake_in_the_first_of_two_results_is_named():
    class Two(Small):
        def forward(self, x, turned=1):
            y = super().forward(x)
            return turned * y, y.mean()

    @exercise(network=True)
    def two(answer):
        """two(n) -> a network."""
        x = torch.rand(2, 3, 8, 8)
        same_network(answer(4), Two(4), (x,), mistakes={"the sign is wrong": lambda n: n(x, turned=-1)})

    class Turned(Two):
        def forward(self, x):
            return super().forward(x, turned=-1)

    assert check.judge(two, Two) == ("✓", "")
    assert "the sign is wrong" in check.judge(two, Turned)[1]


def test_an_error_in_forward_goes_before_the_order_of_layers():
    class Turned(Renamed):
        def forward(self, x):
            return self.last(x)                                               # 8 numbers a row, not 4

    assert "stopped with RuntimeError" in told(Turned)
    Turned.forward = lambda self, x: None
    assert "does it end with `return`" in told(Turned)


def test_a_norm_without_weights_is_named():
    class Bare(Small):
        def __init__(self, channels):
            super().__init__(channels)
            self.norm = nn.BatchNorm2d(channels, affine=False)

    assert told(Bare) == "your `norm` has no weights: affine=True is missing"


def test_a_deformable_layer_may_make_its_parts_in_any_order():
    from notebook_tools import function

    right = function("13_deformable_synthesis", "DeformConv")

    class Turned(right):
        def __init__(self, *given):
            super().__init__(*given)
            conv = self.conv
            del self.conv
            self.conv = conv                                                  # now behind `where`

    assert [name for name, _ in Turned(3, 4, None).named_children()] == ["where", "conv"]
    assert check.judge(check.DeformConv, Turned) == ("✓", "")
