"""Shared by all checks: run the learner's function, compare with the reference, name the likely mistake."""
from __future__ import annotations

import functools
import os

import numpy as np


class Wrong(AssertionError):
    """The answer differs from the reference; the message says how."""


def exercise(check):
    """Turn `check(answer)`, which raises Wrong or returns, into one that prints a line and goes on.

    Prints "✓" for a right answer, "✗" and the likely mistake for a wrong one, "○ not done" where the function still
    raises NotImplementedError. With TFG_STRICT=1 in the environment all but the first raise AssertionError.
    """
    @functools.wraps(check)
    def run(answer) -> None:
        mark, message = judge(run, answer)
        print(f"{mark} {check.__name__}{': ' if message else ''}{message}")
        if mark != "✓" and os.environ.get("TFG_STRICT") == "1":
            raise AssertionError(f"{check.__name__}: {message}")

    run.body = check
    return run


def judge(check, answer) -> tuple[str, str]:
    """Run a check without printing.  Returns the mark ("✓", "✗" or "○") and the message."""
    try:
        check.body(answer)
    except NotImplementedError:
        return "○", "not done"
    except Wrong as wrong:
        return "✗", str(wrong)
    except Exception as error:  # the learner's own code failed: report it, do not stop the notebook
        return "✗", f"your function stopped with {type(error).__name__}: {error}"
    return "✓", ""


def same(got, want, *, what: str = "the result", mistakes: dict | None = None, atol: float = 1e-4, rtol: float = 1e-4):
    """Raise Wrong unless `got` equals `want`.

    mistakes: message -> result of a function with this mistake; the message of the result that equals `got` is shown.
    what: name of the result in messages.  atol, rtol: tolerances, as in np.allclose.
    """
    if got is None:
        raise Wrong(f"{what} is None: does your function end with `return`?")
    got, want = _array(got, what), np.asarray(want)
    if got.shape == want.shape and _close(got, want, atol, rtol):
        return
    for name, value in (mistakes or {}).items():
        value = np.asarray(value)
        if got.shape == value.shape and _close(got, value, atol, rtol):
            raise Wrong(f"{what}: it looks as if {name}")
    if got.shape != want.shape:
        if got.ndim == want.ndim and sorted(got.shape) == sorted(want.shape):
            raise Wrong(f"{what} has shape {got.shape}, expected {want.shape}: are the axes transposed?")
        raise Wrong(f"{what} has shape {got.shape}, expected {want.shape}")
    if not np.isfinite(got).all() and np.isfinite(want).all():
        raise Wrong(f"{what} contains NaN or infinity")
    raise Wrong(f"{what} is {_brief(got)}, expected {_brief(want)}{_where(got, want)}")


def _array(value, what):
    if hasattr(value, "detach"):                      # a torch tensor
        value = value.detach().cpu().numpy()
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} is a {type(value).__name__}, expected a number or an array of numbers") from None


def _close(got, want, atol, rtol):
    return np.allclose(got, want, atol=atol, rtol=rtol, equal_nan=True)


def _brief(value):
    return f"{value:.6g}" if value.ndim == 0 else f"an array of shape {value.shape} with mean {np.nanmean(value):.4g}"


def _where(got, want):
    if want.ndim == 0:
        return ""
    worst = np.unravel_index(np.nanargmax(np.abs(got - want)), want.shape)
    place = ", ".join(str(int(i)) for i in worst)
    return f"; the largest difference is at [{place}]: {got[worst]:.4g} instead of {want[worst]:.4g}"
