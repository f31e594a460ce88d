"""Fit the head to the landmarks of a whole clip: one identity, then expression and pose of each frame.

A face's shape is constant while it speaks; only its expression changes. So the identity is found from frames all over
the clip together, each with an expression of its own that is eliminated from the normal equations (a Schur complement,
as in bundle adjustment). Afterwards every frame is a pose of six numbers and a bounded ridge regression of 52
coefficients. All frames are solved at once, a few hundred a second on one core. `tfg.head.fit` fits one picture.

Landmarks alone are ambiguous: a smile, a stretch and a dimple move nearly the same of them. A prior decides, as in
Blanz & Vetter 1999: a normal distribution of the 52 coefficients, with mean and covariance over the training actors'
truth, which `tfg train extractor` writes (data/extractor/expression_prior.npz). With a prior of the same width but
without covariances, r on val actors is .50 instead of .60 (mean over 13 coefficients).
"""
from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfg import paths
from tfg.errors import InputError
from tfg.files import atomic
from tfg.head.fit import FACE_OVAL, OUTER_EYES, _first_pose, _rodrigues
from tfg.head.model import CAMERA_M, Head, angles

PIXEL_STD = 0.03
"""Standard deviation of the x and y of a talking face's landmark, in outer-eye distances."""
DEPTH_STD = 0.10
"""Standard deviation of a landmark's depth, which the landmarker only estimates, in outer-eye distances."""
LOOSE_STD = 0.03
"""Standard deviation that is added to the prior's, so that expressions its actors never show stay possible."""
FRAMES = 16
"""Number of frames from which the identity is found."""
PRIOR = "expression_prior.npz"
ROUNDS, STEPS, SWEEPS = 4, 2, 24
"""Alternations of pose and shape; Gauss-Newton steps of a pose; sweeps of coordinate descent in the bounded problem."""


@dataclass
class ClipFit:
    """A head fitted to a clip of T frames. identity: (K,).  expression: (T, 52) in [0, 1].  rotation: (T, 3, 3).
    scale: (T,) px per metre.  shift: (T, 2) px of the point between the eyes.  error: (T,) mean landmark distance as a
    share of the outer-eye distance. Frames whose landmarks are NaN are NaN."""

    identity: np.ndarray
    expression: np.ndarray
    rotation: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    error: np.ndarray

    @property
    def angles(self) -> np.ndarray:
        """Rotation of the head in each frame: (T, 3) yaw, pitch, roll in degrees, NaN in frames without landmarks."""
        return np.array([angles(r) if np.isfinite(r).all() else [np.nan] * 3 for r in self.rotation], np.float32)


@dataclass(frozen=True)
class Prior:
    """Normal distribution of expressions: mean (52,) and covariance (52, 52) of the coefficients."""

    mean: np.ndarray
    covariance: np.ndarray

    @staticmethod
    def of(expression: np.ndarray) -> Prior:
        """The distribution of many frames' coefficients (N, 52)."""
        x = np.asarray(expression, float)
        return Prior(x.mean(0), np.cov(x.T))

    @staticmethod
    def load(path: Path | None = None) -> Prior:
        """Read a file that `save` wrote; None: the shipped one.  Raises InputError if it is missing or damaged."""
        path = path or paths.data("extractor", PRIOR)
        try:
            with np.load(path, allow_pickle=False) as file:
                out = Prior(file["mean"].astype(float), file["covariance"].astype(float))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} is missing or damaged ({type(error).__name__}): reinstall tfg, or make it with "
                             "tfg train extractor --sets SET --out DIR.") from error
        if out.mean.shape != (52,) or out.covariance.shape != (52, 52):
            raise InputError(f"{path} holds a mean of shape {out.mean.shape}, not of the 52 coefficients: make it with "
                             "tfg train extractor --sets SET --out DIR.")
        return out

    def save(self, folder) -> Path:
        """Write the prior to folder/expression_prior.npz; returns its path."""
        with atomic(Path(folder) / PRIOR) as part:
            np.savez_compressed(part, mean=np.float32(self.mean), covariance=np.float32(self.covariance))
        return Path(folder) / PRIOR


def fit_clip(head: Head, points: np.ndarray, *, prior: Prior | None = None, frames: int = FRAMES) -> ClipFit:
    """Fit the head to the landmarks of a clip.

    points: (T, 478, 3) px, x right, y down, z in the same scale and smaller when nearer; frames of NaN are left out.
    prior: of the expression; None: the shipped one.  frames: number of frames, spread over the clip, from which the
    identity is found.  Raises InputError if no frame has landmarks, and if the prior is missing.
    """
    points = np.asarray(points, float)
    seen = np.flatnonzero(np.isfinite(points).all((1, 2)))
    if not len(seen):
        raise InputError(f"none of {len(points)} frames has landmarks to fit the head to; measure a video that shows a "
                         "face from the front.")
    problem = _Problem(head, prior or Prior.load())
    chosen = seen[np.unique(np.linspace(0, len(seen) - 1, frames).round().astype(int))]
    identity = problem.identity(points[chosen])
    expression, state, error = problem.frames(points[seen], identity)
    out = ClipFit(identity.astype(np.float32), *(np.full((len(points), *x.shape[1:]), np.nan, np.float32)
                                                 for x in (expression, *state, error)))
    for name, values in zip(("expression", "rotation", "scale", "shift", "error"), (expression, *state, error)):
        getattr(out, name)[seen] = values
    return out


