"""Shots of a film: cuts between them, jumps of a tracked face, and the frames of a track that are reliable."""
from __future__ import annotations

import numpy as np

from tfg.faces.smooth import fill_gaps

THUMB = (32, 24)
"""Width and height of the small grey copies by which frames are compared."""
MIN_STEP = 10.0
"""Smallest mean grey difference of a cut, in levels of 255."""
MIN_RATIO = 5.0
"""Smallest ratio of a cut's difference to the median difference around it."""
MAX_YAW_DEG = 70.0
"""Largest yaw of a reliable frame."""
MAX_SCALE_STEP = 0.2
"""Largest difference of a reliable frame's log size from the median around it."""


def thumbnail(frame: np.ndarray) -> np.ndarray:
    """Small grey copy of a frame (H, W, 3) uint8: (24, 32) float32 in 0..255."""
    import cv2

    grey = cv2.resize(frame, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
    return grey @ np.array([.299, .587, .114], np.float32)


def find_cuts(thumbs: np.ndarray) -> list[int]:
    """Numbers of the first frames of new shots.

    thumbs: (T, h, w) from `thumbnail`.  At a cut, the mean grey difference between two frames is large (10 levels) and
    five times the usual one around it, and the change lasts, unlike that of a flash.  Fades are not found here, but by
    the jump of the face (`jumps`).
    """
    thumbs = np.asarray(thumbs, np.float32)
    T = len(thumbs)
    if T < 3:
        return []
    step = np.abs(np.diff(thumbs, axis=0)).mean((1, 2))      # step[t]: between t and t + 1
    far = np.zeros(T - 1)
    for t in map(int, np.flatnonzero(step > MIN_STEP)):
        far[t] = np.abs(thumbs[min(T - 1, t + 2)] - thumbs[max(0, t - 1)]).mean()
    return cuts_of(step, far)


def cuts_of(step: np.ndarray, far: np.ndarray) -> list[int]:
    """Numbers of the first frames of new shots, from the mean grey differences of T frames (see `find_cuts`).

    step: (T - 1,), step[t] between frames t and t + 1.  far: (T - 1,), far[t] between frames t - 1 and t + 2, or the
    first or last frame.
    """
    cuts: list[int] = []
    for t in np.flatnonzero(step > MIN_STEP):
        around = np.concatenate([step[max(0, t - 12):t], step[t + 1:t + 13]])
        if len(around) and step[t] > MIN_RATIO * np.median(around) and far[t] > 0.6 * step[t]:
            cuts.append(int(t) + 1)
    return cuts


def jumps(centre: np.ndarray, width: np.ndarray, reach: float = 0.6) -> list[int]:
    """Numbers of the frames at which the face is suddenly elsewhere: another person, or a cut that `find_cuts` missed.

    centre: (T, 2) px and width: (T,) px of the face, NaN in frames without one.  reach: largest movement in one frame,
    in head widths (15 m/s is 4 for a head 15 cm wide; people in front of a camera stay below 0.2).
    """
    found = np.flatnonzero(np.isfinite(width))
    out = []
    for a, b in zip(found[:-1], found[1:]):
        if b - a > 5:
            continue                                         # after a longer gap, a face may be anywhere
        away = np.linalg.norm(centre[b] - centre[a]) / min(width[a], width[b])
        if away > reach * (b - a) or abs(np.log(width[b] / width[a])) > 0.35 * (b - a):
            out.append(int(b))
    return out


def trusted(pose: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Mask of reliable frames, (T,) bool: the face was found, is no profile, and has no momentary leap in size, which
    marks a wrong detection.

    pose: (T, 6).  width: (T,) px of the head, NaN where no face was found.
    """
    from scipy.ndimage import median_filter

    ok = np.isfinite(width) & (np.abs(np.nan_to_num(pose[:, 0])) <= MAX_YAW_DEG)
    if ok.sum() >= 5:
        size = np.log(fill_gaps(width))
        ok &= np.abs(size - median_filter(size, 9, mode="nearest")) <= MAX_SCALE_STEP
    return ok


def spans(T: int, breaks: list[int], ok: np.ndarray, *, max_gap: int) -> list[tuple[int, int]]:
    """Divide a track of T frames at breaks and at gaps longer than max_gap frames: [(start, stop)].

    breaks: first frames of new pieces.  ok: (T,) bool, reliable frames; each piece begins and ends with one.
    """
    out = []
    edges = [0, *sorted(set(breaks)), T]
    for a, b in zip(edges[:-1], edges[1:]):
        good = a + np.flatnonzero(ok[a:b])
        if len(good):
            holes = np.flatnonzero(np.diff(good) > max_gap + 1)
            starts, stops = [0, *(holes + 1)], [*(holes + 1), len(good)]
            out += [(int(good[i]), int(good[j - 1]) + 1) for i, j in zip(starts, stops)]
    return out
