"""Measurement of a face over time: expression, pose and landmarks of each frame of a video, and distances on the face.

Every frame is measured by itself, not tracked: MediaPipe's tracking mode smooths over time, which delays the lips by
0.4 frames, and it is hardly faster. Taught in notebooks/02_faces and 03_action_units_and_expression.
"""
from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tfg import vocabulary
from tfg.errors import InputError
from tfg.faces import landmarks, search
from tfg.faces.face_crop import SIZE, crop
from tfg.faces.geometry import (  # noqa: F401
    brow_height,
    eye_aperture,
    eye_distance,
    lip_gap,
    mouth_width,
    person_neutral,
    subtract_neutral,
)
from tfg.faces.readers import METHODS, check_method, read  # noqa: F401
from tfg.faces.smooth import smooth_points

MAX_SIDE_PX = 1280
_SEARCH_EVERY = 12
"""Frames between two thorough (slow) searches until the first face is found."""


@dataclass
class Track:
    """Measurements of one face in T frames; arrays are NaN in frames in which it was not found.

    points: (T, 478, 3) float32 px.  expression: (T, 52).  pose: (T, 6), translation from the picture's centre.
    found: (T,) bool.  size: (height, width) of the frames, px.  faces: largest number of faces in one frame.
    crops: (T, 64, 64, 3) uint8, upright faces, or None.
    """
    points: np.ndarray
    expression: np.ndarray
    pose: np.ndarray
    found: np.ndarray
    fps: float
    size: tuple[int, int]
    faces: int = 1
    meta: dict = field(default_factory=dict)
    crops: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.found)


def _frames(video):
    """Return the frames, an iterable of (H, W, 3) uint8, and their number or None, of a path, a Clip or frames; a photo
    is a film of one frame."""
    if isinstance(video, (str, Path)):
        from tfg.media.video import FrameReader, is_image, read_image
        video = read_image(video) if is_image(video) else FrameReader(video)
    if isinstance(video, np.ndarray) and video.ndim == 3:
        video = video[None]
    video = getattr(video, "frames", video)
    return video, len(video) if hasattr(video, "__len__") else None


def read_ahead(frames):
    """Yield the frames; a thread decodes the next one while the caller works on the present one."""
    with ThreadPoolExecutor(1) as pool:
        iterator = iter(frames)
        coming = pool.submit(next, iterator, None)
        while (frame := coming.result()) is not None:
            coming = pool.submit(next, iterator, None)
            yield frame


def _counted(frames, total, progress):
    """Yield the frames and report each to `progress`: None, True (a bar), or a function of (done, total)."""
    if progress is True:
        from tqdm.auto import tqdm
        return tqdm(frames, total=total, desc="measure", unit="frame")
    if not progress:
        return frames

    def reporting():
        for i, frame in enumerate(frames):
            yield frame
            progress(i + 1, total)
    return reporting()


def _next_face(landmarker, frame, last, i, face, several=False, fresh=False):
    """The followed face in frame i, or None, and the number of faces found.

    It is the face at the place of the `last` one; before the first, number `face`, or the largest. If the whole frame
    shows nothing at that place, a close-up of it is searched.
    several: True once a frame has had more than one face, so that a face elsewhere is not mistaken for this one.
    fresh: True if a new shot may begin here, in which the chosen or largest face is taken again.
    """
    faces = landmarker(search.shrink(frame, MAX_SIDE_PX))
    if max(frame.shape[:2]) > MAX_SIDE_PX:
        faces = [_rescaled(f, max(frame.shape[:2]) / MAX_SIDE_PX) for f in faces]
    if last is None:
        faces = faces or (search.search(landmarker, frame) if i % _SEARCH_EVERY == 0 else [])
        if faces and not 0 <= (face or 0) < len(faces):
            raise InputError(f"face {face} was asked for, but the first frame with a face shows {len(faces)} (numbered "
                             "from 0, the largest): choose another --face.")
        return (faces[face or 0] if faces else None), len(faces)

    def away(f):                                             # distance from the last place, in face heights
        return np.linalg.norm(f.box[:2] + f.box[2:] - last.box[:2] - last.box[2:]) / 2 / last.size_px

    near = [f for f in faces if away(f) < 1]
    if not near:
        centre, side = (last.box[:2] + last.box[2:]) / 2, 2.5 * (last.box[2:] - last.box[:2]).max()
        x, y = (centre - side / 2).astype(int)
        near = [f for f in search.look_in(landmarker, frame, (int(x), int(y), int(side), int(side))) if away(f) < 1]
    if not near and not several:
        near = faces                                         # after a cut or a quick move: there is only one face
    if not near and fresh:
        near = faces[face or 0:][:1]
    return min(near, key=away, default=None), len(faces)


