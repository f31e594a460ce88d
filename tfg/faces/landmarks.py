"""Detection and measurement of faces in pictures: 478 landmarks, 52 expression coefficients, pose.

`detect` finds all faces of a picture, `one_face` returns the face of a portrait or an error that says what is wrong,
and `Landmarker` serves many pictures or a stream. Points are in pixels of the given picture: x right, y down, z in the
same scale, negative towards the camera; "left" and "right" are the person's own. Taught in notebooks/02_faces.
"""
from __future__ import annotations

import atexit
import functools
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfg import cancel, vocabulary
from tfg.errors import InputError
from tfg.faces import models
from tfg.faces import pose as poses
from tfg.faces._quiet import quiet_stderr
from tfg.faces.points68 import to_68
from tfg.faces.search import search, shrink

BACKENDS = ("mediapipe", "fan")
MAX_SIDE_PX = 1600
"""Longest side of a searched picture; a larger one is shrunk to it, for the networks use 256 px of a face at most."""
MIN_FACE_PX = 64
"""Smallest height of a usable face of a portrait."""
MAX_YAW_DEG = 50.0
"""Largest yaw of a usable face of a portrait, in degrees."""
_RUNS = threading.Lock()                     # MediaPipe's image mode takes one picture at a time


_OF_478: Any = None
"""Default of `Face.points68`: the 68 are picked from the 478 points when the Face is made."""


@dataclass
class Face:
    """One measured face.

    points: (478, 3) float32 px.  blendshapes: (52,) float32 in [0, 1], `vocabulary.EXPRESSION` order, NaN where
    MediaPipe measures nothing (tongueOut).  box: (4,) x0, y0, x1, y1 px around the points.  pose: (6,) as
    `vocabulary.POSE` (see `tfg.faces.pose.from_points`).  size_px: height of the box, hairline to chin.
    score: the detector's confidence, NaN with MediaPipe, which reports none.  points68: (68, 2) px, measured by FAN
    with backend="fan", else picked from the 478.
    """
    points: np.ndarray
    blendshapes: np.ndarray
    box: np.ndarray
    pose: np.ndarray
    size_px: float
    score: float = float("nan")
    points68: np.ndarray = _OF_478

    def __post_init__(self):
        if self.points68 is None:
            self.points68 = to_68(self.points)


def check_image(image: np.ndarray) -> np.ndarray:
    """Return the image as a contiguous (H, W, 3) uint8 array, for MediaPipe misreads strided ones.

    Raises InputError for another shape or type, and for sides below 8 px.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < 8:
        raise InputError(f"an image of shape {image.shape} and type {image.dtype} was given, but faces are measured on "
                         "(height, width, 3) uint8 RGB: read files with tfg.media.video.read_image, which makes it so.")
    return np.ascontiguousarray(image)


def _face(landmarks, categories, window, size) -> Face:
    """Make a `Face`, in pixels of the whole picture, from MediaPipe's result for a window (x, y, width, height px)."""
    x0, y0, w, h = window
    points = np.array([(p.x, p.y, p.z) for p in landmarks], np.float32) * np.array([w, h, w], np.float32)
    points += np.array([x0, y0, 0], np.float32)
    blendshapes = np.full(len(vocabulary.EXPRESSION), np.nan, np.float32)
    for category in categories:
        column = vocabulary.INDEX.get(category.category_name)           # "_neutral" is no coefficient
        if column is not None:
            blendshapes[column] = category.score
    box = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)])
    return Face(points, blendshapes, box, poses.from_points(points, size), float(box[3] - box[1]))


