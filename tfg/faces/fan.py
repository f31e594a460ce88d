"""FAN, the course's reference network for the 68 landmarks, used through the same functions as MediaPipe.

The network (Bulat & Tzimiropoulos 2017, heat maps of a four-fold hourglass) is part of the package `face-alignment`.
Its weights (96 MB) are downloaded on first use. MediaPipe finds the faces; FAN then measures each in a crop.
"""
from __future__ import annotations

import contextlib
import functools
import io
import urllib.error
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.faces import models

WEIGHTS = "2DFAN4-11f355bf06.pth.tar"
WEIGHTS_URL = f"https://www.adrianbulat.com/downloads/python-fan/{WEIGHTS}"


def weights_path() -> Path:
    """Path of the weights: torch.hub's folder of checkpoints, which the package face-alignment uses."""
    import torch
    return Path(torch.hub.get_dir(), "checkpoints", WEIGHTS)


def check_weights(path: Path) -> None:
    """Raise InputError if the file at `path` is not the published one, whose name holds the start of its sha256."""
    expected = WEIGHTS.split("-")[1].split(".")[0]
    found = models.digest(path)
    if not found.startswith(expected):
        raise InputError(f"the weights of FAN at {path} have the wrong checksum (sha256 {found[:10]}, expected "
                         f"{expected}): delete the file and run again to fetch it afresh.")


@functools.lru_cache(maxsize=1)
def network():
    """The package's FaceAlignment, opened once. Raises InputError without the package, and if its weights are neither
    there nor downloadable."""
    try:
        import face_alignment
    except ImportError as error:
        raise InputError('backend="fan" needs the package face-alignment: pip install face-alignment, or use '
                         'backend="mediapipe".') from error
    path = weights_path()
    if path.exists():
        check_weights(path)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            # "folder" avoids a download of its face detector; compiling would take minutes on a CPU
            return face_alignment.FaceAlignment(face_alignment.LandmarksType.TWO_D, device="cpu", compile=False,
                                                face_detector="folder")
    except (urllib.error.URLError, OSError) as error:
        raise InputError(f"the weights of FAN are not there and {WEIGHTS_URL} cannot be reached ({error}): connect to "
                         f'the network once, put the file at {path}, or use backend="mediapipe".') from error


def points68(image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure the 68 landmarks of the faces in `boxes` with FAN.

    image: (H, W, 3) uint8.  boxes: (N, 4) x0, y0, x1, y1 px, hairline to chin.
    Returns points (N, 68, 2) px and confidence (N,): the mean height of the heat maps' peaks, about 0 to 1.
    """
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    points, scores, _ = network().get_landmarks_from_image(image, detected_faces=list(boxes),
                                                            return_landmark_score=True)
    return np.stack(points)[..., :2].astype(np.float32), np.array([np.mean(score) for score in scores])


def refine(image: np.ndarray, faces: list) -> list:
    """Replace the 68 landmarks and the score of each `tfg.faces.landmarks.Face` by FAN's. image: (H, W, 3) uint8."""
    points, scores = points68(image, np.stack([face.box for face in faces]))
    return [replace(face, points68=p, score=float(s)) for face, p, s in zip(faces, points, scores)]
