"""What a check raises: the answer is wrong, it differs from the reference, or it stopped with an error."""
from __future__ import annotations

import numpy as np


class Wrong(AssertionError):
    """The answer is wrong; the message names the likely mistake."""


class Different(Wrong):
    """The answer differs from the reference, and no mistake that the check knows explains it.

    what: name of the result.  got, want: arrays of numbers.  The message says where they differ; `core.judge` asks
    `likely.name` for a mistake that does explain it.
    """

    def __init__(self, what: str, got: np.ndarray, want: np.ndarray):
        super().__init__(f"{what} {difference(got, want)}")
        self.what, self.got, self.want = what, got, want


class Stopped(Wrong):
    """The learner's function raised `error`."""

    def __init__(self, error: Exception):
        super().__init__(f"your function stopped with {type(error).__name__}: {error}")
        self.error = error


def difference(got: np.ndarray, want: np.ndarray) -> str:
    """How two arrays differ, in numbers: "is 2, expected 3", or the shapes, or where the difference is largest."""
    if got.shape != want.shape:
        return f"has shape {got.shape}, expected {want.shape}"
    if not np.isfinite(got).all() and np.isfinite(want).all():
        return "contains NaN or infinity"
    return f"is {_brief(got)}, expected {_brief(want)}{_where(got, want)}"


def _brief(value):
    if value.ndim == 0:
        return f"{value:.6g}"
    known = value[np.isfinite(value)]
    return f"an array of shape {value.shape} with mean {known.mean() if known.size else np.nan:.4g}"


def _where(got, want):
    if want.ndim == 0:
        return ""
    away = np.abs(np.nan_to_num(got, posinf=1e300, neginf=-1e300) - np.nan_to_num(want))
    worst = np.unravel_index(np.argmax(np.where(np.isnan(got) != np.isnan(want), np.inf, away)), want.shape)
    place = ", ".join(str(int(i)) for i in worst)
    return f"; the largest difference is at [{place}]: {got[worst]:.4g} instead of {want[worst]:.4g}"
