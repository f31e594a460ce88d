"""The template on one photo: the places of its vertices, their depths, and their shares of the head's motion."""
from __future__ import annotations

import numpy as np

from tfg.head import template as tp
from tfg.head.fit import FACE_OVAL
from tfg.head.model import CAMERA_M, NECK_PIVOT, project, rotation, to_pixels
from tfg.head.openings import CLOSED_M

EDGE_M = {"mouth": 0.0020, "eye_right": 0.0012, "eye_left": 0.0012}    # distance by which edges move into the skin
EDGE_ROOM_M = 0.005         # vertices so near the photo's edge stay when the head moves inwards
TURNS = ((20, 0, 0), (-20, 0, 0), (0, 15, 0), (0, -15, 0))      # (yaw, pitch, roll) at which the mesh must not fold


def similarity(a, b):
    """Affine matrix (3, 2) of the similarity that maps template points a (N, 2), y up, to pixels b (N, 2), y down."""
    a = a * [1, -1]
    ca, cb = a.mean(0), b.mean(0)
    p, q = (a - ca)[:, 0] + 1j * (a - ca)[:, 1], (b - cb)[:, 0] + 1j * (b - cb)[:, 1]
    z = (np.conj(p) * q).sum() / (np.abs(p) ** 2).sum()
    m = np.array([[z.real, z.imag], [-z.imag, z.real]])                 # row vectors: a @ m
    m = np.array([[1, 0], [0, -1]]) @ m
    return np.vstack([m, cb - (ca * [1, -1]) @ m])


def frame_on_layout(template, rest, shape):
    """Corners (4, 2) of a picture of `shape` on the template's plane, in metres.  rest: (L, 2) px of its vertices."""
    m = similarity(template.layout, rest)
    h, w = shape[:2]
    corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], float)
    return (corners - m[2]) @ np.linalg.inv(m[:2])


def unproject(xy, z, fit):
    """Camera points (N, 3) in metres of pixels xy (N, 2) and heights z (N,) in metres towards the camera."""
    f = (1 - z / CAMERA_M) / fit.scale
    return np.stack([(xy[:, 0] - fit.shift[0]) * f, -(xy[:, 1] - fit.shift[1]) * f, z], 1)


def rest_positions(template, rest, layout, tri, border, lap, shape):
    """Places of all vertices on the photo: (N, 2) px.

    A landmark that would turn a triangle over is moved to fit its neighbours.  rest: (L, 2) px of the template's
    vertices.  layout: (N, 2) metres.  tri: (F, 3).  border: (N,) bool.  lap: Laplacian.  shape: the texture's.
    """
    base = np.c_[layout, np.ones(len(layout))] @ similarity(template.layout, rest)
    base[border] = np.clip(np.round(base[border]), 0, np.array(shape[1::-1]) - 1)
    n = len(template.layout)
    edge = np.zeros(len(layout), bool)
    for name in tp.OPENINGS:
        edge[template.upper[name]] = edge[template.lower[name]] = True
    known = border.copy()
    known[:n] = True
    offset = np.zeros((len(layout), 2))
    offset[:n] = rest - base[:n]
    for _ in range(6):
        xy = base + tp.extend(lap, known, offset[known])
        turned = tp.signed_areas(xy, tri) > -1e-3                           # y points down: front faces are negative
        if not turned.any():
            break
        loose = np.zeros(len(layout), bool)
        loose[tri[turned]] = True
        known &= ~(loose & ~edge & ~border)
    return xy


def depth(head, fit, template, layout, tri, border, lap, rest_xy):
    """Height of each vertex towards the camera: (N,) metres.

    Landmarks are from the fit, scalp and ears from the head's surface, and the others are smooth between. A penalised
    fit, rather than the surface itself, bounds the slope; where one of TURNS would still fold the mesh, the surface is
    smoothed further.  rest_xy: (N, 2) px from `rest_positions`.
    """
    from scipy.sparse import diags
    from scipy.sparse.linalg import splu

    from tfg.head.raster import rasterise

    n = len(template.layout)
    v = head.vertices(fit.identity, fit.expression)
    q = v @ fit.rotation.T
    value, weight = np.full(len(layout), -0.095), np.zeros(len(layout))
    value[:n] = template.landmarks @ head.at_landmarks(q)[:, 2]
    weight[:n] = 4.0
    weight[:n][template.landmarks[:, list(FACE_OVAL)].sum(1) > 0.5] = 0.3
    xy, depth = project(v, fit.rotation, fit.scale, fit.shift)
    skin = head.triangles[head.part_mask("skin")]
    size = np.ceil(rest_xy.max(0)).astype(int) + 2
    _, _, zbuf = rasterise(xy, depth, skin, size[1], size[0])
    at = np.clip(np.round(rest_xy).astype(int), 0, size - 1)
    z = -zbuf[at[:, 1], at[:, 0]]
    chin_y = template.layout[:, 1].min()
    seen = np.isfinite(z) & (np.arange(len(layout)) >= n) & (layout[:, 1] > chin_y - 0.01)
    value[seen], weight[seen] = np.maximum(z[seen], -0.11), 0.25
    weight[border] = 0.5
    value[border & ~seen] = -0.10
    turns, pivot = [rotation(*pose) for pose in TURNS], fit.rotation @ NECK_PIVOT
    rest_area = tp.signed_areas(rest_xy, tri)
    for _ in range(8):
        out = splu((lap + diags(weight + 1e-6)).tocsc()).solve(weight * value)
        q = unproject(rest_xy, out, fit)
        folded = np.zeros(len(tri), bool)
        for r in turns:
            at = to_pixels((q - pivot) @ r.T + pivot, fit.scale, fit.shift)
            folded |= tp.signed_areas(at, tri) > 0.08 * rest_area
        if not folded.any():
            break
        loose = np.zeros(len(layout), bool)
        loose[tri[folded]] = True
        for _ in range(2):                                               # add the neighbours
            ring = loose[tri].any(1)
            loose[tri[ring]] = True
        weight[loose] *= 0.3
    return out


