"""Wrong answers made from a right one, for every exercise alike: what learners do wrong without the exercise's help.

A mistake is a function that takes a `Solution` and gives answers that have it; none where it cannot be made. What the
check's message must say of it is a pattern beside it, in `MISTAKES`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from tfg.course.check import judge


class Solution:
    """A right answer, and what it gave to all calls of its check.  calls: (arguments, result) of each."""

    def __init__(self, check, function):
        self.check, self.function, self.calls = check, function, []

        def recorded(*given):
            result = function(*given)
            self.calls.append((given, result))
            return result

        assert judge(check, recorded) == ("✓", "")
        self.first = self.calls[0][1]
        self.parts = len(self.first) if isinstance(self.first, tuple) else 1

    def then(self, change: Callable[[Any], Any], part: int | None = None) -> Callable[..., Any] | None:
        """The solution with its results changed, all or one part of several; None where that changes none of them."""
        def changed(result):
            if isinstance(result, dict):
                return {key: change(value) for key, value in result.items()}
            if isinstance(result, tuple):
                return tuple(change(x) if part in (None, k) else x for k, x in enumerate(result))
            return change(result)

        if not any(_differ(changed(result), result) for _, result in self.calls):
            return None
        return lambda *given: changed(self.function(*given))

    def all_of(self, *changes: Callable[[Any], Any]) -> Iterator[Callable[..., Any]]:
        """The solution with each of the changes to each of its results that are numbers."""
        for part in range(self.parts):
            one = self.first[part] if isinstance(self.first, tuple) else self.first
            if _has_numbers(next(iter(one.values())) if isinstance(one, dict) else one):
                yield from filter(None, (self.then(change, part) for change in changes))


def numpy_or_torch(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    """A change of arrays as one of tensors and plain numbers, too; a gradient goes through where it can."""
    def changed(value):
        if isinstance(value, torch.Tensor):
            return torch.from_numpy(np.array(change(value.detach().numpy()))).to(value.dtype) \
                + 0 * value.sum()
        out = change(np.asarray(value))
        return out if isinstance(value, np.ndarray) else out.item() if np.ndim(out) == 0 else out
    return changed


def nothing(its: Solution):
    yield lambda *given: None


def nonsense(its: Solution):
    yield lambda *given: "text"
    yield lambda *given: object()
    yield lambda *given: len
    yield lambda *given: np.array(["a", "b"])


def no_function(its: Solution):
    yield its.first
    yield None


def raises(its: Solution):
    def broken(*given):
        raise ValueError("broken")
    yield broken


def other_arguments(its: Solution):
    yield lambda: its.first
    yield lambda *, a=1: its.first


def changes_its_input(its: Solution):
    """In ways that torch does not see, for every argument that is numbers."""
    def of(k):
        def changing(*given):
            result = its.function(*given)
            _spoil(given[k])
            return result
        return changing

    yield from (of(k) for k, x in enumerate(its.calls[0][0]) if _can_spoil(x))


def changes_a_leaf(its: Solution):
    """x *= 2 on an argument that wants gradients: torch itself refuses it."""
    def of(k):
        def changing(*given):
            given = [x.requires_grad_() if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in given]
            x = given[k]
            x *= 2
            return its.function(*given)
        return changing

    yield from (of(k) for k, x in enumerate(its.calls[0][0]) if isinstance(x, torch.Tensor) and x.is_floating_point())


def cuts_the_gradient(its: Solution):
    """Each result that a gradient should go through, without it: as a tensor, as an array, as a plain number."""
    for part in range(its.parts):
        one = its.first[part] if isinstance(its.first, tuple) else its.first
        if not isinstance(one, torch.Tensor) or not one.is_floating_point():
            continue
        ways = [lambda x: x.detach(), lambda x: x.detach().numpy(), lambda x: x.detach().tolist()]
        for way in ways if one.ndim else [*ways[:2], float]:
            def cut(*given, way=way, part=part):
                result = its.function(*given)
                return tuple(way(x) if k == part else x for k, x in enumerate(result)) \
                    if isinstance(result, tuple) else way(result)
            yield cut


def cuts_it_before(its: Solution):
    """The arguments, or some of them, come without gradient into the solution."""
    for name in {n for part in its.check.learns for n in part.split()}:
        from tfg.course.check.watch import parameters

        k = parameters(its.check.__doc__).index(name)

        def cut(*given, k=k):
            without = [x.detach() for x in given[k]] if isinstance(given[k], (list, tuple)) else given[k].detach()
            return its.function(*given[:k], without, *given[k + 1:])
        yield cut


def shifted(its: Solution):
    """All along an axis one place late or early, or an index one too large or small."""
    axes = [lambda x, a=a, k=k: np.roll(x, k, a) if x.ndim > a and x.shape[a] > 2 else x
            for a in range(4) for k in (1, -1)]
    whole = [lambda x, k=k: x + k if x.dtype.kind in "iu" else x for k in (1, -1)]
    yield from its.all_of(*map(numpy_or_torch, axes + whole))


def too_short(its: Solution):
    """The last, or the first, place along an axis is missing."""
    yield from its.all_of(*(numpy_or_torch(lambda x, a=a, p=p: x.take(range(x.shape[a])[p], a) if x.ndim > a else x)
                            for a in range(4) for p in (slice(None, -1), slice(1, None))))


def transposed(its: Solution):
    yield from its.all_of(numpy_or_torch(lambda x: x.T), numpy_or_torch(lambda x: x.swapaxes(-1, -2) if x.ndim > 1
                                                                        else x))


def flattened(its: Solution):
    yield from its.all_of(numpy_or_torch(lambda x: x.reshape(-1)), numpy_or_torch(lambda x: x[None]))


def wrong_unit(its: Solution):
    factors = (1000., .001, 16000., 25., 1 / 25, 640., 180 / math.pi, math.pi / 180, 255., 1 / 255, 100., .01, 2., .5)
    def times(x, f):
        return x * f if x.dtype.kind == "f" else x * int(f) if f == int(f) else x

    yield from its.all_of(*(numpy_or_torch(lambda x, f=f: times(x, f)) for f in factors))


def wrong_sign(its: Solution):
    yield from its.all_of(numpy_or_torch(lambda x: ~x if x.dtype == bool else -x))


def added_up(its: Solution):
    """A mean that was not divided by the length of an argument."""
    lengths = {n for x in its.calls[0][0] if isinstance(x, (torch.Tensor, np.ndarray)) for n in x.shape if n > 2}
    yield from its.all_of(*(lambda x, n=n: x * n if np.ndim(x) == 0 and not isinstance(x, int) else x
                            for n in lengths))


def not_averaged(its: Solution):
    """One more axis, whose mean is what is wanted."""
    def spread(x):
        x = np.asarray(x, float)
        return np.stack([x - .25, x, x + .25]) if x.ndim == 0 else x
    yield from its.all_of(numpy_or_torch(spread))


def averaged_too_much(its: Solution):
    yield from its.all_of(*(numpy_or_torch(lambda x, a=a: x.mean(a) if x.dtype.kind == "f" and np.isfinite(x).all()
                                           and x.ndim > 1 - (a is None) else x) for a in (0, -1, None)))


def empty(its: Solution):
    yield from its.all_of(numpy_or_torch(lambda x: np.zeros_like(x) if x.dtype.kind == "f" and x.size > 1 else x))


def unknown(its: Solution):
    yield from its.all_of(numpy_or_torch(lambda x: x * np.nan if x.dtype.kind == "f" else x))


def a_list(its: Solution):
    if isinstance(its.first, np.ndarray) and its.first.dtype.kind in "iuf":
        yield lambda *given: its.function(*given).tolist()


def of_another_type(its: Solution):
    """Whole numbers as floats; float32 tensors as float64."""
    if isinstance(its.first, torch.Tensor):
        yield lambda *given: its.function(*given).double() if its.first.dtype == torch.float32 \
            else its.function(*given).float()
    elif isinstance(its.first, (int, np.integer)):
        yield lambda *given: float(its.function(*given))
    elif isinstance(its.first, np.ndarray) and its.first.dtype.kind in "iu":
        yield lambda *given: its.function(*given).astype(float)


MISTAKES: dict[Callable, str] = {
    nothing: "gives None: does it end with `return`",
    nonsense: "expected numbers|expected",
    no_function: "give it the function itself",
    raises: "stopped with ValueError: broken",
    other_arguments: "takes other arguments",
    changes_its_input: "changed its argument `.*` in place",
    changes_a_leaf: "in place",
    cuts_the_gradient: "gradient|stay with torch",
    cuts_it_before: "gradient",
    shifted: "off by one|too (late|early)|look at the ends|another order",
    too_short: "(missing|too few) along axis|is missing",
    transposed: "transposed|exchanged",
    flattened: "reshape|axes of length 1|transposed|broadcasting",
    wrong_unit: "times too (large|small)|times as large",
    wrong_sign: "sign|minus",
    added_up: "times too large",
    not_averaged: "not averaged over|too many axes",
    averaged_too_much: "averaged over|an axis (of length 1 )?is (missing|lost)",
    empty: "everywhere",
    unknown: "NaN",
    a_list: "an array",
    of_another_type: "of type",
}
"""Mistake -> a pattern that the message matches, if the check has no words of its own for it."""


def _differ(a, b) -> bool:
    if isinstance(b, (tuple, dict)):
        pairs = zip(a, b) if isinstance(b, tuple) else ((a[k], b[k]) for k in b)
        return any(_differ(x, y) for x, y in pairs)
    a, b = (np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, float) for x in (a, b))
    return a.shape != b.shape or not np.allclose(a, b, rtol=1e-3, atol=1e-3, equal_nan=True)


def _has_numbers(value) -> bool:
    return isinstance(value, (int, float, np.generic, torch.Tensor)) \
        or isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


def _can_spoil(value) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and _can_spoil(value[0])
    if isinstance(value, dict):
        return all(map(_can_spoil, value.values())) if not any(isinstance(v, str) for v in value.values()) else True
    return isinstance(value, torch.Tensor) or isinstance(value, np.ndarray)


def _spoil(value) -> None:
    """Write into a value, as x += 1 does."""
    if isinstance(value, torch.Tensor):
        with torch.no_grad():
            value.view(-1)[-1:].add_(1) if value.is_contiguous() else value.add_(1)
    elif isinstance(value, np.ndarray):
        value.flat[-1] = "other" if value.dtype.kind == "U" else value.flat[-1] + 1
    elif isinstance(value, dict):
        value[next(iter(value))] = "other"
    else:
        _spoil(value[-1])


# ---- networks: a class that is wrong, made from the class that is right ------------------------------------------
def _changed(its, after=None, result=None):
    """The class with something done after its __init__, or to what its forward gives."""
    class Changed(its):
        def __init__(self, *given):
            super().__init__(*given)
            if after:
                after(self)

        def forward(self, *inputs):
            answer = super().forward(*inputs)
            return result(answer) if result else answer

    return Changed


def no_network(its):
    return lambda *given: its(*given)


def a_plain_class(its):
    return type("Plain", (), {"__init__": lambda self, *given: None, "forward": lambda self, *given: given[0]})


def without_super(its):
    def start(self, *given):
        self.first = torch.nn.Linear(2, 2)
    return type("Early", (torch.nn.Module,), {"__init__": start, "forward": lambda self, x: self.first(x)})


def without_layers(its):
    class Empty(torch.nn.Module):
        def __init__(self, *given):
            super().__init__()
            self.parts = [torch.nn.Linear(2, 2)]

        def forward(self, *given):
            return given[0]
    return Empty


def one_too_many(its):
    def more(network):
        network.unused = torch.nn.Linear(2, 2)
    return _changed(its, more)


def forgets_to_return(its):
    return _changed(its, result=lambda answer: None)


def cut_off(its):
    return _changed(its, result=lambda answer: tuple(x.detach() for x in answer) if isinstance(answer, tuple)
                    else answer.detach())


def doubled(its):
    return _changed(its, result=lambda answer: tuple(2 * x for x in answer) if isinstance(answer, tuple)
                    else 2 * answer)


def another_stride(its):
    """Of the last layer that has one; without such, another number of channels in the last layer."""
    def change(network):
        with_stride = [part for part in network.modules() if hasattr(part, "stride") and hasattr(part, "weight")]
        if with_stride:
            with_stride[-1].stride = tuple(3 + s for s in with_stride[-1].stride)
        else:
            last = [part for part in network.modules() if any(True for _ in part.parameters(recurse=False))][-1]
            name, value = next(iter(last.named_parameters(recurse=False)))
            setattr(last, name, torch.nn.Parameter(torch.zeros(value.shape[0] + 1, *value.shape[1:])))
    return _changed(its, change)


NETWORKS: dict[Callable, str] = {
    no_network: "give it the class itself",
    a_plain_class: r"begin with class \w+\(nn.Module\)",
    without_super: r"super\(\).__init__\(\)",
    without_layers: "nn.ModuleList",
    one_too_many: "one too many",
    forgets_to_return: "does it end with `return`",
    cut_off: "gradient",
    doubled: "times too large|factor",
    another_stride: "has stride|expected is a|expected",
}
"""Mistake in a network -> a pattern that the message matches."""