class _Problem:
    """The head's bases at the landmarks, and the matrices that all frames share."""

    def __init__(self, head: Head, prior: Prior):
        self.precision = np.linalg.inv(prior.covariance + np.eye(52) * LOOSE_STD ** 2)
        self.pull, self.likely = self.precision @ prior.mean, np.clip(prior.mean, 0, 1)
        self.mean = head.at_landmarks(head.mean).astype(float)                              # (N, 3)
        self.id_basis = head.at_landmarks(head.identity).astype(float)                      # (K, N, 3)
        self.ex_basis = head.at_landmarks(head.expression).astype(float)                    # (52, N, 3)
        self.id_std = np.asarray(head.identity_std, float)
        self.weight = np.ones(len(self.mean))
        self.weight[list(FACE_OVAL)] = 0.3
        both = np.concatenate([self.id_basis, self.ex_basis])
        self.flat = both.reshape(len(both), -1)
        weighted = both * self.weight[:, None]
        # normal equations for any orientation: sum over landmarks, one block per pair of axes of the head
        self.gram = np.einsum("ani,bnj->ijab", weighted, both, optimize=True)               # (3, 3, K+52, K+52)

    def identity(self, points: np.ndarray) -> np.ndarray:
        """Identity coefficients (K,) from the landmarks (F, 478, 3) of F frames together."""
        k = len(self.id_basis)
        state, identity = None, np.zeros(k)
        expression = np.tile(self.likely, (len(points), 1))
        for _ in range(ROUNDS):
            shape = self._shape(identity, expression)
            state = self._pose(points, shape, state)
            normal, right = self._normal(points, shape, state, np.arange(len(self.flat)))
            right += np.einsum("fab,fb->fa", normal, np.concatenate(
                [np.tile(identity, (len(points), 1)), expression], 1))      # solve for the values, not for changes
            right[:, k:] += self.pull
            ee = normal[:, k:, k:] + self.precision
            gain = np.linalg.solve(ee, normal[:, k:, :k])                                   # (F, 52, K)
            lhs = (normal[:, :k, :k] - normal[:, :k, k:] @ gain).sum(0) + np.diag(1 / self.id_std ** 2)
            rhs = (right[:, :k] - np.einsum("fek,fe->fk", gain, right[:, k:])).sum(0)
            identity = np.clip(np.linalg.solve(lhs, rhs), -1.5, 1.5)
            expression = _bounded(ee, right[:, k:] - normal[:, k:, :k] @ identity, expression)
        return identity

    def frames(self, points: np.ndarray, identity: np.ndarray):
        """Fit each of T frames: expression (T, 52), pose (rotation, scale, shift) and error (T,)."""
        expression = np.tile(self.likely, (len(points), 1))
        state = self._pose(points, self._shape(identity, expression), None)
        for k in range(ROUNDS):
            shape = self._shape(identity, expression)
            state = self._pose(points, shape, state) if k else state
            normal, right = self._normal(points, shape, state, np.arange(len(identity), len(self.flat)))
            right += np.einsum("fab,fb->fa", normal, expression)
            expression = _bounded(normal + self.precision, right + self.pull, expression)
        shape = self._shape(identity, expression)
        away = np.linalg.norm(_project(shape, *state) - points[..., :2], axis=-1).mean(1)
        return expression, state, away / _span(points)

    def _shape(self, identity, expression) -> np.ndarray:
        """Landmarks (F, N, 3) in metres of an identity (K,) and expressions (F, 52)."""
        rest = self.mean.ravel() + identity @ self.flat[:len(identity)]
        return (rest + expression @ self.flat[len(identity):]).reshape(len(expression), -1, 3)

    def _normal(self, points, shape, state, which):
        """Normal matrices (F, C, C) and right sides (F, C) for changes of the C coefficients `which`.

        Residuals in px are converted to metres at the model's own depth, so that perspective needs no derivative.
        """
        rotation, scale, shift = state
        q = shape @ rotation.transpose(0, 2, 1)
        away = np.empty_like(q)
        back = (1 - q[..., 2:] / CAMERA_M) / scale[:, None, None]
        away[..., :2] = (points[..., :2] - shift[:, None]) * back * [1, -1] - q[..., :2]
        z = -points[..., 2] / scale[:, None]
        away[..., 2] = (z - z.mean(1, keepdims=True)) - (q[..., 2] - q[..., 2].mean(1, keepdims=True))
        unit = _span(points) / scale                                                        # metres, outer eyes
        inverse = np.array([1 / PIXEL_STD, 1 / PIXEL_STD, 1 / DEPTH_STD]) ** 2 / unit[:, None] ** 2
        metric = np.einsum("fki,fk,fkj->fij", rotation, inverse, rotation)                  # in the head's axes
        gram = self.gram[:, :, which[0]:which[-1] + 1, which[0]:which[-1] + 1]
        normal = np.tensordot(metric, gram, ([1, 2], [0, 1]))
        pulled = np.einsum("fki,fk,fnk->fni", rotation, inverse, away) * self.weight[:, None]
        return normal, pulled.reshape(len(points), -1) @ self.flat[which].T

    def _pose(self, points, shape, state):
        """Gauss-Newton on rotation, scale and shift of all frames at once; see `tfg.head.fit`."""
        if state is None:
            first = [_first_pose(s, p) for s, p in zip(shape, points)]
            state = tuple(np.array(x) for x in zip(*first))
        rotation, scale, shift = state
        wx, wz = self.weight / PIXEL_STD ** 2, self.weight / DEPTH_STD ** 2
        for _ in range(STEPS):
            q = shape @ rotation.transpose(0, 2, 1)
            f = scale[:, None] / (1 - q[..., 2] / CAMERA_M)
            xy = np.stack([q[..., 0] * f, -q[..., 1] * f], -1)
            lean = f / (CAMERA_M - q[..., 2])                           # change of px per metre with depth
            zero = np.zeros_like(f)
            x, y, z = q[..., 0], q[..., 1], q[..., 2]
            ax = np.stack([lean * x * y, f * z - lean * x ** 2, -f * y, xy[..., 0], zero + 1, zero], -1)
            ay = np.stack([f * z - lean * y ** 2, lean * x * y, -f * x, xy[..., 1], zero, zero + 1], -1)
            az = np.stack([-y, x, zero, zero, zero, zero], -1) * scale[:, None, None]
            az -= az.mean(1, keepdims=True)
            e = points[..., :2] - xy - shift[:, None]
            deep = points[..., 2] + z * scale[:, None]
            ez = deep - deep.mean(1, keepdims=True)
            lhs, rhs = 0, 0
            for a, error, w in ((ax, e[..., 0], wx), (ay, e[..., 1], wx), (az, ez, wz)):
                aw = a * w[:, None]
                lhs = lhs + aw.transpose(0, 2, 1) @ a
                rhs = rhs + (aw * error[..., None]).sum(1)
            step = np.linalg.solve(lhs, rhs[..., None])[..., 0]
            rotation = np.stack([_rodrigues(k) for k in step[:, :3]]) @ rotation
            scale, shift = scale * np.exp(np.clip(step[:, 3], -0.5, 0.5)), shift + step[:, 4:]
        return rotation, scale, shift