def _rescaled(face, factor):
    """Scale a face to a picture that is `factor` times as large; its pose does not change."""
    points = face.points * np.float32(factor)
    return landmarks.Face(points, face.blendshapes, face.box * np.float32(factor), face.pose, face.size_px * factor)


def follow(frames, *, face: int | None = None, new_shot=None):
    """Follow one face through frames: yields for each frame (Face or None if it is not found, number of faces found).

    frames: iterable of (H, W, 3) uint8, of which none is kept.  face: as in `track`.  new_shot: function of a frame
    that returns True if another shot may begin with it, in which the face may be elsewhere.
    Raises InputError if the first frame with faces has none of that number.
    """
    last, most = None, 0
    with landmarks.Landmarker(max_faces=3) as landmarker:
        for i, frame in enumerate(frames):
            frame = landmarks.check_image(frame)
            fresh = new_shot is not None and new_shot(frame)
            seen, count = _next_face(landmarker, frame, last, i, face, most > 1, fresh)
            most, last = max(most, count), seen or last
            yield seen, count


def track(video, *, face: int | None = None, progress=None, crops: bool = False) -> Track:
    """Follow one face through a video and return its measurements.

    video: path of a film or photo, Clip, FrameReader, frames (H, W, 3) uint8 at 25 fps, or one picture.  face: number
    of the face in the first frame that shows any; 0 is the largest; None is 0, with a UserWarning if there are several.
    progress: None, True for a bar, or a function of (frames done, frames in all).  crops: True keeps an upright crop of
    each face too.  Frames without a face are NaN and reported by a UserWarning.
    Raises InputError if no frame has a face, or the first one with faces has none of that number.
    """
    frames, total = _frames(video)
    fps = float(getattr(frames, "fps", 25.0) or 25.0)
    if hasattr(frames, "timestamps"):                        # frames of a file are new arrays, safe to read ahead
        frames = read_ahead(frames)
    points: list[np.ndarray] = []
    expression: list[np.ndarray] = []
    pose: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    size, frame, most = (0, 0), np.zeros((0, 0, 3), np.uint8), 0
    nothing = np.full((478, 3), np.nan, np.float32), np.full(52, np.nan, np.float32), np.full(6, np.nan, np.float32)

    def sized():
        nonlocal size, frame
        for frame in _counted(frames, total, progress):
            size = size if any(size) else np.asarray(frame).shape[:2]
            yield frame

    for seen, count in follow(sized(), face=face):
        most = max(most, count)
        one = (seen.points, seen.blendshapes, seen.pose) if seen else nothing
        for store, value in zip((points, expression, pose), one):
            store.append(value)
        if crops:
            kept.append(crop(frame, seen.points) if seen else np.zeros((SIZE, SIZE, 3), np.uint8))
    found = np.isfinite(np.array(pose)[:, 0]) if pose else np.zeros(0, bool)
    if not found.any():
        raise InputError(f"no face was found in any of the {len(points)} frames of the video: use one that shows a "
                         "face from the front.")
    result = Track(np.stack(points), np.stack(expression), np.stack(pose), found, fps, size, most,
                   crops=np.stack(kept) if crops else None)
    _report(result, face)
    return result


def _report(result: Track, face) -> None:
    """Warn of several faces, if none was chosen, and of frames without a face."""
    if result.faces > 1 and face is None:
        warnings.warn(f"{result.faces} faces found; using the largest of the first frame, choose with --face 0 to "
                      f"{result.faces - 1}", UserWarning, stacklevel=3)
    missing = np.flatnonzero(~result.found)
    if len(missing):
        warnings.warn(f"no face in {len(missing)} of {len(result)} frames (the first at {missing[0] / result.fps:.2f} "
                      "s); they are NaN", UserWarning, stacklevel=3)


