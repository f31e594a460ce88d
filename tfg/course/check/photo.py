"""Checks of notebooks/04_how_a_photo_moves."""
from __future__ import annotations

import functools

import numpy as np

from tfg.course.check.core import exercise, same
from tfg.course.check.wrong import Wrong


@exercise
def barycentric(answer):
    """barycentric(points (P, 2), corners (3, 2)) -> (P, 3): the weights of the corners at each point."""
    for seed in (0, 1, 2):
        rng = np.random.default_rng(seed)
        corners = rng.uniform(0, 20, (3, 2))
        corners[2] = corners[0] + (corners[1] - corners[0]) @ np.array([[.2, 1.1], [-1.1, .2]])     # not flat
        points = rng.uniform(-5, 25, (6, 2))
        edges = np.stack([corners[1] - corners[0], corners[2] - corners[0]], 1)       # (2, 2), columns
        inside = np.linalg.solve(edges, (points - corners[0]).T).T
        want = np.column_stack([1 - inside.sum(1), inside])
        without = (points - corners[0]) @ np.linalg.inv(edges)
        unshifted = np.linalg.solve(edges, points.T).T
        same(answer(points.copy(), corners.copy()), want, what="barycentric", mistakes={
            "the first weight is not 1 minus the other two": np.column_stack([inside.sum(1), inside]),
            "the weights come in another order: the first belongs to corners[0]":
            np.column_stack([inside, 1 - inside.sum(1)]),
            "the edges stand in rows where they should be columns: np.stack([...], 1)":
            np.column_stack([1 - without.sum(1), without]),
            "points are not counted from corners[0]: subtract it": np.column_stack([1 - unshifted.sum(1), unshifted]),
            "weights are cut to 0 to 1: outside the triangle they are smaller or larger": np.clip(want, 0, 1),
            "two weights are there, and the third is missing": inside})


@exercise
def fill_map(answer):
    """fill_map(xy (N, 2), triangles (F, 3), rest_xy (N, 2), order (F,), height, width) -> (height, width, 2).

    NaN where no triangle lies.
    """
    for seed, (height, width) in enumerate(((9, 12), (12, 9))):
        rng = np.random.default_rng(seed)
        xy = np.array([[-2.5, .6], [width + 1.4, 1.2], [width - .1, height + 1.7], [.8, height - 2.1], [4.1, 3.8]])
        xy += rng.uniform(-.3, .3, (5, 2))                                # beyond three edges of the picture
        triangles = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [0, 1, 2]])
        rest, order = rng.uniform(0, 30, (5, 2)), np.array([0, 3, 1, 2])
        want = functools.partial(_map, xy=xy, triangles=triangles, rest=rest, order=order, height=height,
                                 width=width)
        swapped = _map(xy, triangles, rest, order, width, height)
        got = answer(xy.copy(), triangles.copy(), rest.copy(), order.copy(), height, width)
        values = np.asarray(got)
        if values.shape == (height, width, 2) and np.isfinite(values).all() and np.ptp(values) > 0:
            raise Wrong("no pixel is NaN, though no triangle lies on some of them: begin with np.full(..., np.nan), "
                        "and write only where all three weights are at least 0")
        same(got, want(), what="the map", mistakes={
            "triangles are drawn in their own order, not in `order`: what lies behind covers what lies before it":
            want(order=np.arange(4)),
            "`order` runs backwards: it goes from far to near, and the nearest is drawn last": want(order=order[::-1]),
            "the map says where a pixel is now, not where it comes from: weigh the corners' places in rest_xy":
            want(rest=xy),
            "the two meshes are exchanged: the triangles that are drawn are those of xy": want(xy=rest, rest=xy),
            "pixels whose triangle is only near them are written too: all three weights must be at least 0":
            want(near=True),
            "rows and columns are exchanged: the array is [row, column], that is [y, x]": swapped.transpose(1, 0, 2),
            "the first triangle that covers a pixel is kept: a later one overwrites it": want(first=True)})


def _map(xy, triangles, rest, order, height, width, near=False, first=False):
    """The solution, or one that takes pixels near a triangle for its own, or keeps the first that covers a pixel."""
    rows, cols = np.mgrid[:height, :width]
    at = np.stack([cols, rows], -1).reshape(-1, 2).astype(float)
    out = np.full((height * width, 2), np.nan)
    for t in order:
        a, b, c = xy[triangles[t]]
        inside = np.linalg.solve(np.stack([b - a, c - a], 1), (at - a).T).T
        weights = np.column_stack([1 - inside.sum(1), inside])
        hit = (weights >= (-.4 if near else 0)).all(1)
        if first:
            hit &= np.isnan(out[:, 0])
        out[hit] = weights[hit] @ rest[triangles[t]]
    return out.reshape(height, width, 2)


