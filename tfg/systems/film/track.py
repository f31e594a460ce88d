"""Where the face is cut out of each frame of a video that is to be dubbed, and in which frames there is one.

One pass over the frames; kept are a dozen numbers of each. Crops are made afterwards, shot by shot: a calm crop has to
know where the head goes next.
"""
from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tfg.errors import InputError
from tfg.faces import align
from tfg.faces import shots as cuts
from tfg.faces import steady_crop as crops
from tfg.faces.measure import follow

MAX_GROWTH = 1.2
"""Of a crop by pads: in a larger one the oval that is drawn no longer covers the face, and it shows twice."""
MAX_GAP_S = 1.0
"""The place of a face is bridged over shorter gaps (nothing is drawn in them); after longer ones it starts anew."""


@dataclass
class FaceCrops:
    """Where the face is cut out of each of n frames.

    matrix: (n, 2, 3), frame to crop.  drawn: (n,) bool, False where no face can be used.  faces: the most faces seen at
    once.  cuts: first frames of new shots.
    """

    matrix: np.ndarray
    drawn: np.ndarray
    faces: int = 1
    cuts: tuple[int, ...] = ()


class Shots:
    """Finds cuts as the frames come by: `Shots()(frame)` says whether a cut is likely here, `cuts()` in the end where
    they were. Only the last thumbnails are held; the rule is that of `tfg.faces.shots`."""

    def __init__(self):
        self.last: deque[np.ndarray] = deque(maxlen=4)
        self.step: list[float] = []                           # [t]: between frames t and t + 1
        self.far: list[float] = []                            # [t]: between t - 1 and t + 2

    def __call__(self, frame: np.ndarray) -> bool:
        self.last.append(cuts.thumbnail(frame))
        if len(self.last) > 1:
            self.step.append(_away(self.last[-1], self.last[-2]))
        if len(self.last) > 2:
            self.far.append(_away(self.last[-1], self.last[-4] if len(self.last) == 4 else self.last[-3]))
        before = self.step[-13:-1]
        return bool(self.step) and self.step[-1] > cuts.MIN_STEP and \
            self.step[-1] > cuts.MIN_RATIO * (np.median(before) if before else 0)

    def cuts(self) -> list[int]:
        ends = [_away(self.last[-1], self.last[max(-3, -len(self.last))])] if self.step else []
        return cuts.cuts_of(np.array(self.step), np.array((self.far + ends)[:len(self.step)]))


def _away(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).mean())


def find(frames: Iterable[np.ndarray], picture: tuple[int, int], size: int, margin: tuple, *, fps: float,
         face: int | None = None, smooth: bool = True, pads=None, name: str = "the video", watch=None) -> FaceCrops:
    """Follow the face through a video and crop it.

    frames: (H, W, 3) uint8.  picture: their height, width.  size: px of a crop's side.  margin: as `crop_box`.
    fps: of the frames, for the length of gaps.  face, smooth, pads: as `tfg.animate`.  watch: called with each frame,
    its `tfg.faces.landmarks.Face` or None, and whether another shot may begin with it.
    Raises InputError: no face in any frame, or not one of that number in the first that has some.
    """
    corners, where, poses, shots, most = [], [], [], Shots(), 0
    last: dict = {}

    def new_shot(frame: np.ndarray) -> bool:
        last.update(frame=frame, fresh=shots(frame))
        return last["fresh"]

    for seen, count in follow(frames, face=face, new_shot=new_shot):
        if watch is not None:
            watch(last["frame"], seen, last["fresh"])
        most = max(most, count)
        if seen is None:
            corners.append(np.full((2, 2), np.nan))
            where.append((np.nan, np.nan, np.nan))
            poses.append(np.full(6, np.nan))
        else:
            centre, width = crops.place(seen.points[None])
            corners.append(np.stack([seen.points[:, :2].min(0), seen.points[:, :2].max(0)]))
            where.append((*centre[0], width[0]))
            poses.append(seen.pose)
    breaks = shots.cuts()
    found = measured(np.array(corners), np.array(where), np.array(poses), breaks, picture, size, margin, fps=fps,
                     smooth=smooth)
    if not found.drawn.any():
        raise InputError(f"no face was found in any of the {len(poses)} frames of {name} that are needed: use one that "
                         "shows a face from the front, or say where it is with --box.")
    if most > 1 and face is None:
        warnings.warn(f"{most} faces found; dubbing the largest of the first frame, choose with --face 0 to {most - 1}",
                      UserWarning, stacklevel=2)
    found.faces = most
    found.matrix = padded(found.matrix, size, pads)
    return found


