"""`graphics`: sound -> mouth coefficients (a small network) -> a performance -> the photo's own pixels, moved by a head
that is fitted to it. No learned image generator.

Nothing here is trained on faces, so it works for any portrait at once; what it cannot do is invent what the photo does
not show (the side of a turned head, shadows of new wrinkles).
"""
from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.systems import Speech, Take
from tfg.vocabulary import EXPRESSION


def prepare(source, speech: Speech, *, emotion: str = "NEU", intensity: float = 1.0, preprocess: str = "crop",
            pose_scale: float = 1.0, expression_scale: float = 1.0, blink: bool = True, size: int = 256,
            face: int | None = None, seed: int = 0, motion=None, progress: bool = False) -> Take:
    """Measure and fit the source, work out the performance. The frames are drawn while `Take.frames` is read.

    source: a photo's or video's path, or (H, W, 3) uint8 RGB.  The other options: `tfg.animate`.  progress: nothing
    here takes long enough for a bar.
    Raises InputError for a source without a usable face.
    """
    from tfg.head.portrait import Portrait

    clock, seconds = time.perf_counter(), {}
    image, face = read_source(source, face=face)
    portrait = Portrait.from_image(image, size=size, preprocess=preprocess, face=face)
    seconds["fit"] = time.perf_counter() - clock
    clock = time.perf_counter()
    if motion is None and speech.phones is None:
        from tfg.models.mouth import load

        load()                          # once per process; timed by itself, for it has nothing to do with the sound
    seconds["load"] = time.perf_counter() - clock
    clock = time.perf_counter()
    if motion is None:
        motion = act(speech, emotion=emotion, intensity=intensity, pose_scale=pose_scale,
                     expression_scale=expression_scale, blink=blink, seed=seed)
    else:
        motion = replay(motion, speech.audio, pose_scale=pose_scale, expression_scale=expression_scale)
    seconds["motion"] = time.perf_counter() - clock
    return Take(frames=portrait.render_motion(motion), n=len(motion), size=tuple(portrait.size), motion=motion,
                seconds=seconds)


def act(speech: Speech, **how):
    """A voice's Motion: mouth from the sound, or from the phones where their times are known; then `perform`.

    how: emotion, intensity, pose_scale, expression_scale, blink, seed.
    """
    from tfg.actors.performance import perform
    from tfg.audio import n_frames

    if speech.phones is not None:
        from tfg.actors.visemes import coarticulate, with_effort

        mouth = coarticulate(with_effort(speech.phones, speech.audio), n_frames(len(speech.audio)))
    else:
        from tfg.models.mouth import predict

        mouth = predict(speech.audio)
    return perform(mouth, speech.audio, **how)


def replay(motion, audio=None, *, pose_scale: float = 1.0, expression_scale: float = 1.0):
    """Someone's Motion made ready for a portrait: `retimed`, then scaled, the expression in [0, 1]."""
    from dataclasses import replace

    played = retimed(motion, audio)
    return replace(played, expression=np.clip(played.expression * expression_scale, 0, 1),
                   pose=played.pose * pose_scale)


def retimed(motion, audio=None):
    """Someone's Motion brought to 25 frames/s, cut or held to the length of the sound. Nothing is clipped.

    A measured motion turns from its own usual direction (the median), so that it starts from the photo's pose.
    What was not measured (NaN) rests. Without sound it keeps its own length.  Raises InputError if it is empty.
    """
    from tfg.audio import FPS, n_frames
    from tfg.clip import Motion
    from tfg.faces.smooth import fill_gaps

    if len(motion) == 0:
        raise InputError("the motion has no frames; make one with `tfg measure VIDEO --out M.npz`.")
    pose = np.array(motion.pose, np.float64)
    if "measured" in motion.meta and np.isfinite(pose).any():
        pose -= np.nanmedian(np.where(np.isfinite(pose).any(0), pose, 0), 0)
    curves = fill_gaps(np.concatenate([np.asarray(motion.expression, np.float64), pose], 1))
    curves = np.nan_to_num(curves, posinf=0, neginf=0)      # a column that was never measured rests
    if abs(motion.fps - FPS) > 1e-3:
        old = np.arange(len(curves)) / motion.fps
        new = np.arange(max(1, round(len(curves) * FPS / motion.fps))) / FPS
        curves = np.stack([np.interp(new, old, c) for c in curves.T], 1)
    n = len(curves) if audio is None else n_frames(len(audio))
    curves = curves[np.minimum(np.arange(n), len(curves) - 1)]
    k = len(EXPRESSION)
    return Motion(curves[:, :k], curves[:, k:], fps=float(FPS), identity=motion.identity,
                  meta={**motion.meta, "kind": "replay"})


def _is_video(source) -> bool:
    """Whether the source is a video. An animated picture (GIF, WebP) is refused: which of its frames would be meant?"""
    from tfg.video import is_image, is_video

    if isinstance(source, np.ndarray) or not Path(source).is_file() or is_image(source):
        return False
    if _is_animation(source):
        raise InputError(f"{Path(source).name} is an animation, not a photo; save one of its frames as PNG or JPEG, or "
                         "convert it to a video (.mp4), of which the best frame is taken.")
    return is_video(source)


def _is_animation(path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) > 1
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def read_source(source, *, face: int | None = None) -> tuple[np.ndarray, int | None]:
    """The photo, or a video's best frontal frame: (H, W, 3) uint8 RGB, and the number of the wanted face in it.

    face: which one; in a video it is followed from the first frame that shows any, so its number may be another one in
    the frame that is returned.  Raises InputError if there is no such picture or face.
    """
    from tfg.video import read_image

    if isinstance(source, np.ndarray):
        return source, face
    if not _is_video(source):
        return read_image(source), face
    from tfg.faces.landmarks import detect
    from tfg.faces.measure import best_frontal_frame

    image, _, seen = best_frontal_frame(source, face=face)
    away = [np.abs(found.box - seen.box).sum() for found in detect(image, max_faces=10)]
    number = int(np.argmin(away)) if away else 0
    return image, None if face is None and number == 0 else number
