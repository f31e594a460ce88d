"""Fine noise of the surroundings, for what was painted: a smooth patch in a grainy film is seen at once.

What counts as grain is what a Gaussian of `SIGMA` px takes away; its level is measured robustly (edges and hairs are
few), where the source is seen. Painted pixels get as much noise as they lack, of the same coarseness. The noise of a
frame is a function of its seed.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

SIGMA = 1.0
MOST = 1.8
"""The largest factor on the fine band of what was moved."""
BANK = 512
"""Side of the noise that is made once, px; each frame takes a piece of it from another place."""


def fine(picture: np.ndarray) -> np.ndarray:
    """What is finer than SIGMA px, float32.  picture: (h, w) or (h, w, 3)."""
    import cv2

    picture = np.asarray(picture, np.float32)
    return picture - cv2.GaussianBlur(picture, (0, 0), SIGMA, borderType=cv2.BORDER_REFLECT_101)


def level(picture: np.ndarray, where: np.ndarray) -> float:
    """Standard deviation of the grain, grey levels of 255: by the median of |fine|.

    picture: (h, w, 3) of 0..255.  where: (h, w) bool, pixels that count; 0 if there are only a few.
    """
    return _typical(fine(picture[..., 1]), where) / .6745


def _typical(band: np.ndarray, where: np.ndarray, of=np.median) -> float:
    """Median, or what `of` says, of |band| where it counts, of every other row and column, which is as good; 0 if few
    count."""
    values = np.abs(band[::2, ::2])[where[::2, ::2]]
    return float(of(values)) if len(values) >= 8 else 0.0


def restored(new: np.ndarray, like: np.ndarray, where: np.ndarray) -> np.ndarray:
    """A moved picture with the contrast of its fine band as it was: sampling between pixels softens it.

    new, like: (h, w, 3) of 0..255, float32 and any.  where: (h, w) bool, pixels to compare in.  Changes `new` by at
    most `MOST`, and never makes it softer.
    """
    band = fine(new)
    now, then = (_typical(x, where, np.mean) for x in (band[..., 1], fine(like[..., 1])))    # hairs count, too
    if 1e-3 < now < then:
        new += np.float32(min(then / now, MOST) - 1) * band
    return new


def noise(shape: tuple[int, int], seed: int) -> np.ndarray:
    """(h, w) float32 of the deviation 1 in the band that `level` measures, the same for the same seed."""
    y, x = np.random.default_rng(seed).integers(0, BANK, 2)
    bank = _bank()
    rows, columns = (np.arange(n) + at for n, at in zip(shape, (y, x)))
    return bank.take(rows, 0, mode="wrap").take(columns, 1, mode="wrap")


@lru_cache(maxsize=1)
def _bank() -> np.ndarray:
    """White noise, softened as cameras and codecs soften theirs, of the deviation 1 in the fine band."""
    import cv2

    white = np.random.default_rng(0).standard_normal((BANK, BANK)).astype(np.float32)
    soft = cv2.GaussianBlur(white, (0, 0), .6, borderType=cv2.BORDER_REFLECT_101)
    band = soft - cv2.GaussianBlur(soft, (0, 0), SIGMA, borderType=cv2.BORDER_REFLECT_101)
    return soft / (np.median(np.abs(band)) / .6745)
