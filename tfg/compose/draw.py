"""Flow, colour and trust applied to the source's own pixels, and the result laid into the picture."""
from __future__ import annotations

import numpy as np

from tfg.compose import grain
from tfg.compose.eyes import shut as shut_eyes
from tfg.compose.features import Features
from tfg.compose.mouth import painted
from tfg.compose.place import Place


def moved(source: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """A small picture copied along a flow: (h, w, 3) float32 and (h, w, 2) half sides -> (h, w, 3)."""
    import cv2

    h, w = flow.shape[:2]
    x, y = np.arange(w, dtype=np.float32)[None], np.arange(h, dtype=np.float32)[:, None]
    return cv2.remap(source, x + flow[..., 0] * (w / 2), y + flow[..., 1] * (h / 2), cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_REPLICATE)


def drawn(source: np.ndarray, place: Place, colour: np.ndarray, flow: np.ndarray, trust: np.ndarray, *,
          grain_seed: int | None = None, face: Features | None = None, shut: float | None = None,
          lids: np.ndarray | None = None, brows: np.ndarray | None = None,
          under: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """A new face at the picture's own resolution.

    source: (H, W, 3) uint8, what is copied from, in the rectangle `place.rows`, `place.columns`.  colour, flow, trust:
    of one picture, (h, w, 3), (h, w, 2), (h, w), as `tfg.compose.answer`.  grain_seed: None for no grain.
    face: of the source, in its rectangle; then the inside of an open mouth is painted by it and not by `colour`.
    shut: how far the eyes shut, by the face's lids, 0 to 1; below 0 they open wider; None: lids follow the flow.
    lids, brows: (2, 2, 9, 2) and (2, 5, 2) px of the source, as `Features`, if they are not the face's.
    under: a second source, its flow and its trust, as `source`, `flow`, `trust`, and where it shows something, (H, W)
    float32 in [0, 1]: it is copied from where the first is not trusted, and the colour is painted where neither is.
    Returns (h', w', 3) float32 in 0..255 for `place.inner`. Where trust is 1 and the flow 0 it is the source, exactly.
    """
    h, w = place.size
    linear = (place.back[:, :2] * [w / 2, h / 2]).astype(np.float32)      # half sides of the answer -> the picture's px
    parts = place.enlarged(np.dstack([flow @ linear.T, trust]))           # (h', w', 3): step x, y in px; trust
    if lids is None and face is not None:
        lids, brows = face.lids, face.brows
    if shut is None:
        lids = None
    copied = _copied(source, place, parts[..., :2], lids, shut, brows)
    share = 1 - np.clip(parts[..., 2], 0, 1)
    box = _box(share > 1 / 512)
    if box is None:
        return copied
    paint = np.clip(place.enlarged(colour, box), 0, 1) * np.float32(255)
    if face is not None:
        rows, columns = place.inner
        painted(paint, share[box], (columns.start + box[1].start, rows.start + box[0].start), face)
    if under is not None:
        second = place.enlarged(np.dstack([under[1] @ linear.T, under[2]]), box)
        again, there = _fetched(under[0], under[3], place, second[..., :2], box)
        paint += (there * np.clip(second[..., 2], 0, 1))[..., None] * (again - paint)
    if grain_seed is not None:
        lacking = grain.level(source[place.inner], (share < .05) & (place.alpha[..., 0] > .5))
        if lacking > 0:
            paint += np.float32(lacking) * grain.noise(paint.shape[:2], grain_seed)[..., None]
    copied[box] += share[box][..., None] * (paint - copied[box])
    return copied


def _copied(source: np.ndarray, place: Place, step: np.ndarray, lids: np.ndarray | None = None,
            share: float | None = None, brows: np.ndarray | None = None) -> np.ndarray:
    """The source along steps (h', w', 2) px, float32, sampled once; what sampling took from its grain is given back."""
    import cv2

    rows, columns = place.inner
    if lids is None and np.abs(step).max() < 1 / 64:          # nothing moves
        return source[place.inner].astype(np.float32)
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None] + step[..., 0]
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + step[..., 1]
    if lids is not None and share is not None:
        x, y = shut_eyes(x, y, lids, share, brows)
    new = cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    return grain.restored(new, source[place.inner], place.alpha[..., 0] > .5)


def _fetched(source: np.ndarray, where: np.ndarray, place: Place, step: np.ndarray, box: tuple[slice, slice]
             ) -> tuple[np.ndarray, np.ndarray]:
    """A second source along steps (h, w, 2) px, in a box of `place.inner`, float32, and where it shows something."""
    import cv2

    rows, columns = place.inner
    h, w = step.shape[:2]
    x = np.arange(w, dtype=np.float32)[None] + (columns.start + box[1].start) + step[..., 0]
    y = np.arange(h, dtype=np.float32)[:, None] + (rows.start + box[0].start) + step[..., 1]
    return (cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32),
            cv2.remap(where, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))


def _box(where: np.ndarray) -> tuple[slice, slice] | None:
    """The rectangle around all True."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def lay(new: np.ndarray, picture: np.ndarray, place: Place) -> np.ndarray:
    """The picture with the new face in it, in place: within the mask and nowhere else.

    new: (h', w', 3) of 0..255, for `place.inner`.  picture: (H, W, 3) uint8.  Returns it.
    """
    part = picture[place.rows, place.columns][place.inner]
    old = part.astype(np.float32)
    part[:] = np.clip(np.rint(old + place.alpha * (new - old)), 0, 255)
    return picture
