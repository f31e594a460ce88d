"""An answer made steadier before it is enlarged: a mistake of one small pixel would be a blot of five in the film.

All functions take one picture's parts, in the layout of images: colour (h, w, 3) in [0, 1], flow (h, w, 2) in half
sides, trust (h, w) in [0, 1].
"""
from __future__ import annotations

import numpy as np


def blurred(x: np.ndarray, sigma: float) -> np.ndarray:
    """(h, w) or (h, w, c) float32, smoothed by a Gaussian of `sigma` px."""
    import cv2

    return cv2.GaussianBlur(x, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) if sigma > 0 else x


def smooth_flow(flow: np.ndarray, trust: np.ndarray, sigma: float, most: float = np.inf) -> np.ndarray:
    """The flow, smoothed where it is used and continued where it is not, no longer than `most` half sides.

    Weighted by trust: where a network paints, its flow means nothing and must not bend its neighbours'.
    """
    weight = trust[..., None] + np.float32(1e-3)
    flow = blurred(flow * weight, sigma) / blurred(np.ascontiguousarray(weight[..., 0]), sigma)[..., None]
    if np.isfinite(most):
        length = np.linalg.norm(flow, axis=-1, keepdims=True)
        flow = flow * np.minimum(1, most / np.maximum(length, 1e-6))
    return flow.astype(np.float32)


def prefer_copy(trust: np.ndarray, colour: np.ndarray, copy: np.ndarray, near: float) -> np.ndarray:
    """Trust raised where paint and copy look alike: there the copy is the same, but sharp.

    copy: (h, w, 3), the source as the flow moves it.  near: difference, of the range 0..1, that counts as alike; at
    three times that nothing is raised.
    """
    away = np.abs(colour - copy).mean(-1)
    alike = np.clip((3 * near - away) / (2 * near), 0, 1)
    return trust + (1 - trust) * alike


def inwards(mask: np.ndarray, reach: float | np.ndarray) -> np.ndarray:
    """How much of a flow counts, (h, w) in [0, 1]: 0 at the edge of a mask (h, w), 1 from `reach` px inside, which may
    differ from row to row, (h, 1).

    At the edge the picture that was there begins; were it moved up to there, a brow that crosses it would show twice.
    """
    import cv2

    inside = np.pad((mask > 0).astype(np.uint8), 1)
    away = np.clip((cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1] - 1) / reach, 0, 1)
    return away * away * (3 - 2 * away)


def decided(trust: np.ndarray, paint: float, copy: float) -> np.ndarray:
    """Trust that makes up its mind: 0 up to `paint`, 1 from `copy` on, straight between. Half of a copy and half of
    what was painted is a ghost of both: lips over a dark mouth are one blot."""
    return np.clip((trust - paint) / (copy - paint), 0, 1)


def warmed(colour: np.ndarray, copy: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Paint that is no bluer and no greener than the light on the face allows, as bright as it was.

    A white thing beside skin, such as teeth, is at most as far from red as the root of the skin's own ratio says; a
    small network that has seen few of them paints them grey-blue.  copy: (h, w, 3), whose tone counts where `where`
    (h, w) in [0, 1] is large.
    """
    tone = (copy * where[..., None]).sum((0, 1)) + 1e-6
    out = colour.copy()
    for channel in (1, 2):
        most = min(1.0, float(np.sqrt(tone[channel] / tone[0])))
        out[..., channel] = np.minimum(colour[..., channel], most * colour[..., 0])
    bright = (colour.mean(-1) + 1e-3) / (out.mean(-1) + 1e-3)
    return np.clip(out * np.minimum(bright, 1.3)[..., None], 0, 1)
