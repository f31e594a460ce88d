"""Distances between landmarks, in units of the distance of the outer eye corners, and a person's neutral expression."""
from __future__ import annotations

import numpy as np

_INNER_LIPS = ((82, 87), (13, 14), (312, 317))                  # upper, lower: right of the middle, middle, left
_LIDS = {"right": ((160, 144), (159, 145), (158, 153)), "left": ((387, 373), (386, 374), (385, 380))}
_BROWS = {"right": (70, 63, 105, 66, 107), "left": (336, 296, 334, 293, 300)}
_SIDES = ("left", "right")


def _distance(points, a: int, b: int) -> np.ndarray:
    """Distance in px of landmarks a and b of points (..., 478, 2 or 3): (...)."""
    points = np.asarray(points)
    return np.linalg.norm(points[..., a, :2] - points[..., b, :2], axis=-1)


def _sides(side: str | None) -> tuple[str, ...]:
    """The sides to average: both for None, else the given one."""
    if side not in (None, *_SIDES):
        raise ValueError(f"side must be None (the mean), 'left' or 'right' (the person's own), got {side!r}")
    return (side,) if side else _SIDES


def eye_distance(points: np.ndarray) -> np.ndarray:
    """Distance of the outer eye corners in px, the unit of the other distances. points: (..., 478, 2 or 3).
    Returns (...)."""
    return _distance(points, 33, 263)


def lip_gap(points: np.ndarray) -> np.ndarray:
    """Opening between the inner lips, mean of three places, in eye distances: 0 closed, about 0.4 wide open."""
    return np.mean([_distance(points, a, b) for a, b in _INNER_LIPS], 0) / eye_distance(points)


def mouth_width(points: np.ndarray) -> np.ndarray:
    """Distance between the corners of the mouth, in eye distances: about 0.5 at rest, less when rounded."""
    return _distance(points, 61, 291) / eye_distance(points)


def eye_aperture(points: np.ndarray, side: str | None = None) -> np.ndarray:
    """Opening between the lids, in eye distances: about 0.1 open, 0.03 closed. side: None is the mean."""
    gaps = [np.mean([_distance(points, a, b) for a, b in _LIDS[s]], 0) for s in _sides(side)]
    return np.mean(gaps, 0) / eye_distance(points)


def brow_height(points: np.ndarray, side: str | None = None) -> np.ndarray:
    """Height of the brows over the line through the outer eye corners, across that line, in eye distances."""
    xy = np.asarray(points)[..., :2]
    line = xy[..., 263, :] - xy[..., 33, :]
    up = np.stack([line[..., 1], -line[..., 0]], -1) / np.linalg.norm(line, axis=-1)[..., None]   # y points down
    heights = [((xy[..., list(_BROWS[s]), :].mean(-2) - xy[..., 33, :]) * up).sum(-1) for s in _sides(side)]
    return np.mean(heights, 0) / eye_distance(points)


def person_neutral(expression: np.ndarray, quantile: float = 0.1) -> np.ndarray:
    """Estimate of the coefficients measured on this person at rest: a low quantile of each over a recording.

    expression: (T, 52), NaN allowed.  Returns (52,) float32; a coefficient that was never measured is NaN.
    """
    expression = np.asarray(expression, float)
    seen = np.isfinite(expression).any(0)
    out = np.full(expression.shape[1], np.nan)
    out[seen] = np.nanquantile(expression[:, seen], quantile, axis=0)
    return out.astype(np.float32)


def rest_of(motion) -> np.ndarray:
    """Coefficients of the face at rest in a motion's expression: (52,) float32 in [0, .95].

    A measured motion (meta: measured) is absolute: its `person_neutral` is returned, with 0 for coefficients that were
    never measured. Any other motion is relative to rest already: zeros are returned.
    """
    if not len(motion) or not motion.meta.get("measured"):
        return np.zeros(motion.expression.shape[1], np.float32)
    return np.clip(np.nan_to_num(person_neutral(motion.expression)), 0, .95)


def subtract_neutral(expression: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Rescale coefficients (..., 52) so that the person's neutral (52,) becomes 0 and the full action stays 1.

    A coefficient whose neutral is NaN is not changed.  Returns float32 in [0, 1].
    """
    rest = np.clip(np.nan_to_num(np.asarray(neutral, float)), 0, 0.95)
    return np.clip((np.asarray(expression, float) - rest) / (1 - rest), 0, 1).astype(np.float32)
