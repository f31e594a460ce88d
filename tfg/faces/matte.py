"""Where the person is in a picture: opacity for each pixel, and the person's own colours without the background's.

MediaPipe's selfie network says it on 256 x 256 px. Where it is unsure, the colours of the pixels that it is sure of
decide; the edge is then fitted to the picture's own (a guided filter: He, Sun and Tang 2013), so that hair keeps its
outline at any size.
"""
from __future__ import annotations

import hashlib
from functools import partial

import numpy as np

from tfg import paths
from tfg.errors import InputError

SHA256 = "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27"
SIDE = 256
"""Longer side in px of the picture on which the mask is worked out; the network's own."""
UNSURE = .04
"""A pixel is unsure if the network's value is further from 0 and from 1 than this."""
MOST_ODDS = 4.0
"""Most that colours add to the network's log odds."""
BINS = 16
"""Levels of each colour channel in the tables of colours."""
RADIUS, FLATNESS = 5, 1e-4
"""Guided filter: half the side of its windows in px of SIDE, and the variance of colour below which nothing is fitted.
"""
FOLLOW = 4.0
"""How readily a changed pixel follows the new frame: at a change of 1 / FOLLOW it does so at once."""
CALM = .35
"""Share of the new frame where hardly anything changed, so that edges do not flicker."""


class Matte:
    """Opacity of the person, frame after frame; edges that rest are kept from flickering."""

    def __init__(self) -> None:
        import cv2

        path = paths.data("matting", "selfie_segmentation.tflite")
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
            raise InputError(f"{path} is missing or was changed; install tfg again.")
        self._network = cv2.dnn.readNetFromTFLite(str(path))
        self._last: np.ndarray | None = None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Opacity (H, W) float32 in [0, 1], 1 is the person.  frame: (H, W, 3) uint8 RGB, the next of the same film."""
        import cv2

        frame = np.ascontiguousarray(frame)
        self._network.setInput(cv2.dnn.blobFromImage(frame, 1 / 255, (SIDE, SIDE)))
        coarse = np.array(self._network.forward()[0, 0], np.float32)
        if self._last is not None:
            change = coarse - self._last
            coarse = self._last + change * np.clip(CALM + FOLLOW * np.abs(change), 0, 1)
        self._last = coarse
        return refined(frame, coarse)


def refined(frame: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """A coarse mask fitted to the picture: (H, W) float32 in [0, 1].  frame: (H, W, 3) uint8.  coarse: (h, w) in
    [0, 1], of any size."""
    import cv2

    height, width = frame.shape[:2]
    small = _small(frame).astype(np.float32) / 255
    size = small.shape[1::-1]
    mask = np.clip(cv2.resize(coarse.astype(np.float32), size), 1e-3, 1 - 1e-3)
    unsure = cv2.dilate(((mask > UNSURE) & (mask < 1 - UNSURE)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    odds = np.log(mask / (1 - mask)) + np.clip(cv2.blur(_colour_odds(small, mask), (3, 3)), -MOST_ODDS, MOST_ODDS)
    mask = np.where(unsure, 1 / (1 + np.exp(-odds)), mask).astype(np.float32)
    slope, offset = _linear_in_colour(small, mask)
    slope, offset = cv2.resize(slope, (width, height)), cv2.resize(offset, (width, height))
    fine = np.einsum("hwc,hwc->hw", slope, frame.astype(np.float32) / 255) + offset
    fine = np.clip((fine - .1) / .8, 0, 1)                # what is nearly empty or full is so
    near = np.ones((9, 9), np.uint8)                      # no further from the coarse mask than four of its pixels
    least, most = (cv2.resize(x, (width, height)) for x in (cv2.erode(mask, near), cv2.dilate(mask, near)))
    return np.minimum(np.maximum(fine, np.clip(2 * least - 1, 0, 1)), np.clip(2 * most, 0, 1)).astype(np.float32)


def foreground(frame: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The person's own colours, (H, W, 3) uint8: at the edges, what the background mixed into them is taken out.

    frame: (H, W, 3) uint8.  alpha: (H, W), its opacity. Colours of person and background around each pixel are
    weighted means; what is left of the pixel is shared between them (Forte 2021, "Approximate fast foreground colour
    estimation"). Weights are powers of the opacity: a wide edge would keep half of the background's colour without.
    """
    import cv2

    small, a = _small(frame).astype(np.float32), _small(alpha)[..., None]
    person = background = small
    for radius, sure in ((24, 6), (6, 2)):                # far first, so that every pixel finds some person
        mine, rest = a ** sure, (1 - a) ** sure           # mixed pixels count less
        own = _mean(person * mine, radius) / (_mean(mine, radius)[..., None] + 1e-4)
        other = _mean(background * rest, radius) / (_mean(rest, radius)[..., None] + 1e-4)
        left = small - a * own - (1 - a) * other
        person, background = np.clip(own + a * left, 0, 255), np.clip(other + (1 - a) * left, 0, 255)
    size = frame.shape[1::-1]
    own, other, a = cv2.resize(own, size), cv2.resize(other, size), alpha[..., None]
    return np.clip(own + a * (frame - a * own - (1 - a) * other) + .5, 0, 255).astype(np.uint8)


