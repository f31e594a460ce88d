"""Points of the head's surface that belong to the 478 landmarks, found by running a landmarker on rendered heads.

This is a part of `tfg head derive`; the result ships in data/head/head.npz.
"""
from __future__ import annotations

import numpy as np

from tfg.faces import mirror
from tfg.head.model import HEAD_WIDTH_M, IRIS_M, Head, project, rotation
from tfg.head.template import LIPS, OUTER_LIPS
from tfg.vocabulary import EXPRESSION

HEADS = 48                  # number of rendered heads
REACH_PX = 6                # a landmark further than this from visible skin is left out
OPEN = 0.45                 # jawOpen of the heads with an open mouth
INNER_LIPS = sorted({i for chain in LIPS for i in chain})


def correspondences(head: Head, detect, *, phenotypes: int, size: int = 640) -> tuple[np.ndarray, np.ndarray]:
    """Run the landmarker on renders of many heads and find the surface point of each landmark.

    Half of the heads look at the camera, half are turned by up to 24 degrees, where the skin of the outline is visible;
    mouths are closed and open by turns. Lips count only in views from the front, inner lips only on open mouths.
    Every landmark is moved to the mean head. The points of each landmark and of its partner on the other side
    (`tfg.faces.mirror`) are pooled, and their median is moved to the nearest point of the surface.

    head: a head whose irises are set (see `irises`).  detect: function from a picture to landmarks (478, 3) px.
    phenotypes: number of the identity's first coefficients that describe whole people; each gets two heads, and the
    other heads are random people.
    Returns triangles (478, 3) of vertex numbers, and weights (478, 3) that sum to 1.
    """
    from scipy.spatial import cKDTree

    from tfg.head.render import render_head

    tri, skin = _drawn(head)
    each = []
    rng = np.random.default_rng(0)
    for i in range(HEADS):
        identity = np.zeros(len(head.identity), np.float32)
        if i // 2 < phenotypes:
            identity[i // 2] = 0.7
        else:
            identity[phenotypes:] = rng.normal(0, 0.1, len(identity) - phenotypes)
        expression = _jaw(OPEN * (i % 2))
        front = i < HEADS // 2
        yaw, pitch = (6.0, 4.0) if front else (24.0, 6.0)
        pose = np.array([yaw * np.sin(i), pitch * np.cos(i), 0, 0, 0, 0])
        points = detect(render_head(head, identity, expression, pose, size))
        face, bary, at = _seen(head, tri, skin, identity, expression, pose, size)
        far, near = cKDTree(at).query(points[:, :2])
        where = _on(head.mean, tri[face[near]], bary[near])
        where[far > REACH_PX] = np.nan
        if not front or i % 2 == 0:
            where[INNER_LIPS] = np.nan
        if not front:
            where[list(OUTER_LIPS)] = np.nan
        each.append(where)
    votes = np.array(each)[:, :468]                                                      # without the irises
    point = np.nanmedian(np.concatenate([votes, votes[:, mirror.POINTS[:468]] * [-1, 1, 1]]), 0)
    # move to the surface: the nearest of many samples of visible skin, mouth open, from the front and both sides
    samples = [_seen(head, tri, skin, None, _jaw(OPEN), np.array([yaw, 0, 0, 0, 0, 0]), 1600) for yaw in (-40, 0, 40)]
    face, bary = (np.concatenate([s[k] for s in samples]) for k in (0, 1))
    nearest = cKDTree(_on(head.mean, tri[face], bary)).query(point)[1]
    triangles, weights = irises(head)
    triangles = np.concatenate([tri[face[nearest]], triangles])
    return triangles.astype(np.int32), np.concatenate([bary[nearest], weights]).astype(np.float32)


def irises(head: Head) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (10, 3) of vertex numbers and weights (10, 3) of the iris landmarks 468-477.

    For the right, then the left eye, they are the centre and the ring at the picture's right, top, left and bottom. The
    eyes look along z, so that the centre of the iris lies in front of the ball's centre.
    """
    triangles, weights = [], []
    for part in ("eye_right", "eye_left"):
        tri = head.triangles[head.part_mask(part)]
        ball = head.mean[np.unique(tri)]
        middle = (ball.min(0) + ball.max(0))[:2] / 2
        tri = tri[head.mean[tri][..., 2].mean(1) > ball[:, 2].mean()]               # the front half
        a, b, c = (head.mean[tri[:, k], :2] for k in range(3))
        for step in ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)):
            at = middle + IRIS_M * np.array(step)
            area = [_cross(b - at, c - at), _cross(c - at, a - at), _cross(a - at, b - at)]
            w = np.stack(area, 1) / _cross(b - a, c - a)[:, None]
            k = np.argmax(w.min(1))
            triangles.append(tri[k])
            weights.append(w[k] / w[k].sum())
    return np.array(triangles, np.int32), np.array(weights, np.float32)


def _cross(a, b):
    """z of the cross product of vectors (N, 2): (N,)."""
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _on(vertices, triangles, weights):
    """Points (N, 3) of the surface, from triangles (N, 3) of vertex numbers and weights (N, 3)."""
    return (vertices[triangles] * weights[:, :, None]).sum(1)


def _jaw(value):
    """Coefficients (52,) with jawOpen at a value and 0 elsewhere."""
    out = np.zeros(len(EXPRESSION), np.float32)
    out[EXPRESSION.index("jawOpen")] = value
    return out


def _drawn(head):
    """Triangles (F, 3) that `render_head` draws, and a mask (F,) of those on which landmarks may lie: the skin without
    the inside of the mouth."""
    drawn = ~head.part_mask("lash_left", "lash_right")
    tri = head.triangles[drawn]
    return tri, (head.part[drawn] == head.part_names.index("skin")) & (head.masks["inside_mouth"][tri].mean(-1) < 0.6)


def _seen(head, tri, skin, identity, expression, pose, size):
    """Pixels that show skin: their triangles (N,), weights (N, 3) that sum to 1, and places (N, 2) px."""
    from tfg.head.raster import rasterise

    xy, depth = project(head.vertices(identity, expression), rotation(*pose[:3]), size * 0.48 / HEAD_WIDTH_M,
                        np.array([size * 0.5, size * 0.42]))
    face, bary, _ = rasterise(xy, depth, tri, size, size)
    rows, cols = np.nonzero((face >= 0) & skin[face])
    bary = bary[rows, cols]
    return face[rows, cols], bary / bary.sum(1, keepdims=True), np.stack([cols, rows], 1)
