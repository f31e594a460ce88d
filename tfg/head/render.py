"""Shaded pictures of the head, just detailed enough for a face landmarker to recognise it."""
from __future__ import annotations

import numpy as np

from tfg.head.model import CAMERA_M, HEAD_WIDTH_M, Head, project, rotation
from tfg.head.raster import rasterise

SKIN = np.array([0.80, 0.60, 0.50], np.float32)
HAIR = np.array([0.16, 0.11, 0.08], np.float32)
BACKGROUND = np.array([0.62, 0.66, 0.70], np.float32)
LIGHT = np.array([0.35, 0.45, 0.82], np.float32)


def vertex_normals(v: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals (V, 3) of vertices v (V, 3) with triangles (F, 3)."""
    fn = np.cross(v[triangles[:, 1]] - v[triangles[:, 0]], v[triangles[:, 2]] - v[triangles[:, 0]])
    n = np.stack([np.bincount(triangles.ravel(), np.repeat(fn[:, k], 3), len(v)) for k in range(3)], 1)
    return (n / (np.linalg.norm(n, axis=1, keepdims=True) + 1e-12)).astype(np.float32)


def vertex_colours(head: Head, skin: np.ndarray = SKIN, hair: np.ndarray = HAIR) -> np.ndarray:
    """Albedo (V, 3) of the mean head: skin, lips, scalp hair, teeth, tongue, lashes and eyes.

    skin, hair: (3,) colours in [0, 1].
    """
    m = head.mean
    colour = np.tile(skin, (len(m), 1)).astype(np.float32)

    def mix(target, weight):
        colour[:] = colour * (1 - weight[:, None]) + np.asarray(target, np.float32) * weight[:, None]

    mix(skin * [0.85, 0.55, 0.55], 0.9 * head.masks["lips"])
    mix([0.25, 0.07, 0.07], head.masks["inside_mouth"])
    above = m[:, 1] - 0.078 + 0.9 * np.clip(-m[:, 2] - 0.03, 0, 1) + 0.3 * np.abs(m[:, 0])
    mix(hair, 1 / (1 + np.exp(-np.clip(above / 0.004, -30, 30))) * (1 - head.masks["ears"]))
    for part, value in (("teeth_upper", [0.92, 0.90, 0.84]), ("teeth_lower", [0.88, 0.86, 0.80]),
                        ("tongue", [0.62, 0.28, 0.27]), ("lash_left", [0.08] * 3), ("lash_right", [0.08] * 3),
                        ("eye_left", [0.92, 0.91, 0.89]), ("eye_right", [0.92, 0.91, 0.89])):
        colour[np.unique(head.triangles[head.part_mask(part)])] = value
    return colour


def render_head(head: Head, identity=None, expression=None, pose=None, size: int = 256, *, skin=SKIN,
                supersample: int = 2) -> np.ndarray:
    """Draw the head: (size, size, 3) uint8 RGB.

    identity: (K,).  expression: (52,).  pose: (6,) as in tfg.vocabulary.POSE; None means 0.  skin: (3,) colour in
    [0, 1].  supersample: samples of a pixel in each direction.
    """
    pose = np.zeros(6) if pose is None else np.asarray(pose, float)
    v = head.vertices(identity, expression)
    r = rotation(*pose[:3])
    w = size * supersample
    scale = w * 0.48 / HEAD_WIDTH_M                                     # px per metre: a head is 48 % of the width
    shift = np.array([w * 0.5, w * 0.42]) + scale * HEAD_WIDTH_M * np.array([pose[3], -pose[4]])
    xy, depth = project(v, r, scale / (1 - pose[5] * HEAD_WIDTH_M / CAMERA_M), shift)
    drawn = ~head.part_mask("lash_left", "lash_right")
    tri, part = head.triangles[drawn], head.part[drawn]
    face, bary, _ = rasterise(xy, depth, tri, w, w)
    hit = face >= 0
    f, b = face[hit], bary[hit]
    corners = tri[f]                                                               # (P, 3)
    known = np.concatenate([vertex_normals(v, head.triangles), vertex_colours(head, np.asarray(skin, np.float32)),
                            head.mean, v, head.masks["inside_mouth"][:, None]], 1)  # (V, 13), fetched in one go
    seen = sum(known[corners[:, k]] * b[:, k, None] for k in range(3))             # (P, 13)
    normal, albedo, rest, at, inside = np.split(seen, (3, 6, 9, 12), axis=1)       # rest: points of the mean head
    normal = normal @ r.T
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    _paint_brows(albedo, rest, part[f] == 0)
    _paint_eyes(head, albedo, at, v, part[f], expression)
    light = LIGHT / np.linalg.norm(LIGHT)
    half = light + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    shade = 0.42 + 0.10 * normal[:, 1] + 0.62 * np.clip(normal @ light, 0, 1)
    shade *= 1 - 0.6 * inside[:, 0]
    colour = albedo * shade[:, None] + 0.10 * np.clip(normal @ half, 0, 1)[:, None] ** 24
    image = np.tile(BACKGROUND, (w, w, 1))
    image[hit] = colour
    image = np.clip(image, 0, 1) ** 0.8
    image = image.reshape(size, supersample, size, supersample, 3).mean((1, 3))
    return np.round(image * 255).astype(np.uint8)


def _paint_brows(albedo, rest, skin):
    """Paint brows into albedo (P, 3) in place. rest: (P, 3) points of the mean head.  skin: (P,) bool."""
    x, y = np.abs(rest[:, 0]) - 0.033, rest[:, 1] - 0.0235
    y = y + 0.25 * np.clip(x, 0, 0.02)
    weight = 0.85 * np.exp(-((y / 0.0042) ** 2)) * (np.abs(x) < 0.02) * (rest[:, 2] > 0) * skin
    albedo[:] = albedo * (1 - weight[:, None]) + HAIR * weight[:, None]


def _paint_eyes(head, albedo, at, v, part, expression):
    """Paint pupil, iris and sclera into albedo (P, 3) in place. at: (P, 3) points of the posed head."""
    for side in ("eye_left", "eye_right"):
        k = 473 if side == "eye_left" else 468
        pupil = head.landmark_weights[k] @ v[head.landmark_triangles[k]]               # moves with the eyeLook actions
        e = part == head.part_names.index(side)
        away = np.linalg.norm(at[e] - pupil, axis=1)[:, None]
        colour = np.where(away < 0.0026, 0.03, np.where(away < 0.0062, [0.28, 0.30, 0.30], [0.93, 0.92, 0.90]))
        albedo[e] = colour
