"""Binding of MediaPipe's landmarks to the vertices of a portrait's mesh."""
from __future__ import annotations

import numpy as np

from tfg.head import template as tp
from tfg.head.openings import IRIS


def bind_landmarks(triangles: np.ndarray) -> tuple[np.ndarray, dict[str, list[int]]]:
    """Express each landmark as a weighted sum of the template's n vertices.

    The weights are found on the template, whose mouth and eyes are open, so that a landmark of the upper lip is never
    bound to the lower one.  triangles: (F, 3) of a portrait's mesh.
    Returns weights (478, n) float32, and for each opening the landmarks on its edges. The landmarks of an iris are
    bound to the mean of the edges of its lids.
    """
    template, points = tp.load(), tp.open_face()
    n = len(template.layout)
    weights = np.zeros((478, n), np.float32)
    edges, done = {}, np.zeros(478, bool)
    for name, (chains, _) in tp.OPENINGS.items():
        edges[name] = sorted({i for chain in chains for i in chain})
        for chain, line in zip(chains, (template.upper[name], template.lower[name]), strict=True):
            across = template.layout[line, 0]
            order = np.argsort(across)
            for i in chain:                                     # between the two nearest vertices of its own edge
                k = np.clip(np.interp(points[i, 0], across[order], np.arange(len(line))), 0, len(line) - 1)
                low = min(int(k), len(line) - 2)
                weights[i] = 0
                weights[i, line[order[low]]], weights[i, line[order[low + 1]]] = 1 - (k - low), k - low
                done[i] = True
    own = template.landmarks[:, :468] == 1
    for i in map(int, np.flatnonzero(own.any(0) & ~done[:468])):
        weights[i, np.flatnonzero(own[:, i])[0]] = 1
        done[i] = True
    for name, first in IRIS.items():
        line = np.unique(np.concatenate([template.upper[name], template.lower[name]]))
        weights[first:first + 5, line] = 1 / len(line)
        done[first:first + 5] = True
    inner = triangles[(triangles < n).all(1)]
    a, b, c = (template.layout[inner[:, k]].astype(float) for k in range(3))
    area = tp.signed_areas(template.layout.astype(float), inner)
    for i in map(int, np.flatnonzero(~done)):
        p = points[i]
        wb = ((p[0] - a[:, 0]) * (c - a)[:, 1] - (p[1] - a[:, 1]) * (c - a)[:, 0]) / area
        wc = ((b - a)[:, 0] * (p[1] - a[:, 1]) - (b - a)[:, 1] * (p[0] - a[:, 0])) / area
        bary = np.stack([1 - wb - wc, wb, wc], 1)
        outside = np.linalg.norm(np.clip(bary, 0, 1) / np.clip(bary, 0, 1).sum(1, keepdims=True) - bary, axis=1)
        away = np.linalg.norm((a + b + c) / 3 - p, axis=1)
        best = np.argmin(outside + np.where(away > 0.02, 1e3, away))
        share = np.clip(bary[best], 0, 1)
        weights[i, inner[best]] = share / share.sum()
    return weights, edges
