"""Compares a training step that the learner wrote with the reference: what it moves, what it returns, and in which
order it clears, computes and uses the gradients."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfg.course.check.core import parts, same
from tfg.course.check.wrong import Wrong

EXPECTED = "zero_grad(), then loss.backward(), then step()"


class Scene(NamedTuple):
    """What a step works on, made anew for each answer.  args: of the step.  learning: name -> its weights, a list of
    torch.nn.Parameters.  events: what has happened so far; `optimiser_of` writes into it."""

    args: tuple
    learning: dict[str, list]
    events: list[str]


class Steps(NamedTuple):
    """Two steps of one scene.  weights: name -> all weights after each, (2, n).  told: what each step returned.
    events: of the first step."""

    weights: dict[str, np.ndarray]
    told: list
    events: list[str]


def optimiser_of(learning: Mapping[str, list], events: list[str], rate: float):
    """Gradient descent that writes down "zero_grad", "backward" and "step" as they come."""
    import torch

    class Noted(torch.optim.SGD):
        def zero_grad(self, set_to_none: bool = True) -> None:
            events.append("zero_grad")
            super().zero_grad(set_to_none)

        def step(self, closure=None):
            events.append("step")
            return super().step(closure)

    def arrived(gradient) -> None:
        if events[-1:] != ["backward"]:
            events.append("backward")

    weights = [p for part in learning.values() for p in part]
    for p in weights:
        p.register_hook(arrived)
    return Noted(weights, rate)


def two_steps(step: Callable[..., Any], scene: Callable[[], Scene]) -> Steps:
    """Two steps from the scene's start."""
    import torch

    args, learning, events = scene()
    told, ends = [], []
    weights: dict[str, list] = {name: [] for name in learning}
    for _ in range(2):
        told.append(step(*args))
        ends.append(len(events))
        for name, part in learning.items():
            weights[name].append(torch.cat([p.detach().flatten() for p in part]).numpy().copy())
    return Steps({name: np.stack(both) for name, both in weights.items()}, told, events[:ends[0]])


def same_step(answer: Callable[..., Any], scene: Callable[[], Scene], right: Callable[..., Any], *,
              mistakes: Mapping[str, Mapping[str, Any]], names: Sequence[str],
              returned: Mapping[str, Callable[[Any, Sequence[float]], Sequence[float]]] | None = None) -> None:
    """Raise Wrong unless two steps by `answer` leave the weights and return the numbers that two by `right` do.

    right: the step, with keywords that make mistakes.  mistakes: message -> such keywords; each leaves other weights or
    returns other numbers.  names: of the results.  returned: more mistakes in the results alone, message -> function
    from the step's arguments and right results to wrong ones.
    """
    got = two_steps(answer, scene)
    for told in got.told:
        parts(told, *names)
    want = two_steps(right, scene)
    if _equal(got, want) and all(isinstance(x, float) and np.isclose(x, y, atol=1e-5, rtol=1e-4)
                                 for a, b in zip(got.told, want.told) for x, y in zip(a, b)):
        return
    others = {text: two_steps(partial(right, **how), scene) for text, how in mistakes.items()}
    if not _equal(got, want):
        before = two_steps(lambda *given: None, scene)
        out_of_order(got.events, moved=not _equal(got, before))
        for text, other in others.items():
            if _equal(got, other) and not _equal(other, want) or \
                    _equal(got, other, first=True) and not _equal(other, want, first=True):
                raise Wrong(f"it looks as if {text}")
        for name in got.weights:
            if _close(got.weights[name], before.weights[name]) and not _close(want.weights[name], before.weights[name]):
                raise Wrong(f"{name} stays as it was: does the loss come from it, and not from a copy?")
        raise Wrong(f"after two steps the weights of {_those_that_differ(got, want)} are not what {EXPECTED} of the "
                    "loss asked for make of them")
    said = {text: other.told for text, other in others.items() if _equal(other, want)}     # with the right weights
    for k in range(2):
        _same_told(got.told[k], want.told[k], {text: told[k] for text, told in said.items()}, names, returned or {},
                   scene().args)


def _same_told(told, right, others, names, returned, args) -> None:
    for k, name in enumerate(names):
        if getattr(told[k], "requires_grad", False):
            raise Wrong(f"the weights are right, but {name} still carries its graph: a list of such losses keeps the "
                        "memory of every step. Return a plain number, loss.item()")
        wrong = {text: other[k] for text, other in others.items()}
        wrong |= {text: make(args, right)[k] for text, make in returned.items()}
        same(told[k], right[k], what=name, atol=1e-5, mistakes={"the two are exchanged": right[1 - k]} | wrong)


NOTHING_MOVES = "nothing moves: adam.zero_grad(), then loss.backward(), then adam.step()"
NOT_CLEARED = "the gradients of the step before are still there, and are added: adam.zero_grad() before backward()"
"""Mistakes of a step that moves one network by `adam`."""


def same_weights(got: np.ndarray, want: np.ndarray, left_by: Callable[..., np.ndarray],
                 mistakes: Mapping[str, Mapping[str, Any]], otherwise: str) -> None:
    """Raise Wrong unless the weights after a step's calls are the right ones.

    left_by: what the reference leaves, with keywords that make mistakes.  mistakes: message -> such keywords.
    otherwise: the message where none of them explains the weights.
    """
    if np.allclose(got, want, atol=1e-5):
        return
    for text, how in mistakes.items():
        if np.allclose(got, left_by(**how), atol=1e-5):
            raise Wrong(f"it looks as if {text}")
    raise Wrong(otherwise)


def plain_numbers(told: Sequence[Any], names: Sequence[str]) -> None:
    """Raise Wrong where a result still carries its graph."""
    for value, name in zip(told, names):
        if getattr(value, "requires_grad", False):
            raise Wrong(f"{name} still carries its graph: a list of such losses keeps the memory of every step. Return "
                        "a plain number, loss.item()")


def out_of_order(events: Sequence[str], *, moved: bool) -> None:
    """Raise Wrong where a step's calls are missing or in an order in which nothing, or nothing right, is learned.

    moved: whether the weights have changed at all.
    """
    if "backward" not in events:
        raise Wrong("no gradient reaches the network: loss.backward() is missing, or a copy was asked, not the network "
                    "that was given" if not moved else
                    "the weights move without a gradient: loss.backward(), then optimiser.step()")
    if "step" not in events:
        raise Wrong("the network does not move: optimiser.step() is missing after loss.backward()" if not moved else
                    "the weights move, but not by the optimiser that was given: call its step()")
    computed, used = events.index("backward"), len(events) - 1 - events[::-1].index("step")
    if used < computed:
        raise Wrong("optimiser.step() stands before loss.backward(), and uses the gradients of the step before, or "
                    f"none: {EXPECTED}")
    if "zero_grad" in events[computed:used]:
        raise Wrong("zero_grad() stands between loss.backward() and step(), and clears what was just computed: "
                    f"{EXPECTED}")


def _equal(a: Steps, b: Steps, *, first: bool = False) -> bool:
    """Whether the weights are the same after both steps, or after the first (a mistake may make the second one large,
    and its rounding, too)."""
    n = 1 if first else 2
    return all(_close(a.weights[name][:n], b.weights[name][:n]) for name in a.weights)


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    if not np.isfinite(b).all():
        return np.array_equal(np.isfinite(a), np.isfinite(b))
    return bool(np.abs(a - b).max() < 1e-5 + 5e-5 * np.abs(b).max())


def _those_that_differ(a: Steps, b: Steps) -> str:
    return " and of ".join(name for name in a.weights
                           if not _close(a.weights[name], b.weights[name]))
