"""Where an answer lies in a larger picture, and its parts enlarged onto that picture's own pixels.

There is no crop between the two: each pixel of the picture asks the answer directly, so what is copied is sampled once
and what does not move is not sampled at all. A face that is smaller in the picture than the answer is asked by areas.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tfg.faces import align

FINE = 4
"""A mask is drawn so many times finer than the answer, so that its edge is smooth at any size."""


class Place:
    """The part of a picture that an answer covers.

    matrix: (2, 3), picture to answer (px).  size: (h, w) of the answer.  picture: (H, W).  mask: (FINE h, FINE w)
    float32 in [0, 1], how much of the answer is laid into the picture; None for all of it.
    rows, columns: the rectangle of the picture that the answer covers (slices); a source is given in it.  inner: the
    part of that rectangle which changes, (rows, columns) within it, or None where nothing does.  alpha: (h, w, 1) of
    `inner`.
    """

    def __init__(self, matrix: np.ndarray, size: tuple[int, int], picture: tuple[int, int], mask=None):
        self.matrix, self.size = np.asarray(matrix, float), size
        self.back = align.invert(self.matrix)
        self.rows, self.columns = _covered(self.back, (-.5, -.5, size[1] - .5, size[0] - .5), picture)
        self.shape = self.rows.stop - self.rows.start, self.columns.stop - self.columns.start
        self.inner: Any = None                                # None, or two slices and an array
        self.alpha: Any = None
        if min(self.shape) < 1:
            return
        self.local = self.back - [[0, 0, self.columns.start], [0, 0, self.rows.start]]       # answer -> rectangle
        mask = np.ones((FINE * size[0], FINE * size[1]), np.float32) if mask is None else mask
        alpha = self._fine(mask)
        ys, xs = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
        if len(ys):
            self.inner = slice(int(ys[0]), int(ys[-1]) + 1), slice(int(xs[0]), int(xs[-1]) + 1)
            self.alpha = np.ascontiguousarray(alpha[self.inner])[..., None]
            self.local = self.local - [[0, 0, self.inner[1].start], [0, 0, self.inner[0].start]]     # answer -> inner

    def _fine(self, mask: np.ndarray) -> np.ndarray:
        import cv2

        k = mask.shape[0] / self.size[0]
        fine = self.local @ np.array([[1 / k, 0, .5 / k - .5], [0, 1 / k, .5 / k - .5], [0, 0, 1]])
        return cv2.warpAffine(mask, fine, self.shape[::-1], flags=cv2.INTER_LINEAR, borderValue=0)

    @property
    def scale(self) -> float:
        """Pixels of the picture for one of the answer's."""
        return float(np.sqrt(abs(np.linalg.det(self.back[:, :2]))))

    def asked(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) px of the place's rectangle, in px of the answer."""
        whole = np.asarray(points, float) + [self.columns.start, self.rows.start]
        return align.transform(whole.reshape(-1, 2), self.matrix).reshape(whole.shape)

    def small(self, source: np.ndarray) -> np.ndarray:
        """A source, in the place's rectangle, at the answer's own size, (h, w, 3) uint8: what the network is shown."""
        shift = self.matrix[:, :2] @ [self.columns.start, self.rows.start]
        return align.warp(source, np.column_stack([self.matrix[:, :2], self.matrix[:, 2] + shift]), self.size)

    def enlarged(self, part: np.ndarray, box: tuple[slice, slice] | None = None) -> np.ndarray:
        """A part of an answer, (h, w) or (h, w, c) float32, c up to 4, at each pixel of `inner`, or of a box in it.

        Twice the size by cubic splines, then linearly: as smooth as cubic all the way, in half the time.
        """
        import cv2

        height, width = self.alpha.shape[:2]
        local = self.local
        if box is not None:
            local = local - [[0, 0, box[1].start], [0, 0, box[0].start]]
            height, width = box[0].stop - box[0].start, box[1].stop - box[1].start
        if self.scale < .6:                                   # smaller in the picture: by areas, or it would sparkle
            return align.warp(part, local, (height, width))
        if self.scale > 1.2:
            part = cv2.resize(part, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            local = local @ np.array([[.5, 0, -.25], [0, .5, -.25], [0, 0, 1]])
        return cv2.warpAffine(part, local, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _covered(back: np.ndarray, box: tuple, picture: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the picture that a box of the answer covers, within the picture."""
    x0, y0, x1, y1 = box
    ends = align.transform(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]), back)
    low = np.clip(np.floor(ends.min(0)).astype(int), 0, picture[::-1])
    high = np.clip(np.ceil(ends.max(0)).astype(int) + 1, 0, picture[::-1])
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
