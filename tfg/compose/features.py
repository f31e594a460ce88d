"""What an answer is told about a face in its source: where lips and irises are, where teeth would be, the light.

A small network misses edges by a pixel of its own, which is five of the picture's. Landmarks of the source do not;
`tfg.compose.mouth` and `tfg.compose.eyes` correct an answer by them.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from tfg.faces.points68 import to_68
from tfg.head.openings import CHEEKS, light_on_cheeks

SKULL = (33, 133, 362, 263, 129, 358, 6, 4, 5, 195, 197, 168, 98, 327, 2, 50, 280, 117, 346, 101, 330, 123, 352, 234,
         454, 227, 447)
"""Landmarks of eyes, nose and cheekbones, which speech does not move."""
INNER_LIPS = ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
"""Landmarks of the inner edges of the upper and the lower lip, from corner to corner."""
IRISES = ((468, 469, 471), (473, 474, 476))
"""Landmarks of the two irises: the middle, and two ends of the horizontal diameter."""
LIDS = (((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
        ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)))
"""Landmarks of the edges of the upper and the lower lid of the two eyes, from the left corner in the picture to the
right one."""
BROWS = np.array([range(17, 22), range(22, 27)])
"""Of the classic landmarks those of the brows, in the order of `LIDS`."""
BEHIND_M = .004
"""Distance from the line where closed lips meet back to the teeth, metres."""


@dataclass(frozen=True)
class Features:
    """Of a face in a picture, px.

    lips: (2, 11, 2), inner edges of the upper and the lower lip.  irises: (2, 3), x and y of the middles, radius.
    teeth: (2,), the point on them where closed lips meet.  axes: (2, 2) px per metre across and down the face.  light:
    (3,) brightness of a white surface in the mouth, 0..1.  lids: (2, 2, 9, 2), edges of the upper and the lower lid of
    each eye, or None where they are not known.  marks: (68, 2), the classic landmarks, or None likewise.
    """

    lips: np.ndarray
    irises: np.ndarray
    teeth: np.ndarray
    axes: np.ndarray
    light: np.ndarray
    lids: np.ndarray | None = None
    marks: np.ndarray | None = None

    @property
    def brows(self) -> np.ndarray | None:
        """(2, 5, 2) px: the brows above the eyes of `lids`."""
        return None if self.marks is None else self.marks[BROWS]

    def shifted(self, by) -> Features:
        """The same in a picture whose corner lies at `by` (x, y) px of this one."""
        return replace(self, lips=self.lips - by, irises=self.irises - [*by, 0], teeth=self.teeth - by,
                       lids=None if self.lids is None else self.lids - by,
                       marks=None if self.marks is None else self.marks - by)

    def scaled(self, by: float) -> Features:
        """The same in a picture that is `by` times as large."""
        half = .5 * (by - 1)                                  # pixels are counted from their middles
        return Features(self.lips * by + half, self.irises * by + [half, half, 0], self.teeth * by + half,
                        self.axes * by, self.light, None if self.lids is None else self.lids * by + half,
                        None if self.marks is None else self.marks * by + half)


def features(points: np.ndarray, picture: np.ndarray) -> Features:
    """Features of a face.  points: (478, 2 or 3) px, its landmarks.  picture: (H, W, 3) uint8."""
    points = np.asarray(points, float)[:, :2]
    return assemble(points[list(SKULL)], points[np.array(INNER_LIPS)], irises(points),
                    light_on_cheeks(picture, points[list(CHEEKS)]), points[np.array(LIDS)], to_68(points))


def irises(points: np.ndarray) -> np.ndarray:
    """(2, 3) px: middles and radii of the irises, of landmarks (478, 2)."""
    return np.array([[*points[middle], .5 * np.linalg.norm(points[a] - points[b])] for middle, a, b in IRISES])


def assemble(skull: np.ndarray, lips: np.ndarray, irises: np.ndarray, light: np.ndarray,
             lids: np.ndarray | None = None, marks: np.ndarray | None = None) -> Features:
    """Features, with teeth where an affine camera sees them that takes the mean head's landmarks to the picture's.

    skull: (27, 2) px of the landmarks SKULL.  lips, irises, light, lids, marks: as `Features`.
    """
    head = _mean_head()
    camera = np.linalg.lstsq(np.column_stack([head, np.ones(len(head))]), skull, rcond=None)[0]      # (4, 2)
    middle = lips[:, lips.shape[1] // 2].mean(0)
    return Features(lips, irises, middle - BEHIND_M * camera[2], np.stack([camera[0], -camera[1]]), light,
                    lids, marks)


@functools.lru_cache(maxsize=1)
def _mean_head() -> np.ndarray:
    """Landmarks SKULL of the mean head: (27, 3) metres."""
    from tfg.head.model import Head

    return Head.load().landmark_points()[list(SKULL)]
