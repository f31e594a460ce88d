"""Mouth and eyes as openings of a portrait's mesh: the width of their gaps, and the textures seen through them."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.head import template as tp
from tfg.head.model import CAMERA_M, project
from tfg.head.mouth_interior import BITE_M
from tfg.vocabulary import EXPRESSION, INDEX, MOUTH, index

SPREAD_M = 0.010            # distance over which a correction of the lips fades in the skin
LID_M = (0.0035, 0.0160)    # distances from the upper lid's edge: nearer skin follows it fully, further skin not at all
BROW_M = 0.0038             # distance that the hairs reach below the brows' landmarks
BROWS = (46, 53, 52, 65, 55, 276, 283, 282, 295, 285)                   # landmarks of the brows' lower edges
CHEEKS = (50, 280, 205, 425, 187, 411)                                  # landmarks whose colour tells the light
LOWER_LID_M = (0.0015, 0.0080)                                          # as LID_M, for the lower lid
CLOSED_M = 0.003            # lips that part less than this count as closed
LID_ACTIONS = ("eyeBlink", "eyeWide")   # only the lids' edges follow these, so that lashes and creases are not smeared
UPPER_SHARE = {"mouth": 0.5, "eye_right": 0.98, "eye_left": 0.98}       # the upper edge's share of a correction
FORGET = 0.6                # sum of changes of mouth coefficients beyond which the photo's own lip gap is not used
LID_PAD_M = 0.0035          # least gap of an open eye by which a blink is scaled
MOUTH_ACTIONS = index(*MOUTH)
BLINK = {"eye_right": "eyeBlinkRight", "eye_left": "eyeBlinkLeft"}
IRIS = {"eye_right": 468, "eye_left": 473}


@dataclass
class Opening:
    """One opening. Gaps are pixels along the face's vertical, one for each of the P vertex pairs on its two edges."""

    upper: np.ndarray           # (P,) vertices of the upper edge
    lower: np.ndarray           # (P,) vertices of the lower edge
    gap: np.ndarray             # (P,) gaps in the photo
    model: np.ndarray           # (P,) gaps of the fitted head in the photo's expression, minus those when closed
    actions: np.ndarray         # (52, P) pixels by which a coefficient of 1 widens the gap
    spread_upper: np.ndarray    # (N, P) share by which each vertex follows a correction of the upper edge
    spread_lower: np.ndarray    # (N, P) the same for the lower edge