@exercise
def spread(answer):
    """spread(laplacian (N, N), known (N,) bool, values (K, C)) -> (N, C): known values, and the others from them."""
    for n, seed in ((7, 0), (9, 1)):
        rng = np.random.default_rng(seed)
        w = np.zeros((n, n))
        for i in range(n):
            for j in (i + 1, i + 2):
                if j < n:
                    w[i, j] = w[j, i] = rng.uniform(.3, 2)
        laplacian = np.diag(w.sum(1)) - w
        known = np.zeros(n, bool)
        known[[0, 2, 5]] = True
        values = rng.normal(size=(3, 2))

        def extended(sign=-1, inner=laplacian, known=known, values=values, n=n):
            out = np.zeros((n, 2))
            out[known] = values
            out[~known] = np.linalg.solve(inner[~known][:, ~known], sign * inner[~known][:, known] @ values)
            return out

        zeros = np.zeros((n, 2))
        zeros[known] = values
        nearest = values[np.abs(np.arange(n)[:, None] - np.flatnonzero(known)).argmin(1)]
        got = answer(laplacian.copy(), known.copy(), values.copy())
        same(got, extended(), what="spread", mistakes={
            "the sign on the right side is missing: L_ff x_f = - L_fk x_k": extended(1),
            "the free vertices stay 0: solve for them": zeros,
            "each free vertex has the value of its nearest known one: solve for them": nearest,
            "all neighbours count alike: use the numbers of the Laplacian":
            extended(inner=np.diag((w > 0).sum(1).astype(float)) - (w > 0)),
            "only the free vertices are there: write them beside the known ones": extended()[~known]})


@exercise
def between_lips(answer):
    """between_lips(top (W,), bottom (W,), height) -> (height, W): share of each pixel between the two edges, 0 to 1."""
    for seed, (height, width) in enumerate(((8, 5), (6, 9))):
        rng = np.random.default_rng(seed)
        top = rng.uniform(.2, 2.5, width)
        bottom = top + rng.uniform(.3, height - 3.5, width)
        top[-1], bottom[-1] = 3., 2.4                                    # lips that overlap
        row = np.arange(height)[:, None]

        def share(half=.5, low=0., top=top, bottom=bottom, row=row, shift=0.):
            part = np.minimum(bottom, row + shift + half) - np.maximum(top, row + shift - half)
            return np.clip(part, low, 1)

        hard = ((row >= top) & (row <= bottom)).astype(float)
        same(answer(top.copy(), bottom.copy(), height), share(), what="between_lips", mistakes={
            "a pixel is in or out, so the edge has steps: take the share of it that lies between": hard,
            "a pixel of row i reaches from i to i + 1 with you: its centre is i, it reaches from i - 1/2 to i + 1/2":
            share(shift=.5),
            "shares below 0 are left: lips that overlap have no opening": share(low=-99.),
            "the outside of the mouth is what you give: 1 between the lips, 0 elsewhere": 1 - share(),
            "upper and lower edge are exchanged: rows count downwards, and the top edge has the smaller number":
            share(top=bottom, bottom=top),
            "rows and columns are exchanged: (height, W)": share().T})


@exercise
def stretch(answer):
    """stretch(rest (F, 3, 2), now (F, 3, 2)) -> (F,): how many times longer the most stretched line of each became."""
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        rest = rng.uniform(0, 9, (6, 3, 2))
        rest[:, 2] = rest[:, 0] + (rest[:, 1] - rest[:, 0]) @ np.array([[.3, .9], [-1.1, .2]])
        turn = np.linalg.qr(rng.normal(size=(6, 2, 2)))[0]
        now = rest @ (turn * rng.uniform(.4, 3, (6, 2, 1))) + rng.normal(size=(6, 1, 2))

        def matrix(rest=rest, now=now, turned=False, swapped=False):
            a, b = (np.stack([x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]], 1 if turned else 2) for x in (rest, now))
            return np.linalg.inv(a) @ b if swapped else b @ np.linalg.inv(a)

        j = matrix()
        values = np.linalg.svd(j, compute_uv=False)
        edges = np.linalg.norm(np.roll(now, 1, 1) - now, axis=2) / np.linalg.norm(np.roll(rest, 1, 1) - rest, axis=2)
        same(answer(rest.copy(), now.copy()), values[:, 0], what="stretch", mistakes={
            "the edges stand in rows where they should be columns: np.stack([...], 2)":
            np.linalg.svd(matrix(turned=True), compute_uv=False)[:, 0],
            "the order is another one: J = E_now E_rest^-1":
            np.linalg.svd(matrix(swapped=True), compute_uv=False)[:, 0],
            "these are eigenvalues: np.linalg.svd(J, compute_uv=False) gives singular values":
            np.abs(np.linalg.eigvals(j)).max(1),
            "it is the least stretched direction: take the largest singular value": values[:, 1],
            "rest and now are exchanged: the matrix leads from rest to now":
            np.linalg.svd(matrix(now, rest), compute_uv=False)[:, 0],
            "it is how much larger the area is: a triangle can keep its area and be drawn out": np.linalg.det(j),
            "it is how much larger the area is: a triangle can keep its area and be drawn out ":
            np.abs(np.linalg.det(j)),
            "it is the longest of the three edges' factors: a line inside may be stretched more": edges.max(1),
            "it is the norm of all entries: np.linalg.norm(J, 2, axis=(1, 2)) or svd give the largest singular value":
            np.linalg.norm(j, axis=(1, 2)),
            "both singular values are there: take the larger one": values})
