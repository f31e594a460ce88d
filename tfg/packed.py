"""Curves and pictures as whole steps: what an .npz of a long clip holds instead of floats.

A value is rounded to the nearest multiple of a step, and along time only the difference to the frame before is kept.
Faces move little from one 25th of a second to the next, so most differences fit a byte, and zip makes of 1 MB about
100 kB. An array `points` becomes three entries:

    points__step    float64, the size of a step
    points__low     uint8, (T, ...) the low bytes of the differences (modulo 65536), frame 0 against 0
    points__high    uint8, their high bytes

`unpack` turns them back: values within half a step; NaN and +inf are kept.
"""
from __future__ import annotations

import numpy as np

MARKS = {"nan": -32768, "inf": 32767}
LARGEST = 32766


def pack(name: str, x: np.ndarray, step: float) -> dict[str, np.ndarray]:
    """The entries of one array.

    x: (T, ...) floats, |x| <= 32766 steps, or NaN, or +inf.  Raises ValueError beyond that: the step is too small.
    """
    x = np.asarray(x, np.float64)
    whole = np.full(x.shape, MARKS["nan"], np.int64)
    finite = np.isfinite(x)
    whole[finite] = np.rint(x[finite] / step)
    if np.abs(whole[finite]).max(initial=0) > LARGEST or np.isneginf(x).any():
        raise ValueError(f"{name} reaches {np.abs(x[finite]).max():.4g}, but steps of {step:.4g} end at "
                         f"{LARGEST * step:.4g}; take larger ones")
    whole[np.isposinf(x)] = MARKS["inf"]
    change = np.diff(whole, axis=0, prepend=0).astype(np.uint16)            # modulo 65536
    return {f"{name}__step": np.float64(step), f"{name}__low": (change & 255).astype(np.uint8),
            f"{name}__high": (change >> 8).astype(np.uint8)}


def unpack(held: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All arrays of an .npz, packed ones as (T, ...) float32.  Raises KeyError or ValueError where parts do not fit."""
    out = dict(held)
    for name in [k.removesuffix("__step") for k in held if k.endswith("__step")]:
        step, low, high = (out.pop(f"{name}__{part}") for part in ("step", "low", "high"))
        change = low | high.astype(np.uint16) << 8
        whole = np.cumsum(change, axis=0, dtype=np.uint16).view(np.int16)
        x = (whole * float(step)).astype(np.float32)
        x[whole == MARKS["nan"]], x[whole == MARKS["inf"]] = np.nan, np.inf
        out[name] = x
    return out
