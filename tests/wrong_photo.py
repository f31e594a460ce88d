"""Wrong answers to the exercises of notebooks/04_how_a_photo_moves: name -> [(answer, a word of the message)], for
test_course_check.py."""
from __future__ import annotations

import numpy as np


def _edges(x):
    return np.stack([x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]], 2)


def _weights(points, corners, columns=True):
    a, b, c = corners
    matrix = np.stack([b - a, c - a], 1 if columns else 0)
    two = np.linalg.solve(matrix, (points - a).T).T
    return np.column_stack([1 - two.sum(1), two])


def _rows_for_columns(points, corners):
    a, b, c = corners
    two = np.linalg.solve(np.stack([b - a, c - a], 0), (points - a).T).T
    return np.column_stack([1 - two.sum(1), two])


def _painted(xy, triangles, rest_xy, order, height, width, start=np.nan, limit=0.0, turned=False):
    out = np.full((height, width, 2), start)
    rows, cols = np.mgrid[:height, :width]
    points = np.stack([rows, cols] if turned else [cols, rows], -1).reshape(-1, 2)
    for triangle in triangles[order]:
        weights = _weights(points, xy[triangle])
        hit = (weights >= limit).all(1).reshape(height, width)
        out[hit] = (weights @ rest_xy[triangle]).reshape(height, width, 2)[hit]
    return out


def _in_any_order(xy, triangles, rest_xy, order, height, width):
    return _painted(xy, triangles, rest_xy, np.arange(len(order)), height, width)


def _nearest_first(xy, triangles, rest_xy, order, height, width):
    return _painted(xy, triangles, rest_xy, order[::-1], height, width)


def _where_it_is(xy, triangles, rest_xy, order, height, width):
    return _painted(xy, triangles, xy, order, height, width)


def _zeros(xy, triangles, rest_xy, order, height, width):
    return _painted(xy, triangles, rest_xy, order, height, width, start=0.0)


def _turned(xy, triangles, rest_xy, order, height, width):
    return _painted(xy, triangles, rest_xy, order, height, width, turned=True)


def _spread(laplacian, known, values, sign=-1):
    out = np.zeros((len(known), values.shape[1]))
    out[known] = values
    out[~known] = np.linalg.solve(laplacian[~known][:, ~known], sign * laplacian[~known][:, known] @ values)
    return out


def _nothing_between(laplacian, known, values):
    out = np.zeros((len(known), values.shape[1]))
    out[known] = values
    return out


def _hard(top, bottom, height):
    row = np.arange(height)[:, None]
    return ((row >= top) & (row <= bottom)).astype(float)


def _low(top, bottom, height):
    row = np.arange(height)[:, None]
    return np.clip(np.minimum(bottom, row + 1) - np.maximum(top, row), 0, 1)


def _unclipped(top, bottom, height):
    row = np.arange(height)[:, None]
    return np.minimum(1, np.minimum(bottom, row + .5) - np.maximum(top, row - .5))


WRONG = {
    "barycentric": [(_rows_for_columns, "columns"),
                    (lambda points, corners: _weights(points, corners)[:, [1, 2, 0]], "another order"),
                    (lambda points, corners: np.clip(_weights(points, corners), 0, 1), "are cut to 0 to 1"),
                    (lambda points, corners: _weights(points, corners)[:, 1:], "the third is missing")],
    "fill_map": [(_in_any_order, "their own order"), (_nearest_first, "runs backwards"),
                 (_where_it_is, "where a pixel is now"), (_zeros, "np.nan"), (_turned, "")],
    "spread": [(lambda laplacian, known, values: _spread(laplacian, known, values, 1), "sign"),
               (_nothing_between, "stay 0"),
               (lambda laplacian, known, values: _spread(laplacian, known, values)[~known], "only the free")],
    "between_lips": [(_hard, "steps"), (_low, "its centre is i"), (_unclipped, "below 0"),
                     (lambda top, bottom, height: 1 - np.clip(_unclipped(top, bottom, height), 0, 1), "outside")],
    "stretch": [(lambda rest, now: np.linalg.svd(_edges(now) @ np.linalg.inv(_edges(rest)), compute_uv=False)[:, 1],
                 "least stretched"),
                (lambda rest, now: np.abs(np.linalg.det(_edges(now) @ np.linalg.inv(_edges(rest)))), "area"),
                (lambda rest, now: np.linalg.svd(_edges(rest) @ np.linalg.inv(_edges(now)), compute_uv=False)[:, 0],
                 "exchanged"),
                (lambda rest, now: np.linalg.norm(_edges(now) @ np.linalg.inv(_edges(rest)), axis=(1, 2)), "entries")],
}
