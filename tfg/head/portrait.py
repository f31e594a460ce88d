"""A photo that plays expressions and poses: the fitted head moves a mesh that carries the photo's own pixels.

The head is fitted to the photo once. Its facial actions, projected, say how each landmark travels; a flat mesh
(tfg.head.template) carries the pixels along, extended harmonically over hair, neck and background, so that there is
no seam, no hole and no fold. Lips and lids are edges of real openings: behind them teeth, tongue and eyeballs are drawn.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tfg.head import template as tp
from tfg.head.fit import FACE_OVAL, HeadFit, fit_landmarks
from tfg.head.model import CAMERA_M, HEAD_WIDTH_M, NECK_PIVOT, Head, project, rotation
from tfg.head.openings import CLOSED_M, LID_ACTIONS, Openings, paint_openings
from tfg.head.raster import sample_map, source_map
from tfg.vocabulary import EXPRESSION, index

CROP = 2.05                 # side of the crop, in face heights
MARGIN = 0.25               # of the crop's side: pixels kept around it, so that moving hair brings in real background
FULL_MAX_PX = 1280          # side of the region that `full` re-draws; larger photos are brought down to it
GAIN = {"browDown": 1.5, "browInnerUp": 1.8, "browOuterUp": 1.6, "mouthPucker": 1.45, "mouthFunnel": 1.2,
        "mouthFrown": 1.4, "noseSneer": 1.4, "eyeWide": 1.3, "mouthStretch": 1.2, "cheekSquint": 1.2}
"""How much further a photo's landmarks travel than Anny's actions say, so that a change reads as it does on a real face
(set with `make bench`, never on the real test clips)."""
SMILE_TRUST = 0.85
EDGE_M = 0.0012             # how far the edges of openings are put into the skin
TURNS = ((20, 0, 0), (-20, 0, 0), (0, 15, 0), (0, -15, 0))      # head motions under which the mesh must not fold, degrees
UPPER_FACE = index("browDown", "browInnerUp", "browOuterUp", "cheekSquint", "eyeBlink", "eyeSquint", "eyeWide",
                   "noseSneer")


@dataclass
class Portrait:
    """Made by `Portrait.from_image`. `source` (h, w, 3) is the picture that the rest frame reproduces."""

    fit: HeadFit
    rest_expression: np.ndarray         # (52,) the expression in the photo
    texture: np.ndarray                 # (TH, TW, 3) uint8: the window and what lies around it
    window: tuple[int, int, int, int]   # x, y, w, h of the output in the texture
    triangles: np.ndarray               # (F, 3)
    rest_xy: np.ndarray                 # (N, 2) texture pixels
    rest_q: np.ndarray                  # (N, 3) camera metres; projects to rest_xy
    actions: np.ndarray                 # (52, N, 3) camera metres for a coefficient of 1
    headness: np.ndarray                # (N,) 1 where the head's turning carries a vertex, 0 where it stays
    openings: Openings
    landmarks: np.ndarray               # (478, 3) texture pixels
    paste: tuple | None = None          # `full`: (whole photo, x, y, w, h of the region in it)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def from_image(cls, image: np.ndarray, *, size: int = 256, preprocess: str = "crop", face: int | None = None,
                   landmarks: np.ndarray | None = None, blendshapes: np.ndarray | None = None) -> "Portrait":
        """Measure and fit a photo.

        image: (H, W, 3) uint8 RGB.  size: pixels of the output's side (`crop`) or longer side (`resize`); `full`
        keeps the photo's own size.  face: which face, largest first; None takes the largest.
        landmarks (478, 3) and blendshapes (52,) skip the detection.  Raises InputError as `tfg.faces.one_face` does.
        """
        if landmarks is None:
            from tfg.faces.landmarks import one_face

            found = one_face(image, face)
            landmarks, blendshapes = found.points, found.blendshapes
        texture, window, landmarks, paste = _frame(image, np.asarray(landmarks, float), size, preprocess)
        head = Head.load()
        fit = fit_landmarks(head, landmarks, expression_prior=blendshapes)
        rest_expression = _rest_expression(fit, blendshapes)
        template = tp.load()
        edges = {"upper": template.upper, "lower": template.lower}
        rest = template.landmarks @ landmarks[:, :2]
        rest = _open_edges(_snap_closed_lips(texture, rest, template, fit.scale), template, fit.scale)
        layout, tri, border = tp.triangulate(template, _frame_on_layout(template, rest, texture.shape))
        lap = tp.cotangent_laplacian(layout, tri)
        n = len(template.layout)
        known = border.copy()
        known[:n] = True
        rest_xy = _rest_positions(template, rest, layout, tri, border, lap, texture.shape)
        rest_q = _unproject(rest_xy, _depth(head, fit, template, layout, tri, border, lap, rest_xy), fit)
        moves = np.einsum("ln,knc->klc", template.landmarks, head.at_landmarks(head.expression)) @ fit.rotation.T
        values = np.zeros((known.sum(), len(EXPRESSION) * 3))
        values[:n] = moves.transpose(1, 0, 2).reshape(n, -1)
        actions = tp.extend(lap, known, values).reshape(len(layout), len(EXPRESSION), 3).transpose(1, 0, 2)
        gain = np.ones(len(EXPRESSION))
        for name, value in GAIN.items():
            gain[index(name)] = value
        lids = index(*LID_ACTIONS)
        opened = Openings.build(head, fit, rest_expression, template, edges, lap, layout, tri, border, rest_xy, texture, gain)
        gain[lids] = 0
        return cls(
            fit=fit, rest_expression=rest_expression, texture=texture, window=window, triangles=tri, rest_xy=rest_xy.astype(np.float32),
            rest_q=rest_q.astype(np.float32), actions=np.ascontiguousarray(actions * gain[:, None, None], np.float32),
            headness=_headness(layout, border, lap).astype(np.float32), landmarks=landmarks, paste=paste,
            openings=opened)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames that `render` returns."""
        return self.paste[0].shape[:2] if self.paste else (self.window[3], self.window[2])

    @property
    def source(self) -> np.ndarray:
        """(h, w, 3) uint8: what `render(rest_expression)` reproduces."""
        x, y, w, h = self.window
        return self.paste[0] if self.paste else self.texture[y:y + h, x:x + w]

    def personal(self, expression: np.ndarray) -> np.ndarray:
        """What "0" means for this person: brows and lids rest where the photo shows them (up to a relaxed limit).

        expression: (..., 52), 0 is relaxed.  Returns coefficients for `render`.
        """
        keep = np.zeros(len(EXPRESSION), np.float32)
        keep[UPPER_FACE] = np.minimum(self.rest_expression[UPPER_FACE], 0.35)
        return keep + (1 - keep) * np.asarray(expression, np.float32)

    def vertices(self, expression: np.ndarray, pose: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Where the mesh is: xy (N, 2) texture pixels and depth (N,) metres, smaller is nearer."""
        q = self.rest_q + np.tensordot(np.asarray(expression, np.float32) - self.rest_expression, self.actions, 1)
        q = self.openings.close(q, np.asarray(expression, np.float32), self.fit)
        xy, depth = self._project(q)
        if pose is not None and np.any(pose):
            moved, depth_moved = self._project(self._turn(q, np.asarray(pose, float)))
            h = self.headness[:, None]
            xy, depth = xy + h * (moved - xy), depth + self.headness * (depth_moved - depth)
        return xy, depth

    def render(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """One frame.

        expression: (52,) absolute coefficients, 0 is a relaxed face with closed lips; `rest_expression` gives the
        photo back.  pose: (6,) relative to the photo's own, signs and units as in tfg.vocabulary.POSE.
        Returns (h, w, 3) uint8.
        """
        expression = np.asarray(expression, np.float32)
        xy, depth = self.vertices(expression, pose)
        x, y, w, h = self.window
        at = (xy - [x, y]).astype(np.float32)
        order = np.argsort(-depth[self.triangles].max(1), kind="stable").astype(np.int32)
        map_xy = np.zeros((h, w, 2), np.float32)
        covered = np.zeros((h, w), np.bool_)
        source_map(at, self.triangles, self.rest_xy, order, map_xy, covered)
        out = np.zeros((h, w, 3), np.float32)
        sample_map(self.texture, map_xy, covered, out)
        turn = (lambda q: self._turn(q, np.asarray(pose, float))) if pose is not None else (lambda q: q)
        paint_openings(self, out, covered, at, expression, turn, (x, y))
        frame = np.clip(out + 0.5, 0, 255).astype(np.uint8)
        return self._paste(frame) if self.paste else frame

    def render_motion(self, motion, progress=None):
        """Frames of a `tfg.clip.Motion`, whose 0 means relaxed (see `personal`); an iterator of (h, w, 3) uint8."""
        expression = self.personal(np.clip(np.nan_to_num(motion.expression), 0, 1))
        pose = np.nan_to_num(motion.pose)
        for t in range(len(expression)):
            yield self.render(expression[t], pose[t])
            if progress is not None:
                progress(t + 1)

    def _project(self, q):
        f = self.fit.scale / (1 - q[:, 2] / CAMERA_M)
        return np.stack([q[:, 0] * f, -q[:, 1] * f], 1) + self.fit.shift, -q[:, 2]

    def _turn(self, q, pose):
        pivot = self.fit.rotation @ NECK_PIVOT
        return (q - pivot) @ rotation(*pose[:3]).T + pivot + (np.asarray(pose[3:]) * HEAD_WIDTH_M).astype(np.float32)

    def _paste(self, frame):
        import cv2

        photo, x, y, w, h = self.paste
        out = photo.copy()
        if frame.shape[:2] != (h, w):
            frame = cv2.resize(frame, (w, h), interpolation=cv2.INTER_CUBIC)
        out[y:y + h, x:x + w] = frame
        return out


# ---- the picture's frame ------------------------------------------------------------------------------------
def _frame(image, points, size, preprocess):
    """Which part of the photo becomes the texture, which window of it the output; landmarks in texture pixels."""
    import cv2

    height, width = image.shape[:2]
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    side = CROP * max(high - low)
    cx, cy = (low + high) / 2 - [0, 0.06 * side]
    if preprocess == "resize":
        scale = size / max(height, width)
        scale_xy = (max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2)))
        texture = _resize(image, scale_xy)
        ratio = np.array([scale_xy[0] / width, scale_xy[1] / height])
        return texture, (0, 0, *scale_xy), _scale_points(points, ratio, np.zeros(2)), None
    if preprocess == "full":
        side *= 1.25
        x0, y0 = int(max(cx - side / 2, 0)), int(max(cy - side / 2, 0))
        x1, y1 = int(min(cx + side / 2, width)), int(min(cy + side / 2, height))
        region = np.ascontiguousarray(image[y0:y1, x0:x1])
        ratio = min(1.0, FULL_MAX_PX / max(region.shape[:2]))
        texture = region if ratio == 1 else _resize(region, (round((x1 - x0) * ratio), round((y1 - y0) * ratio)))
        real = np.array(texture.shape[1::-1]) / [x1 - x0, y1 - y0]
        photo = np.ascontiguousarray(image[:height - height % 2, :width - width % 2])
        paste = (photo, x0, y0, min(x1, photo.shape[1]) - x0, min(y1, photo.shape[0]) - y0)
        window = (0, 0, texture.shape[1], texture.shape[0])
        if ratio == 1:
            window = (0, 0, paste[3], paste[4])
        return texture, window, _scale_points(points, real, np.array([x0, y0])), paste
    if preprocess != "crop":
        from tfg.errors import InputError

        raise InputError(f"Unknown preprocess {preprocess!r}; it is one of crop, resize, full.")
    size = max(2, 2 * round(size / 2))
    side = min(side, height, width)
    cx, cy = np.clip(cx, side / 2, width - side / 2), np.clip(cy, side / 2, height - side / 2)
    ratio = size / side
    pad = [int(min(MARGIN * size, max(0, d))) for d in ((cx - side / 2) * ratio, (cy - side / 2) * ratio,
           (width - cx - side / 2) * ratio, (height - cy - side / 2) * ratio)]            # left, top, right, bottom
    origin = np.array([cx - side / 2, cy - side / 2]) - np.array(pad[:2]) / ratio
    out_size = (size + pad[0] + pad[2], size + pad[1] + pad[3])
    blur = max(0.0, 0.5 / ratio - 0.5) * 0.8
    image = cv2.GaussianBlur(image, (0, 0), blur) if blur > 0.15 else image
    m = np.array([[ratio, 0, (0.5 - origin[0] - 0.0) * ratio - 0.5], [0, ratio, (0.5 - origin[1]) * ratio - 0.5]])
    texture = cv2.warpAffine(image, m, out_size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    points = _scale_points(points, np.array([ratio, ratio]), origin)
    return texture, (pad[0], pad[1], size, size), points, None


def _resize(image, size_xy):
    import cv2

    down = size_xy[0] < image.shape[1]
    return cv2.resize(image, size_xy, interpolation=cv2.INTER_AREA if down else cv2.INTER_CUBIC)


def _scale_points(points, ratio, origin):
    """Pixels of the photo -> pixels of a picture scaled by ratio (2,) from origin (2,); pixel centres are whole."""
    out = points.copy()
    out[:, :2] = (points[:, :2] + 0.5 - origin) * ratio - 0.5
    out[:, 2] = points[:, 2] * ratio.mean()
    return out


def _rest_expression(fit, blendshapes):
    """(52,) the fitted expression; a smile that the landmarker reads as wider than the fit does counts as it reads it,
    or a smiling photo could not stop smiling (folds and cheeks tell it more than 478 points tell the fit)."""
    out = fit.expression.copy()
    if blendshapes is not None:
        smile = index("mouthSmile")
        out[smile] = np.maximum(out[smile], SMILE_TRUST * np.nan_to_num(blendshapes)[smile])
    return out


# ---- the mesh on the photo ------------------------------------------------------------------------------------
def _similarity(a, b):
    """(3, 2) affine matrix of the similarity that takes template points (y up) to pixels (y down)."""
    a = a * [1, -1]
    ca, cb = a.mean(0), b.mean(0)
    p, q = (a - ca)[:, 0] + 1j * (a - ca)[:, 1], (b - cb)[:, 0] + 1j * (b - cb)[:, 1]
    z = (np.conj(p) * q).sum() / (np.abs(p) ** 2).sum()
    m = np.array([[z.real, z.imag], [-z.imag, z.real]])                 # row vectors: a @ m
    m = np.array([[1, 0], [0, -1]]) @ m
    return np.vstack([m, cb - (ca * [1, -1]) @ m])


def _frame_on_layout(template, rest, shape):
    m = _similarity(template.layout, rest)
    h, w = shape[:2]
    corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], float)
    return (corners - m[2]) @ np.linalg.inv(m[:2])


def _unproject(xy, z, fit):
    """Pixels and camera-space height z (metres, towards the camera) -> camera metres (N, 3)."""
    f = (1 - z / CAMERA_M) / fit.scale
    return np.stack([(xy[:, 0] - fit.shift[0]) * f, -(xy[:, 1] - fit.shift[1]) * f, z], 1)


def _rest_positions(template, rest, layout, tri, border, lap, shape):
    """(N, 2) pixels: vertices on the photo. A landmark that would turn a triangle over gives way to its neighbours."""
    base = np.c_[layout, np.ones(len(layout))] @ _similarity(template.layout, rest)
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
        turned = signed_areas(xy, tri) > -1e-3                           # y down: kept triangles are negative
        if not turned.any():
            break
        loose = np.zeros(len(layout), bool)
        loose[tri[turned]] = True
        known &= ~(loose & ~edge & ~border)
    return xy


def signed_areas(xy, tri):
    """(F,) twice the signed area of each triangle; negative where it is seen from the front (y down)."""
    a, b, c = (xy[tri[:, k]] for k in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])


def _depth(head, fit, template, layout, tri, border, lap, rest_xy):
    """(N,) metres towards the camera: landmarks from the fit, scalp and ears from the head's surface, the rest smooth.

    A penalised fit rather than the surface itself bounds the slope; where turning the head by TURN degrees would
    still fold the mesh, the surface is smoothed further.
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
    turns = [rotation(*pose) for pose in TURNS]
    for _ in range(8):
        out = splu((lap + diags(weight + 1e-6)).tocsc()).solve(weight * value)
        q = _unproject(rest_xy, out, fit)
        pivot = fit.rotation @ NECK_PIVOT
        folded = np.zeros(len(tri), bool)
        for r in turns:
            moved = (q - pivot) @ r.T + pivot
            f = fit.scale / (1 - moved[:, 2] / CAMERA_M)
            at = np.stack([moved[:, 0] * f, -moved[:, 1] * f], 1)
            folded |= signed_areas(at, tri) > 0.08 * signed_areas(rest_xy, tri)
        if not folded.any():
            break
        loose = np.zeros(len(layout), bool)
        loose[tri[folded]] = True
        for _ in range(2):                                               # and their neighbours
            ring = loose[tri].any(1)
            loose[tri[ring]] = True
        weight[loose] *= 0.3
    return out


def _headness(layout, border, lap):
    """(N,) 1 on head and hair, 0 at the border and on the shoulders, harmonic between."""
    rho = np.hypot(layout[:, 0] / 0.105, (layout[:, 1] - 0.005) / 0.145)
    low, high = layout[border].min(0), layout[border].max(0)
    room = np.minimum(layout - low, high - layout).min(1)
    head = (rho < 1) & (room > 0.02) & (layout[:, 1] > -0.125)
    still = border | (layout[:, 1] < -0.21)
    known = head | still
    values = head[known].astype(float)[:, None]
    return np.clip(tp.extend(lap, known, values)[:, 0], 0, 1)


def _open_edges(rest, template, scale):
    """Put the edges of parted lips and open eyes a little into the skin: teeth and eye white must not travel on them."""
    rest = rest.copy()
    for name in tp.OPENINGS:
        up, low = template.upper[name][1:-1], template.lower[name][1:-1]
        gap = rest[low] - rest[up]
        size = np.linalg.norm(gap, axis=1, keepdims=True)
        if name == "mouth" and size.max() < CLOSED_M * scale:
            continue
        step = gap / np.maximum(size, 1e-6) * np.minimum(size / 2, EDGE_M * scale)
        rest[up] -= step
        rest[low] += step
    return rest


def _snap_closed_lips(texture, rest, template, scale):
    """Where the photo's lips are closed, move the cut onto the dark line between them (landmarks miss it by a pixel)."""
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
