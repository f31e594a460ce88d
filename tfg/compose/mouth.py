"""An open mouth at the picture's own resolution, where a small network says that lips part.

A network of 100 px has some 30 px for a mouth: its teeth are a grey band, and it misses the lips' edges by a pixel,
which is five of the picture's. Where lips part it knows well (its trust is low there), so that is what it is asked. The
lips' edges are those that landmarks found in the source (`on_the_lips`), and what lies behind them are teeth, tongue
and cavity of `tfg.head`, in metres of the skull, as `graphics` draws them behind a photo's lips (`painted`).
"""
from __future__ import annotations

import numpy as np

from tfg.compose.features import Features

LIP_M = .004
"""The lower lip goes down by so much before the jaw follows it, metres."""
REACH_M = np.array([[-.032, -.016], [.032, .045]])
"""Beyond these places (across, down; metres from the closed lips' middle) is no mouth: what was painted there stays."""
EDGE_M = .004
"""Width over which that fades, metres."""
OPEN, SOFT = .6, .3
"""Trust at which lips begin to part, and how far around that it counts in part."""
APART = .8
"""Trust below which a place belongs to an opening."""
PARTED = .015
"""Lips that are farther apart in the source show what is between them, sides of the answer."""
MOST_MISS, NEAR, CORNER = .05, .06, .06
"""The largest correction of an edge; over what distance it fades above and below, and beside it.  Sides of the answer.
"""
AJAR = 1.5, 4.0
"""Widest gap, px of the answer, up to which lips that are barely apart are left as they are, and from which the edges
are corrected in full: at first there is no opening whose edges could be told.
"""
SMOOTH = 2.0
"""Smoothing along the lips, px of the answer."""


