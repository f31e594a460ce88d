"""Compact storage of curves and pictures in the .npz of a clip: differences of rounded values instead of floats.

A value is rounded to the nearest multiple of a step, and only its difference to the previous frame is stored. Faces
move little from one 25th of a second to the next, so most differences fit a byte, and zip compresses 1 MB to about
100 kB. An array `points` becomes three entries:

    points__step    float64, the size of a step
    points__low     uint8, (T, ...), low bytes of the differences (modulo 65536); frame 0 is relative to 0
    points__high    uint8, (T, ...), their high bytes

`unpack` restores the array: values are exact to half a step; NaN and +inf are kept.
"""
from __future__ import annotations

import numpy as np

MARKS = {"nan": -32768, "inf": 32767}       # numbers of steps that stand for NaN and +inf
LARGEST = 32766                             # largest number of steps of a value


def pack(name: str, x: np.ndarray, step: float) -> dict[str, np.ndarray]:
    """Pack one array into its three entries of an .npz, named after `name`.

    x: (T, ...) floats with |x| <= 32766 steps, NaN or +inf.  Raises ValueError for larger values (a step too small).
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
    return {f"{name}__step": np.array(step, np.float64), f"{name}__low": (change & 255).astype(np.uint8),
            f"{name}__high": (change >> 8).astype(np.uint8)}


def unpack(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Restore the packed arrays of an .npz as (T, ...) float32; the others are returned as they are.

    Raises KeyError or ValueError if the entries of an array do not fit together.
    """
    out = dict(data)
    for name in [k.removesuffix("__step") for k in data if k.endswith("__step")]:
        step, low, high = (out.pop(f"{name}__{part}") for part in ("step", "low", "high"))
        if low.shape != high.shape or {low.dtype, high.dtype} != {np.dtype(np.uint8)} or not low.ndim:
            raise ValueError(f"{name} is {low.shape} {low.dtype} and {high.shape} {high.dtype}, not bytes alike")
        if step.shape or not 0 < float(step) < float("inf"):
            raise ValueError(f"{name} has steps of {step}")
        change = low | high.astype(np.uint16) << 8
        whole = np.cumsum(change, axis=0, dtype=np.uint16).view(np.int16)
        x = (whole * float(step)).astype(np.float32)
        x[whole == MARKS["nan"]], x[whole == MARKS["inf"]] = np.nan, np.inf
        out[name] = x
    return out
