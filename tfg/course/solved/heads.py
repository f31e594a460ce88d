"""Solved exercises of solutions/03_action_units_and_expression.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np

from tfg import vocabulary


def action_unit(expression, name: str):
    """Intensity 0 to 5 of one unit.  expression: (T, 52).  Returns (T,)."""
    return 5 * expression[:, vocabulary.index(name)].mean(1)


def move(mean, basis, amounts):
    """Linear blendshapes.  mean: (V, 3).  basis: (E, V, 3).  amounts: (E,).  Returns (V, 3)."""
    return mean + np.tensordot(amounts, basis, 1)


def project(points, scale, shift, camera_m: float):
    """Perspective.  points: (N, 3) metres, z towards the camera.  Returns (N, 2) pixels, y down."""
    nearer = 1 / (1 - points[:, 2:] / camera_m)                    # (N, 1), > 1 in front of the eyes
    return points[:, :2] * nearer * points.new_tensor([1.0, -1.0]) * scale + shift


def fit_loss(xy, target, eye_px, identity, expression, weight):
    """Squared landmark distance in eye distances, plus the prior.  Returns a scalar tensor."""
    data = ((xy - target) ** 2).sum(1).mean() / eye_px ** 2
    return data + weight * ((identity ** 2).mean() + (expression ** 2).mean())


def emotion_change(expression, neutral):
    """Mean change from neutral.  expression: (T, 52), neutral: (S, 52), NaN where not measured.  Returns (52,)."""
    return np.nanmean(expression, 0) - np.nanmean(neutral, 0)
