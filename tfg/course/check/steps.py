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


class Noted(NamedTuple):
    """An optimiser that writes down what happens.  name: as the learner calls it.  learning: names of the networks that
    it moves, as in `Scene.learning`.  events: "zero_grad", "backward" and "step" so far."""

    name: str
    learning: tuple[str, ...]
    events: list[str]


class Scene(NamedTuple):
    """What a step works on, made anew for each answer.  args: of the step.  learning: name -> its weights, a list of
    torch.nn.Parameters.  optimisers: all that are among the arguments; `optimiser_of` makes them."""

    args: tuple
    learning: dict[str, list]
    optimisers: tuple[Noted, ...]


class Steps(NamedTuple):
    """Two steps of one scene.  weights: name -> all weights after each, (2, n).  told: what each step returned.
    optimisers: those of the scene, with the events of the first step."""

    weights: dict[str, np.ndarray]
    told: list
    optimisers: tuple[Noted, ...]


def optimiser_of(learning: Mapping[str, list], rate: float, name: str = "optimiser"):
    """(gradient descent that writes down what happens, its `Noted`).  learning: name -> the weights that it moves."""
    import torch

    events: list[str] = []

    class Descent(torch.optim.SGD):
        def zero_grad(self, set_to_none: bool = True) -> None:
            events.append("zero_grad")
            super().zero_grad(set_to_none)

        def step(self, closure=None):
            loss = super().step(closure)                        # a closure's own calls come first
            events.append("step")
            return loss

    def arrived(gradient) -> None:
        if events[-1:] != ["backward"]:
            events.append("backward")

    weights = [p for part in learning.values() for p in part]
    for p in weights:
        p.register_hook(arrived)
    return Descent(weights, rate), Noted(name, tuple(learning), events)


def descend(error: Callable[[], Any], optimiser, *, clears: bool = True, after: bool = False) -> float:
    """One step on what `error()` gives, a tensor (): its value before the step.  clears, after: False and True make two
    mistakes, gradients that are not cleared, and the value after the step."""
    loss = error()
    if clears:
        optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return (error() if after else loss).item()


def two_steps(step: Callable[..., Any], scene: Callable[[], Scene]) -> Steps:
    """Two steps from the scene's start."""
    import torch

    args, learning, optimisers = scene()
    told, first = [], optimisers
    weights: dict[str, list] = {name: [] for name in learning}
    for k in range(2):
        told.append(step(*args))
        for name, part in learning.items():
            weights[name].append(torch.cat([p.detach().flatten() for p in part]).numpy().copy())
        if k == 0:
            first = tuple(noted._replace(events=list(noted.events)) for noted in optimisers)
    return Steps({name: np.stack(both) for name, both in weights.items()}, told, first)


def same_step(answer: Callable[..., Any], scene: Callable[[], Scene], *right: Callable[..., Any],
              mistakes: Mapping[str, Mapping[str, Any]], names: Sequence[str], asked: str = "the loss asked for",
              returned: Mapping[str, Callable[[tuple, Sequence[float]], Sequence[float]]] | None = None) -> None:
    """Raise Wrong unless two steps by `answer` leave the weights and return the numbers that two by `right` do.

    right: the step, with keywords that make mistakes; several where there are several right ways.  mistakes: message ->
    such keywords; each leaves other weights or returns other numbers.  names: of the results, one or several.  asked:
    the loss, in words.  returned: more mistakes in the results alone, message -> function from the step's arguments and
    right results to wrong ones.
    """
    got = two_steps(answer, scene)
    mine = [_results(told, names) for told in got.told]
    ways = [two_steps(way, scene) for way in right]
    want = next((way for way in ways if _equal(got, way)), None)
    if want:
        _by_the_given(got, want)
        if _plainly(mine, [_results(told, names) for told in want.told]):
            return
    others = {text: [two_steps(partial(way, **how), scene) for way in right] for text, how in mistakes.items()}
    if want is None:
        raise Wrong(_what_moved_wrong(got, ways, others, two_steps(lambda *given: None, scene), asked))
    said = {text: one for text, both in others.items() for one in both if _equal(one, want)}    # with right weights
    for k in range(2):
        _same_told(mine[k], _results(want.told[k], names),
                   {text: _results(one.told[k], names) for text, one in said.items()}, names, returned or {},
                   scene().args)


def not_cleared(optimiser: str) -> str:
    """The mistake of a step that does not clear the gradients."""
    return f"the gradients of the step before are still there, and are added: {optimiser}.zero_grad() before backward()"


def _by_the_given(got: Steps, want: Steps) -> None:
    """Raise Wrong where right weights were moved by another optimiser."""
    for one, other in zip(got.optimisers, want.optimisers):
        if "step" in other.events and "step" not in one.events:
            raise Wrong(f"the weights are right, but not by the optimiser that was given: call {one.name}.step()")


def _plainly(got: list, want: list) -> bool:
    """Whether the numbers are right, and plain ones."""
    return all(isinstance(x, float) and np.isclose(x, y, atol=1e-5, rtol=1e-4)
               for a, b in zip(got, want) for x, y in zip(a, b))


def _results(told, names: Sequence[str]) -> list:
    return [told] if len(names) == 1 else parts(told, *names)