def _mean(x: np.ndarray, radius: int) -> np.ndarray:
    """Mean over the square of 2 * radius + 1 px around each pixel."""
    import cv2

    return cv2.blur(x, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)


def _small(picture: np.ndarray) -> np.ndarray:
    """The picture with a longer side of SIDE px at the most, by means of pixels."""
    import cv2

    scale = SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _colour_odds(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """How much likelier each pixel's colour is among the person's than among the background's: log, (h, w)."""
    level = (picture * (BINS - .01)).astype(np.int32)
    code = (level[..., 0] * BINS + level[..., 1]) * BINS + level[..., 2]
    tables = []
    for sure in (mask > 1 - UNSURE, mask < UNSURE):
        table = np.bincount(code[sure], minlength=BINS ** 3).astype(np.float32).reshape(BINS, BINS, BINS)
        for axis in range(3):
            padded = np.pad(table, [(1, 1) if k == axis else (0, 0) for k in range(3)], mode="edge")
            ahead, here, behind = (np.take(padded, range(k, k + BINS), axis) for k in range(3))
            table = .25 * ahead + .5 * here + .25 * behind
        tables.append(table.ravel() / max(1.0, table.sum()))
    return np.log((tables[0] + 1e-5) / (tables[1] + 1e-5))[code].astype(np.float32)


def _linear_in_colour(guide: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the linear function of colour that fits the mask around it best: slope (h, w, 3), offset (h, w).

    The guided filter: in each window solve (covariance of colours + FLATNESS) slope = covariance with the mask.
    """
    mean = partial(_mean, radius=RADIUS)
    colour, value = mean(guide), mean(mask)
    against = mean(guide * mask[..., None]) - colour * value[..., None]
    pair = {(i, j): mean(guide[..., i] * guide[..., j]) - colour[..., i] * colour[..., j] + (FLATNESS if i == j else 0)
            for i in range(3) for j in range(i, 3)}
    a, b, c, d, e, f = (pair[k] for k in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    # the inverse of a symmetric 3 x 3 matrix by its cofactors, which is faster here than a solver for each pixel
    cofactors = ((d * f - e * e, c * e - b * f, b * e - c * d), (c * e - b * f, a * f - c * c, b * c - a * e),
                 (b * e - c * d, b * c - a * e, a * d - b * b))
    whole = a * cofactors[0][0] + b * cofactors[0][1] + c * cofactors[0][2]
    slope = np.stack([sum(row[k] * against[..., k] for k in range(3)) / whole for row in cofactors], -1)
    return mean(slope), mean(value - (slope * colour).sum(-1))
