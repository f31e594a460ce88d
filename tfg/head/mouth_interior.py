"""Inside of the mouth between parted lips: two rows of teeth, the tongue and the dark cavity, in the photo's light.

It is drawn in flat frames (a, b) in metres: a across the mouth, b downward from the line where closed lips meet. One
frame is fixed to the skull (upper teeth), and one to the jaw (lower teeth, tongue).
"""
from __future__ import annotations

import numpy as np

# edges of the teeth from the middle, seen from the front, incisors to molars, in metres
UPPER_EDGES = np.array([0.0, 8.3, 14.6, 20.6, 24.6, 27.5]) * 1e-3
LOWER_EDGES = np.array([0.0, 5.3, 11.0, 16.8, 21.6, 25.0]) * 1e-3
UPPER_LENGTH, LOWER_LENGTH = 0.0100, 0.0085
LOWER_DOWN = 0.0062         # metres from the line where closed lips meet down to the lower biting edge
CAVITY = np.array([0.150, 0.052, 0.048], np.float32)
TONGUE = np.array([0.60, 0.27, 0.26], np.float32)
GUM = np.array([0.62, 0.30, 0.29], np.float32)
LOWER_ROW = np.array([0.66, 0.60, 0.56], np.float32)                    # the lower teeth stand in the lip's shade
TOOTH = np.array([0.90, 0.87, 0.79], np.float32)
BITE_M = 0.0034             # distance from the line of closed lips down to the upper biting edge
SLIT_M = 0.0035             # gaps between the lips that are narrower than this are in shade


def _teeth(a, b, edges, length, upward):
    """Coverage, shade and share of gum, three (P,) arrays in [0, 1], of a row of teeth whose biting edge is at b = 0.

    a, b: (P,) metres.  edges: as `UPPER_EDGES`.  length: of a tooth, metres.  upward: True if the roots are at b < 0.
    """
    x = np.abs(a)
    k = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    t = 2 * (x - edges[k]) / (edges[k + 1] - edges[k]) - 1              # -1..1 across a tooth
    depth = -b if upward else b                                          # 0 at the biting edge, grows to the root
    shorter = np.array([0.0, 0.9, 0.1, 1.2, 1.6])[k] * 1e-3 if upward else np.array([0.0, 0.1, 0.2, 0.6, 1.0])[k] * 1e-3
    edge = shorter + 0.0010 * np.abs(t) ** 4 + 18.0 * x ** 2 * 0.12
    soft = 0.00035
    cover = 1 / (1 + np.exp(-np.clip((depth - edge) / soft, -30, 30)))
    cover = cover * (x < edges[-1])
    shade = (1 - 0.20 * np.abs(t) ** 3) * (1 - 0.55 * (x / edges[-1]) ** 2)
    shade = shade * (1 - 0.28 * np.exp(-(((1 - np.abs(t)) * (edges[k + 1] - edges[k]) / 2) / 0.00025) ** 2))
    shade = shade * (0.86 + 0.14 * np.clip(depth / 0.004, 0, 1))         # the biting edge is translucent
    gum = 1 / (1 + np.exp(-np.clip((depth - length + 0.0015 * (1 - t ** 2)) / 0.0004, -30, 30)))
    return cover, shade, gum


def slit_shade(gap: np.ndarray) -> np.ndarray:
    """Brightness (P,) in 0..1 behind lips that part by so many metres: a narrow gap lets little light in."""
    part = np.clip(gap / SLIT_M, 0, 1)
    return np.maximum(part * part * (3 - 2 * part), 0.12)


def teeth_mask(upper_ab: np.ndarray, lower_ab: np.ndarray, bite: float) -> np.ndarray:
    """Mask of the pixels between the lips that show a tooth: (P,) bool. Arguments are as in `paint`."""
    upper, _, gum_upper = _teeth(upper_ab[:, 0], upper_ab[:, 1] - bite, UPPER_EDGES, UPPER_LENGTH, True)
    lower, _, gum_lower = _teeth(lower_ab[:, 0], lower_ab[:, 1] - LOWER_DOWN, LOWER_EDGES, LOWER_LENGTH, False)
    return np.where(upper > 0.5, gum_upper < 0.5, (lower > 0.5) & (gum_lower < 0.5))


def paint(upper_ab: np.ndarray, lower_ab: np.ndarray, *, light: np.ndarray, gap_top: np.ndarray,
          bite: float, tongue_out: float = 0.0) -> np.ndarray:
    """Colours of the pixels between the lips: (P, 3) in [0, 1].

    upper_ab, lower_ab: (P, 2) metres in the skull's and the jaw's frame.  light: (3,) brightness of a white surface
    in the photo, 0..1.  gap_top: (P,) metres below the upper lip's edge, which casts a shadow.  bite: metres from the
    lips' line down to the upper biting edge.  tongue_out: the coefficient, 0..1.
    """
    a, b = upper_ab[:, 0], upper_ab[:, 1]
    la, lb = lower_ab[:, 0], lower_ab[:, 1]
    colour = np.tile(CAVITY, (len(a), 1))
    top = 0.0025 - 0.012 * tongue_out + 9.0 * la ** 2                    # the tongue's back, a low arch
    tongue = 1 / (1 + np.exp(-np.clip((lb - top) / 0.0008, -30, 30))) * (np.abs(la) < 0.024)
    lit = 0.30 + 0.50 * np.clip((lb - top) / 0.012, 0, 1) + 0.3 * tongue_out
    lit = lit * (1 - 0.25 * np.exp(-((la / 0.0012) ** 2)))               # the tongue's furrow
    colour = colour * (1 - tongue[:, None]) + TONGUE * (lit * tongue)[:, None]
    for row, (cover, shade, gum) in ((LOWER_ROW, _teeth(la, lb - LOWER_DOWN, LOWER_EDGES, LOWER_LENGTH, False)),
                                     (np.float32(1), _teeth(a, b - bite, UPPER_EDGES, UPPER_LENGTH, True))):
        tooth = (TOOTH * (1 - gum[:, None]) + GUM * gum[:, None]) * shade[:, None] * row
        colour = colour * (1 - cover[:, None]) + tooth * cover[:, None]
    shadow = 0.52 + 0.48 * np.clip(gap_top / 0.005, 0, 1)
    side = 1 - 0.30 * np.clip(np.abs(a) / 0.027, 0, 1) ** 2
    return np.clip(colour * light * (shadow * side)[:, None], 0, 1)