def _span(points) -> np.ndarray:
    """Distance of the outer corners of the eyes in each frame: (F,) px."""
    return np.linalg.norm(points[:, OUTER_EYES[0], :2] - points[:, OUTER_EYES[1], :2], axis=-1)


def _project(shape, rotation, scale, shift) -> np.ndarray:
    """Project points (F, N, 3) metres of each frame by its pose: (F, N, 2) px."""
    q = shape @ rotation.transpose(0, 2, 1)
    f = scale[:, None] / (1 - q[..., 2] / CAMERA_M)
    return np.stack([q[..., 0] * f, -q[..., 1] * f], -1) + shift[:, None]


def _bounded(normal, right, start) -> np.ndarray:
    """Minimise x' N x / 2 - x' r with 0 <= x <= 1 for all frames at once by coordinate descent: (F, C).

    normal: N, (F, C, C).  right: r, (F, C).  start: (F, C).
    """
    x = np.clip(start, 0, 1)
    diagonal = np.einsum("faa->fa", normal)
    gradient = np.einsum("fab,fb->fa", normal, x) - right
    for _ in range(SWEEPS):
        for a in range(x.shape[1]):
            new = np.clip(x[:, a] - gradient[:, a] / diagonal[:, a], 0, 1)
            gradient += normal[:, a] * (new - x[:, a])[:, None]
            x[:, a] = new
    return x


def read_track(track) -> np.ndarray:
    """Expression (T, 52) by the fitted head, the method `fit` of `tfg measure`; coefficients it cannot measure are NaN.

    track: `tfg.faces.measure.Track`.
    """
    from tfg.faces.readers import blind

    out = fit_clip(Head.load(), track.points).expression
    out[:, blind("fit")] = np.nan
    return out
