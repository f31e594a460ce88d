"""Eyes by landmarks: irises stay round, though a small network stretches all between the lids; and lids can shut.

A blink lasts three of a network's pictures and moves two of its pixels, so networks learn it last and badly. Where the
lids' edges lie is known, and so is what a shut eye shows: the upper lid, drawn down over it.
"""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np

STRETCH = (.9, 1.12)
"""An iris is drawn between so much smaller and larger than it is in the source."""
REACH = 1.7
"""Radii from an iris' middle at which the network's own flow is left alone."""
MEET = .85
"""How far down an open eye its lids meet."""
ABOVE, BELOW = .38, .3
"""How far above and below an eye skin is stretched when it shuts, widths of the eye."""
HELD = .6, .35, .4
"""How far above, below and beside an eye a flow comes to count in full (`held`), widths of the eye."""
THICK, LEAST = np.array([.13, .32, .26, .23, .32], np.float32), .1
"""How far a brow's hair reaches below its five landmarks, from the temple to the nose, for these lie on its upper edge
(means of the mesh's own lower edge); the least height of skin between lid and brow that is reckoned with. Widths of the
eye."""
SKIN = .6, .8
"""How far a brow rises and sinks at most, of the height of the skin below it."""
ROOM = .3
"""How far a lid rises at most, of the height of the skin above it."""
AROUND = .5
"""How far around a brow the flow is made smaller where that would be too much, widths of the eye."""
LASHES = .1
"""So much beside a lid's edge goes with it as it is, lashes and make-up, widths of the eye."""


def round_irises(flow: np.ndarray, irises: np.ndarray) -> np.ndarray:
    """The flow (h, w, 2) half sides, changed so that irises are carried whole and enlarged alike in both directions.

    irises: (2, 3), x and y of the middles and radius, px of the answer.
    """
    h, w = flow.shape[:2]
    out = flow
    for x, y, radius in np.asarray(irises, float):
        at = _shown(flow, x, y)
        low = np.maximum(np.floor(at - 2 * REACH * radius).astype(int), 0)
        high = np.minimum(np.ceil(at + 2 * REACH * radius).astype(int) + 1, [w, h])
        if (high - low < 3).any() or radius <= 0:
            continue
        part = slice(low[1], high[1]), slice(low[0], high[0])
        rows, columns = np.mgrid[part]
        away = np.stack([columns, rows], -1) - at                         # (n, m, 2) px
        step = flow[part] * (w / 2, h / 2)                                # (n, m, 2) px
        near = np.exp(-.5 * ((away / radius) ** 2).sum(-1))               # the iris itself counts
        slope = [(near * away[..., k] * (step[..., k] - (near * step[..., k]).sum() / near.sum())).sum()
                 / (near * away[..., k] ** 2).sum() for k in (0, 1)]
        stretch = 1 / np.clip(1 + np.array(slope), .2, 5)                 # across, down
        size = np.clip(np.sqrt(stretch.prod()), *STRETCH)
        whole = np.array([x, y]) + away / size - np.stack([columns, rows], -1)
        distance = np.linalg.norm(away, axis=-1) / (radius * size)
        weight = np.clip((REACH - distance) / (REACH - 1), 0, 1)
        weight = (weight * weight * (3 - 2 * weight))[..., None]
        if out is flow:
            out = flow.copy()
        out[part] += (weight * (whole - step) / (w / 2, h / 2)).astype(flow.dtype)
    return out


