"""Names the likely mistake in a result whose shape is not the expected one; beside `likely`, which calls it."""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tfg.course.check.numbers import alike

ONE = ": off by one, for a slice ends before its last number"


def other_shape(got, want) -> Iterator[str]:
    tell = f"has shape {got.shape}, expected {want.shape}: "
    if alike(got.squeeze(), want.squeeze()) and got.squeeze().shape == want.squeeze().shape:
        longer = got.ndim > want.ndim
        yield tell + ("axes of length 1 are left over" if longer else "an axis of length 1 is missing") \
            + "; the numbers are right"
    if got.ndim == want.ndim and sorted(got.shape) == sorted(want.shape):
        yield tell + "are the axes transposed?"
    if got.size == want.size and alike(got.ravel(), want.ravel()):
        yield tell + "the numbers are right, in this order, but reshape (or flatten) is missing"
    yield _prefixed(tell, _cut(got, want))
    yield _prefixed(tell, _averaged(got, want))
    if got.ndim == want.ndim + 1 > 1 and got.shape[-1] == got.shape[-2] and got.shape[:-1] == want.shape:
        yield tell + ("every number met every other (broadcasting): an (N, 1) beside an (N,) makes (N, N). Bring both "
                      "to the same shape first")
    if got.ndim > want.ndim:
        yield tell + "there are too many axes; is a mean or a sum over one of them missing?"
    if got.ndim < want.ndim:
        yield tell + "an axis is lost; was a mean or a sum taken over it?"


def _prefixed(first: str, text: str) -> str:
    return first + text if text else ""


def _cut(got, want) -> str:
    """One entry, or a few, too many or missing along one axis."""
    axes = [axis for axis in range(want.ndim) if got.shape[axis] != want.shape[axis]] if got.ndim == want.ndim else []
    if len(axes) != 1:
        return ""
    a, b = (np.moveaxis(x, axes[0], 0) for x in (got, want))
    n, less, many = min(len(a), len(b)), len(a) < len(b), abs(len(a) - len(b))
    one = "" if many > 1 else ONE if less else ": off by one"
    ends = {"last": slice(0, n), "first": slice(-n, None)} if n else {}
    for end, part in ends.items():
        if alike(a if less else a[part], b[part] if less else b):
            what = f"the {end} is" if many == 1 else f"the {end} {many} are"
            return f"{what} {'missing' if less else 'too many'} along axis {axes[0]}" + one
    return f"{many} too {'few' if less else 'many'} along axis {axes[0]}" + one


def _averaged(got, want) -> str:
    for how, words in ((np.mean, "averaged"), (np.sum, "added up")):
        for axis in (None, *range(want.ndim)):
            over = "all" if axis is None else f"axis {axis}, too"
            if want.ndim and alike(got, how(want, axis)):
                return f"it was {words} over {over}; give one number for each entry"
        for axis in (None, *range(got.ndim)):
            over = "all" if axis is None else f"axis {axis}"
            if got.ndim and alike(how(got, axis), want):
                return f"it is not {words} over {over} yet"
    return ""
