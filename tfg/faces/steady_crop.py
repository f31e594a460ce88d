"""Steady crops of a face in a clip, which neither tremble nor change with the opening of the jaw."""
from __future__ import annotations

import numpy as np

from tfg.errors import InputError
from tfg.faces import align
from tfg.faces.pose import HEAD_WIDTH_CM, rigid_fit
from tfg.faces.smooth import fill_gaps

CROPS = ("face", "aligned", "whole")
MARGIN = (.35, .55, .35, .25)
CALM_FRAMES = 8.0
"""Standard deviation, in frames, of the Gaussian that smooths the head's path for the crop: 0.3 s."""
STILL = 0.06
"""Largest movement of a head, as a share of the crop's side, with which the crop stays fixed for the whole clip."""


def place(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre (T, 2) and width (T,) of the skull in px, from landmarks that expressions hardly move.

    points: (T, 478, 3) px.  Frames without a face are NaN.
    """
    centre = np.full((len(points), 2), np.nan)
    width = np.full(len(points), np.nan)
    for t in np.flatnonzero(np.isfinite(points[:, 0, 0])):
        _, scale, at = rigid_fit(points[t])
        centre[t], width[t] = at[:2] * [1, -1], scale * HEAD_WIDTH_CM
    return centre, width


def check(crop: str, margin) -> tuple[float, ...]:
    """Return the four margins of a crop. Raises InputError for an unknown crop, and margins outside -0.3 to 3."""
    if crop not in CROPS:
        raise InputError(f"crop is {crop!r}; choose one of {', '.join(CROPS)}.")
    values = tuple(float(v) for v in np.atleast_1d(np.asarray(margin, float)))
    values = values * 4 if len(values) == 1 else values
    if len(values) != 4 or not all(-.3 <= v <= 3 for v in values):
        raise InputError(f"the margin is {margin}; give one number, or left, top, right, bottom, from -0.3 to 3 (parts "
                         "of the face's longer side).")
    return values


def matrices(points: np.ndarray, ok: np.ndarray, size: int, picture: tuple[int, int], *, crop: str = "face",
             margin: tuple = MARGIN, where: tuple | None = None, calm: bool = True) -> np.ndarray:
    """Transforms (T, 2, 3) from the frames of a clip to crops of size x size px.

    points: (T, 478, 2 or 3) px.  ok: (T,) bool, reliable frames; others are interpolated.  picture: (height, width).
    crop: "face" is a square around the face, parallel to the picture. Its place relative to the skull is a median, so
    that an opening jaw does not move it; it follows the skull slowly, and not at all if the head hardly moves. It stays
    inside the picture: it is moved if it reaches beyond, and made smaller (for the whole clip) if it is larger.
    "aligned" keeps eyes and nose at the same place in each frame (roll, distance and shift are removed).  "whole" is
    all of the picture.
    margin: for "face", as in `tfg.faces.align.crop_box`.  where: the result of `place(points)`, if it is known; "face"
    then needs only the extent of the points.  calm: False follows the skull in every frame without smoothing ("face").
    Raises ValueError if no frame is ok.
    """
    T = len(points)
    if crop == "whole":
        h, w = picture
        side = max(h, w)
        box = np.array([(w - side) / 2, (h - side) / 2, (w + side) / 2, (h + side) / 2])
        return np.repeat(align.box_matrix(box, size)[None], T, axis=0)
    if not ok.any():
        raise ValueError("no frame is ok: there is nothing to place a crop by")
    if crop == "aligned":
        stable = np.where(ok[:, None, None], points[:, list(align.STABLE), :2], np.nan)
        out, full = [], np.zeros((points.shape[1], 2))
        for frame in _calm(fill_gaps(stable), 2.0):
            full[list(align.STABLE)] = frame
            out.append(align.aligned_matrix(full, size))
        return np.stack(out)
    centre, width = where or place(points)
    boxes = np.stack([align.crop_box(points[t], margin) for t in np.flatnonzero(ok)])   # (n, 4)
    corner = (boxes.reshape(-1, 2, 2) - centre[ok][:, None]) / width[ok][:, None, None]
    low, high = np.median(corner, 0)                          # in head widths from the skull's centre
    middle, extent = (low + high) / 2, float((high - low).mean())
    centre = fill_gaps(np.where(ok[:, None], centre, np.nan))
    width = np.exp(fill_gaps(np.where(ok, np.log(width), np.nan)))
    if calm:
        centre, width = _at_rest(centre, width, extent)
    half = (width * extent / 2)[:, None]
    half *= min(1.0, min(picture) / 2 / half.max())
    far = np.array(picture[::-1], float)
    middles = np.clip(centre + width[:, None] * middle, half, far - half)
    return np.stack([align.box_matrix(b, size) for b in np.concatenate([middles - half, middles + half], 1)])


def _at_rest(centre: np.ndarray, width: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Centre (T, 2) and width (T,) of the skull, smoothed in time, or their medians if the head hardly moves.

    side: side of the crop in head widths.
    """
    typical, at = np.median(width), np.median(centre, 0)
    moved = np.abs(centre - at).max() / (typical * side)
    grown = np.abs(np.log(width / typical)).max()
    if max(moved, grown) <= STILL:
        return np.repeat(at[None], len(centre), axis=0), np.full(len(width), typical)
    return _calm(centre, CALM_FRAMES), np.exp(_calm(np.log(width), CALM_FRAMES))


def _calm(values: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth values (T, ...) in time by a Gaussian of sigma frames."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(values, sigma, axis=0, mode="nearest")


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Move landmarks (T, 478, 3) from px of the pictures to px of the crops, z scaled alike: float32, same shape.

    matrix: (T, 2, 3), picture to crop.
    """
    xy = np.einsum("tij,tkj->tki", matrix[:, :, :2], points[..., :2]) + matrix[:, None, :, 2]
    scale = np.sqrt(np.abs(np.linalg.det(matrix[:, :, :2])))[:, None, None]
    return np.concatenate([xy, points[..., 2:] * scale], -1).astype(np.float32)