def near_irises(size: int, irises: np.ndarray) -> np.ndarray:
    """(size, size) float32 in [0, 1]: 1 in the eyes, which may open, falling to 0 around them.  irises: as above."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    away = np.min([np.hypot((x - i[0]) / 3.4, (y - i[1]) / 2.2) / max(i[2], 1e-3) for i in np.asarray(irises)], 0)
    return np.clip(2 - 1.6 * away, 0, 1).astype(np.float32)


def shut(x: np.ndarray, y: np.ndarray, lids: np.ndarray, share: float, brows: np.ndarray | None = None
         ) -> tuple[np.ndarray, np.ndarray]:
    """Where to copy from so that eyes are shut: places of the source that are copied from -> others, px, as arrays.

    x, y: (h, w) each, places in the source.  lids: (2, 2, 9, 2), `Features.lids`, px of the source.  share: 0 as they
    are, 1 shut, -.3 so much wider. The upper lid is stretched from the brow down, the lower one a little up; the eye
    itself stays, but for its upper and lower part where lids rise from it.  brows: (2, 5, 2) px likewise: skin is
    stretched up to them and not beyond; None: up to a usual height.
    """
    x, y = x.astype(np.float32), y.astype(np.float32)
    for left, right, along, across, width, upper, lower, k in _eyes(lids):
        near = np.hypot(x - (left + right)[0] / 2, y - (left + right)[1] / 2) < 1.2 * width
        rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
        if not len(rows):
            continue
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        away = np.stack([x[part] - left[0], y[part] - left[1]], -1)
        t, down = away @ along, away @ across
        top, bottom = (_edge(t, edge) for edge in (upper, lower))
        open_ = np.maximum(bottom - top, 0)
        drop, rise = share * MEET * open_, share * (1 - MEET) * open_
        above = np.full_like(t, ABOVE)
        if brows is not None:
            above = np.minimum(_along(t, *_skin(brows, k, left, along, across, width, upper)), ABOVE)
            drop = np.maximum(drop, -ROOM * above * width)                # a lid rises into the skin above it
        step = (_pulled(down - (bottom - rise), rise, BELOW * width, LASHES * width)
                - _pulled(top + drop - down, drop, above * width,
                          np.minimum(LASHES, above / 2) * width))
        if share < 0:
            middle = (top + bottom) / 2
            step -= drop * np.clip((middle - down) / np.maximum(middle - top - drop, 1e-3), 0, 1) * (down >= top + drop)
            step += rise * np.clip((down - middle) / np.maximum(bottom - rise - middle, 1e-3), 0, 1
                                   ) * (down < bottom - rise)
        x[part] += step * across[0]
        y[part] += step * across[1]
    return x, y


def shutting(flow: np.ndarray, lids: np.ndarray) -> float:
    """How far a flow shuts the eyes, as `shut` takes it: 0 as they are, 1 shut, below 0 wider; 0 without known lids.

    flow: (h, w, 2) half sides.  lids: (2, 2, 9, 2) px of it. Read in the middle half of the lids' edges.
    """
    h, w = flow.shape[:2]
    shares = []
    for left, _, along, across, width, *edges, _ in _eyes(lids):
        t = np.linspace(.25, .75, 5, dtype=np.float32) * width
        heights = np.stack([_edge(t, edge) for edge in edges])            # (2, 5), upper and lower
        steps = []
        for down in heights:
            x, y = (left[k] + t * along[k] + down * across[k] for k in (0, 1))
            at = np.clip(np.rint(y), 0, h - 1).astype(int), np.clip(np.rint(x), 0, w - 1).astype(int)
            steps.append(-(flow[at] * (w / 2, h / 2)) @ across)           # where the edge is shown, from its own place
        gap = heights[1] - heights[0]
        shares.append(float(np.mean(steps[0] - steps[1]) / max(float(gap.mean()), .02 * float(width))))
    return float(np.mean(shares)) if shares else 0.0


def held(flow: np.ndarray, lids: np.ndarray, brows: np.ndarray | None = None) -> np.ndarray:
    """The flow (h, w, 2), 0 in the eyes and from there to brows, cheeks and temples more and more what it was: brows
    that rise stretch the skin below them, they do not lift the lid.

    lids: (2, 2, 9, 2) px of the answer.  brows: (2, 5, 2) px likewise, the brows above these eyes, or None. The flow
    counts in full from where a brow's lower edge will be, not from where it was: else the strip between the two would
    be filled from a few rows beside the lid, and its lashes and make-up become blots. Towards the brow the skin follows
    the brow's own flow. A brow moves no farther than the skin below it can be stretched (`SKIN`), for what a fold of
    skin hides no photo shows.
    """
    import cv2

    h, w = flow.shape[:2]
    y, x = np.mgrid[:h, :w].astype(np.float32)
    keep = np.ones((h, w), np.float32)
    share = np.ones((h, w), np.float32)
    out = flow
    for left, _, along, across, width, upper, lower, k in _eyes(lids):
        t, down = ((x - left[0]) * axis[0] + (y - left[1]) * axis[1] for axis in (along, across))
        above = np.full_like(t, HELD[0])                                  # height over which a flow comes to count
        up = _edge(t, upper) - down
        beside = np.maximum(np.maximum(-t, t - width), 0) / (HELD[2] * width)
        if brows is not None:
            at, free = _skin(brows, k, left, along, across, width, upper)
            rise = np.zeros(len(at))
            for higher in (0, THICK.mean() * width):                      # at the brow, and where it will be
                where = brows[k] - higher * across
                rows, columns = (np.clip(np.rint(where[:, j]).astype(int), 0, n - 1) for j, n in ((1, h), (0, w)))
                found = flow[rows, columns] * (w / 2, h / 2) @ across     # what is shown lies below: it rises
                rise = np.where(np.abs(found) > np.abs(rise), found, rise)
            most = np.where(rise < 0, SKIN[1], SKIN[0]) * free * width
            much = np.minimum(1, most / np.maximum(np.abs(rise), 1e-6))
            part, rise = _along(t, at, much), rise * much / width
            above = _along(t, at, np.minimum(free, HELD[0] + np.maximum(-rise, 0)) + rise)
            off = np.maximum(np.maximum(at[0] - t, t - at[-1]), 0) / (AROUND * width)
            high = np.maximum(up - _along(t, at, free + rise + THICK.mean()) * width, 0) / (AROUND * width)
            share = np.minimum(share, 1 - (1 - part) * np.exp(-(off ** 2 + high ** 2) / 2))
            step = np.clip(above * width - up, 0, above * width)          # px up to the brow's new lower edge
            own = cv2.remap(flow, x - step * across[0], y - step * across[1], cv2.INTER_LINEAR,
                            borderMode=cv2.BORDER_REPLICATE)
            near = np.clip(1 - beside, 0, 1) * np.clip(up / (above * width), 0, 1)
            out = out + near[..., None] * (own - flow)
        over = np.maximum(up, 0) / (above * width)
        under = np.maximum(down - _edge(t, lower), 0) / (HELD[1] * width)
        keep = np.minimum(keep, (over ** 2 + under ** 2 + beside ** 2) ** .65)    # lashes stretch less than skin
    return out * (keep * share)[..., None]


def _eyes(lids: np.ndarray) -> Iterator[tuple]:
    """Of each eye whose lids (2, 2, 9, 2) are known: its left and right corner, unit vectors along it and down the
    face, its width, the edges of the upper and the lower lid (9, 2) from the left corner along these; its number."""
    for number, edges in enumerate(np.asarray(lids, np.float32)):
        left, right = edges[:, 0].mean(0), edges[:, -1].mean(0)
        width = float(np.linalg.norm(right - left))
        if np.isfinite(edges).all() and width >= 1:
            along = (right - left) / width
            across = np.array([-along[1], along[0]], np.float32)
            upper, lower = ((edge - left) @ np.stack([along, across], 1) for edge in edges)
            yield left, right, along, across, width, upper, lower, number


def _skin(brows: np.ndarray, number: int, left: np.ndarray, along: np.ndarray, across: np.ndarray, width: float,
          upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (5,) of a brow's points along the eye, px, ascending, and how high the skin is between lid and brow there,
    widths of the eye.  brows: (2, 5, 2) px.  Others as `_eyes` yields them."""
    thick = THICK if number == 0 else THICK[::-1]                         # the right eye's temple lies to the right
    at = (np.asarray(brows[number], np.float32) - left) @ np.stack([along, across], 1)    # (5, 2), along and down
    at = at[np.argsort(at[:, 0])]
    return at[:, 0], np.maximum((_edge(at[:, 0], upper) - at[:, 1]) / width - thick, LEAST)


