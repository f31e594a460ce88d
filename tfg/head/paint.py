"""Drawing behind a portrait's openings: eyeballs and the inside of the mouth, blended at smooth edges."""
from __future__ import annotations

import numpy as np

from tfg.head.mouth_interior import paint, slit_shade
from tfg.head.openings import BLINK, box_around, coverage
from tfg.vocabulary import INDEX

LIP_M, LIP_DARK = 0.0009, 0.45          # half width and darkness of the line between closed lips
LASH_M, LASH_DARK = 0.0016, 0.85        # half width and darkness of the line of lashes on a closed eye


def paint_openings(portrait, out, covered, at, expression, turn, origin):
    """Draw eyeballs and the inside of the mouth into `out` where the mesh is open, in place.

    out: (h, w, 3) float32, with the skin.  covered: (h, w) bool, True where skin is drawn.  at: (N, 2) vertices in px
    of out.  expression: (52,).  turn: function that moves camera points (N, 3) with the head.  origin: (2,) px of the
    window in the texture.
    """
    o = portrait.openings
    for name, part in o.parts.items():
        up, low = at[part.upper], at[part.lower]
        box = box_around(np.concatenate([up, low]), out.shape, 2)
        x, y, w, h = box
        if w < 2 or h < 2:
            continue
        alpha = coverage(up, low, box)
        rows, cols = np.nonzero((alpha > 0) | ~covered[y:y + h, x:x + w])
        if len(rows):
            px = np.stack([cols + x, rows + y], 1).astype(np.float32)
            if name == "mouth":
                colour = _mouth_colour(portrait, px, up, low, expression, turn, origin)
            else:
                colour = _eye_colour(portrait, name, px, expression, at, part, origin)
            _composite(out, covered, box, rows, cols, alpha[rows, cols], colour)
        if name in BLINK:
            _lash_line(out, box, up, low, part, portrait)
        else:
            _lip_line(out, box, up, low, portrait, expression)


def _lash_line(out, box, up, low, part, portrait):
    """Darken the line where the lids of a closing eye meet, as their lashes do."""
    o, fit = portrait.openings, portrait.fit
    full = max(part.gap.max(), 0.004 * fit.scale)
    shut = 1 - np.clip(np.linalg.norm(low - up, axis=1).max() / (0.55 * full), 0, 1)
    if shut <= 0:
        return
    half = o.down * LASH_M * fit.scale * np.sin(np.linspace(0.15, np.pi - 0.15, len(up)))[:, None]
    x, y, w, h = box
    alpha = LASH_DARK * shut * coverage(up - half, low + 0.4 * half, box)[:, :, None]
    out[y:y + h, x:x + w] *= 1 - alpha


def _stillness(openings, expression):
    """1 in the photo's own expression, where its own lips and teeth are right; it falls to 0 as coefficients change."""
    return np.exp(-((np.abs(expression - openings.rest_expression).max() / 0.03) ** 2))


def _lip_line(out, box, up, low, portrait, expression):
    """Draw a soft dark line where closed lips meet; without it the seam of the two moved textures is jagged."""
    o, fit = portrait.openings, portrait.fit
    still = _stillness(o, expression)
    half = o.down * LIP_M * fit.scale * np.sin(np.linspace(0.1, np.pi - 0.1, len(up)))[:, None]
    gap = np.clip(np.linalg.norm(low - up, axis=1, keepdims=True) / (3 * LIP_M * fit.scale), 0, 1)
    middle, half = (up + low) / 2, half * (1 - gap)                      # no line where the lips are apart
    x, y, w, h = box
    out[y:y + h, x:x + w] *= 1 - LIP_DARK * (1 - still) * coverage(middle - half, middle + half, box)[:, :, None]


def _composite(out, covered, box, rows, cols, alpha, colour):
    """Blend colours (P, 3) into `out` at pixels (rows, cols) of the box by alpha (P,).

    The skin's colours are continued one pixel beyond its edge, so that the edge is smooth on both sides.
    """
    x, y, w, h = box
    skin = out[y:y + h, x:x + w]
    have = covered[y:y + h, x:x + w].astype(np.float32)
    if have.all():
        base = skin[rows, cols]
    else:
        import cv2

        total = cv2.boxFilter(skin * have[:, :, None], -1, (3, 3), normalize=False)
        count = cv2.boxFilter(have, -1, (3, 3), normalize=False)
        grown = np.where(have[:, :, None] > 0, skin, total / np.maximum(count, 1e-6)[:, :, None])
        base = grown[rows, cols]
        alpha = np.where((have[rows, cols] == 0) & (count[rows, cols] < 0.5), 1.0, alpha)
    skin[rows, cols] = base * (1 - alpha[:, None]) + colour * alpha[:, None]


