"""Fit the head to face landmarks: pose, identity and expression, by alternating small least-squares problems.

Given the shape, the pose is a seven-number problem (rotation, scale, shift); given the pose, the picture is linear in
the coefficients up to perspective, so identity and expression are one ridge regression, their priors the ridge
(Blanz & Vetter 2003, with landmarks only; expression bounds by an active set).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg import cancel
from tfg.head.model import CAMERA_M, Head, angles, project

FACE_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176,
             149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
"""Landmarks of the face's outline. They follow the silhouette, not a fixed point of the skin, and so weigh less."""
OUTER_EYES = (33, 263)      # landmarks of the outer corners of the eyes; their distance is the unit of errors
PIXEL_STD = 0.008           # standard deviation of a landmark's x and y, in outer-eye distances
DEPTH_STD = 0.10            # standard deviation of a landmark's depth, which is only estimated, in the same unit
EXPRESSION_STD = 0.12       # of the coefficients around the landmarker's, so that a smile is not taken for a shape


@dataclass
class HeadFit:
    """A head fitted to a photo. rotation: (3, 3).  scale: px per metre.  shift: (2,) px of the point between the eyes.
    identity: (K,).  expression: (52,).  error: mean distance of the photo's landmarks from the fitted head's, as a
    share of the outer-eye distance."""

    rotation: np.ndarray
    scale: float
    shift: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    error: float

    @property
    def pose(self) -> tuple[float, float, float]:
        """Rotation of the head as (yaw, pitch, roll) in degrees."""
        yaw, pitch, roll = map(float, angles(self.rotation))
        return yaw, pitch, roll

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project head points (N, 3) metres to pixels (N, 2) of the fitted picture."""
        return project(points, self.rotation, self.scale, self.shift)[0]


def fit_landmarks(head: Head, points: np.ndarray, *, expression_prior: np.ndarray | None = None,
                  use: np.ndarray | None = None, rounds: int = 12) -> HeadFit:
    """Fit the head to 478 landmarks.

    points: (478, 3) pixels, x right, y down, z in the same scale and smaller when nearer.
    expression_prior: (52,) mean of the expression's prior, a landmarker's blendshapes; NaN counts as 0.
    use: (478,) bool, landmarks to fit (default all); the others do not influence the result.
    rounds: number of alternations between pose and shape.
    """
    use = np.ones(len(points), bool) if use is None else np.asarray(use, bool)
    span = np.linalg.norm(points[OUTER_EYES[0], :2] - points[OUTER_EYES[1], :2])
    weight = np.ones(len(points))
    weight[list(FACE_OVAL)] = 0.3
    tri, w = head.landmark_triangles[use], head.landmark_weights[use]
    target, weight = np.asarray(points, float)[use], weight[use]
    pick = lambda x: np.einsum("...nkc,nk->...nc", x[..., tri, :], w)              # noqa: E731
    mean, id_basis, ex_basis = pick(head.mean).astype(float), pick(head.identity), pick(head.expression)
    basis = np.concatenate([id_basis, ex_basis]).astype(float)                      # (K + 52, N, 3)
    n_id = len(id_basis)
    prior = np.zeros(len(basis))
    if expression_prior is not None:
        prior[n_id:] = np.clip(np.nan_to_num(expression_prior), 0, 1)
    std = np.concatenate([head.identity_std, np.full(len(ex_basis), EXPRESSION_STD)])
    coef = prior.copy()
    state = _first_pose(mean, target)
    for _ in range(rounds):
        cancel.point()
        shape = mean + np.tensordot(coef, basis, 1)
        state = _fit_pose(shape, target, weight, span, state)
        coef = _fit_shape(mean, basis, target, weight, span, state, prior, std, n_id)
    r, scale, shift = state
    fit = HeadFit(r.astype(np.float32), float(scale), shift.astype(np.float32), coef[:n_id].astype(np.float32),
                  coef[n_id:].astype(np.float32), 0.0)
    every = head.landmark_points(fit.identity, fit.expression)
    fit.error = float(np.linalg.norm(fit.project(every) - points[:, :2], axis=1).mean() / span)
    return fit


def _first_pose(mean, target):
    """First pose (rotation, scale, shift) in closed form: the similarity between mean (N, 3) metres and target (N, 3)
    px, depth included, without perspective (Umeyama 1991)."""
    a = mean - mean.mean(0)
    b = target * [1, -1, -1]
    b = b - b.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    d = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    r = (u * d) @ vt
    scale = (s * d).sum() / (a ** 2).sum()
    shift = target[:, :2].mean(0) - scale * ((mean.mean(0) @ r.T)[:2] * [1, -1])
    return r, scale, shift


def _rodrigues(k):
    """Rotation matrix (3, 3) of a rotation vector k (3,) in radians (Rodrigues' formula)."""
    angle = np.linalg.norm(k)
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = k / angle
    m = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * m + (1 - np.cos(angle)) * m @ m


def _jacobian(q, scale):
    """Derivative of the projection at camera points q (N, 3): (N, 2, 3), px per metre."""
    f = 1 / (1 - q[:, 2] / CAMERA_M)
    j = np.zeros((len(q), 2, 3))
    j[:, 0, 0], j[:, 0, 2] = f, q[:, 0] * f ** 2 / CAMERA_M
    j[:, 1, 1], j[:, 1, 2] = -f, -q[:, 1] * f ** 2 / CAMERA_M
    return j * scale


def _fit_pose(shape, target, weight, span, state, steps=3):
    """Improve the pose `state` = (rotation, scale, shift) of points shape (N, 3) by Gauss-Newton steps."""
    r, scale, shift = state
    for _ in range(steps):                                                          # Gauss-Newton
        q = shape @ r.T
        xy, _ = project(shape, r, scale, shift)
        j = _jacobian(q, scale)
        skew = np.zeros((len(q), 3, 3))                                             # d q / d rotation vector
        skew[:, 0, 1], skew[:, 0, 2], skew[:, 1, 2] = q[:, 2], -q[:, 1], q[:, 0]
        skew -= skew.transpose(0, 2, 1)
        a = np.concatenate([j @ skew, (xy - shift)[:, :, None], np.tile(np.eye(2), (len(q), 1, 1))], 2)
        z, tz = -q[:, 2] * scale, target[:, 2]
        az = np.zeros((len(q), 6))
        az[:, :3] = -skew[:, 2] * scale
        az = az - az.mean(0)
        ez = (tz - tz.mean()) - (z - z.mean())
        wx, wz = np.sqrt(weight) / (PIXEL_STD * span), np.sqrt(weight) / (DEPTH_STD * span)
        lhs = np.concatenate([(a * wx[:, None, None]).reshape(-1, 6), az * wz[:, None]])
        rhs = np.concatenate([((target[:, :2] - xy) * wx[:, None]).ravel(), ez * wz])
        step = np.linalg.lstsq(lhs, rhs, rcond=None)[0]
        r = _rodrigues(step[:3]) @ r
        scale, shift = scale * np.exp(np.clip(step[3], -0.5, 0.5)), shift + step[4:]
    return r, scale, shift


def _fit_shape(mean, basis, target, weight, span, state, prior, std, n_id):
    """Coefficients (K + 52,) at a given pose, by ridge regression with bounds; the first n_id are the identity."""
    r, scale, shift = state
    q = mean @ r.T
    q = q + np.tensordot(prior, basis, 1) @ r.T
    xy = np.stack([q[:, 0], -q[:, 1]], 1) / (1 - q[:, 2:] / CAMERA_M) * scale + shift
    j = _jacobian(q, scale) @ r                                                     # (N, 2, 3) per metre of the head
    a = np.einsum("nij,knj->nik", j, basis)                                         # (N, 2, K + 52)
    az = -np.einsum("knj,j->nk", basis, r[2]) * scale
    az = az - az.mean(0)
    z = -q[:, 2] * scale
    ez = (target[:, 2] - target[:, 2].mean()) - (z - z.mean())
    wx, wz = np.sqrt(weight) / (PIXEL_STD * span), np.sqrt(weight) / (DEPTH_STD * span)
    lhs = np.concatenate([(a * wx[:, None, None]).reshape(-1, a.shape[2]), az * wz[:, None]])
    rhs = np.concatenate([((target[:, :2] - xy) * wx[:, None]).ravel(), ez * wz])
    normal, right = lhs.T @ lhs + np.diag(1 / std ** 2), lhs.T @ rhs               # unknown: coef - prior
    low = np.concatenate([np.full(n_id, -1.5), -prior[n_id:]])
    high = np.concatenate([np.full(n_id, 1.5), 1 - prior[n_id:]])
    fixed = np.zeros(len(std), bool)
    x = np.zeros(len(std))
    for _ in range(8):                                                              # bounds by an active set
        free = ~fixed
        x[free] = np.linalg.solve(normal[np.ix_(free, free)], right[free] - normal[np.ix_(free, fixed)] @ x[fixed])
        out = free & ((x < low) | (x > high))
        if not out.any():
            break
        x = np.clip(x, low, high)
        fixed |= out
    return prior + np.clip(x, low, high)
