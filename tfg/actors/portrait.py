"""A photo as an actor: fitted once, it plays any performance and knows the same truth as a face that was built.

Around `tfg.head.portrait.Portrait`. A landmark is a point of the portrait's mesh, so it travels as the pixels do; the
inner lips and the lids are edges of real openings. Hair, clothes and background are told apart once on the photo
(tfg.actors.segment) and carried by the mesh.
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

EYES_LIE_M, TEETH_LIE_M = 0.002, 0.006      # behind the edges of lids and lips
ZOOM, SHIFT = 0.10, 0.04                    # how far `vary` = 1 changes the framing: factor, share of the side
GAIN, GAMMA, TINT = 0.12, 0.15, 0.05        # and the light
LIMITS = {"yaw_deg": 20.0, "pitch_deg": 16.0, "roll_deg": 12.0, "jaw_open": 0.06, "smile": 0.5}
MIN_FACE_PX = 110
UNREAD = ("P006", "P034", "P041", "P058", "P060", "P063", "P066", "P081", "P110", "P131", "P137", "P141", "P157",
          "P174", "P176", "P189", "P193", "P208", "P230", "P232", "P301", "P318", "P353")
"""Tiles on which a landmarker sees nearly nothing of a full blink, pucker or brow action: shade, glasses, fringes."""


class PortraitActor:
    """Satisfies `tfg.actors.actor.Actor`; made by `from_image`."""

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
        self._texture_labels = None

    @classmethod
    def from_image(cls, image: np.ndarray | str | os.PathLike, *, name: str = "P001", size: int = 128, seed: int = 0,
                   vary: float = 0.0, landmarks: np.ndarray | None = None,
                   blendshapes: np.ndarray | None = None) -> PortraitActor:
        """Measure and fit a photo.

        image: (H, W, 3) uint8 RGB or a path.  size: side of the frames, px.  seed, vary: how far framing and light
        depart from the photo's own, 0 (not at all, the default) to 1, and which way.  landmarks (478, 3) and
        blendshapes (52,) of the photo skip the detection.  Raises InputError if there is no usable face, and for a
        size that is odd or beyond 32 to 1024.
        """
        from tfg.image import read_image

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
        """(..., 52) asked -> (..., 52) absolute: brows and lids rest where the photo shows them."""
        return np.clip(self.portrait.personal(expression), 0, 1)

    def render(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """(h, w, 3) uint8."""
        frame = self.portrait.render(expression, pose)
        return frame if self.curve is None else _through(frame, self.curve)

    def landmarks(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """(478, 3) float32 px of the frame, see `tfg.actors.actor.Actor.landmarks`."""
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
        """Labels and depth. Face, lips, teeth, eyes and mouth are exact; hair, clothes and background as far as the
        photo's colours tell them apart (`tfg.actors.segment.photo_labels`)."""
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
        """(h, w, 2) float32 px through the mesh; NaN inside the mouth and between the lids."""
        p = self.portrait
        (xy_a, depth), (xy_b, _) = p.vertices(*a), p.vertices(*b)
        origin = np.array(p.window[:2], np.float32)
        return mesh_flow(xy_a - origin, depth, xy_b - origin, p.triangles, self.size)

    @property
    def texture_labels(self) -> np.ndarray:
        """(TH, TW) uint8: the photo's layers, its openings closed over with skin and lips."""
        if self._texture_labels is None:
            self._texture_labels = segment.photo_labels(self.portrait)
        return self._texture_labels

    def _turn(self, pose):
        return (lambda q: self.portrait._turn(q, np.asarray(pose, float))) if pose is not None else (lambda q: q)

    def _bind(self):
        """Weights (478, n) of the mesh's vertices, what they miss in the photo (478, 2) px, and how much deeper than
        the mesh, which is smoothed so that it does not fold, the fitted head lies (478,) metres."""
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
        """(5, 2) the eye's corners carry the eyeball along, the gaze moves the iris, as in tfg.head.paint."""
        p = self.portrait
        o = p.openings
        corners = o.parts[name].upper[[0, -1]]
        a, b = p.rest_xy[corners].astype(float), xy[corners].astype(float)
        za, zb = (a[1] - a[0]) @ [1, 1j], (b[1] - b[0]) @ [1, 1j]
        shift = np.tensordot(expression - o.rest_expression, o.iris[name][2], 1)
        rel = ((p.landmarks[first:first + 5, :2] + shift - a.mean(0)) @ np.array([1, 1j])) * (zb / za)
        return np.stack([rel.real, rel.imag], 1) + b.mean(0)


def suitable(tile, *, unread: bool = False) -> bool:
    """Whether a face of `tfg.corpora.sfhq.tiles` makes a good actor: seen from the front, lips closed, no broad smile
    (its folds stay in the skin whatever the face does), enough pixels, and what it does can be measured.

    unread: take those of `UNREAD`, too, as a figure about measuring must."""
    within = all(abs(getattr(tile, k)) <= v for k, v in LIMITS.items())
    return within and tile.face_px >= MIN_FACE_PX and (unread or tile.id not in UNREAD)


def _move_window(portrait, size, shift):
    """x, y, w, h: a square of `size` px about the middle of the portrait's own, moved by shift (2,) of its side, as
    far as the texture reaches."""
    x, y, w, h = portrait.window
    rows, cols = portrait.texture.shape[:2]
    size = min(2 * round(size / 2), rows, cols)
    at = np.round(np.array([x + (w - size) / 2, y + (h - size) / 2]) + np.array(shift) * size).astype(int)
    at = np.clip(at, 0, np.array([cols, rows]) - size)
    return int(at[0]), int(at[1]), size, size


def _through(frame, curve):
    """A (256, 3) curve laid over a picture."""
    import cv2

    return cv2.LUT(frame, curve[None])
