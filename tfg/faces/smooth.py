"""Smoothing over time: the One-Euro filter for live use, and filters without delay for whole recordings."""
from __future__ import annotations

import numpy as np


def fill_gaps(values: np.ndarray) -> np.ndarray:
    """Fill NaN in values (T, ...) by linear interpolation in time, and by the nearest value at the ends. Same shape."""
    values = np.asarray(values, float)
    flat = values.reshape(len(values), -1).copy()
    t = np.arange(len(flat))
    for column in flat.T:
        seen = np.isfinite(column)
        if seen.any() and not seen.all():
            column[~seen] = np.interp(t[~seen], t[seen], column[seen])
    return flat.reshape(values.shape)


def one_euro(values: np.ndarray, fps: float = 25.0, *, min_cutoff_hz: float = 1.0, beta: float = 0.05,
             speed_cutoff_hz: float = 1.0) -> np.ndarray:
    """Low-pass filter whose cut-off rises with speed: still points stop trembling, fast ones are hardly delayed.

    values: (T, ...), each filtered by itself; after a gap (NaN) the filter starts anew.  min_cutoff_hz: cut-off at
    rest; a lower one smooths more.  beta: Hz of cut-off added per unit/s of speed, in the units of `values` (0.05 suits
    pixels of a face about 200 px wide; multiply by the eye distance for normalised points).  speed_cutoff_hz: cut-off
    for the speed itself.  Returns float32 of the same shape.
    The filter is causal, and so delays a little: for recordings use `smooth_points`.  Casiez, Roussel & Vogel 2012,
    algorithms 1-2.
    """
    def gain(cutoff_hz):
        return 1 / (1 + fps / (2 * np.pi * cutoff_hz))                 # alpha of an exponential filter, eq. 6

    values = np.asarray(values, float)
    out = values.copy()
    speed = np.zeros(values.shape[1:])
    for t in range(1, len(values)):
        fresh = ~np.isfinite(out[t - 1])
        step = np.where(fresh, 0, (values[t] - out[t - 1]) * fps)
        speed = np.where(fresh, 0, speed + gain(speed_cutoff_hz) * (np.nan_to_num(step) - speed))
        moved = out[t - 1] + gain(min_cutoff_hz + beta * np.abs(speed)) * (values[t] - out[t - 1])
        out[t] = np.where(fresh, values[t], moved)
    return out.astype(np.float32)


def smooth_points(values: np.ndarray, window: int = 5, *, method: str = "savgol", fps: float = 25.0) -> np.ndarray:
    """Smooth values (T, ...) without delay: float32 of the same shape. Missing values (NaN) stay missing.

    method: "savgol" fits a parabola to each window of `window` frames (odd, >= 3), which keeps the height of short
    closures (Savitzky & Golay 1964); "one_euro" averages `one_euro` run forwards and backwards, so that delays cancel.
    A window of 1 or less leaves the values as they are.  Raises ValueError for another method.
    """
    values = np.asarray(values, float)
    if window <= 1 or len(values) < 3:
        return values.astype(np.float32)
    filled = np.nan_to_num(fill_gaps(values))            # columns without any measured value become 0 meanwhile
    if method == "one_euro":
        out = (one_euro(filled, fps) + one_euro(filled[::-1], fps)[::-1]) / 2
    elif method == "savgol":
        from scipy.signal import savgol_filter
        window = min(window | 1, len(values) if len(values) % 2 else len(values) - 1)
        out = savgol_filter(filled, window, 2, axis=0) if window > 2 else filled
    else:
        raise ValueError(f"unknown method {method!r}: savgol or one_euro")
    return np.where(np.isfinite(values), out, np.nan).astype(np.float32)