def measure(video, method: str = "blendshapes", *, smooth: int = 0, face: int | None = None, progress=None):
    """Measure a video's `Motion`: absolute expression (T, 52) and pose (T, 6).

    video, face, progress, errors: as in `track`; or a Track.  method: blendshapes, fit or learned, see
    `tfg.faces.readers`; coefficients that it cannot measure are NaN.  smooth: window in frames of a filter without
    delay, 0 for none.
    Pose comes from the landmarks with every method: angles as in the picture; translation from the clip's median place
    (stored in meta["origin"]), in head widths.
    meta["missing"] lists the frames without a face. The Motion's `landmarks` are the points (T, 478, 3) px.
    """
    check_method(method)
    result = video if isinstance(video, Track) else \
        track(video, face=face, progress=progress, crops=method == "learned")
    out = motion(replace(result, expression=read(result, method)), smooth=smooth)
    out.meta["method"] = method
    return out


def motion(result: Track, *, smooth: int = 0):
    """The Motion of a Track: its pose relative to the median place, and its expression unchanged; see `measure`."""
    from tfg.media.clip import Motion
    origin = np.nanmedian(result.pose[:, 3:], 0)
    pose = result.pose - np.concatenate([[0, 0, 0], origin]).astype(np.float32)
    expression, pose = (smooth_points(x, smooth, fps=result.fps) for x in (result.expression, pose))
    meta = {"measured": "mediapipe", "origin": [round(float(v), 4) for v in origin],
            "missing": [int(i) for i in np.flatnonzero(~result.found)], "frame_size": [int(v) for v in result.size]}
    out = Motion(expression=expression, pose=pose, fps=result.fps, meta=meta)
    out.landmarks = result.points
    return out


def sharpness(image: np.ndarray, box: np.ndarray) -> float:
    """Strength of fine detail in a box (x0, y0, x1, y1 px) of an image (H, W, 3) uint8: the mean absolute Laplacian of
    the box scaled to 128 px, in grey levels."""
    import cv2
    x0, y0, x1, y1 = np.clip(np.asarray(box).astype(int), 0, [image.shape[1], image.shape[0]] * 2)
    grey = cv2.cvtColor(np.ascontiguousarray(image[y0:y1, x0:x1]), cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA), cv2.CV_32F)).mean())


def portrait_cost(face, detail: float) -> float:
    """Cost of a frame as a portrait, lower is better; near 0 it is frontal and sharp, eyes open, lips closed.

    face: `Face`.  detail: `sharpness` of its box.
    """
    e = dict(zip(vocabulary.EXPRESSION, face.blendshapes))
    turned = np.hypot(face.pose[0], face.pose[1]) / 20 + abs(face.pose[2]) / 40
    blinking = max(e["eyeBlinkLeft"], e["eyeBlinkRight"])
    return float(turned + 1.5 * blinking + 2 * e["jawOpen"] + 4 * lip_gap(face.points) + 0.5 * np.exp(-detail / 6))


def best_frontal_frame(video, *, face: int | None = None, per_s: float = 4.0, first_s: float = 60.0):
    """Find the frame of a video that makes the best portrait: frontal, eyes open, mouth closed, sharp.

    video: path, Clip, FrameReader or frames.  face: as in `track`.  per_s: frames measured per second; the others are
    only decoded.  first_s: seconds after which the search ends, if a face has been found by then.
    Returns image (H, W, 3) uint8, frame number, `Face`.
    Raises InputError if no measured frame shows a face, or the first one with faces has none of that number.
    """
    frames, _ = _frames(video)
    fps = float(getattr(frames, "fps", 25.0) or 25.0)
    every, best, last = max(1, round(fps / per_s)), None, None
    with landmarks.Landmarker(max_faces=3) as landmarker:
        for i, frame in enumerate(frames):
            if best is not None and i >= first_s * fps:
                break
            if i % every:
                continue
            frame = landmarks.check_image(frame)
            seen, _ = _next_face(landmarker, frame, last, i // every, face)
            if seen is None:
                continue
            last = seen
            cost = portrait_cost(seen, sharpness(frame, seen.box))
            if best is None or cost < best[0]:
                best = cost, frame.copy(), i, seen
    if best is None:
        raise InputError("no face was found in the video: use one that shows a face from the front.")
    return best[1:]