@dataclass
class Openings:
    """The openings of a portrait (mouth, eye_right, eye_left), and the teeth and eyeballs behind them."""

    parts: dict[str, Opening]   # name -> opening
    down: np.ndarray            # (2,) the face's downward direction in the photo
    light: np.ndarray           # (3,) brightness of a white surface, 0..1
    teeth: np.ndarray           # (3,) camera metres: the point on the teeth where closed lips meet
    jaw: np.ndarray             # (52, 3) camera metres by which a coefficient of 1 moves the lower teeth
    bite: float                 # metres from the line of closed lips down to the upper biting edge
    axes: np.ndarray            # (2, 3) camera directions across and down the face
    rest_expression: np.ndarray     # (52,) expression of the photo
    photo_mouth: np.ndarray     # (TH, TW, 2) 0..1: pixels of the photo's inside of the mouth; eroded, and whole
    eye_textures: dict[str, tuple[np.ndarray, int, int]]    # name -> (picture, x, y): the eyeball without its lids
    iris: dict[str, tuple[np.ndarray, float, np.ndarray]]   # name -> centre px (2,), radius px, gaze (52, 2) px

    @staticmethod
    def build(head, fit, rest_expression, moves, template, lap, layout, tri, border, rest_xy, texture,
              gain) -> "Openings":
        """Measure the openings on the photo, and prepare their corrections and the textures behind them.

        moves: (52, L, 3) camera metres by which a coefficient of 1 moves the template's vertices.
        """
        down = fit.rotation @ np.array([0, -1, 0], np.float32)
        down2 = np.array([down[0], -down[1]])
        down2 = down2 / np.linalg.norm(down2)
        zero = np.zeros(len(EXPRESSION), np.float32)

        def model_gap(up, low, expression):
            at = template.landmarks[:, :] @ head.landmark_points(fit.identity, expression)
            xy = project(at.astype(np.float32), fit.rotation, fit.scale, fit.shift)[0]
            return (xy[low] - xy[up]) @ down2

        area = np.bincount(tri.ravel(), np.repeat(np.abs(tp.signed_areas(layout, tri)) / 6, 3), len(layout))
        parts = {}
        for name in tp.OPENINGS:
            up, low = template.upper[name], template.lower[name]
            closed = zero.copy()
            if name in BLINK:
                closed[INDEX[BLINK[name]]] = 1
            gap = np.maximum((rest_xy[low] - rest_xy[up]) @ down2, 0)
            model = model_gap(up, low, rest_expression * gain) - model_gap(up, low, closed)
            spread = {}
            for side, chain in (("upper", up), ("lower", low)):
                if name in BLINK:
                    spread[side] = _lid_spread(layout, chain, low, LID_M, _brow(template)) if side == "upper" else \
                        _lid_spread(layout, chain, up, LOWER_LID_M)
                    continue
                edge = np.zeros(len(layout), bool)
                edge[up] = edge[low] = True
                known = edge | border
                column = np.cumsum(known) - 1
                values = np.zeros((known.sum(), len(chain)))
                values[column[chain[1:-1]], np.arange(1, len(chain) - 1)] = 1
                spread[side] = tp.extend(lap, known, values, screen=area / SPREAD_M ** 2).astype(np.float32)
            grow = (moves[:, low] - moves[:, up]) @ np.array([down2[0], -down2[1], 0]) * fit.scale * gain[:, None]
            parts[name] = Opening(up, low, gap.astype(np.float32), model.astype(np.float32),
                                  grow.astype(np.float32), spread["upper"], spread["lower"])
        lips = head.landmark_points(fit.identity, zero)
        centre = (lips[13] + lips[14]) / 2
        lower_teeth = np.unique(head.triangles[head.part_mask("teeth_lower")])
        jaw = head.expression[:, lower_teeth].mean(1) @ fit.rotation.T
        q = fit.rotation @ (centre + [0, 0, -0.004])
        miss = _mouth_miss(rest_xy, parts["mouth"], head, fit, template)
        f = fit.scale / (1 - q[2] / CAMERA_M)
        teeth = q + np.array([miss[0] / f, -miss[1] / f, 0])
        photo_mouth, bite = _photo_mouth(texture, rest_xy, parts["mouth"], fit, teeth, down2)
        cheeks = fit.project(head.landmark_points(fit.identity, fit.expression))[list(CHEEKS)]
        eyes = {n: _eyeball(texture, rest_xy, parts[n]) for n in BLINK}
        iris = {n: _iris(head, fit, template, rest_xy, n) for n in BLINK}
        return Openings(parts, down2, light_on_cheeks(texture, cheeks), teeth.astype(np.float32),
                        jaw.astype(np.float32), bite, np.stack([fit.rotation[:, 0], -fit.rotation[:, 1]]),
                        rest_expression, photo_mouth, eyes, iris)

    def close(self, q: np.ndarray, expression: np.ndarray, fit) -> np.ndarray:
        """Correct the edges so that the gaps fit the expression: closed lips meet, a blink shuts the eye.

        q: (N, 3) camera metres after the facial actions.  expression: (52,); that of the photo leaves q as it is.
        Returns the corrected (N, 3).
        """
        f = fit.scale / (1 - q[:, 2] / CAMERA_M)
        xy = np.stack([q[:, 0] * f, -q[:, 1] * f], 1)
        move = np.zeros(len(q), np.float32)
        for name, o in self.parts.items():
            now = (xy[o.lower] - xy[o.upper]) @ self.down
            now = np.where(np.arange(len(now)) % (len(now) - 1) == 0, 0, now)
            model = o.model + (now - o.gap if name == "mouth" else (expression - self.rest_expression) @ o.actions)
            part, rest = np.maximum(model, 0), np.maximum(o.model, 0)    # a negative gap (pressed lips) is closed
            if name == "mouth":                                          # the photo's gap counts near its expression
                away = np.abs(expression - self.rest_expression)[MOUTH_ACTIONS].sum()
                want = part + (o.gap - rest) * max(0.0, 1 - away / FORGET)
            else:                                                        # lids: scale the gap of the photo's eye
                pad = max(0.0, LID_PAD_M * fit.scale - rest.mean())
                want = o.gap * np.clip((part.mean() + pad) / (rest.mean() + pad), 0, 1.6)
            step = np.maximum(want, 0) - now
            upper = UPPER_SHARE[name]
            move += o.spread_lower @ ((1 - upper) * step) - o.spread_upper @ (upper * step)
        d = np.array([self.down[0], -self.down[1], 0], np.float32)
        return q + (move / f)[:, None] * d


