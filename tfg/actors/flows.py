"""True flow between two frames of an actor, in the crops that networks see."""
from __future__ import annotations

import numpy as np

from tfg.faces import align


def crop_flow(flow: np.ndarray, here: np.ndarray, there: np.ndarray, size: int) -> np.ndarray:
    """Flow between two frames -> between their crops.

    flow: (h, w, 2) px, from a frame to its source.  here, there: (2, 3), frame to crop, of the two.  size: side S, px.
    Returns (S / 2, S / 2, 2) float16, half sides of the crop; NaN where it is not known.
    """
    h, w = flow.shape[:2]
    at = np.stack(np.meshgrid(np.arange(w), np.arange(h)), -1).astype(float)
    moved = align.transform(at + flow, there) - align.transform(at, here)              # (h, w, 2) px of the crop
    fine = align.warp(moved.astype(np.float32), here, size)
    known = align.warp(np.isfinite(flow[..., 0]).astype(np.float32), here, size) > .999
    fine[~known] = np.nan
    return (fine.reshape(size // 2, 2, size // 2, 2, 2).mean((1, 3)) * (2 / size)).astype(np.float16)
