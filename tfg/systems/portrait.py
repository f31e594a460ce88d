"""What systems that move one photo share: the photo out of any source, and someone's motion made ready for it."""
from __future__ import annotations

import numpy as np

from tfg.errors import InputError
from tfg.systems.base import LOOKS, Footage
from tfg.vocabulary import EXPRESSION


def retimed(motion, audio=None):
    """Someone's Motion brought to 25 frames/s, cut or held to the length of the sound. Nothing is clipped.

    A measured motion turns from its own usual direction (the median), so that it starts from the photo's pose.
    What was not measured (NaN) rests. Without sound it keeps its own length.  Raises InputError if it is empty.
    """
    from tfg.faces.smooth import fill_gaps
    from tfg.media.audio import FPS, n_frames
    from tfg.media.clip import Motion

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


def with_offsets(expression: np.ndarray, offsets: dict[str, float]) -> np.ndarray:
    """Expressions (T, 52) with what `PortraitOptions.offsets` adds to every frame; not clipped."""
    from tfg.acting.performance import write_gaze
    from tfg.vocabulary import index

    if not offsets:
        return expression
    out = np.array(expression, np.float32)
    looks = [offsets.get(name, 0.0) for name, _ in LOOKS]
    if any(looks):
        side = out[:, index("eyeLookOutLeft")].mean(1) - out[:, index("eyeLookInLeft")].mean(1)
        write_gaze(out, np.stack([side + looks[0], np.full(len(out), looks[1])], 1))
    for name, amount in offsets.items():
        if name not in dict(LOOKS):
            out[:, index(name)] += np.float32(amount)
    return out


def read_source(source, *, face: int | None = None) -> tuple[np.ndarray, int | None]:
    """The photo, or the best frontal frame of a video or an animation.

    face: which one; in a video it is followed from the first frame that shows any, so its number may be another one in
    the frame that is returned.
    Returns (H, W, 3) uint8 RGB, and the number of the wanted face in it.
    Raises InputError if there is no such picture or face.
    """
    from tfg.media.video import is_video, read_image

    if isinstance(source, Footage):
        return source.photo, face
    if isinstance(source, np.ndarray):
        return source, face
    if not is_video(source):
        return read_image(source), face
    from tfg.faces.landmarks import detect
    from tfg.faces.measure import best_frontal_frame

    image, _, seen = best_frontal_frame(source, face=face)
    away = [np.abs(found.box - seen.box).sum() for found in detect(image, max_faces=10)]
    number = int(np.argmin(away)) if away else 0
    return image, None if face is None and number == 0 else number
