"""A photo as an actor: it is fitted once, plays any performance, and knows the same truth as a built face.

`PortraitActor` wraps `tfg.head.portrait.Portrait`. A landmark is a point of the portrait's mesh, so it moves as the
pixels do; the inner lips and the lids are edges of real openings. Hair, clothes and background are distinguished once
on the photo (tfg.actors.segment), and their labels move with the mesh.
"""
from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tfg.actors import segment
from tfg.actors.actor import LAYER, UNKNOWN, Layers, check_size, mediapipe_z, mesh_flow
from tfg.actors.binding import bind_landmarks
from tfg.errors import InputError
from tfg.head import template as tp
from tfg.head.model import CAMERA_M, Head, rotation
from tfg.head.mouth_interior import teeth_mask
from tfg.head.openings import IRIS, box_around, coverage
from tfg.head.paint import mouth_frames
from tfg.head.portrait import Portrait

EYES_LIE_M, TEETH_LIE_M = 0.002, 0.006      # depth of eyes and teeth behind the edges of lids and lips
ZOOM, SHIFT = 0.10, 0.04                    # largest change of the framing at `vary` = 1: log factor, share of the side
GAIN, GAMMA, TINT = 0.12, 0.15, 0.05        # largest change of the light at `vary` = 1: log factor, log exponent, tint
LIMITS = {"yaw_deg": 20.0, "pitch_deg": 16.0, "roll_deg": 12.0, "jaw_open": 0.06, "smile": 0.5}
"""Measurement of a tile -> largest absolute value of a suitable one."""
MIN_FACE_PX = 110                           # smallest height of a suitable face
UNREAD = ("P006", "P034", "P041", "P058", "P060", "P063", "P066", "P081", "P110", "P131", "P137", "P141", "P157",
          "P174", "P176", "P189", "P193", "P208", "P230", "P232", "P301", "P318", "P353")
"""SFHQ tiles on which a landmarker measures nearly nothing of a full blink, pucker or brow action, for shade, glasses
or a fringe."""