class Landmarker:
    """MediaPipe's Face Landmarker, open from `with Landmarker() as lm:` to the end of the block.

    video: True tracks from frame to frame (`lm(frame, timestamp_ms)`, times must rise). With one face, MediaPipe then
    smooths over time, which delays the lips by 0.4 frames at 30 frames/s; for measurements leave it False, so that each
    frame is measured by itself.
    max_faces: largest number of faces.  backend: "mediapipe", or "fan" for FAN's 68 points too (`tfg.faces.fan`).
    """

    def __init__(self, *, video: bool = False, max_faces: int = 1, backend: str = "mediapipe"):
        if backend not in BACKENDS:
            raise InputError(f"unknown landmark backend {backend!r}: choose one of {', '.join(BACKENDS)}.")
        self.video, self.max_faces, self.backend = video, max_faces, backend
        self._task = None

    def __enter__(self) -> "Landmarker":
        path = models.face_landmarker_path()
        with quiet_stderr():
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
            self._mp = mediapipe
            mode = vision.RunningMode.VIDEO if self.video else vision.RunningMode.IMAGE
            self._task = vision.FaceLandmarker.create_from_options(vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(path)), running_mode=mode, num_faces=self.max_faces,
                output_face_blendshapes=True))
            self._run(np.zeros((32, 32, 3), np.uint8), -1)   # the networks print notes at their first picture
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Free the networks. This must happen before the interpreter exits."""
        if self._task is not None:
            self._task.close()
            self._task = None

    def _run(self, image, timestamp_ms):
        cancel.point()
        picture = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=image)
        if self.video:
            return self._task.detect_for_video(picture, int(timestamp_ms) + 1)
        with _RUNS:
            return self._task.detect(picture)

    def look(self, image, window, size, timestamp_ms=None) -> list[Face]:
        """Faces in one window of a picture, in pixels of the whole picture.

        image: (h, w, 3) uint8, the window's pixels at any scale.  window: (x, y, width, height) px.  size: (height,
        width) of the whole picture.
        """
        result = self._run(np.ascontiguousarray(image), timestamp_ms)
        return [_face(*parts, window, size) for parts in zip(result.face_landmarks, result.face_blendshapes)]

    def __call__(self, image: np.ndarray, timestamp_ms: float | None = None) -> list[Face]:
        """Find the faces in `image` (H, W, 3) uint8 RGB, largest first; an empty list if there are none.

        timestamp_ms: time of the frame, needed in video mode, where it must rise.  Raises InputError if the image is
        not (H, W, 3) uint8.
        """
        if self._task is None:
            raise RuntimeError("this Landmarker is closed: use it inside `with Landmarker() as lm:`")
        if self.video and timestamp_ms is None:
            raise ValueError("a Landmarker with video=True needs lm(frame, timestamp_ms)")
        image = check_image(image)
        size = image.shape[:2]
        faces = self.look(shrink(image, MAX_SIDE_PX), (0, 0, size[1], size[0]), size, timestamp_ms)
        faces.sort(key=lambda face: -face.size_px)
        if self.backend == "fan" and faces:
            from tfg.faces import fan
            faces = fan.refine(image, faces)
        return faces


@functools.lru_cache(maxsize=4)
def _shared(max_faces: int) -> Landmarker:
    """A Landmarker for still pictures, opened once per process and closed at its end."""
    landmarker = Landmarker(max_faces=max_faces).__enter__()
    # atexit is too late: MediaPipe closes through a thread pool, which Python shuts down before it calls atexit
    getattr(threading, "_register_atexit", atexit.register)(landmarker.close)
    return landmarker


def detect(image: np.ndarray, *, backend: str = "mediapipe", max_faces: int = 5) -> list[Face]:
    """Find the faces in a picture, largest first; an empty list if there are none.

    image: (H, W, 3) uint8 RGB.  backend: "mediapipe" or "fan".  max_faces: largest number of faces.
    The detector is made for selfies. If it finds nothing, the picture is searched again with a margin (for faces that
    fill it) and in overlapping tiles (for small faces).
    Raises InputError for another kind of array, an unknown backend, or missing weights.
    """
    if backend not in BACKENDS:
        raise InputError(f"unknown landmark backend {backend!r}: choose one of {', '.join(BACKENDS)}.")
    image = check_image(image)
    landmarker = _shared(max_faces)
    faces = landmarker(image) or search(landmarker, image)[:max_faces]
    if backend == "fan" and faces:
        from tfg.faces import fan
        faces = fan.refine(image, faces)
    return faces


def one_face(image: np.ndarray, face: int | None = None, *, backend: str = "mediapipe",
             max_yaw_deg: float = MAX_YAW_DEG, min_face_px: float = MIN_FACE_PX) -> Face:
    """Return the face of a portrait: the largest, or number `face` (0 is the largest).

    A UserWarning is given if there are several faces and `face` is None.  Raises InputError if there is no face, a
    profile view, a face lower than `min_face_px` px, or no face of that number.
    """
    faces = detect(image, backend=backend, max_faces=10)
    h, w = image.shape[:2]
    if not faces:
        raise InputError(f"no face was found in the picture ({w}x{h} px): use one that shows a face from the front, "
                         "unobstructed and not too dark (a full profile cannot be used).")
    if face is not None and not 0 <= face < len(faces):
        choice = "0" if len(faces) == 1 else f"0 to {len(faces) - 1}"
        raise InputError(f"face {face} was asked for, but the picture shows {len(faces)} (numbered from 0, the "
                         f"largest): choose --face {choice}.")
    chosen = faces[face or 0]
    if chosen.size_px < min_face_px:
        raise InputError(f"the face is only {chosen.size_px:.0f} px high, at least {min_face_px:.0f} are needed: use "
                         "a larger picture or a closer crop.")
    if abs(chosen.pose[0]) > max_yaw_deg:
        side = "right" if chosen.pose[0] > 0 else "left"
        raise InputError(f"the face is turned {abs(chosen.pose[0]):.0f} degrees to the {side} of the picture, more "
                         f"than {max_yaw_deg:.0f} (a profile view): use a picture taken more from the front.")
    if face is None and len(faces) > 1:
        warnings.warn(f"{len(faces)} faces found; using the largest, {chosen.size_px:.0f} px high, at x = "
                      f"{chosen.box[[0, 2]].mean():.0f}, y = {chosen.box[[1, 3]].mean():.0f}; choose with --face 0 to "
                      f"{len(faces) - 1}", UserWarning, stacklevel=2)
    return chosen
