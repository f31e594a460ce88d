"""Label map of a portrait's photo: exact where the face's mesh is, an estimate around it.

Face and lips come from the landmarks. Colour separates the rest: the person from the background by graph cuts (GrabCut;
Rother et al. 2004) that start from the fitted head's silhouette and a bust below it, then hair, skin and clothes by
colour histograms taken where each of them is certain. Where two labels are about equally likely, the label is
`UNKNOWN`. Beards and brows count as skin.
"""
from __future__ import annotations

import numpy as np

from tfg.actors.actor import LAYER, UNKNOWN
from tfg.head.fit import FACE_OVAL
from tfg.head.model import Head
from tfg.head.template import OUTER_LIPS

BINS = 12                        # bins of the colour histograms in each channel
HEAD_M = (0.105, 0.15, 0.02)     # half width, half height and height of the middle of a head with short hair
CHIN_M = -0.11                   # height of the chin, from between the eyes
RATIO = 1.6                 # the best layer must be this many times as likely as the next, else it is UNKNOWN


def photo_labels(portrait) -> np.ndarray:
    """Label of each pixel of the portrait's texture: (TH, TW) uint8; mouth and eyes are covered by lips and skin."""
    import cv2

    picture = portrait.texture
    x, y = _places(portrait)
    face, lips, head = _masks(portrait)
    person = _person(picture, face, head, x, y)
    above = cv2.dilate(face, np.ones((3, 3)), iterations=2) == 0
    seeds = {
        "skin": (face > 0) & (lips == 0) & (np.abs(y + 0.03) < 0.045),
        "hair": person & above & (y > 0.065) & (np.abs(x) < 0.09),
        "clothes": person & (y < max(-0.20, y.min() + 0.022)) & (y < CHIN_M - 0.01) & (np.abs(x) > 0.03),
    }
    lab = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), 0.8), cv2.COLOR_RGB2LAB)
    bins = (lab.astype(int) * BINS) // 256
    likely = np.stack([_likelihood(bins, seeds[k]) for k in ("skin", "hair", "clothes")], 2)
    likely *= _prior(x, y, face, head)
    likely = cv2.GaussianBlur(likely / (likely.sum(2, keepdims=True) + 1e-9), (0, 0), 1.2)
    order = np.sort(likely, 2)
    names = np.array([LAYER["skin"], LAYER["hair"], LAYER["clothes"]], np.uint8)
    labels = names[likely.argmax(2)]
    labels[order[..., 2] < RATIO * order[..., 1]] = UNKNOWN
    labels = np.where(person, labels, LAYER["background"]).astype(np.uint8)
    known = cv2.medianBlur(labels, 3)
    labels = np.where(labels == UNKNOWN, known, labels)
    below_brows = (face > 0) & (y < 0.030)
    labels[below_brows] = LAYER["skin"]
    labels[(face > 0) & (labels != LAYER["hair"])] = LAYER["skin"]
    labels[lips > 0] = LAYER["lips"]
    return labels


def _places(portrait):
    """Place x, y of each texture pixel: two (TH, TW) arrays, metres from between the eyes, across and up the face."""
    h, w = portrait.texture.shape[:2]
    down = portrait.openings.down
    px = np.stack(np.meshgrid(np.arange(w), np.arange(h)), 2) - portrait.fit.shift
    return (px @ np.array([down[1], -down[0]])) / portrait.fit.scale, -(px @ down) / portrait.fit.scale


def _masks(portrait):
    """Masks of the face oval, the outer lips and the fitted head's silhouette: three (TH, TW) uint8 of 0 and 1."""
    import cv2

    points = portrait.landmarks[:, :2]
    face, lips, skull = np.zeros((3, *portrait.texture.shape[:2]), np.uint8)
    polygon = lambda p: np.round(np.asarray(p) * 16).astype(np.int32)[None]                 # noqa: E731
    cv2.fillPoly(face, polygon(points[list(FACE_OVAL)]), 1, shift=4)
    cv2.fillPoly(lips, polygon(points[list(OUTER_LIPS)]), 1, shift=4)
    head = Head.load()
    xy = portrait.fit.project(head.vertices(portrait.fit.identity, portrait.fit.expression))
    for triangle in xy[head.triangles[head.part_mask("skin")]]:
        cv2.fillConvexPoly(skull, np.round(triangle * 16).astype(np.int32), 1, shift=4)
    return face, lips, skull


def _person(picture, face, head, x, y):
    """Mask of the person against the background: (TH, TW) bool."""
    import cv2

    wide = np.abs(x)
    round_head = np.hypot(x / HEAD_M[0], (y - HEAD_M[2]) / HEAD_M[1]) < 1
    bust = (y < CHIN_M) & (wide < 0.05 + 3.0 * (-0.118 - y).clip(0))
    mask = np.where(round_head | bust, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    rim = np.zeros(face.shape, bool)
    rim[:3] = rim[:, :3] = rim[:, -3:] = True
    mask[rim & (y > 0.03) & ~round_head] = cv2.GC_BGD
    mask[(y < y.min() + 0.008) & (wide < 0.07)] = cv2.GC_FGD
    mask[(cv2.erode(head, np.ones((3, 3)), iterations=2) > 0) & (y > -0.09)] = cv2.GC_FGD
    mask[(face > 0) | ((wide < 0.03) & (y < -0.09))] = cv2.GC_FGD
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(1)                                        # GrabCut's clusters start at random
    cv2.grabCut(np.ascontiguousarray(picture[..., ::-1]), mask, None, models[0], models[1], 4, cv2.GC_INIT_WITH_MASK)
    person = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    person = cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((3, 3)))
    _, parts = cv2.connectedComponents(person)
    seen = parts[(face > 0) & (parts > 0)]
    return (parts == np.bincount(seen).argmax()) if len(seen) else person > 0


def _likelihood(bins, seed):
    """Likelihood of each pixel's colour in the histogram of the seed pixels: (TH, TW) float32.

    bins: (TH, TW, 3) histogram bin of each pixel.  seed: (TH, TW) bool.
    """
    from scipy.ndimage import gaussian_filter

    counts = np.zeros((BINS,) * 3, np.float32)
    at = bins[seed]
    np.add.at(counts, (at[:, 0], at[:, 1], at[:, 2]), 1)
    counts = gaussian_filter(counts, 0.7) / max(len(at), 50)
    return counts[bins[..., 0], bins[..., 1], bins[..., 2]] + 1e-4


def _prior(x, y, face, head):
    """Prior likelihood of skin, hair and clothes at each pixel's place, whatever its colour: (TH, TW, 3)."""
    import cv2

    near = cv2.dilate(head, np.ones((3, 3)), iterations=2) > 0
    skin = np.where(face > 0, 1.0, np.where(near, 0.5, 0.05))
    skin = np.where((y < CHIN_M + 0.01) & (np.abs(x) < 0.085), 0.5, skin)                 # neck
    hair = np.where(face > 0, np.where(y > 0.045, 0.06, 0.0), 0.6)
    hair = np.where(y < CHIN_M, np.where(np.abs(x) < 0.06, 0.05, 0.25), hair)
    clothes = np.where(y < -0.145, 0.9, np.where(y < -0.118, 0.4, 0.0))
    return np.stack([skin, hair, clothes], 2).astype(np.float32)