class PortraitActor:
    """The actor of a photo, made by `from_image`; it satisfies `tfg.actors.actor.Actor`."""

    kind = "portrait"

    def __init__(self, portrait: Portrait, *, name: str, seed: int = 0, photo: str = "",
                 curve: np.ndarray | None = None, about: dict | None = None):
        self.portrait, self.name, self.seed, self.curve = portrait, name, int(seed), curve
        fit, window = portrait.fit, portrait.window
        self.shape = np.asarray(fit.identity, np.float32)
        self.neutral = portrait.personal(np.zeros(len(portrait.rest_expression), np.float32))
        shift = np.asarray(fit.shift, float) - window[:2]
        self.camera = dict(scale_px_per_m=float(fit.scale), shift_px=[float(v) for v in shift],
                           distance_m=float(CAMERA_M))
        self.about = dict(photo=photo, pose_deg=[round(float(v), 2) for v in fit.pose],
                          fit_error=round(float(fit.error), 5), **(about or {}))
        self._bind()
        self._texture_labels: np.ndarray | None = None

    @classmethod
    def from_image(cls, image: np.ndarray | str | os.PathLike, *, name: str = "P001", size: int = 128, seed: int = 0,
                   vary: float = 0.0, landmarks: np.ndarray | None = None,
                   blendshapes: np.ndarray | None = None) -> PortraitActor:
        """Make an actor from a photo: find its face, and fit the head to it.

        image: (H, W, 3) uint8 RGB or a path.  size: side of the frames in px, even, 32 to 1024.  vary: 0 (the default)
        keeps the photo's framing and light, 1 changes them most; seed chooses the direction.  landmarks (478, 3) px and
        blendshapes (52,) of the photo replace its detection.
        Raises InputError if there is no usable face, and for another size or another vary.
        """
        from tfg.media.image import read_image

        photo, size = "", check_size(size)
        if not isinstance(image, np.ndarray):
            photo, image = Path(image).name, read_image(image)
        if not 0 <= vary <= 1:
            raise InputError(f"vary is {vary}; give a number from 0 (the photo as it is) to 1.")
        rng = np.random.default_rng([int(seed), 71])
        zoom, *shift = vary * rng.uniform(-1, 1, 3) * [ZOOM, SHIFT, SHIFT]
        zoom = float(np.exp(zoom))
        portrait = Portrait.from_image(image, size=max(size, round(size * zoom)), landmarks=landmarks,
                                       blendshapes=blendshapes)
        portrait.window = _move_window(portrait, size, shift)
        gain, gamma, *tint = vary * rng.uniform(-1, 1, 5) * [GAIN, GAMMA, TINT, TINT, TINT]
        curve = None
        if vary:
            levels = (np.arange(256) / 255)[:, None] ** np.exp(gamma) * np.exp(gain + np.array(tint))
            curve = np.clip(255 * levels + 0.5, 0, 255).astype(np.uint8)
        about = dict(vary=float(vary), zoom=round(zoom, 4), gain=round(float(gain), 4), gamma=round(float(gamma), 4))
        return cls(portrait, name=name, seed=seed, photo=photo, curve=curve, about=about)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        return self.portrait.size

    def personal(self, expression: np.ndarray) -> np.ndarray:
        """Translate asked expressions (..., 52) into absolute ones: brows and lids rest where the photo shows them."""
        return np.clip(self.portrait.personal(expression), 0, 1)

    def render(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """Draw a frame: (h, w, 3) uint8 RGB."""
        frame = self.portrait.render(expression, pose)
        return frame if self.curve is None else _through(frame, self.curve)

    def landmarks(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """Landmarks of the frame: (478, 3) float32 px, see `tfg.actors.actor.Actor.landmarks`."""
        p, expression = self.portrait, np.asarray(expression, np.float32)
        xy, depth = p.vertices(expression, pose)
        n = self._weights.shape[1]
        out = np.empty((478, 3), np.float32)
        out[:, :2] = self._weights @ xy[:n].astype(np.float32)
        out[:, 2] = mediapipe_z(self._weights @ depth[:n].astype(np.float32) + self._deeper, p.fit.scale)
        share = np.ones(478, np.float32)
        for name, (part, rest_gap) in self._gaps.items():
            gap = np.linalg.norm(xy[part.lower] - xy[part.upper], axis=1).mean()
            share[self._edge[name]] = min(1.0, gap / rest_gap) if rest_gap > 0.5 else 0.0
        turn = np.eye(2)
        if pose is not None:
            turn = (rotation(*np.asarray(pose[:3], float))[:2, :2] * [[1, -1], [-1, 1]]).T
        out[:, :2] += share[:, None] * (self._miss @ turn)
        for name, first in IRIS.items():
            out[first:first + 5, :2] = self._iris(name, first, xy, expression)
        out[:, :2] -= p.window[:2]
        return out

    def layers(self, expression: np.ndarray, pose: np.ndarray | None = None) -> Layers:
        """Labels and depth of the frame. Face, lips, teeth, eyes and mouth are exact; hair, clothes and background are
        as good as the photo's colours allow (`tfg.actors.segment.photo_labels`)."""
        from tfg.head.raster import rasterise

        p, expression = self.portrait, np.asarray(expression, np.float32)
        x0, y0, w, h = p.window
        xy, z = p.vertices(expression, pose)
        z = z + self._vertex_deeper
        at = (xy - [x0, y0]).astype(np.float32)
        face, bary, depth = rasterise(at, z, p.triangles, h, w)
        seen = face >= 0
        source = np.zeros((h, w, 2), np.float32)
        source[seen] = (p.rest_xy[p.triangles[face[seen]]] * bary[seen][..., None]).sum(1)
        i, j = (np.clip(np.round(source[..., k]).astype(int), 0, p.texture.shape[1 - k] - 1) for k in (1, 0))
        labels = np.where(seen, self.texture_labels[i, j], UNKNOWN).astype(np.uint8)
        for name, part in p.openings.parts.items():
            up, low = at[part.upper], at[part.lower]
            box = box_around(np.concatenate([up, low]), (h, w), 2)
            bx, by, bw, bh = box
            if bw < 2 or bh < 2:
                continue
            hole = (coverage(up, low, box) > 0.5) | ~seen[by:by + bh, bx:bx + bw]
            rows, cols = np.nonzero(hole)
            rows, cols = rows + by, cols + bx
            edge_z = z[np.concatenate([part.upper, part.lower])].mean()
            if name == "mouth":
                px = np.stack([cols, rows], 1).astype(np.float32)
                upper, lower, _ = mouth_frames(p, px, expression, self._turn(pose), (x0, y0))
                labels[rows, cols] = np.where(teeth_mask(upper, lower, p.openings.bite), LAYER["teeth"], LAYER["mouth"])
                depth[rows, cols] = edge_z + TEETH_LIE_M
            else:
                labels[rows, cols] = LAYER["eyes"]
                depth[rows, cols] = edge_z + EYES_LIE_M
        depth = np.where(labels == LAYER["background"], np.inf, depth + CAMERA_M).astype(np.float32)
        return Layers(labels, depth)

    def flow(self, a: tuple, b: tuple) -> np.ndarray:
        """Optical flow by the mesh from state a to state b: (h, w, 2) float32 px, NaN inside the mouth and between the
        lids."""
        p = self.portrait
        (xy_a, depth), (xy_b, _) = p.vertices(*a), p.vertices(*b)
        origin = np.array(p.window[:2], np.float32)
        return mesh_flow(xy_a - origin, depth, xy_b - origin, p.triangles, self.size)

    @property
    def texture_labels(self) -> np.ndarray:
        """Label of each pixel of the photo's texture: (TH, TW) uint8; mouth and eyes are covered by lips and skin."""
        if self._texture_labels is None:
            self._texture_labels = segment.photo_labels(self.portrait)
        return self._texture_labels

    def _turn(self, pose):
        return (lambda q: self.portrait._turn(q, np.asarray(pose, float))) if pose is not None else (lambda q: q)

    def _bind(self):
        """Bind the landmarks to the mesh: `_weights` (478, n) of its vertices, `_miss` (478, 2) px from the weighted
        vertex to the landmark in the photo, `_deeper` (478,) metres by which the fitted head lies behind the mesh,
        which is smoothed so that it does not fold."""
        p = self.portrait
        self._weights, self._edge = bind_landmarks(p.triangles)
        n = self._weights.shape[1]
        self._miss = (p.landmarks[:, :2] - self._weights @ p.rest_xy[:n]).astype(np.float32)
        head = Head.load()
        z = head.landmark_points(p.fit.identity, p.fit.expression) @ p.fit.rotation[2]
        self._deeper = (self._weights @ p.rest_q[:n, 2] - z).astype(np.float32)
        self._vertex_deeper = np.zeros(len(p.rest_q), np.float32)
        self._vertex_deeper[:n] = p.rest_q[:n, 2] - tp.load().landmarks @ z
        self._gaps = {name: (part, float(np.linalg.norm(p.rest_xy[part.lower] - p.rest_xy[part.upper], axis=1).mean()))
                      for name, part in p.openings.parts.items()}

    def _iris(self, name, first, xy, expression):
        """Landmarks of an iris, (5, 2) px: they follow the corners of the eye, and the gaze moves them as in
        tfg.head.paint."""
        p = self.portrait
        o = p.openings
        corners = o.parts[name].upper[[0, -1]]
        a, b = p.rest_xy[corners].astype(float), xy[corners].astype(float)
        za, zb = (a[1] - a[0]) @ [1, 1j], (b[1] - b[0]) @ [1, 1j]
        shift = np.tensordot(expression - o.rest_expression, o.iris[name][2], 1)
        rel = ((p.landmarks[first:first + 5, :2] + shift - a.mean(0)) @ np.array([1, 1j])) * (zb / za)
        return np.stack([rel.real, rel.imag], 1) + b.mean(0)


def suitable(tile, *, unread: bool = False) -> bool:
    """True if a face of `tfg.corpora.sfhq.tiles` makes a good actor.

    It is seen from the front with closed lips, has enough pixels, no broad smile (whose folds would stay in the skin in
    every expression), and a landmarker can measure its expressions.
    unread: accept the tiles of `UNREAD` too, as an unbiased score of such measurements needs.
    """
    within = all(abs(getattr(tile, k)) <= v for k, v in LIMITS.items())
    return within and tile.face_px >= MIN_FACE_PX and (unread or tile.id not in UNREAD)


def _move_window(portrait, size, shift):
    """Window (x, y, w, h) in px: a square of side `size` about the middle of the portrait's window, moved by shift (2,)
    in shares of its side, but not beyond the photo."""
    x, y, w, h = portrait.window
    left, top, right, bottom = portrait.beyond
    rows, cols = portrait.texture.shape[0] - top - bottom, portrait.texture.shape[1] - left - right
    size = min(2 * round(size / 2), rows, cols)
    at = np.round(np.array([x + (w - size) / 2, y + (h - size) / 2]) + np.array(shift) * size).astype(int)
    at = np.clip(at, [left, top], np.array([left + cols, top + rows]) - size)
    return int(at[0]), int(at[1]), size, size


def _through(frame, curve):
    """Apply a tone curve (256, 3) uint8 to a picture (h, w, 3) uint8."""
    import cv2

    return cv2.LUT(frame, curve[None])
