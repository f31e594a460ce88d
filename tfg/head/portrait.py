"""A photo that plays expressions and poses: the fitted head moves a mesh that carries the photo's own pixels.

The head is fitted to the photo once. Its projected facial actions move the landmarks; a flat mesh (tfg.head.template)
moves the pixels with them, extended harmonically over hair, neck and background, so that no seam, hole or fold appears.
Lips and lids are edges of real openings, behind which teeth, tongue and eyes are drawn.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg import cancel
from tfg.head import mesh
from tfg.head import template as tp
from tfg.head.fit import HeadFit, fit_landmarks
from tfg.head.framing import frame
from tfg.head.model import HEAD_WIDTH_M, NECK_PIVOT, Head, rotation, to_pixels
from tfg.head.openings import LID_ACTIONS, Openings
from tfg.head.paint import paint_openings
from tfg.head.raster import sample, sample_plain, source_map
from tfg.vocabulary import EXPRESSION, index

GAIN = {"browDown": 1.8, "browInnerUp": 2.4, "browOuterUp": 2.0, "mouthPucker": 1.8, "mouthFunnel": 1.2,
        "mouthFrown": 1.4, "noseSneer": 1.4, "eyeWide": 1.3, "mouthStretch": 1.2, "cheekSquint": 1.2}
"""Coefficient -> factor on Anny's actions, so that a landmarker measures the same change as on a real face (set with
`make bench`, never on the real test clips)."""
UPPER_FACE = index("browDown", "browInnerUp", "browOuterUp", "cheekSquint", "eyeBlink", "eyeSquint", "eyeWide",
                   "noseSneer")


@dataclass
class Portrait:
    """A photo with its fitted head and mesh, made by `Portrait.from_image`."""

    fit: HeadFit
    rest_expression: np.ndarray         # (52,) expression of the photo
    texture: np.ndarray                 # (TH, TW, 3) uint8: the window and its surroundings
    window: tuple[int, int, int, int]   # x, y, w, h of the output in the texture
    triangles: np.ndarray               # (F, 3)
    rest_xy: np.ndarray                 # (N, 2) texture pixels
    rest_q: np.ndarray                  # (N, 3) camera metres; projects to rest_xy
    actions: np.ndarray                 # (52, N, 3) camera metres for a coefficient of 1
    headness: np.ndarray                # (N,) share of the head's motion: 1 follows it, 0 stays
    openings: Openings
    landmarks: np.ndarray               # (478, 3) texture pixels
    paste: tuple | None = None          # with `full`: (whole photo, x, y, w, h of the region in it)
    beyond: tuple = (0, 0, 0, 0)        # columns and rows of the texture beyond the photo's left, top, right, bottom
    inward: tuple | None = None         # headness (N,) and signs (N, 2) of motion away from the photo's edges
    opacity: np.ndarray | None = None   # (TH, TW) float32 in [0, 1]: where the person is, once `cut_out` was called

    @classmethod
    def from_image(cls, image: np.ndarray, *, size: int = 256, preprocess: str = "crop", face: int | None = None,
                   landmarks: np.ndarray | None = None, blendshapes: np.ndarray | None = None) -> "Portrait":
        """Make a portrait from a photo: find its face, and fit the head to it.

        image: (H, W, 3) uint8 RGB.  size: px of the output's side (`crop`) or longer side (`resize`); `full` keeps the
        photo's own size.  preprocess: "crop", "resize" or "full".  face: number of the face, 0 is the largest; None
        takes the largest.  landmarks (478, 3) px and blendshapes (52,) replace the detection.
        Raises InputError as `tfg.faces.one_face` does, and for an unknown preprocess.
        """
        if landmarks is None:
            from tfg.faces.landmarks import one_face

            found = one_face(image, face)
            landmarks, blendshapes = found.points, found.blendshapes
        texture, window, landmarks, beyond, paste = frame(image, np.asarray(landmarks, float), size, preprocess)
        head = Head.load()
        fit = fit_landmarks(head, landmarks, expression_prior=blendshapes)
        rest_expression = _rest_expression(fit, blendshapes)
        cancel.point()
        template = tp.load()
        rest = template.landmarks @ landmarks[:, :2]
        rest = mesh.open_edges(mesh.snap_closed_lips(texture, rest, template, fit.scale), template, fit.scale)
        layout, tri, border = tp.triangulate(template, mesh.frame_on_layout(template, rest, texture.shape))
        lap = tp.cotangent_laplacian(layout, tri)
        n = len(template.layout)
        known = border.copy()
        known[:n] = True
        rest_xy = mesh.rest_positions(template, rest, layout, tri, border, lap, texture.shape)
        rest_q = mesh.unproject(rest_xy, mesh.depth(head, fit, template, layout, tri, border, lap, rest_xy), fit)
        moves = np.einsum("ln,knc->klc", template.landmarks, head.at_landmarks(head.expression)) @ fit.rotation.T
        values = np.zeros((known.sum(), len(EXPRESSION) * 3))
        values[:n] = moves.transpose(1, 0, 2).reshape(n, -1)
        actions = tp.extend(lap, known, values).reshape(len(layout), len(EXPRESSION), 3).transpose(1, 0, 2)
        gain = np.ones(len(EXPRESSION))
        for name, value in GAIN.items():
            gain[index(name)] = value
        cancel.point()
        lids = index(*LID_ACTIONS)
        opened = Openings.build(head, fit, rest_expression, moves, template, lap, layout, tri, border, rest_xy,
                                texture, gain)
        gain[lids] = 0
        return cls(
            fit=fit, rest_expression=rest_expression,
            texture=texture, window=window, triangles=tri, rest_xy=rest_xy.astype(np.float32),
            rest_q=rest_q.astype(np.float32), actions=np.ascontiguousarray(actions * gain[:, None, None], np.float32),
            headness=mesh.headness(layout, border, lap).astype(np.float32), landmarks=landmarks, paste=paste,
            openings=opened, beyond=tuple(beyond),
            inward=mesh.inward(template, fit, layout, border, lap, rest_xy, texture.shape, beyond))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in px of the frames that `render` returns."""
        return self.paste[0].shape[:2] if self.paste else (self.window[3], self.window[2])

    @property
    def source(self) -> np.ndarray:
        """The part of the photo that is animated, which `render(rest_expression)` reproduces: (h, w, 3) uint8."""
        x, y, w, h = self.window
        return self.paste[0] if self.paste else self.texture[y:y + h, x:x + w]

    def cut_out(self) -> None:
        """Take the background away: from now on `render` returns (h, w, 4), the last the opacity, which moves with the
        picture and so never flickers."""
        from tfg.faces.matte import Matte, foreground
        from tfg.media.background import with_alpha

        self.opacity = Matte()(self.texture)
        self.texture = foreground(self.texture, self.opacity)
        if self.paste:
            photo, *place = self.paste
            alpha = Matte()(photo)
            self.paste = (with_alpha(foreground(photo, alpha), alpha), *place)

    def personal(self, expression: np.ndarray) -> np.ndarray:
        """Translate expressions (..., 52) in which 0 is this person at rest into coefficients (..., 52) for `render`.

        At rest, brows, lids, cheeks and nose are as in the photo, but not beyond 0.35.
        """
        keep = np.zeros(len(EXPRESSION), np.float32)
        keep[UPPER_FACE] = np.minimum(self.rest_expression[UPPER_FACE], 0.35)
        return keep + (1 - keep) * np.asarray(expression, np.float32)

    def vertices(self, expression: np.ndarray, pose: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Places of the mesh's vertices: xy (N, 2) px of the texture, and depth (N,) metres, smaller is nearer.

        expression: (52,) as in `render`.  pose: (6,) or None.
        """
        q = self.rest_q + np.tensordot(np.asarray(expression, np.float32) - self.rest_expression, self.actions, 1)
        q = self.openings.close(q, np.asarray(expression, np.float32), self.fit)
        xy, depth = self._project(q)
        if pose is not None and np.any(pose):
            moved, depth_moved = self._project(self._turn(q, np.asarray(pose, float)))
            h = self.headness[:, None]
            if self.inward is not None:
                stay, signs = self.inward
                h = np.where((moved - xy) * signs > 0, stay[:, None], h)
            xy, depth = xy + h * (moved - xy), depth + self.headness * (depth_moved - depth)
        return xy, depth

    def render(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """Draw one frame: (h, w, 3) uint8 RGB, or (h, w, 4) after `cut_out`.

        expression: (52,) absolute coefficients; 0 is a relaxed face with closed lips, and `rest_expression` gives the
        photo.  pose: (6,) relative to the photo's own, signs and units as in tfg.vocabulary.POSE.
        """
        expression = np.asarray(expression, np.float32)
        xy, depth = self.vertices(expression, pose)
        x, y, w, h = self.window
        at = (xy - [x, y]).astype(np.float32)
        order = np.argsort(-depth[self.triangles].max(1), kind="stable").astype(np.int32)
        map_xy = np.zeros((h, w, 2), np.float32)
        covered = np.zeros((h, w), np.bool_)
        source_map(at, self.triangles, self.rest_xy, order, map_xy, covered)
        out = sample(self.texture, map_xy)
        if self.opacity is not None:
            alpha = np.where(covered, sample_plain(self.opacity, map_xy), 1)     # mouth and eyes are painted
        turn = (lambda q: self._turn(q, np.asarray(pose, float))) if pose is not None else (lambda q: q)
        paint_openings(self, out, covered, at, expression, turn, (x, y))
        if self.opacity is not None:
            out = np.dstack([out, 255 * alpha])
        frame = np.clip(out + 0.5, 0, 255).astype(np.uint8)
        return self._paste(frame) if self.paste else frame

    def render_motion(self, motion):
        """Yield the frames (h, w, 3) uint8 of a `tfg.media.clip.Motion`, whose expression 0 is the person at rest (see
        `personal`). NaN in the motion counts as 0."""
        expression = self.personal(np.clip(np.nan_to_num(motion.expression), 0, 1))
        pose = np.nan_to_num(motion.pose)
        for t in range(len(expression)):
            yield self.render(expression[t], pose[t])

    def _project(self, q):
        """Project camera points q (N, 3): (N, 2) px of the texture, and depth (N,) metres, smaller is nearer."""
        return to_pixels(q, self.fit.scale, self.fit.shift), -q[:, 2]

    def _turn(self, q, pose):
        """Move camera points q (N, 3) by a pose (6,) about the neck."""
        pivot = self.fit.rotation @ NECK_PIVOT
        return (q - pivot) @ rotation(*pose[:3]).T + pivot + (np.asarray(pose[3:]) * HEAD_WIDTH_M).astype(np.float32)

    def _paste(self, frame):
        """Paste a drawn region back into the whole photo (`full`)."""
        import cv2

        photo, x, y, w, h = self.paste
        out = photo.copy()
        if frame.shape[:2] != (h, w):
            frame = cv2.resize(frame, (w, h), interpolation=cv2.INTER_CUBIC)
        out[y:y + h, x:x + w] = frame
        return out


def _rest_expression(fit, blendshapes):
    """Expression (52,) of the photo: the fitted one, but with the landmarker's mouthSmile where that is larger.

    The landmarker uses folds and cheeks, which show a smile better than the fit's 478 points. With too small a value, a
    smiling photo could not be drawn without its smile.
    """
    out = fit.expression.copy()
    if blendshapes is not None:
        smile = index("mouthSmile")
        out[smile] = np.maximum(out[smile], np.nan_to_num(blendshapes)[smile])
    return out
