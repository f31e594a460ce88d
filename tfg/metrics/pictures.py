"""Similarity of two pictures: PSNR and SSIM on float images, per frame."""
from __future__ import annotations

import numpy as np


def _frames(x: np.ndarray, name: str) -> np.ndarray:
    """Pictures as (T, H, W, 3) float64 in [0, 1]; uint8 is scaled first, as squares of uint8 wrap around at 256."""
    x = np.asarray(x)
    if x.ndim == 3:
        x = x[None]
    if x.ndim != 4 or x.shape[-1] != 3:
        raise ValueError(f"{name} must be (T, H, W, 3), got {x.shape}")
    if x.dtype == np.uint8:
        return x / 255.0
    if not np.issubdtype(x.dtype, np.floating) or x.min() < -1e-6 or x.max() > 1 + 1e-6:
        raise ValueError(f"{name} must be uint8, or float in [0, 1]; got {x.dtype} from {x.min()} to {x.max()}")
    return x.astype(np.float64)


def _pair(a, b):
    a, b = _frames(a, "a"), _frames(b, "b")
    if a.shape != b.shape:
        raise ValueError(f"pictures of different shapes cannot be compared: {a.shape} and {b.shape}")
    return a, b


def psnr(a: np.ndarray, b: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame, (T,) dB: 10 log10(1 / mean squared error); inf where both are equal.

    a, b: (T, H, W, 3) or (H, W, 3), uint8 or float in [0, 1], of the same crop and size.  weight: (H, W), weight of
    each pixel; None: all equal.
    """
    a, b = _pair(a, b)
    error = ((a - b) ** 2).mean(3)
    with np.errstate(divide="ignore"):
        return -10 * np.log10(_weighted(error, weight))


def ssim(a: np.ndarray, b: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Structural similarity of each frame, (T,) up to 1: mean of the colours, Gaussian window of 11 px (Wang et al.
    2004).

    a, b: as `psnr`; frames of at least 11 x 11 px.  weight: (H, W), weight of the window around each pixel.
    Windows that reach beyond the frame are left out.
    """
    return pooled_ssim(ssim_maps(a, b), weight)


def ssim_maps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity of the window around each pixel, (T, H - 10, W - 10); see `ssim`. The numbers are
    scikit-image's (tested), in less time where pictures are small."""
    import cv2

    a, b = _pair(a, b)
    if min(a.shape[1:3]) < 11:
        raise ValueError(f"SSIM needs windows of 11 px, but the frames are {a.shape[2]} x {a.shape[1]}")

    def local(x):
        return cv2.GaussianBlur(x, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT)[5:-5, 5:-5]

    out = np.empty((len(a), a.shape[1] - 10, a.shape[2] - 10))
    for t, (x, y) in enumerate(zip(a, b)):
        mx, my = local(x), local(y)
        xy, power = mx * my, mx * mx + my * my                      # products of the means
        both, each = local(x * y) - xy, local(x * x + y * y) - power         # covariance, sum of variances
        out[t] = ((2 * xy + 1e-4) * (2 * both + 9e-4) / ((power + 1e-4) * (each + 9e-4))).mean(2)
    return out


def pooled_ssim(maps: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Weighted means of `ssim_maps`, (T,); one set of maps serves several weights (H, W)."""
    return _weighted(maps, None if weight is None else np.asarray(weight)[5:-5, 5:-5])


def _weighted(values: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Weighted means of values (T, H, W) over each frame, (T,)."""
    if weight is None:
        return values.mean((1, 2))
    weight = np.asarray(weight, float)
    if weight.shape != values.shape[1:] or weight.min(initial=0) < 0 or not weight.sum() > 0:
        raise ValueError(f"weights must be {values.shape[1:]}, none negative and some positive, got {weight.shape}")
    return (values * weight).sum((1, 2)) / weight.sum()