def _brow(template):
    """Points (B, 2) of the brows' lower edges on the template's plane, in metres."""
    rows = [np.flatnonzero(template.landmarks[:, i] == 1) for i in BROWS]
    return template.layout[np.concatenate(rows)]


def _lid_spread(layout, chain, other, reach, brow=None):
    """Share by which each vertex of the skin follows each vertex of a lid's edge: (N, P), a plateau that fades out.

    layout: (N, 2) metres.  chain, other: (P,) vertices of this lid's edge and of the other one's.  reach: distances up
    to which skin follows fully, and beyond which it does not follow.  brow: (B, 2) points that must not move.
    """
    edge, opposite = layout[chain], layout[other]
    away = np.linalg.norm(layout[:, None] - edge[None], axis=2)
    near = away.min(1)
    own_side = near <= np.linalg.norm(layout[:, None] - opposite[None], axis=2).min(1) + 1e-9
    t = np.clip((reach[1] - near) / (reach[1] - reach[0]), 0, 1)
    if brow is not None:                                                 # only the skin between lid and brow moves
        gap = np.linalg.norm(layout[:, None] - brow[None], axis=2)
        above = layout[:, 1] > brow[gap.argmin(1), 1]
        free = np.maximum(gap.min(1) - BROW_M, 0)
        t = np.minimum(t, np.where(above, 0, np.clip(1.7 * free / (free + near + 1e-9), 0, 1)))
    fade = np.where(own_side, t * t * (3 - 2 * t), 0)
    kernel = np.exp(-((away - near[:, None]) / 0.0012) ** 2) * np.exp(-0.5 * (away / 0.006) ** 2) + 1e-30
    kernel[:, [0, -1]] *= 1e-3                                           # the corners do not move
    spread = kernel / kernel.sum(1, keepdims=True) * fade[:, None]
    # skin beyond the corners of the eye, where the lid's edge ends, does not follow
    along = edge[-1] - edge[0]
    u = (layout - edge[0]) @ along / (along @ along)
    spread *= np.clip(np.minimum(u, 1 - u) / 0.12 + 1, 0, 1)[:, None]
    spread[chain] = np.eye(len(chain))
    spread[other[1:-1]] = 0
    return spread.astype(np.float32)


