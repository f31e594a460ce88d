"""Solved exercises of solutions/14_rhythmic_heads.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np


def rigid_fit(points, face):
    """The pose of points (N, 3) by a face (N, 3): rotation (3, 3), scale and shift (3,)."""
    b, a = points - points.mean(0), face - face.mean(0)
    u, d, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1, 1, np.linalg.det(u @ vt)])
    rotation = (u * sign) @ vt
    scale = (d * sign).sum() / (a ** 2).sum()
    return rotation, scale, points.mean(0) - scale * rotation @ face.mean(0)


def in_pose_of(a, b, fit):
    """The face of a in the pose of b, (68, 3) px.  a, b: (68, 3) px.  fit: points -> rotation, scale, shift."""
    rotation, scale, shift = fit(a)
    face = (a - shift) @ rotation / scale
    rotation, scale, shift = fit(b)
    return scale * face @ rotation.T + shift


def attend(query, keys, maps):
    """Maps of K shots mixed by attention: mixed (E, h, w) and share (K, h, w)."""
    share = ((query * keys).sum(1) / query.shape[0] ** .5).softmax(0)
    return (share[:, None] * maps).sum(0), share


def lay_over(colour, ani, m_ani, ref, m_ref):
    """Paint, over it the render, over both the reference: (B, 3, S, S).  Masks: (B, 1, S, S) in [0, 1]."""
    under = m_ani * ani + (1 - m_ani) * colour
    return m_ref * ref + (1 - m_ref) * under