def headness(layout, border, lap):
    """Share of the head's motion at each vertex: (N,), 1 on head and hair, 0 at the border and on the shoulders,
    harmonic between."""
    rho = np.hypot(layout[:, 0] / 0.105, (layout[:, 1] - 0.005) / 0.145)
    low, high = layout[border].min(0), layout[border].max(0)
    room = np.minimum(layout - low, high - layout).min(1)
    head = (rho < 1) & (room > 0.02) & (layout[:, 1] > -0.125)
    still = border | (layout[:, 1] < -0.21)
    known = head | still
    values = head[known].astype(float)[:, None]
    return np.clip(tp.extend(lap, known, values)[:, 0], 0, 1)


def inward(template, fit, layout, border, lap, rest_xy, shape, beyond):
    """Share of the head's motion at each vertex when it would bring in the space beyond the photo.

    shape: the texture's.  beyond: numbers of the texture's columns and rows beyond the photo's left, top, right and
    bottom edge (`tfg.head.framing`).
    Returns headness (N,), which is 0 at the photo's edges, and signs (N, 2) of the motions in x and y that lead
    inwards, 0 if both directions are free; or None if nothing lies beyond the photo.
    """
    if not any(beyond):
        return None
    left, top, right, bottom = beyond
    low, high = np.array([left, top]), np.array([shape[1] - 1 - right, shape[0] - 1 - bottom])
    room = np.minimum(rest_xy - low, high - rest_xy).min(1) / fit.scale                       # metres
    rho = np.hypot(layout[:, 0] / 0.105, (layout[:, 1] - 0.005) / 0.145)
    outside = border | (room < EDGE_ROOM_M)
    known = outside | (layout[:, 1] < -0.21) | ((rho < 1) & (room > 0.02) & (layout[:, 1] > -0.125))
    stay = np.clip(tp.extend(lap, known, (known & ~outside & (layout[:, 1] >= -0.21)).astype(float)[known, None])[:, 0],
                   0, 1)
    first = rest_xy < rest_xy[:len(template.layout)].mean(0)                                  # nearer the left, the top
    signs = np.where(first, [left > 0, top > 0], [-int(right > 0), -int(bottom > 0)])
    return stay, signs


def open_edges(rest, template, scale):
    """Move the edges of parted lips and open eyes a little into the skin, so that it carries no teeth or eye white.

    rest: (L, 2) px of the template's vertices.  scale: px per metre.  Returns the moved (L, 2).
    """
    rest = rest.copy()
    for name in tp.OPENINGS:
        up, low = template.upper[name][1:-1], template.lower[name][1:-1]
        gap = rest[low] - rest[up]
        size = np.linalg.norm(gap, axis=1, keepdims=True)
        if name == "mouth" and size.max() < CLOSED_M * scale:
            continue
        step = gap / np.maximum(size, 1e-6) * np.minimum(size / 2, EDGE_M[name] * scale)
        rest[up] -= step
        rest[low] += step
    return rest


def snap_closed_lips(texture, rest, template, scale):
    """If the photo's lips are closed, move the cut onto the dark line between them, which landmarks miss by a pixel.

    rest: (L, 2) px of the template's vertices.  scale: px per metre.  Returns (L, 2).
    """
    up, low = template.upper["mouth"], template.lower["mouth"]
    span = 0.09 * scale                                                  # the outer-eye distance, pixels
    gap = np.linalg.norm(rest[low] - rest[up], axis=1)
    if gap.max() > CLOSED_M * scale:
        return rest
    import cv2
    from scipy.ndimage import gaussian_filter1d, map_coordinates

    grey = cv2.GaussianBlur(texture, (0, 0), 0.7).astype(np.float32).mean(2)
    middle = (rest[up] + rest[low]) / 2
    along = middle[-1] - middle[0]
    down = np.array([-along[1], along[0]]) / (np.linalg.norm(along) + 1e-9)
    steps = np.linspace(-0.035, 0.035, 29) * span
    at = middle[:, None] + steps[None, :, None] * down
    profile = map_coordinates(grey, [at[..., 1], at[..., 0]], order=1, mode="nearest")
    profile = profile + 6.0 * (steps / (0.035 * span)) ** 2             # prefer the landmarks' own line
    move = gaussian_filter1d(steps[np.argmin(gaussian_filter1d(profile, 1.5, axis=0), 1)], 2.5)
    move *= np.clip(np.minimum(np.arange(len(move)), np.arange(len(move))[::-1]) / 4, 0, 1)
    rest = rest.copy()
    target = middle + move[:, None] * down
    rest[up], rest[low] = target, target
    return rest
