"""Where one shot ends and another begins, and which frames of a track can be trusted."""
from __future__ import annotations

import numpy as np

from tfg.faces.smooth import fill_gaps

THUMB = (32, 24)
"""Width, height of the small grey copies that shots are compared in."""
MIN_STEP = 10.0
MIN_RATIO = 5.0
MAX_YAW_DEG = 70.0
MAX_SCALE_STEP = 0.2


def thumbnail(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (24, 32) float32 grey levels."""
    import cv2

    grey = cv2.resize(frame, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
    return grey @ np.float32([.299, .587, .114])


def find_cuts(thumbs: np.ndarray) -> list[int]:
    """The first frame of each new shot.

    thumbs: (T, h, w).  A cut is a step of the mean grey difference that is large (10 levels), five times the usual
    change around it, and lasting: after a flash the picture is what it was before.  Fades are not found here, but the
    face jumps there (`jumps`).
    """
    thumbs = np.asarray(thumbs, np.float32)
    T = len(thumbs)
    if T < 3:
        return []
    step = np.abs(np.diff(thumbs, axis=0)).mean((1, 2))      # step[t]: between t and t + 1
    far = np.zeros(T - 1)
    for t in np.flatnonzero(step > MIN_STEP):
        far[t] = np.abs(thumbs[min(T - 1, t + 2)] - thumbs[max(0, t - 1)]).mean()
    return cuts_of(step, far)


def cuts_of(step: np.ndarray, far: np.ndarray) -> list[int]:
    """`find_cuts` of T frames by their grey differences alone.

    step: (T - 1,), [t] between frames t and t + 1.  far: (T - 1,), [t] between t - 1 and t + 2, or the first or last.
    """
    cuts: list[int] = []
    for t in np.flatnonzero(step > MIN_STEP):
        around = np.concatenate([step[max(0, t - 12):t], step[t + 1:t + 13]])
        if len(around) and step[t] > MIN_RATIO * np.median(around) and far[t] > 0.6 * step[t]:
            cuts.append(int(t) + 1)
    return cuts


def jumps(centre: np.ndarray, width: np.ndarray, reach: float = 0.6) -> list[int]:
    """Frames at which the face is suddenly elsewhere: another person, or a cut that the picture hid.

    centre: (T, 2) px, width: (T,) px, NaN where there is no face.  reach: head widths in one frame (15 m/s for a real
    head 15 cm wide is 4 per frame; people in front of a camera stay under 0.2).
    """
    found = np.flatnonzero(np.isfinite(width))
    out = []
    for a, b in zip(found[:-1], found[1:]):
        if b - a > 5:
            continue                                         # after a gap people may be anywhere
        away = np.linalg.norm(centre[b] - centre[a]) / min(width[a], width[b])
        if away > reach * (b - a) or abs(np.log(width[b] / width[a])) > 0.35 * (b - a):
            out.append(int(b))
    return out


def trusted(pose: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(T,) bool: the face was found, is no profile, and its size does not leap for a moment, as wrong fits do.

    pose: (T, 6).  width: (T,) px of the head, NaN where no face was found.
    """
    from scipy.ndimage import median_filter

    ok = np.isfinite(width) & (np.abs(np.nan_to_num(pose[:, 0])) <= MAX_YAW_DEG)
    if ok.sum() >= 5:
        size = np.log(fill_gaps(width))
        ok &= np.abs(size - median_filter(size, 9, mode="nearest")) <= MAX_SCALE_STEP
    return ok


def spans(T: int, breaks: list[int], ok: np.ndarray, *, max_gap: int) -> list[tuple[int, int]]:
    """(start, stop) of the pieces of a track of T frames: between breaks and gaps longer than max_gap, ends trimmed."""
    out = []
    edges = [0, *sorted(set(breaks)), T]
    for a, b in zip(edges[:-1], edges[1:]):
        good = a + np.flatnonzero(ok[a:b])
        if len(good):
            holes = np.flatnonzero(np.diff(good) > max_gap + 1)
            starts, stops = [0, *(holes + 1)], [*(holes + 1), len(good)]
            out += [(int(good[i]), int(good[j - 1]) + 1) for i, j in zip(starts, stops)]
    return out