def one_opening(trust: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """The trust (h, w), 1 wherever it is low but in the one opening that is most of a mouth.

    A flow is unknown not only between lips: a lip that rises hides the base of the nose, and a network takes that for
    an opening, too.  lips: (2, 11, 2), the source's inner edges, px of these.
    """
    import cv2

    h, w = trust.shape
    many, places = cv2.connectedComponents((trust < APART).astype(np.uint8), connectivity=4)      # 0 is the rest
    if many < 3:
        return trust
    x, y = lips.reshape(-1, 2).mean(0)
    row, column = np.ogrid[:h, :w]
    near = np.exp(-((row - y) / (NEAR * h)) ** 2 - ((column - x) / (2 * NEAR * w)) ** 2)
    mass = np.bincount(places.ravel(), ((1 - trust) * near).ravel(), many)
    own = 1 + int(np.argmax(mass[1:]))
    to_own, to_other = (cv2.distanceTransform((~some).astype(np.uint8), cv2.DIST_L2, 3)
                        for some in (places == own, (places > 0) & (places != own)))
    return np.where(to_other < to_own, np.float32(1), trust)              # soft rims belong to the nearer one


def own_opening(trust: np.ndarray, flow: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """The trust (h, w); of a source whose mouth is open it is 0 where the flow would copy the inside of that mouth, and
    1 elsewhere: a mouth that is open is stretched, and needs no second opening, and half of a photo's teeth beside
    painted ones look broken.

    flow: (h, w, 2) half sides.  lips: (2, 11, 2), the source's inner edges, px of these.
    """
    import cv2

    h, w = trust.shape
    if (lips[1, :, 1] - lips[0, :, 1]).max() < PARTED * h:
        return trust
    inside = np.zeros((h, w), np.uint8)
    outline = np.concatenate([lips[0], lips[1][::-1]])
    cv2.fillPoly(inside, [np.rint(outline * 8).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=3)
    x, y = np.arange(w, dtype=np.float32)[None], np.arange(h, dtype=np.float32)[:, None]
    there = cv2.remap(inside, x + flow[..., 0] * (w / 2), y + flow[..., 1] * (h / 2), cv2.INTER_LINEAR)
    return 1 - there.astype(np.float32) / 255


def on_the_lips(flow: np.ndarray, trust: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """The flow, corrected so that the edges of the opening show the edges of the source's lips.

    flow: (h, w, 2) half sides.  trust: (h, w).  lips: (2, 11, 2), the source's inner edges in px of these.  Above the
    opening the correction is that of its upper edge, below it that of the lower edge; both fade with the distance.
    """
    from scipy.ndimage import gaussian_filter1d

    h, w = trust.shape
    low, high = lips.min((0, 1)), lips.max((0, 1))
    columns = np.arange(max(0, int(low[0] - .1 * w)), min(w, int(high[0] + .1 * w)))
    rows = slice(max(0, int(low[1] - .1 * h)), min(h, int(high[1] + .2 * h)))
    if not len(columns) or rows.stop <= rows.start:
        return flow
    open_ = np.clip((OPEN + SOFT - trust[rows, columns]) / (2 * SOFT), 0, 1)          # (n, C), 1 where lips are apart
    amount, y = open_.sum(0), np.arange(rows.start, rows.stop)[:, None]
    apart = amount > .5
    if not apart.any():
        return flow
    near, fade = _nearest(apart, CORNER * w)                              # (C,) columns; 1 within, less beside
    amount = np.where(apart, amount, 0)
    centre = ((open_ * y).sum(0) / np.maximum(open_.sum(0), 1e-6))[near]                  # (C,) rows
    ends = centre + np.array([[-.5], [.5]]) * amount                      # (2, C), where the opening ends
    miss = np.stack([_miss(flow, columns, end, side, edge) for end, side, edge in zip(ends, (-1, 1), lips)])
    weight = np.maximum(amount, 1e-3)
    miss = gaussian_filter1d(miss * weight, SMOOTH) / gaussian_filter1d(weight, SMOOTH)
    miss = np.clip(miss, -MOST_MISS * h, MOST_MISS * h)[:, near] * fade
    miss *= np.clip((amount.max() - AJAR[0]) / (AJAR[1] - AJAR[0]), 0, 1)
    both = miss.mean(0)
    miss = both + np.clip(amount / 2, 0, 1) * (miss - both)               # closed lips have one line
    out, y = flow.copy(), np.arange(h)[:, None]
    for end, side, step in zip(ends, (-1, 1), miss):
        share = np.clip(.5 + side * (y - centre) / np.maximum(amount, 1), 0, 1)           # (h, C), 1 beyond the edge
        away = np.maximum(side * (y - end), 0) / (NEAR * h)
        out[:, columns, 1] += (share * np.exp(-away ** 2) * (away < 3) * step * (2 / h)).astype(flow.dtype)
    return out


def _miss(flow: np.ndarray, columns: np.ndarray, end: np.ndarray, side: int, edge: np.ndarray) -> np.ndarray:
    """(C,) rows of the source from what the flow shows beyond an end of the opening down to the lip's edge (11, 2)."""
    h, w = flow.shape[:2]
    row = np.clip(np.rint(end + side).astype(int), 0, h - 1)
    x, step = columns + flow[row, columns, 0] * (w / 2), flow[row, columns, 1] * (h / 2)
    order = np.argsort(edge[:, 0])
    return np.interp(x, edge[order, 0], edge[order, 1]) - (end + step)


def _nearest(ok: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """For each place the nearest that is ok: (C,) numbers; and how much its value counts there, by the distance."""
    at = np.flatnonzero(ok)
    distance = np.abs(np.arange(len(ok))[:, None] - at)
    return at[distance.argmin(1)], np.exp(-(distance.min(1) / reach) ** 2)


def painted(paint: np.ndarray, share: np.ndarray, corner: tuple[float, float], face: Features) -> None:
    """Put the inside of the mouth into a network's paint, in place, where there is one; there `share` is made decided.

    paint: (h, w, 3) float32 in 0..255.  share: (h, w), how much of it will be seen.  corner: x, y px of the picture at
    which the two begin.
    """
    from scipy.ndimage import gaussian_filter1d

    from tfg.head.mouth_interior import BITE_M, slit_shade
    from tfg.head.mouth_interior import paint as inside

    rows, columns = np.nonzero(share > 1 / 512)
    places = (np.stack([columns, rows], 1) + corner - face.teeth) @ np.linalg.inv(face.axes)       # (P, 2) metres
    near = np.minimum(places - REACH_M[0], REACH_M[1] - places).min(1) / EDGE_M
    ok = near > 0
    if not ok.any():
        return
    rows, columns, places, near = rows[ok], columns[ok], places[ok], np.clip(near[ok], 0, 1)
    metre = float(np.linalg.norm(face.axes[1]))                          # px
    seen = share[rows, columns]
    amount = np.bincount(columns, seen, share.shape[1])                   # (w,) px between the lips
    centre = np.bincount(columns, seen * rows, share.shape[1]) / np.maximum(amount, 1e-6)
    amount = gaussian_filter1d(amount, .002 * metre, mode="nearest")
    below = (rows - centre[columns] + amount[columns] / 2) / metre
    middle = (np.abs(places[:, 0]) < .012) & (seen > .5)
    lowest = float(np.quantile(places[middle, 1], .95)) if middle.any() else 0.0
    jaw = max(0.0, lowest - LIP_M)
    colour = inside(places, places - [0, jaw], light=face.light, gap_top=below, bite=BITE_M)
    colour *= 255 * slit_shade(amount[columns] / metre)[:, None]
    old = paint[rows, columns]
    paint[rows, columns] = old + near[:, None] * (colour - old)
    sure = np.clip((seen - .5) / .6 + .5, 0, 1)
    share[rows, columns] = seen + near * (sure * sure * (3 - 2 * sure) - seen)
