"""Alignment of faces: transforms from a picture to a crop, cutting out, and pasting back.

A transform is a (2, 3) matrix M that maps a point (x, y) of the picture to M @ (x, y, 1) in the crop. Pixel centres
have integer coordinates, x right and y down. Taught in notebooks/02_faces.
"""
from __future__ import annotations

import numpy as np

from tfg.faces.smooth import one_euro, smooth_points  # noqa: F401  (the third part of alignment: alignment over time)

STABLE = (33, 133, 362, 263, 129, 358, 6)
"""Landmarks that move little in speech: the four eye corners, the wings and the bridge of the nose."""
_TEMPLATE = np.array([[-4.45, -2.66], [-1.86, -2.59], [1.86, -2.59], [4.45, -2.66], [-1.79, .98], [1.79, .98],
                      [0, -2.47]])


def similarity(source: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The rotation, scale and shift that map `source` closest to `target` in least squares, never with a reflection.

    source, target: (N, 2), N >= 2.  weight: (N,) >= 0.  Returns (2, 3).  Raises ValueError for other shapes or when all
    source points coincide.  Umeyama 1991, eq. 39-42.
    """
    source, target = np.asarray(source, float), np.asarray(target, float)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2 or len(source) < 2:
        raise ValueError(f"source and target must both be (N, 2) with N >= 2, got {source.shape} and {target.shape}")
    w = np.full(len(source), 1 / len(source)) if weight is None else np.asarray(weight, float) / np.sum(weight)
    a, b = source - w @ source, target - w @ target
    variance = w @ (a ** 2).sum(1)
    if variance < 1e-12:
        raise ValueError("all source points coincide: no similarity is defined")
    u, d, vt = np.linalg.svd(b.T @ (w[:, None] * a))                  # covariance of target and source
    sign = np.array([1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    linear = (d @ sign) / variance * (u * sign) @ vt
    return np.column_stack([linear, w @ target - linear @ (w @ source)])


def invert(matrix: np.ndarray) -> np.ndarray:
    """The inverse (2, 3) of a transform `matrix` (2, 3)."""
    linear = np.linalg.inv(np.asarray(matrix, float)[:, :2])
    return np.column_stack([linear, -linear @ np.asarray(matrix, float)[:, 2]])


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply a transform (2, 3) to points (..., 2) or (..., 3), whose third column is scaled alike. Same shape."""
    points, matrix = np.asarray(points, float), np.asarray(matrix, float)
    out = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
    if points.shape[-1] == 2:
        return out
    return np.concatenate([out, points[..., 2:] * np.sqrt(abs(np.linalg.det(matrix[:, :2])))], -1)


def crop_box(points: np.ndarray, margin: float | tuple = (.35, .55, .35, .25)) -> np.ndarray:
    """A square (x0, y0, x1, y1) px around a face. It may reach beyond the picture; `warp` fills that part.

    points: (N, 2 or 3) px.  margin: room at the left, top, right and bottom, or one number for all four, as a share of
    the face's longer side. The default includes hair and chin.
    """
    left, top, right, bottom = np.broadcast_to(np.asarray(margin, float), 4)
    low, high = np.asarray(points)[:, :2].min(0), np.asarray(points)[:, :2].max(0)
    unit = (high - low).max()
    low, high = low - unit * np.array([left, top]), high + unit * np.array([right, bottom])
    centre, side = (low + high) / 2, (high - low).max()
    return np.concatenate([centre - side / 2, centre + side / 2])


def box_matrix(box: np.ndarray, size: int) -> np.ndarray:
    """The (2, 3) transform that maps the square `box` (x0, y0, x1, y1) px to a crop of size x size px, edge to edge."""
    scale = size / (box[2] - box[0])
    return np.array([[scale, 0, (.5 - box[0]) * scale - .5], [0, scale, (.5 - box[1]) * scale - .5]])


def aligned_matrix(points: np.ndarray, size: int, *, face_width: float = 0.5, centre: tuple = (.5, .42)) -> np.ndarray:
    """The (2, 3) transform that brings a face upright to a fixed place and size, with the eyes at the same place.

    points: (478, 2 or 3), MediaPipe's.  size: side of the crop, px.  face_width: width of the face as a share of it.
    centre: place of the middle between the eyes, as shares of the side.  Only landmarks that move little in speech
    (`STABLE`) are used.
    """
    unit = face_width * size / 15.0                                            # the template is 15 cm wide
    target = (_TEMPLATE - [0, -2.6]) * unit + np.array(centre) * size - .5
    return similarity(np.asarray(points)[list(STABLE), :2], target)


def warp(image: np.ndarray, matrix: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Cut out a crop: (H, W, C) -> (height, width, C) of the same type; edges are repeated outside the picture.

    matrix: (2, 3), picture to crop.  size: side, or (height, width) in px.  The picture is smoothed before it shrinks.
    """
    import cv2
    height, width = (int(side) for side in np.broadcast_to(size, 2))
    image, matrix = np.ascontiguousarray(image), np.asarray(matrix, float)
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 0.6:                                  # bilinear sampling alone would skip pixels: average areas first
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        ratio = np.array([small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]])
        to_small = np.column_stack([np.diag(ratio), (ratio - 1) / 2])
        matrix = _compose(matrix, invert(to_small))
        image = small
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)


def _compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The transform (2, 3) that applies `first`, then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def feather_mask(height: int, width: int, feather: float) -> np.ndarray:
    """Mask (height, width) float32: 1 inside, falling smoothly to 0 at the edge over `feather` of the shorter side."""
    reach = max(feather * min(height, width), 1e-6)
    x, y = np.arange(width), np.arange(height)
    ramp = [np.clip((np.minimum(v, n - 1 - v) + .5) / reach, 0, 1) for v, n in ((x, width), (y, height))]
    ramp = [r * r * (3 - 2 * r) for r in ramp]                                 # level at both ends
    return np.outer(ramp[1], ramp[0]).astype(np.float32)


def paste_back(crop: np.ndarray, image: np.ndarray, matrix: np.ndarray, feather: float = 0.1,
               mask: np.ndarray | None = None) -> np.ndarray:
    """A copy of `image` with `crop` at the place from which `matrix` cuts it, blended at its edge.

    crop: (h, w, 3) uint8.  image: (H, W, 3) uint8.  matrix: (2, 3), picture to crop.  feather: width of the blend as
    a share of the crop's shorter side; 0 for a hard edge.  mask: (h, w) in [0, 1], a factor on the crop's opacity.
    """
    import cv2
    height, width = image.shape[:2]
    alpha = feather_mask(crop.shape[0], crop.shape[1], feather)
    if mask is not None:
        alpha = alpha * np.asarray(mask, np.float32)
    corners = transform(np.array([[0, 0], [crop.shape[1], 0], [0, crop.shape[0]], crop.shape[1::-1]]), invert(matrix))
    x0, y0 = np.clip(np.floor(corners.min(0)).astype(int) - 2, 0, [width, height])
    x1, y1 = np.clip(np.ceil(corners.max(0)).astype(int) + 3, 0, [width, height])
    out = image.copy()
    if x1 <= x0 or y1 <= y0:
        return out
    back = invert(matrix) - [[0, 0, x0], [0, 0, y0]]                           # only the part that changes is warped
    size = (int(x1 - x0), int(y1 - y0))
    new = cv2.warpAffine(np.ascontiguousarray(crop), back, size, flags=cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(alpha, back, size, flags=cv2.INTER_LINEAR, borderValue=0)[..., None]
    part = image[y0:y1, x0:x1]
    out[y0:y1, x0:x1] = np.rint(part + alpha * (new.astype(np.float32) - part)).astype(image.dtype)
    return out