def mouth_frames(portrait, px, expression, turn, origin):
    """Coordinates of pixels px (P, 2) in the flat frames of the upper and of the lower teeth: two (P, 2) in metres, and
    the axes of the upper frame, (2, 2) px per metre. The other arguments are as in `paint_openings`."""
    o = portrait.openings

    def frame(q):
        """Pixel (2,) of a camera point q, and the steps (2, 2) in px of a metre across and down the face."""
        pts = turn(np.stack([q, q + 0.01 * o.axes[0], q + 0.01 * o.axes[1]]).astype(np.float32))
        xy, _ = portrait._project(pts)
        xy = xy - origin
        return xy[0], np.stack([xy[1] - xy[0], xy[2] - xy[0]]) * 100

    c, e = frame(o.teeth)
    cj, ej = frame(o.teeth + (expression @ o.jaw))
    return (px - c) @ np.linalg.inv(e), (px - cj) @ np.linalg.inv(ej), e


def _mouth_colour(portrait, px, upper, lower, expression, turn, origin):
    """Colours (P, 3) in 0..255 of pixels px (P, 2) between the lips' edges upper and lower."""
    o = portrait.openings
    upper_ab, lower_ab, e = mouth_frames(portrait, px, expression, turn, origin)
    top, bottom = (np.interp(px[:, 0], *edge[np.argsort(edge[:, 0])].T) for edge in (upper, lower))
    gap_top = (px[:, 1] - top) / np.linalg.norm(e[1])
    still = _stillness(o, expression)
    slit = slit_shade((bottom - top) / np.linalg.norm(e[1]))
    colour = paint(upper_ab, lower_ab, light=o.light, gap_top=gap_top, bite=o.bite,
                   tongue_out=float(expression[INDEX["tongueOut"]])) * 255
    if o.photo_mouth.any():
        rest, _ = portrait._project(np.stack([o.teeth, o.teeth + 0.01 * o.axes[0], o.teeth + 0.01 * o.axes[1]]))
        back = rest[0] + upper_ab @ (np.stack([rest[1] - rest[0], rest[2] - rest[0]]) * 100)
        weight, photo = _lookup(o.photo_mouth, back), _lookup(portrait.texture, back)
        weight = weight[:, :1] * (1 - still) + weight[:, 1:] * still
        colour = colour * (1 - weight) + photo * weight
    return colour * (still + (1 - still) * slit)[:, None]


def _eye_colour(portrait, name, px, expression, at, part, origin):
    """Colours (P, 3) in 0..255 of pixels px (P, 2) between the lids of an eye."""
    o = portrait.openings
    texture, x0, y0 = o.eye_textures[name]
    centre, radius, gaze = o.iris[name]
    corners = part.upper[[0, -1]]
    a, b = portrait.rest_xy[corners], at[corners]                        # the eyeball moves with the corners
    za, zb = (a[1] - a[0]) @ [1, 1j], (b[1] - b[0]) @ [1, 1j]
    z = za / zb if abs(zb) > 1e-6 else 1.0
    rel = ((px - b.mean(0)) @ np.array([1, 1j])) * z
    back = np.stack([rel.real, rel.imag], 1) + a.mean(0)
    shift = np.tensordot(expression - o.rest_expression, gaze, 1)
    if np.abs(shift).max() > 0.01:
        away = np.linalg.norm(back - centre - 0.5 * shift, axis=1) / (1.9 * radius)
        back = back - shift * np.exp(-(away ** 4))[:, None]
    return _lookup(texture, back - [x0, y0])


def _lookup(picture, at):
    """Sample a picture at pixels (P, 2), bilinear, with repeated edges: (P, C)."""
    h, w = picture.shape[:2]
    x, y = np.clip(at[:, 0], 0, w - 1.001), np.clip(at[:, 1], 0, h - 1.001)
    i, j = x.astype(int), y.astype(int)
    fx, fy = (x - i)[:, None], (y - j)[:, None]
    i1, j1 = np.minimum(i + 1, w - 1), np.minimum(j + 1, h - 1)
    top = picture[j, i] * (1 - fx) + picture[j, i1] * fx
    return top * (1 - fy) + (picture[j1, i] * (1 - fx) + picture[j1, i1] * fx) * fy
