"""Sound against picture: SyncNet's distances over shifts (Chung & Zisserman 2016; LSE: Prajwal et al. 2020, 4.2).

Both scores compare embeddings v_i of picture windows with a_j of sound windows, stride 1. D(s) is the mean distance of
v_i to a_(i + s). The embeddings come from a judge, a network that no system was trained with; these functions work with
any.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_SHIFT = 15


@dataclass(frozen=True)
class Sync:
    """Sync scores of a clip.  lse_d: min D, less is better.  lse_c: median D - min D, more is better.  offset: argmin D
    in frames; positive means that the sound is late: frame i fits the sound of frame i + offset.  windows: their
    number.
    """

    lse_d: float
    lse_c: float
    offset: int
    windows: int


def sync_curve(picture: np.ndarray, sound: np.ndarray, max_shift: int = MAX_SHIFT) -> np.ndarray:
    """Mean distance D(s) at each shift s in -max_shift..max_shift frames: (2 max_shift + 1,).

    picture, sound: (N, E) embeddings of the same windows.  Windows whose partner lies outside the clip are left out of
    that shift's mean; zeros in their place would lower LSE-C on short clips.  NaN where no window is left.
    """
    picture, sound = np.asarray(picture, float), np.asarray(sound, float)
    if picture.ndim != 2 or picture.shape != sound.shape:
        raise ValueError(f"embeddings must be (N, E) and as many of each, got {picture.shape} and {sound.shape}")
    n, out = len(picture), np.full(2 * max_shift + 1, np.nan)
    for k, s in enumerate(range(-max_shift, max_shift + 1)):
        first, last = max(0, -s), min(n, n - s)
        if last > first:
            out[k] = np.linalg.norm(picture[first:last] - sound[first + s:last + s], axis=1).mean()
    return out


def sync_scores(picture: np.ndarray, sound: np.ndarray, max_shift: int = MAX_SHIFT) -> Sync:
    """LSE-D, LSE-C and the offset of a clip; see `sync_curve`. The smallest over shifts hides a constant lag: read the
    offset, too. Raises ValueError if the clip has no window."""
    curve = sync_curve(picture, sound, max_shift)
    if not np.isfinite(curve).any():
        raise ValueError("the clip is shorter than one window: there is nothing to compare")
    best = int(np.nanargmin(curve))
    return Sync(float(curve[best]), float(np.nanmedian(curve) - curve[best]), best - max_shift, len(picture))
