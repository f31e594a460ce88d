"""Shared by all checks: run the learner's function, compare with the reference, name the likely mistake."""
from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfg.course.check import likely
from tfg.course.check.stopped import explain
from tfg.course.check.watch import Watched, WatchedNetwork, kind
from tfg.course.check.wrong import Different, Stopped, Wrong

CHECKS = "tfg.course.check."


def exercise(check=None, *, learns: str | Sequence[str] = (), network: bool = False):
    """Turn `check(answer)`, which raises Wrong or returns, into one that prints a line and goes on.

    Prints "✓" for a right answer, "✗" and the likely mistake for a wrong one, "○ not done" where the function still
    raises NotImplementedError. With TFG_STRICT=1 in the environment all but the first raise AssertionError. Returns
    the function that later cells should use: the learner's own once it is right, the solution's until then.

    learns: names of the arguments that must get a gradient from the result, with spaces between; for a function with
    several results one such text for each.  network: the answer is a class, a torch.nn.Module, and the check compares
    what it makes by `layers.same_network`.
    """
    if check is None:
        return functools.partial(exercise, learns=learns, network=network)

    @functools.wraps(check)
    def one(answer) -> Callable[..., Any]:
        mark, message = judge(run, answer)
        print(f"{mark} {check.__name__}{': ' if message else ''}{message}")
        if mark != "✓" and os.environ.get("TFG_STRICT") == "1":
            raise AssertionError(f"{check.__name__}: {message}")
        return _silent(answer if mark == "✓" else solution(run) or answer)

    run: Any = one                                          # a function with three notes on it
    run.body = check
    run.network = network
    run.learns = (learns,) if isinstance(learns, str) else tuple(learns)
    return run


def judge(check, answer) -> tuple[str, str]:
    """Run a check without printing.  Returns the mark ("✓", "✗" or "○") and the message."""
    call = (check.__doc__ or f"{check.__name__}(...)").split("\n\n")[0]
    call = " ".join(call.split()).rstrip(".")
    watched: Watched | WatchedNetwork | None = None
    try:
        watched = (WatchedNetwork if getattr(check, "network", False) else Watched)(answer, call)
        with _same_weights_each_time(check):
            check.body(watched)
        watched.gradient(check.learns)
    except NotImplementedError:
        return "○", "not done"
    except Different as found:
        given = dict(zip(watched.names, watched.given)) if watched else {}
        named = likely.name(found.got, found.want, given)
        return "✗", f"{found.what} {named}" if named else str(found)
    except Stopped as stopped:
        return "✗", explain(stopped.error, answer) + (watched.called() if isinstance(watched, Watched) else "")
    except Wrong as wrong:
        return "✗", str(wrong)
    except Exception as error:          # of the check: it could not use what the learner's function gave
        result = kind(watched.got) if watched else "nothing"
        return "✗", f"your function gives {result}, which cannot be compared ({error}); expected is {call}"
    return "✓", ""


@contextlib.contextmanager
def _same_weights_each_time(check):
    """Networks that a check makes begin with the same weights in each call; the learner's random numbers go on as if
    nothing had been drawn."""
    if not getattr(check, "network", False):
        yield
        return
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def solution(check) -> Callable[..., Any] | None:
    """The function that solves a check's exercise, as solutions/ have it; None for a check that is not of a chapter."""
    if not check.__module__.startswith(CHECKS):
        return None
    return getattr(importlib.import_module(check.__module__.replace("check", "solved")), check.__name__, None)


def same(got, want, *, what: str = "the result", mistakes: dict | None = None, atol: float = 1e-4, rtol: float = 1e-4):
    """Raise Wrong unless `got` equals `want`.

    mistakes: message -> result of a function with this mistake; the message of the result that equals `got` is shown.
    what: name of the result in messages.  atol, rtol: tolerances, as in np.allclose.
    """
    if got is None:
        raise Wrong(f"{what} is None: does your function end with `return`?")
    numbers, wanted = _array(got, what), _array(want, what)
    if numbers.shape == wanted.shape and _close(numbers, wanted, atol, rtol):
        return _of_a_kind(got, want, what)
    for name, value in (mistakes or {}).items():
        value = np.asarray(_detached(value), float)
        if numbers.shape == value.shape and _close(numbers, value, atol, rtol):
            raise Wrong(f"{what}: it looks as if {name}")
    raise Different(what, numbers, wanted)


def same_parts(got, want, names, *, what: str, mistakes: dict | None = None, atol: float = 1e-4, rtol: float = 1e-4):
    """`same` for a function with several results: a mistake may show in all of them.

    got, want: a list each.  names: of the results.  mistakes: message -> all results of a function with this mistake.
    """
    numbers, wanted = ([_array(x, name) for x, name in zip(xs, names)] for xs in (got, want))
    if not _all_close(numbers, wanted, atol, rtol):
        for name, values in (mistakes or {}).items():
            if _all_close(numbers, [np.asarray(_detached(x), float) for x in values], atol, rtol):
                raise Wrong(f"{what}: it looks as if {name}")
    for one, right, name in zip(got, want, names):
        same(one, right, what=f"{name} of {what}", atol=atol, rtol=rtol)


def parts(got, *names: str) -> list:
    """The results of a function that has several, as names say.  Raises Wrong if there are not as many."""
    if isinstance(got, (tuple, list)) and len(got) == len(names):
        return list(got)
    all_of = {2: "both", 3: "all three"}.get(len(names), f"all {len(names)}")
    given = f"{kind(got)} of {len(got)}" if isinstance(got, (tuple, list)) else kind(got)
    raise Wrong(f"your function gives {given}: return {all_of}, {', '.join(names[:-1])} and {names[-1]}, in this order")


def _of_a_kind(got, want, what) -> None:
    """Raise Wrong where right numbers come as something that later cells cannot use."""
    if isinstance(got, (list, tuple)) and np.ndim(want):
        raise Wrong(f"the numbers are right, but {what} is {kind(got)}, expected an array or a tensor: "
                    "np.array(...), or stay with torch")
    numbers = np.asarray(_detached(got))
    if np.asarray(_detached(want)).dtype.kind in "iu" and numbers.dtype.kind == "f" and numbers.size:
        raise Wrong(f"the numbers are right, but {what} is of type {numbers.dtype}, expected whole numbers, which may "
                    "be indices: int(...) or .astype(int)")
    if hasattr(want, "detach") and hasattr(got, "detach") and got.dtype != want.dtype:
        raise Wrong(f"the numbers are right, but {what} is of type {got.dtype}, expected {want.dtype}: torch does not "
                    "mix the two")


def _detached(value):
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _array(value, what) -> np.ndarray:
    try:
        return np.asarray(_detached(value), dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} is {kind(value)}, expected a number or an array of numbers") from None


def _all_close(got, want, atol, rtol) -> bool:
    return all(a.shape == b.shape and _close(a, b, atol, rtol) for a, b in zip(got, want))


def _close(got, want, atol, rtol):
    return np.allclose(got, want, atol=atol, rtol=rtol, equal_nan=True)


def _silent(function):
    """The same function, which a notebook does not print where it is a cell's last value."""
    @functools.wraps(function, updated=())                  # a class's own attributes stay with it
    def use(*args, **kwargs):
        return function(*args, **kwargs)

    use._ipython_display_ = lambda: None
    return use
