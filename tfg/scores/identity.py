"""CSIM, the similarity of two pictures' persons: the cosine of their identity vectors.

    judge = identity_judge()
    score = csim(judge.embed(dubbed, dubbed_points), judge.embed(original, original_points))
    print(judge.name)                       # "CSIM (dlib)", or "face-CSIM" where dlib is not installed

Published CSIM uses ArcFace. Here it is dlib's network of 128 numbers (the extra `judges`; King 2017), else the judge's
own encoder under another name. Cosines of different judges have different scales, and dlib's vectors all have similar
directions (on virtual actors one person has .97 and more, two people .79 to .92): compare scores with these.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.metrics.pictures import _frames

CHIP = 150
"""Side in px of the aligned picture that dlib's network was trained on."""
WEIGHTS = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"


@dataclass(frozen=True)
class IdentityJudge:
    """A network that describes persons.  name: the score's, with the network.  embed(frames, points): frames (T, H, W,
    3) of a face, uint8 or float in [0, 1], and their landmarks (T, 478, 2 or 3) px or None, to (T, E); rows of NaN
    where there is no face."""

    name: str
    embed: Callable[..., np.ndarray]


def csim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each of a (T, E) with the person b (N, E), (T,): with the mean of b's unit vectors, so that neither
    frames nor expressions need to correspond. 1 is the same vector; NaN where a has none.

    Raises ValueError if b has no frame with a face.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"identities must be (T, E) and (N, E), got {a.shape} and {b.shape}")
    b = b[np.isfinite(b).all(1)]
    if not len(b):
        raise ValueError("none of the frames to compare with shows a face")
    person = (b / np.linalg.norm(b, axis=1, keepdims=True)).mean(0)
    return a @ person / (np.linalg.norm(a, axis=1) * np.linalg.norm(person))


def identity_judge(kind: str = "auto", encoder=None) -> IdentityJudge:
    """Make a judge.  kind: "dlib", "encoder", or "auto": dlib where it is installed.  encoder: a `FaceEncoder`, None
    for the shipped judge.  Raises InputError: unknown kind, dlib asked for and not there, no trained judge.
    """
    if kind not in ("auto", "dlib", "encoder"):
        raise InputError(f"there is no identity judge {kind!r}: take auto, dlib or encoder.")
    ok, why = dlib_available()
    if kind == "dlib" and not ok:
        raise InputError(f"{why}; install it, or take the judge 'encoder'.")
    if kind != "encoder" and ok:
        return IdentityJudge("CSIM (dlib)", embed_dlib)
    if encoder is None:
        from tfg.experts.encoder.network import load_encoder

        encoder = load_encoder(judge=True)[0]
    return IdentityJudge("face-CSIM", functools.partial(_embed_encoder, encoder))


def dlib_available() -> tuple[bool, str]:
    """Whether dlib and its weights are installed, and the reason if not."""
    missing = [pip for name, pip in (("dlib", "dlib-bin"), ("face_recognition_models", "face-recognition-models"))
               if find_spec(name) is None]
    if missing:
        return False, f"dlib's identities need {' and '.join(missing)} (pip install --no-deps {' '.join(missing)})"
    return True, ""


def embed_dlib(frames: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Vectors of dlib's network, (T, 128); its authors call distances below 0.6 the same person.  NaN where points are.

    The face is aligned by our own landmarks, brought to dlib's 68: its landmark model, which was trained on pictures
    that forbid commercial use, is not needed.  Raises ValueError without points.
    """
    import dlib

    from tfg.faces.points68 import to_68

    frames = np.rint(_frames(frames, "frames") * 255).astype(np.uint8)
    if points is None or np.shape(points)[:2] != (len(frames), 478):
        raise ValueError(f"dlib aligns by landmarks: points must be ({len(frames)}, 478, 2 or 3), got "
                         f"{None if points is None else np.shape(points)}")
    out = np.full((len(frames), 128), np.nan)
    for t in np.flatnonzero(np.isfinite(points).all((1, 2))):
        found = to_68(points[t])
        low, high = found.min(0), found.max(0)
        box = dlib.rectangle(*(int(v) for v in (*low, *high)))
        shape = dlib.full_object_detection(box, [dlib.point(int(round(x)), int(round(y))) for x, y in found])
        chip = dlib.get_face_chip(np.ascontiguousarray(frames[t]), shape, CHIP, 0.25)
        out[t] = _network().compute_face_descriptor(chip)
    return out


def _embed_encoder(encoder, frames: np.ndarray, points=None) -> np.ndarray:
    """Unit vectors of the face encoder, (T, E); it needs a store's crops, and no points."""
    import torch

    from tfg.scores.face_distance import BATCH, tensor

    frames = _frames(frames, "frames")
    with torch.no_grad():
        return np.concatenate([encoder(tensor(frames[k:k + BATCH], encoder))["identity"].cpu().numpy()
                               for k in range(0, len(frames), BATCH)])


@functools.lru_cache(maxsize=1)
def _network():
    """dlib's network. The package with its weights cannot be imported without the removed pkg_resources, so they are
    read from its files."""
    import hashlib

    import dlib

    folder = Path(find_spec("face_recognition_models").submodule_search_locations[0], "models")
    path = folder / WEIGHTS
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise InputError(f"{path} is missing or not the file of face-recognition-models 0.3: install it again.")
    return dlib.face_recognition_model_v1(str(path))
