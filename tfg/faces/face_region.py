"""Crops for dubbing: their margins around the face, and the region of the face in them.

Systems that draw a face into a film and the scores of faces share both, so that they agree on the pixels of the face.
"""
from __future__ import annotations

import numpy as np

MARGIN = (.05, .15, .05, .08)
"""Margins of the crop (`tfg.faces.steady_crop`): left, top, right, bottom, as shares of the face's longer side."""
OVAL = (.5, .578, .355, .422)
"""Centre and radii (x, y) of the face, in sides of the crop: from above raised brows to below an open jaw."""
WIDE_OVAL = (.5, .53, .455, .47)
"""The same with what a face pulls along, from the hairline down."""
BULGE, EDGE = 2.4, .045
"""Exponent of the oval (2 would be an ellipse, which leaves out the corners of a jaw); width of its soft edge, in
sides of the crop."""


def face_region(size: int, oval: tuple[float, float, float, float] = OVAL) -> np.ndarray:
    """Mask of the face in a crop: (size, size) float32 in [0, 1], 1 in the face, 0 around it.  oval: `OVAL` or
    `WIDE_OVAL`."""
    at = (np.arange(size) + .5) / size
    x, y = np.abs(at - oval[0]) / oval[2], np.abs(at - oval[1]) / oval[3]
    away = (x[None] ** BULGE + y[:, None] ** BULGE) ** (1 / BULGE)                 # 1 on the oval
    rise = np.clip((1 - away) * oval[2] / EDGE, 0, 1)
    return (rise * rise * (3 - 2 * rise)).astype(np.float32)
