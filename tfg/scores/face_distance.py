"""Distances between sets of faces: LPIPS and FID, and the same formulas on our own face encoder.

LPIPS and FID are defined with networks that were trained on photographs (AlexNet, Inception), which a machine without
the internet does not have. `face_lpips` and `face_fid` are their formulas on `tfg.experts.encoder.network`'s judge:
their values have another scale and must not be compared with published ones. Hence the other names.
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.metrics.pictures import _frames, _pair

BATCH = 64
FILES = {"lpips": ("alexnet-owt-7be5be79.pth",), "fid": ("weights-inception-2015-12-05-6726825d.pth",)}
"""Files of weights that the packages read from torch.hub's folder; the last 8 digits of a name begin its sha256."""
PACKAGES = {"lpips": ("lpips",), "fid": ("torchmetrics", "torch_fidelity")}


@dataclass(frozen=True)
class Frechet:
    """A Frechet distance, with the number of pictures on each side and the length of their features.

    The estimate is biased upwards, the more the fewer pictures there are: compare only values of equal N.
    """

    value: float
    n_a: int
    n_b: int
    dim: int

    def __str__(self) -> str:
        return f"{self.value:.3g} (N {self.n_a} and {self.n_b}, {self.dim} features)"


def face_lpips(a: np.ndarray, b: np.ndarray, encoder) -> np.ndarray:
    """Distance of each pair of frames on the encoder's maps, (T,), 0 for equal ones; less is better.

    a, b: (T, H, W, 3) or (H, W, 3), uint8 or float in [0, 1], faces cropped alike.  encoder: a `FaceEncoder`, in
    scores the judge's.  The formula of LPIPS without its fitted weights: `tfg.experts.encoder.network.map_distance`.
    """
    import torch

    from tfg.experts.encoder.network import map_distance

    a, b = _pair(a, b)
    out = np.empty(len(a))
    with torch.no_grad():
        for k in range(0, len(a), BATCH):
            maps = (encoder.features(tensor(x[k:k + BATCH], encoder)) for x in (a, b))
            out[k:k + BATCH] = map_distance(*maps).cpu().numpy()
    return out


def face_fid(a: np.ndarray, b: np.ndarray, encoder) -> Frechet:
    """Frechet distance of two sets of faces, on the encoder's pooled features; less is better, 0 for equal sets.

    a, b: (N, H, W, 3), any numbers of frames, or (N, P) features by `pooled`.  Frames need not correspond.
    Raises ValueError if a side has not more pictures than there are features: its covariance would be singular.
    """
    return frechet(*(x if np.ndim(x) == 2 else pooled(x, encoder) for x in (a, b)))


def pooled(frames: np.ndarray, encoder) -> np.ndarray:
    """Features (N, P) of frames (N, H, W, 3) for `frechet`; call it clip by clip where all frames would not fit
    memory."""
    import torch

    frames = np.asarray(frames)
    with torch.no_grad():
        return np.concatenate([encoder(tensor(_frames(frames[k:k + BATCH], "frames"), encoder))["pooled"].cpu().numpy()
                               for k in range(0, len(frames), BATCH)])


def frechet(a: np.ndarray, b: np.ndarray) -> Frechet:
    """Frechet distance |mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) of features (N, P) (Heusel et al. 2017, eq.
    6).

    The trace of the root is the sum of the roots of the eigenvalues of S_a^(1/2) S_b S_a^(1/2), which is symmetric: no
    complex numbers and no failing matrix root. Raises ValueError if N <= P, or numbers are not finite.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be (N, P) of the same P, got {a.shape} and {b.shape}")
    if min(len(a), len(b)) <= a.shape[1]:
        raise ValueError(f"{len(a)} and {len(b)} pictures are too few for {a.shape[1]} features: give more than "
                         f"{a.shape[1]} on each side")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("some features are not finite")
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(cov_a))
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    both = np.sqrt(np.linalg.eigvalsh(root @ np.atleast_2d(cov_b) @ root).clip(0)).sum()
    value = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.atleast_2d(cov_a)) + np.trace(np.atleast_2d(cov_b))
    return Frechet(float(max(value - 2 * both, 0.0)), len(a), len(b), a.shape[1])


def tensor(frames: np.ndarray, encoder):
    """Frames (B, H, W, 3) float in [0, 1] as a tensor (B, 3, H, W) float32 on the encoder's device."""
    import torch

    x = torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2), np.float32))
    return x.to(next(encoder.parameters()).device)


# ---- the published scores, where their networks are installed -------------------------------------------------------
def lpips_available() -> tuple[bool, str]:
    """Whether `lpips` can be computed, and the reason if not."""
    return _available("lpips")


def fid_available() -> tuple[bool, str]:
    """Whether `fid` can be computed, and the reason if not."""
    return _available("fid")


def lpips(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """LPIPS 0.1 on AlexNet by the authors' package, (T,), of frames as `face_lpips`.  Raises InputError where package
    or weights are missing; nothing is downloaded."""
    _need("lpips")
    import torch
    from lpips import LPIPS

    a, b = _pair(a, b)
    with torch.no_grad():
        network = LPIPS(net="alex", verbose=False).eval()
        x, y = (torch.from_numpy(z.transpose(0, 3, 1, 2).astype(np.float32)) for z in (a, b))
        return np.concatenate([network(x[k:k + BATCH], y[k:k + BATCH], normalize=True).flatten().numpy()
                               for k in range(0, len(a), BATCH)])


def fid(a: np.ndarray, b: np.ndarray) -> Frechet:
    """FID on Inception's 2048 numbers, by torchmetrics; b are the true frames.  Raises InputError as `lpips`, and
    ValueError for fewer than 2049 frames on a side."""
    _need("fid")
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    if min(len(a), len(b)) <= 2048:
        raise ValueError(f"{len(a)} and {len(b)} frames are too few for FID's 2048 features: give 2049 or more")
    score = FrechetInceptionDistance(feature=2048, normalize=True)
    for frames, real in ((a, False), (b, True)):
        for k in range(0, len(frames), BATCH):
            part = _frames(frames[k:k + BATCH], "frames").transpose(0, 3, 1, 2)
            score.update(torch.from_numpy(part.astype(np.float32)), real=real)
    return Frechet(float(score.compute()), len(a), len(b), 2048)


def _available(score: str) -> tuple[bool, str]:
    missing = [name for name in PACKAGES[score] if find_spec(name) is None]
    if missing:
        return False, (f"{score.upper()} is not available: what it needs is not installed ({', '.join(missing)}; "
                       "the extra judges brings it)")
    import torch

    for name in FILES[score]:
        path = Path(torch.hub.get_dir(), "checkpoints", name)
        if not path.is_file():
            return False, f"{score.upper()} is not available: its weights are not at {path}"
        if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.stem.split("-")[-1]):
            return False, f"{score.upper()} is not available: {path} is not the file that its name says"
    return True, ""


def _need(score: str) -> None:
    ok, why = _available(score)
    if not ok:
        raise InputError(f"{why}; use face_{score}, under that name.")
