"""Random numbers that are a function of (seed, epoch, index) and of nothing else, for many indices at once.

A generator object per window would be the usual way; making one takes longer (20 us) than reading the window. These
numbers come from a counter: SplitMix64's mixing function (Steele, Lea & Flood 2014, OOPSLA) over seed, epoch, stream
and index. So whoever asks for the same window, in whatever process, batch or order, gets the same draws.
"""
from __future__ import annotations

import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def _mix(z: np.ndarray) -> np.ndarray:
    """One round of SplitMix64: every bit of the input changes half of the output's."""
    z = z + np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def bits(seed: int, epoch: int, stream: int, index) -> np.ndarray:
    """64 random bits for each index: uint64 in index's shape.  stream: number of the use, each with draws of its
    own."""
    z = np.zeros(1, np.uint64)                                  # an array, for arrays wrap around without a warning
    for part in (seed, epoch, stream):
        z = _mix(z ^ np.uint64(int(part) & _MASK))
    return _mix(_mix(z ^ np.asarray(index).astype(np.uint64)))


def uniform(seed: int, epoch: int, stream: int, index) -> np.ndarray:
    """A uniform number in [0, 1) for each index, float64.  Arguments as `bits`."""
    return (bits(seed, epoch, stream, index) >> np.uint64(11)) * 2.0**-53


def whole(seed: int, epoch: int, stream: int, index, n) -> np.ndarray:
    """A whole number in [0, n) for each index, int64.  n: positive, broadcasts with index.  Others as `bits`."""
    return np.floor(uniform(seed, epoch, stream, index) * n).astype(np.int64)
