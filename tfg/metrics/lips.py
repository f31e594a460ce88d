"""Scores of landmark positions and of the opening of lips, from *measured* points of the compared pictures."""
from __future__ import annotations

import numpy as np

from tfg.faces.geometry import lip_gap
from tfg.faces.points68 import GROUPS, to_68

OUTER_EYES = 36, 45
"""Outer corners of the eyes among the 68 points; MediaPipe's 33 and 263."""


def landmark_distance(a: np.ndarray, b: np.ndarray, part: str = "mouth") -> np.ndarray:
    """Mean distance of landmarks in units of b's outer-eye distance, (T,): LMD, normalised (Chen et al. 2018).

    a, b: (T, 478, 2 or 3) px of the same crop, or (T, 68, 2) of `all_68`; b is the true one.  part: "mouth" (20 of the
    68 points), "face" (all 68), or another group of `points68.GROUPS`.  NaN where a face was not measured.
    """
    a, b = np.asarray(a, float)[..., :2], np.asarray(b, float)[..., :2]
    if a.shape != b.shape or a.ndim != 3 or a.shape[1] not in (68, 478):
        raise ValueError(f"both must be (T, 478, 2 or 3) of the same length, got {a.shape} and {b.shape}")
    a, b = (x if x.shape[1] == 68 else all_68(x) for x in (a, b))
    if part != "face" and part not in GROUPS:
        raise ValueError(f"part must be face or one of {', '.join(GROUPS)}, got {part!r}")
    which = list(GROUPS[part]) if part != "face" else list(range(68))
    out = np.full(len(a), np.nan)
    for t in np.flatnonzero(np.isfinite(a).all((1, 2)) & np.isfinite(b).all((1, 2))):
        away = np.linalg.norm(a[t, which] - b[t, which], axis=1)
        out[t] = away.mean() / np.linalg.norm(b[t, OUTER_EYES[0]] - b[t, OUTER_EYES[1]])
    return out


def all_68(points: np.ndarray) -> np.ndarray:
    """The 68 points (T, 68, 2) of MediaPipe's 478 (T, 478, 2 or more); NaN where a face was not measured."""
    out = np.full((len(points), 68, 2), np.nan)
    for t in np.flatnonzero(np.isfinite(points).all((1, 2))):
        out[t] = to_68(points[t])
    return out


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two curves over the frames where both are measured, the longer one cut at its end.

    NaN with fewer than three such frames, or where one of the curves is constant.
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
