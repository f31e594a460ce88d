"""Head motion and blinks that are given by numbers or taken from another video, instead of predicted from the sound."""
from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.media.audio import FPS
from tfg.options import numbers
from tfg.systems.portrait import retimed

BLINK = .25
"""Least rise of eyeBlink that counts as a blink. Looking down changes it more slowly and less."""
EYES_OPEN = .12
"""Share of the way to shut that still counts as open: the noise of the measure."""
LONGEST_S = .6
"""Longest blink in seconds; lids that stay down for longer look down, or sleep."""


def curve(values, n: int, name: str = "yaw") -> np.ndarray:
    """Angles spread evenly over a clip: (n,) float32 degrees, the first at its first frame, the last at its last.

    values: "0,20,-10,0" (commas or spaces), numbers, or one number for all frames. Between them the curve is monotone
    (Fritsch & Carlson 1980), so it never exceeds them.  name: name of the angle, for the message.
    Raises InputError for values that are no numbers, or not finite.
    """
    from scipy.interpolate import PchipInterpolator

    angles = numbers(values)
    if not angles or not np.isfinite(angles).all():
        raise InputError(f"the {name} is {values!r}, but it must be one or more angles in degrees, spread over the "
                         f"clip, such as --{name} 0,20,-10,0.")
    if len(angles) == 1 or n < 2:
        return np.full(n, angles[0], np.float32)
    return PchipInterpolator(np.linspace(0, n - 1, len(angles)), angles)(np.arange(n)).astype(np.float32)


def ref_pose(video, n: int) -> np.ndarray:
    """Another face's head motion: (n, 6) float32, degrees and head widths, at 25 frames/s.

    video: a video's path, a motion's (.npz), or a Motion. Angles of a measured head are relative to its usual
    direction; a longer motion is cut, a shorter one is played to and fro.  Raises InputError: no face, no such file.
    """
    motion = read_motion(video)
    if not np.isfinite(motion.pose).any():
        raise InputError(f"{_called(video)} holds no head motion; measure a video that shows a face: tfg measure.")
    return to_and_fro(retimed(motion).pose, n)


def ref_blink(video, n: int) -> np.ndarray:
    """Another face's blinks: (n,) float32 in [0, 1], 1 is shut, at 25 frames/s.

    video, errors: as `ref_pose`.  0 and 1 are that face's own: open is the median of the lids, shut the median of its
    blinks' deepest moments. A face that never blinks, or whose lids are always down, gives zeros.
    """
    from tfg.vocabulary import index

    motion = read_motion(video)
    lids = index("eyeBlink")
    if not np.isfinite(motion.expression[:, lids]).any():
        raise InputError(f"{_called(video)} has no values of the lids; measure the video again: tfg measure VIDEO.")
    if not np.isfinite(motion.expression[:, lids]).any(0).all():                # one eye was seen
        return ref_blink(_both(motion, lids), n)
    return to_and_fro(blinks(retimed(motion).expression[:, lids].mean(1)), n)


def blinks(lids: np.ndarray, fps: float = FPS) -> np.ndarray:
    """Blinks in a curve of lids, as `ref_blink` returns them: (T,) float32 in [0, 1].  lids: (T,), larger is more
    shut."""
    from scipy.signal import find_peaks

    lids = np.asarray(lids, float)
    padded = np.concatenate([lids[:1], lids, lids[-1:]])                        # a blink may be cut off at an end
    padded[0], padded[-1] = min(lids[0], np.median(lids)), min(lids[-1], np.median(lids))
    peaks, _ = find_peaks(padded, prominence=BLINK, width=(None, LONGEST_S * fps), rel_height=.5)
    if not len(peaks):
        return np.zeros(len(lids), np.float32)
    open_, shut = float(np.median(lids)), float(np.median(padded[peaks]))
    share = (lids - open_) / max(shut - open_, BLINK / 2)
    return np.clip((share - EYES_OPEN) / (1 - EYES_OPEN), 0, 1).astype(np.float32)


def to_and_fro(values: np.ndarray, n: int) -> np.ndarray:
    """The first n rows; where there are fewer, they are played backwards and forwards again, so that nothing jumps."""
    if len(values) == 1:
        return np.repeat(values, n, 0)
    k = np.arange(n) % (2 * len(values) - 2)
    return values[np.minimum(k, 2 * len(values) - 2 - k)]


# ---- reading -----------------------------------------------------------------------------------------------------
def read_motion(video):
    """Read a Motion from a Motion, an .npz or a video; a video is measured once for both pose and blinks."""
    from tfg.media.motion import Motion, check

    if isinstance(video, Motion):
        motion = check(video)
    elif Path(video).suffix == ".npz":
        motion = Motion.load(video)
    else:
        from tfg.files import check_file

        path = check_file(video, "video")
        motion = _measured(str(path), path.stat().st_mtime_ns)
    if len(motion) == 0:
        raise InputError(f"{_called(video)} has no frames; make a motion with `tfg measure VIDEO --out M.npz`.")
    return motion


@lru_cache(maxsize=2)
def _measured(path: str, written_ns: int):
    from tfg.faces.measure import measure

    motion = measure(path)
    motion.landmarks = None                                                      # pose and lids are enough to keep
    return motion


def _both(motion, lids: list[int]):
    """The Motion with a lid that was not measured copied from the other."""
    from dataclasses import replace

    seen = [k for k in lids if np.isfinite(motion.expression[:, k]).any()]
    expression = motion.expression.copy()
    expression[:, lids] = expression[:, seen]
    return replace(motion, expression=expression)


def _called(video) -> str:
    return os.fspath(video) if isinstance(video, (str, os.PathLike)) else "the motion"