def measured(corners: np.ndarray, where: np.ndarray, poses: np.ndarray, breaks: list[int], picture: tuple[int, int],
             size: int, margin: tuple, *, fps: float = 25.0, smooth: bool = True) -> FaceCrops:
    """Crops of measured faces; nothing is smoothed over a cut, a jump of the face or a long gap.

    corners: (n, 2, 2) px, least and greatest x, y of the face's points.  where: (n, 3), x, y and width of the skull,
    px.  poses: (n, 6).  All NaN where no face was seen.  breaks: first frames of new shots.
    """
    n = len(poses)
    matrix, drawn = np.full((n, 2, 3), np.nan), np.zeros(n, bool)
    edges = [0, *breaks, n]
    for a, b in zip(edges[:-1], edges[1:]):
        centre, width = where[a:b, :2], where[a:b, 2]
        ok = cuts.trusted(poses[a:b], width)
        for c, d in cuts.spans(b - a, cuts.jumps(centre, width), ok, max_gap=round(MAX_GAP_S * fps)):
            matrix[a + c:a + d] = crops.matrices(corners[a + c:a + d], ok[c:d], size, picture, margin=margin,
                                                 where=(centre[c:d], width[c:d]), calm=smooth)
            drawn[a + c:a + d] = ok[c:d]
    return FaceCrops(matrix, drawn, cuts=tuple(breaks))


def constant(box: tuple[int, int, int, int], n: int, picture: tuple[int, int], size: int, margin: tuple,
             pads=None) -> FaceCrops:
    """The same crop in all n frames.  box: top, bottom, left, right px of the face, hairline to chin and ear to ear;
    it gets the margin that a found face gets.  Raises InputError if it reaches beyond the picture."""
    top, bottom, left, right = box
    if bottom > picture[0] or right > picture[1]:
        raise InputError(f"the box {top} {bottom} {left} {right} (top bottom left right) reaches beyond the picture, "
                         f"which is {picture[0]} px high and {picture[1]} px wide after the other options.")
    corners = np.array([[left, top], [right - 1, bottom - 1]], float)
    matrix = align.box_matrix(align.crop_box(corners, margin), size)
    return FaceCrops(padded(np.repeat(matrix[None], n, 0), size, pads), np.ones(n, bool))


def whole(n: int, picture: tuple[int, int], size: int) -> FaceCrops:
    """n frames that are crops of the face already: all of each is used.  picture: their height, width."""
    height, width = picture
    k = np.array([size / width, size / height])
    matrix = np.column_stack([np.diag(k), .5 * k - .5])
    return FaceCrops(np.repeat(matrix[None], n, 0), np.ones(n, bool))


def padded(matrix: np.ndarray, size: int, pads=None) -> np.ndarray:
    """Crops grown by pads (top, bottom, left, right px of the picture), then to the square around that, for a face must
    not be squeezed. Negative pads shrink; InputError where nothing would be left."""
    if pads is None or not any(pads):
        return matrix
    top, bottom, left, right = pads
    out = matrix.copy()
    for t in np.flatnonzero(np.isfinite(matrix[:, 0, 0])):
        x0, y0, x1, y1 = align.transform(np.array([[-.5, -.5], [size - .5, size - .5]]),
                                         align.invert(matrix[t])).ravel() + [.5 - left, .5 - top, .5 + right,
                                                                              .5 + bottom]
        side, before = max(x1 - x0, y1 - y0), size / np.hypot(*matrix[t, 0, :2])
        if side > MAX_GROWTH * before:
            raise InputError(f"the pads {top} {bottom} {left} {right} (top bottom left right) grow the crop from "
                             f"{before:.0f} to {side:.0f} px: the network knows faces that fill it. Give pads of at "
                             f"most a tenth of the face, {before / 10:.0f} px here.")
        if min(x1 - x0, y1 - y0) < 16:
            raise InputError(f"the pads {top} {bottom} {left} {right} (top bottom left right) leave "
                             f"{max(x1 - x0, 0):.0f} x {max(y1 - y0, 0):.0f} px of the face; give larger ones.")
        middle = np.array([x0 + x1, y0 + y1]) / 2
        out[t] = align.box_matrix(np.concatenate([middle - side / 2, middle + side / 2]), size)
    return out
