"""Conversion between sRGB and linear light."""
from __future__ import annotations

import numpy as np


def linear(rgb) -> np.ndarray:
    """Convert sRGB in [0, 1] to linear light in [0, 1], float32, of the same shape."""
    rgb = np.asarray(rgb, np.float32)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb(light) -> np.ndarray:
    """Convert linear light, clipped to [0, 1], to sRGB in [0, 1], float32, of the same shape."""
    x = np.clip(np.asarray(light, np.float32), 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-6) ** (1 / 2.4) - 0.055).astype(np.float32)
