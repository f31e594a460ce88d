"""The 3D head of a person, fitted to one picture and drawn in any pose: what the second flow net warps.

Chen et al. 2020 fit PRNet's mesh to the most frontal picture and render it with SoftRas. Here the head is ours, and its
texture is the picture itself: each visible point of the mesh keeps the place in the picture where it was seen. Nothing
smears, for what the picture does not show is left out and not stretched.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from tfg.head.fit import fit_landmarks
from tfg.head.model import Head, to_pixels
from tfg.head.raster import rasterise
from tfg.systems.rhythmic.pose import Rigid, canonical, fit, of_478, recompose

GRAZING = .12
"""Least cosine between a triangle and the camera of the picture; flatter ones are seen too slantingly to be copied."""
BEHIND = .006
"""A vertex that lies so much behind what was seen in its place is hidden, metres."""
LOWEST_M = -.125
"""What lies below in the head's own axes is neck and stays with the body."""


@dataclass
class Head3D:
    """A fitted head with its picture.

    picture: (h, w, 3) uint8.  vertices: (V, 3) cm, canonical.  at: (V, 2) px of the picture, where each was seen.
    triangles: (F, 3), those that were seen.  rigid: the picture's own pose.  face: (68, 3) cm, its canonical points.
    """

    picture: np.ndarray
    vertices: np.ndarray
    at: np.ndarray
    triangles: np.ndarray
    rigid: Rigid
    face: np.ndarray

    @classmethod
    def of(cls, picture: np.ndarray, points: np.ndarray, expression: np.ndarray | None = None) -> Head3D:
        """Fit the head to a picture.

        points: (478, 3) px, MediaPipe's.  expression: (52,) that was measured, or None.
        """
        head = Head.load()
        found = fit_landmarks(head, np.asarray(points, float), expression_prior=expression)
        q = head.vertices(found.identity, found.expression) @ found.rotation.T
        at = to_pixels(q, found.scale, found.shift).astype(np.float32)
        depth = (-q[:, 2]).astype(np.float32)
        rigid = fit(of_478(points))
        shown = _seen(at, depth, _skin(), picture.shape[:2])
        whole = np.column_stack([at, depth * found.scale])
        return cls(picture, canonical(whole, rigid), at, shown, rigid, canonical(of_478(points), rigid))

    def shrunk(self, factor: float) -> Head3D:
        """The same with a picture so many times smaller, for drawing that is as much smaller than the picture."""
        import cv2

        if factor < 1.2:
            return self
        h, w = (max(8, round(n / factor)) for n in self.picture.shape[:2])
        ratio = np.array([w / self.picture.shape[1], h / self.picture.shape[0]], np.float32)
        picture = cv2.resize(self.picture, (w, h), interpolation=cv2.INTER_AREA)
        return replace(self, picture=picture, at=(self.at + .5) * ratio - .5)

    def draw(self, rigid: Rigid, size: tuple[int, int], to: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The head in another pose: (h, w, 3) uint8, black where nothing is known, and where it shows, (h, w) float32.

        size: (h, w).  to: (2, 3), from the px of `rigid` to those of the drawn picture; None: the same.
        """
        import cv2

        xyz = recompose(self.vertices, rigid)
        xy = xyz[:, :2] if to is None else xyz[:, :2] @ np.asarray(to)[:, :2].T + np.asarray(to)[:, 2]
        face, bary, _ = rasterise(xy, xyz[:, 2], self.triangles, *size)
        hit = face >= 0
        place = np.full((*size, 2), -1e4, np.float32)
        place[hit] = (self.at[self.triangles[face[hit]]] * bary[hit][..., None]).sum(1)
        drawn = cv2.remap(self.picture, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return drawn, hit.astype(np.float32)


@functools.lru_cache(maxsize=1)
def _skin() -> np.ndarray:
    """(F, 3): the triangles that are drawn, skin and eyes above the neck."""
    head = Head.load()
    inner = np.unique(head.triangles[head.part_mask("teeth_upper", "teeth_lower", "tongue", "lash_left",
                                                    "lash_right")])
    tri = head.triangles
    keep = ~np.isin(tri, inner).any(1) & (head.mean[tri, 1].mean(1) > LOWEST_M) \
        & (head.masks["inside_mouth"][tri].mean(1) < .5)
    return tri[keep]


def _seen(at: np.ndarray, depth: np.ndarray, tri: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Those of the triangles (F, 3) that face the camera, lie within the picture and are hidden by nothing.

    at: (V, 2) px.  depth: (V,) metres.
    """
    h, w = size
    _, _, nearest = rasterise(at, depth, tri, h, w)
    px = np.round(at).astype(int)
    inside = (px >= 0).all(1) & (px < [w, h]).all(1)
    x, y = np.clip(px, 0, [w - 1, h - 1]).T
    free = inside & (depth < nearest[y, x] + BEHIND)
    scale = np.sqrt(np.ptp(at[:, 0]) * np.ptp(at[:, 1]))
    p = np.column_stack([at / scale, depth / max(np.ptp(depth), 1e-6) * .9])
    normal = np.cross(p[tri[:, 1]] - p[tri[:, 0]], p[tri[:, 2]] - p[tri[:, 0]])
    cosine = np.abs(normal[:, 2]) / np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    return tri[free[tri].all(1) & (cosine > GRAZING)]
