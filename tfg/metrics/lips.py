"""Where landmarks are, and whether lips open when they should. All from *measured* points of the pictures compared."""
from __future__ import annotations

import numpy as np

from tfg.faces.geometry import eye_distance, lip_gap
from tfg.faces.points68 import GROUPS, to_68


def landmark_distance(a: np.ndarray, b: np.ndarray, part: str = "mouth") -> np.ndarray:
    """(T,) mean distance of landmarks in units of b's outer-eye distance: LMD, normalised (Chen et al. 2018).

    a, b: (T, 478, 2 or 3) px of the same crop; b is the true one.  part: "mouth" (20 of the 68 points), "face" (all
    68), or another group of `points68.GROUPS`.  NaN where a face was not measured.
    """
    a, b = np.asarray(a, float)[..., :2], np.asarray(b, float)[..., :2]
    if a.shape != b.shape or a.ndim != 3 or a.shape[1] != 478:
        raise ValueError(f"both must be (T, 478, 2 or 3) of the same length, got {a.shape} and {b.shape}")
    if part != "face" and part not in GROUPS:
        raise ValueError(f"part must be face or one of {', '.join(GROUPS)}, got {part!r}")
    which = list(GROUPS[part]) if part != "face" else list(range(68))
    out = np.full(len(a), np.nan)
    for t in np.flatnonzero(np.isfinite(a).all((1, 2)) & np.isfinite(b).all((1, 2))):
        away = np.linalg.norm(to_68(a[t])[which, :2] - to_68(b[t])[which, :2], axis=1)
        out[t] = away.mean() / eye_distance(b[t])
    return out


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two curves over the frames where both are measured, the longer one cut at its end.

    NaN with fewer than three such frames, or where one of them does not move.
    """
    n = min(len(a), len(b))
    a, b = np.asarray(a, float)[:n], np.asarray(b, float)[:n]
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3 or a[both].std() < 1e-9 or b[both].std() < 1e-9:
        return float("nan")
    return float(np.corrcoef(a[both], b[both])[0, 1])


def aperture_r(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of the inner-lip gaps (over the outer-eye distance) of two clips' landmarks (T, 478, 2 or 3).

    No shift is searched for: lips that are late score lower, as they should.
    """
    return correlation(lip_gap(a), lip_gap(b))