def _along(t: np.ndarray, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (5,) of places `at` (5,) at places t along the eye; beyond the ends those of the ends."""
    return np.interp(t, at, values).astype(np.float32)


def _pulled(away: np.ndarray, by: np.ndarray, reach, whole) -> np.ndarray:
    """How far skin came along with an edge that moved by `by`, at a distance beyond the new edge; 0 on the other side.
    All of it up to `whole`, then less, up to `reach` beyond the old edge."""
    share = 1 - (away - whole) / np.maximum(reach + by - whole, 1e-3)
    return np.where(away >= 0, by * np.clip(share, 0, 1), 0)


def _edge(t: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Heights of a lid's edge (9, 2) at places t along the eye; beyond the corners those of the corners."""
    from scipy.interpolate import PchipInterpolator

    edge = edge[np.argsort(edge[:, 0])]
    curve = PchipInterpolator(edge[:, 0] + 1e-3 * np.arange(len(edge)), edge[:, 1])
    fine = np.linspace(edge[0, 0], edge[-1, 0], 64)
    return np.interp(t, fine, curve(fine)).astype(np.float32)


def _shown(flow: np.ndarray, x: float, y: float) -> np.ndarray:
    """Where a place of the source is shown: (2,) px, by a few steps of fixed-point iteration."""
    h, w = flow.shape[:2]
    at = np.array([x, y])
    for _ in range(4):
        column, row = np.clip(np.rint(at).astype(int), 0, [w - 1, h - 1])
        at = np.array([x, y]) - flow[row, column] * (w / 2, h / 2)
    return at