def light_on_cheeks(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Brightness (3,) of a white surface near the mouth, in 0..1, from the ratio of the cheeks' colour to mean skin.

    picture: (H, W, 3) uint8.  points: (6, 2) px of the landmarks CHEEKS.
    """
    from tfg.head.render import SKIN

    at = np.clip(np.round(points).astype(int), 0, np.array(picture.shape[1::-1]) - 1)
    cheek = np.median(picture[at[:, 1], at[:, 0]], 0) / 255
    grey = cheek.mean() / SKIN.mean()
    tint = cheek / max(cheek.mean(), 1e-3) / (SKIN / SKIN.mean())
    return (np.clip(0.55 + 0.45 * grey, 0.35, 1.0) * np.clip(tint, 0.8, 1.2) ** 0.5).astype(np.float32)


def _mouth_miss(rest_xy, mouth, head, fit, template):
    """Mean offset (2,) in px from the fitted head's corners of the mouth to the photo's."""
    at = template.landmarks @ head.landmark_points(fit.identity, fit.expression)
    xy = project(at.astype(np.float32), fit.rotation, fit.scale, fit.shift)[0]
    corners = mouth.upper[[0, -1]]
    return (rest_xy[corners] - xy[corners]).mean(0)


def coverage(upper: np.ndarray, lower: np.ndarray, box: tuple[int, int, int, int], columns: int = 3) -> np.ndarray:
    """Share of each pixel of a box (x, y, w, h) that lies between two edges (P, 2) which run across: (h, w) in [0, 1].

    columns: number of samples of a pixel in x.
    """
    x, y, w, h = box
    upper = upper[np.argsort(upper[:, 0])]
    lower = lower[np.argsort(lower[:, 0])]
    sub = x + (np.arange(w * columns) + 0.5) / columns - 0.5
    top = np.interp(sub, upper[:, 0], upper[:, 1], left=np.inf, right=np.inf)
    bottom = np.interp(sub, lower[:, 0], lower[:, 1], left=-np.inf, right=-np.inf)
    rows = (y + np.arange(h))[:, None]
    part = np.clip(np.minimum(bottom, rows + 0.5) - np.maximum(top, rows - 0.5), 0, 1)
    return part.reshape(h, w, columns).mean(2)


def box_around(points, shape, pad):
    """Box (x, y, w, h) in px around points (N, 2), enlarged by pad px and clipped to a picture of `shape`."""
    low = np.maximum(np.floor(points.min(0)).astype(int) - pad, 0)
    high = np.minimum(np.ceil(points.max(0)).astype(int) + pad + 1, [shape[1], shape[0]])
    return int(low[0]), int(low[1]), int(max(high[0] - low[0], 0)), int(max(high[1] - low[1], 0))


def _photo_mouth(texture, rest_xy, mouth, fit, teeth, down):
    """Masks (TH, TW, 2) of the photo's own inside of the mouth (eroded, and whole), and metres from the lips' line down
    to the upper biting edge."""
    import cv2

    up, low = rest_xy[mouth.upper], rest_xy[mouth.lower]
    box = box_around(np.concatenate([up, low]), texture.shape, 2)
    mask, whole = np.zeros((2, *texture.shape[:2]), np.float32)
    x, y, w, h = box
    span = 0.09 * fit.scale
    if w < 2 or h < 2 or mouth.gap.max() < 0.03 * span:
        return np.stack([mask, whole], 2), BITE_M
    inside = coverage(up, low, box)
    whole[y:y + h, x:x + w] = inside
    mask[y:y + h, x:x + w] = cv2.GaussianBlur(cv2.erode(inside, np.ones((3, 3))), (0, 0), 0.8)
    mid = len(mouth.upper) // 2
    patch = texture[y:y + h, x:x + w].astype(np.float32).mean(2)
    bright = patch[inside > 0.9]
    cheek = texture.astype(np.float32).mean(2)[::4, ::4].mean()
    if len(bright) and np.median(bright) > 0.75 * cheek:                 # bright: teeth, which reach to the lower lip
        f = fit.scale / (1 - teeth[2] / CAMERA_M)
        origin = np.array([teeth[0] * f, -teeth[1] * f]) + fit.shift
        return np.stack([mask, whole], 2), float(np.clip((low[mid] - origin) @ down / f, 0.001, 0.012))
    return np.stack([mask, whole], 2), BITE_M


def _eyeball(texture, rest_xy, eye):
    """Texture of the eyeball and its place (picture, x, y): the colours of the open eye are continued outwards, for
    lids that open wider than in the photo."""
    import cv2

    up, low = rest_xy[eye.upper], rest_xy[eye.lower]
    pad = int(max(4, 0.7 * eye.gap.max()))
    box = box_around(np.concatenate([up, low]), texture.shape, pad)
    x, y, w, h = box
    patch = np.ascontiguousarray(texture[y:y + h, x:x + w])
    if w < 3 or h < 3:
        return patch.astype(np.float32), x, y
    inside = coverage(up, low, box)
    keep = cv2.erode(inside, np.ones((3, 1))) > 0.95
    if not keep.any():
        return patch.astype(np.float32), x, y
    filled = cv2.inpaint(patch, (~keep).astype(np.uint8), 2, cv2.INPAINT_TELEA).astype(np.float32)
    soft = np.clip(inside, 0, 1)[:, :, None]
    return patch * soft + filled * (1 - soft), x, y


def _iris(head, fit, template, rest_xy, name):
    """Centre (2,) and radius of an iris in px, and the px (52, 2) by which a coefficient of 1 moves the centre."""
    first = IRIS[name]
    gaze = np.zeros((len(EXPRESSION), 2), np.float32)
    move = head.at_landmarks(head.expression)[:, first] @ fit.rotation.T
    look = index("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")
    gaze[look] = np.stack([move[look, 0], -move[look, 1]], 1) * fit.scale
    up, low = rest_xy[template.upper[name]], rest_xy[template.lower[name]]
    return (up.mean(0) + low.mean(0)) / 2, 0.0065 * fit.scale, gaze