def _what_moved_wrong(got: Steps, ways: Sequence[Steps], others: Mapping[str, Sequence[Steps]], before: Steps,
                      asked: str) -> str:
    """What is wrong with weights that are those of no right way."""
    def named(first: bool) -> str:
        return next((f"it looks as if {text}" for text, both in others.items() for one in both
                     if _equal(got, one, first=first) and not any(_equal(one, way, first=first) for way in ways)), "")

    wrong = [part for part in got.weights if not any(_close(got.weights[part], way.weights[part]) for way in ways)]
    if text := named(first=False):
        return text
    for name, learning, events in got.optimisers:
        if set(learning) & set(wrong):
            still = [part for part in learning if _close(got.weights[part], before.weights[part])]
            out_of_order(events, moved=len(still) < len(learning), name=name, who=" and ".join(learning),
                         alone=len(got.optimisers) == 1)
            if still and len(learning) == 1:
                return (f"{learning[0]} stays as it was: its gradients were cleared between backward() and step(), "
                        "as network.zero_grad() does, too")
            if events.count("step") > 1:
                return f"{name}.step() is called {events.count('step')} times: once in a step"
    if text := named(first=True):
        return text
    for part, weights in got.weights.items():
        if _close(weights, before.weights[part]) and not _close(ways[0].weights[part], before.weights[part]):
            return f"{part} stays as it was: does the loss come from it, and not from a copy?"
    return (_too_far(got, ways[0], before, wrong)
            or f"after two steps the weights of {' and of '.join(wrong) or 'both'} are wrong. Expected is {EXPECTED}, "
            f"of {asked}")


def _too_far(got: Steps, want: Steps, before: Steps, parts_: Sequence[str]) -> str:
    """The message where the first step goes the right way, but too far, or back."""
    if not parts_:
        return ""
    moved, right = (np.concatenate([steps.weights[part][0] - before.weights[part][0] for part in parts_])
                    for steps in (got, want))
    factor = float(moved @ right / max(right @ right, 1e-12))
    if (not np.isfinite(factor) or abs(factor) < .01 or abs(factor - 1) < .01
            or not np.allclose(moved, factor * right, atol=1e-5 + 1e-3 * np.abs(moved).max())):
        return ""
    if abs(factor + 1) < .01:
        return "the step goes uphill: the gradient is that of minus the loss"
    return (f"the first step goes the right way, but {factor:.3g} times as far: is the loss multiplied, or added up "
            "where a mean is asked for?")


def _same_told(told, right, others, names, returned, args) -> None:
    for k, name in enumerate(names):
        if getattr(told[k], "requires_grad", False):
            raise Wrong(f"the weights are right, but {name} still carries its graph: a list of such losses keeps the "
                        "memory of every step. Return a plain number, loss.item()")
        wrong = {text: other[k] for text, other in others.items()}
        wrong |= {text: make(args, right)[k] for text, make in returned.items()}
        wrong |= {"the two are exchanged": right[1 - k]} if len(names) == 2 else {}
        same(told[k], right[k], what=name, atol=1e-5, mistakes=wrong)


def out_of_order(events: Sequence[str], *, moved: bool, name: str = "optimiser", who: str = "the network",
                 alone: bool = True) -> None:
    """Raise Wrong where a step's calls are missing or in an order in which nothing, or nothing right, is learned.

    events: of the optimiser `name`.  moved: whether the weights of `who` have changed at all.  alone: whether there is
    no other optimiser, from whose loss gradients may come, too.
    """
    if "backward" not in events:
        raise Wrong(f"no gradient reaches {who}: loss.backward() is missing, or a copy was asked, not what was given"
                    if not moved else f"the weights move without a gradient: loss.backward(), then {name}.step()")
    if "step" not in events:
        raise Wrong(f"{who} {'do' if ' and ' in who else 'does'} not move: {name}.step() is missing, after "
                    f"{'' if alone else 'its own '}loss.backward()" if not moved else
                    f"the weights of {who} move, but not by the optimiser that was given: call {name}.step()")
    used = len(events) - 1 - events[::-1].index("step")
    if "backward" not in events[:used]:
        raise Wrong(f"{name}.step() stands before loss.backward(), and uses the gradients of the step before, or "
                    f"none: {EXPECTED}")
    computed = used - 1 - events[:used][::-1].index("backward")
    if "zero_grad" not in events[computed:used]:
        return
    raise Wrong(f"{name}.zero_grad() stands between loss.backward() and step(), and clears what was just computed: "
                f"{EXPECTED}" if alone else
                f"between {name}.zero_grad() and {name}.step() there is no backward() of its own loss: it is missing, "
                f"or stands before or behind them: {EXPECTED}")


def _equal(a: Steps, b: Steps, *, first: bool = False) -> bool:
    """Whether the weights are the same after both steps, or after the first (a mistake may make the second one large,
    and its rounding, too)."""
    n = 1 if first else 2
    return all(_close(a.weights[name][:n], b.weights[name][:n]) for name in a.weights)


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    if not np.isfinite(b).all():
        return np.array_equal(np.isfinite(a), np.isfinite(b))
    return bool(np.abs(a - b).max() < 1e-5 + 5e-5 * np.abs(b).max())
