"""Names the likely mistake in a wrong result from the right one alone: for every exercise, beside its own mistakes.

Each function below looks for one kind of mistake and returns the rest of a sentence that begins with the name of the
result, or "" if it is not that mistake.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfg.course.check.numbers import RTOL, alike, finite, values
from tfg.course.check.shapes import other_shape

FACTORS = {
    1000.: "milliseconds and seconds (or millimetres and metres) are mixed up",
    16000.: "samples and seconds are mixed up: there are 16 000 samples in a second",
    25.: "frames and seconds are mixed up: there are 25 frames in a second",
    640.: "samples and video frames are mixed up: a frame has 640 samples",
    200.: "samples and mel columns are mixed up: a column has 200 samples",
    3.2: "mel columns and video frames are mixed up: a frame has 3.2 columns",
    80.: "mel columns and seconds are mixed up: there are 80 columns in a second",
    180 / np.pi: "degrees and radians are mixed up",
    255.: "bytes from 0 to 255 and values from 0 to 1 are mixed up",
    100.: "per cent and shares from 0 to 1 are mixed up",
    float(np.log(10)): "the logarithms to base e and to base 10 are mixed up",
    float(np.log(2)): "the logarithms to base e and to base 2 are mixed up",
    3.: "the three colours (or x, y, z) are added where a mean is wanted, or the other way round",
    2.: "a factor of 2 (or a half) is missing, or there are two of them",
    10.: "a factor of 10 is missing, or there are two of them",
    np.pi: "a factor of pi is missing, or there are two of them",
}
"""How many times too large, or too small, a result is if its unit is wrong."""
OF_MANY = ("divided by its", "whole numbers")
"""Words of mistakes that a single number cannot show: such a 1 or 0 may come from anywhere."""
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "is the square of what is expected: a root is missing, or a square is one too many": np.square,
    "is the root of what is expected: a square is missing, or a root is one too many": lambda x: np.sqrt(np.abs(x)),
    "lost its sign: it is the absolute value of what is expected": np.abs,
    "is 1 minus what is expected: the share is taken from the other end": lambda x: 1 - x,
    "is 1 divided by what is expected: the fraction is upside down": lambda x: 1 / x,
    "is the logarithm of what is expected": lambda x: np.log(np.abs(x)),
    "is the exponential of what is expected: a logarithm is missing": np.exp,
    "is rounded to whole numbers, where fractions are expected": np.round,
    "is cut down to whole numbers, where fractions are expected": np.floor,
    "is clipped to 0 to 1, where larger and smaller values are expected": lambda x: np.clip(x, 0, 1),
    "is divided by its largest value": lambda x: x / np.nanmax(x),
    "is divided by its sum": lambda x: x / np.nansum(x),
    "is minus what it gives the other way round, 1 divided by it": lambda x: -1 / x,
    "has 0 where NaN (not known) is expected": np.nan_to_num,
}


def name(got: np.ndarray, want: np.ndarray, given: Mapping[str, Any] | None = None) -> str:
    """The likely mistake that makes `got` of what should be `want`; "" if none of those known here does.

    given: the arguments of the function by name; their lengths tell a sum from a mean.
    """
    texts = _one_shape(got, want, given or {}) if got.shape == want.shape else other_shape(got, want)
    with np.errstate(all="ignore"):
        return next(filter(None, texts), "")


def _one_shape(got, want, given) -> Iterator[str]:
    if got.size == 0:
        return
    if alike(got, want):
        yield ("is almost right, but not to enough digits: is a constant rounded, a small number added, or the type "
               "one of few digits (float16)?")
    if got.ndim:
        yield _turned(got, want)
        yield _moved(got, want)
    yield _unknown(got, want)
    yield _argument(got, want, given)
    yield _constant(got, want)
    if alike(got, -want):
        yield "has the wrong sign"
    yield _whole(got, want)
    yield _factor(got, want, given)
    yield _broken(got, want)
    for text, function in FUNCTIONS.items():
        if alike(got, function(want)) and (want.size > 1 or not any(w in text for w in OF_MANY)):
            yield text
    if alike(got, want ** 2 * np.sign(want)):
        yield "is the square of what is expected"
    if got.ndim:
        yield _offset(got, want)
        if alike(np.sort(got, None), np.sort(want, None)):
            yield "has the right numbers in another order"
        if alike(np.abs(got), np.abs(want)):
            yield "has the wrong sign at some places"
        yield _places(got, want)


def _unknown(got, want) -> str:
    bad, known = ~np.isfinite(got), np.isfinite(want)
    if (bad & known).any() and not (bad & known).all():
        many = f"in {int((bad & known).sum())} of {got.size} entries"
    elif (bad & known).any():
        many = "everywhere"
    else:
        return ""
    if not known.all():                                      # NaN is right at some places, but not at these
        more = int((~bad & ~known).sum())
        return (f"is NaN (empty) {many}, where a number is expected"
                + (f", and holds numbers in {more}, where NaN is" if more else "") + ": other places are filled")
    return (f"contains NaN or infinity {many}, where a number is expected: something is divided by 0, is the logarithm "
            "of 0, or an input was NaN (np.nanmean leaves these out)")


def _argument(got, want, given) -> str:
    for name, x in given.items():
        x = values(x)
        if x is not None and x.size > 1 and x.shape == got.shape and alike(got, x):
            return f"is the argument `{name}`, unchanged: does your function return the variable that holds the result?"
    return ""


def _constant(got, want) -> str:
    if got.size < 2 or not (got == got.flat[0]).all() or _flat(want):
        return ""
    return f"is {got.flat[0]:.4g} everywhere, where the expected numbers differ: is the result filled at all?"


def _flat(x) -> bool:
    known = x[np.isfinite(x)]
    return not known.size or bool(known.max() == known.min())


def _turned(got, want) -> str:
    """Axes exchanged, or one of them reversed."""
    for order in itertools.permutations(range(want.ndim)):
        turned = want.transpose(order)
        if turned.shape == got.shape and alike(got, turned):
            return f"is transposed: its axes come in the order {order}, counted in those of the right result"
    for axis in range(want.ndim):
        if alike(got, np.flip(want, axis)):
            return f"has the two entries of axis {axis} exchanged (x and y?)" if want.shape[axis] == 2 else \
                f"runs backwards along axis {axis}"
    return ""


def _moved(got, want) -> str:
    """Everything a few places late or early along an axis."""
    for axis in range(want.ndim):
        n = want.shape[axis]
        a, b = np.moveaxis(got, axis, 0), np.moveaxis(want, axis, 0)
        for k in range(1, min(4, n - 1)):
            for late, x, y in ((True, a[k:], b[:-k]), (False, a[:-k], b[k:])):
                if alike(x, y) and not alike(y[:1], y):
                    many, when = "one" if k == 1 else k, "late" if late else "early"
                    return (f"is off by {many}: everything comes {many} too {when} along axis {axis}" +
                            ". Do you count from 0, and does a slice end before its last number?" * (k == 1))
    return ""


def _whole(got, want) -> str:
    """Indices one too large or too small."""
    if not (finite(want) and (want == np.round(want)).all()):
        return ""
    for k, words in ((1, "large"), (-1, "small")):
        if np.array_equal(got, want + k):
            return f"is off by one: one too {words}. Frames and indices count from 0"
    return ""


def _broken(got, want) -> str:
    """Indices that are no whole numbers."""
    whole, near = finite(want) and (want == np.round(want)).all(), (np.abs(got - want) < 1).all()
    if whole and near and (got != np.round(got)).any():
        return "is no whole number, and an index must be one: round it (up or down, as the task says)"
    return ""


def _factor(got, want, given) -> str:
    """Too large or too small by a factor that has a name."""
    there = np.isfinite(want) & (np.abs(want) > 1e-9 * np.nanmax(np.abs(want), initial=0))
    if not there.any() or not alike(got[~there], want[~there]):
        return ""
    ratios = got[there] / want[there]
    ratio = float(np.median(ratios))
    if ratio == 0 or not np.allclose(ratios, ratio, rtol=RTOL, atol=0):
        return ""
    sign = "has the wrong sign and " if ratio < 0 else ""
    size, inverse = abs(ratio), 1 / abs(ratio)
    if not want.ndim and size > 2.5 and (where := _length(size, given)):
        return f"{sign}is {size:.6g} times too large, as many as {where}: it looks added up, take the mean"
    if not want.ndim and inverse > 2.5 and (where := _length(inverse, given)):
        return f"{sign}is {inverse:.6g} times too small, as many as {where}: it looks averaged, add up"
    for factor, words in FACTORS.items():
        for x, too in ((size, "large"), (inverse, "small")):
            if np.isclose(x, factor, rtol=RTOL):
                return f"{sign}is {x:.6g} times too {too}: {words}"
    for x, too in ((size, "large"), (inverse, "small")):
        if x > 2.5 and (where := _length(x, given)):
            return f"{sign}is {x:.6g} times too {too}, as many as {where}: mean and sum are mixed up"
    if want.size > 2 or sign:
        x, too = (size, "large") if size > 1 else (inverse, "small")
        return f"{sign}is everywhere {x:.6g} times too {too}: a factor is missing, or is one too many"
    return ""


def _length(ratio: float, given) -> str:
    sizes: dict[int, str] = {}
    for name, x in given.items():
        x = values(x)
        if x is None or not x.ndim:
            continue
        for first, last in itertools.combinations(range(x.ndim + 1), 2):
            size = int(np.prod(x.shape[first:last]))
            axes = f"axis {first}" if last == first + 1 else f"axes {first} to {last - 1} together"
            sizes.setdefault(size, f"`{name}` is long along {axes}")
    near = round(ratio)
    return sizes.get(near, "") if near > 1 and np.isclose(ratio, near, rtol=RTOL) else ""


def _offset(got, want) -> str:
    apart = (got - want)[np.isfinite(want)]
    if apart.size > 2 and np.allclose(apart, apart[0], rtol=1e-3, atol=1e-9) and abs(apart[0]) > 1e-6:
        too = "large" if apart[0] > 0 else "small"
        return f"is everywhere {abs(apart[0]):.4g} too {too}: something is added to all, or is missing everywhere"
    return ""


def _places(got, want) -> str:
    """Right but for a few places."""
    wrong = ~np.isclose(got, want, rtol=1e-3, atol=1e-5, equal_nan=True)
    if not 0 < wrong.mean() < .6:
        return ""
    for axis in range(want.ndim):
        rows = np.flatnonzero(wrong.any(tuple(a for a in range(want.ndim) if a != axis)))
        n = want.shape[axis]
        if n > 3 and set(rows.tolist()) <= {0, n - 1}:
            where = "first and the last" if len(rows) == 2 else "last" if rows[0] else "first"
            return f"is right but for the {where} along axis {axis}: look at the ends"
        if n > 2 and len(rows) == 1:
            return f"is right but for index {rows[0]} of axis {axis}"
    return ""
