"""Comparisons of numbers that `likely` and `shapes` share."""
from __future__ import annotations

import numpy as np

RTOL = 2e-4
"""Relative tolerance of a comparison; far smaller than any factor that has a name."""


def values(x) -> np.ndarray | None:
    if hasattr(x, "detach"):
        x = x.detach().numpy()
    return x.astype(float) if isinstance(x, np.ndarray) and x.dtype.kind in "biuf" else None


def finite(x) -> bool:
    return bool(np.isfinite(x).all())


def alike(a, b) -> bool:
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return False
    scale = np.abs(b[np.isfinite(b)]).max(initial=0)
    return bool(np.allclose(a, b, rtol=RTOL, atol=1e-6 * scale + 1e-12, equal_nan=True))
