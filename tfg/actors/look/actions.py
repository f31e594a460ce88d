"""Weights of Anny's facial actions from coefficients: gains, closing of lids and lips, and the light when they open."""
from __future__ import annotations

import numpy as np

from tfg.actors.look import bake, draw
from tfg.vocabulary import EXPRESSION, index

GAIN = {"browDown": 1.75, "browInnerUp": 2.1, "browOuterUp": 2.0, "mouthPucker": 1.2, "mouthFunnel": 1.2,
        "mouthFrown": 1.7, "noseSneer": 1.5, "eyeWide": 1.7, "mouthStretch": 1.4, "cheekSquint": 1.2,
        "mouthLowerDown": 1.2, "eyeLookUp": 1.3}
"""Coefficient -> factor on Anny's action, so that a landmarker measures about the coefficient that was asked."""
_BLINK, _BROW_DOWN, _SNEER = index("eyeBlink"), index("browDown"), index("noseSneer")
LIP_PAIRS = np.array([[81, 82, 13, 312, 311], [178, 87, 14, 317, 402]])
"""Landmarks of the inner upper lip, and the landmarks of the lower lip below them."""


def gains() -> np.ndarray:
    """Factor on each action, as `GAIN`: (52,) float32 in EXPRESSION order, 1 where `GAIN` has none."""
    out = np.ones(len(EXPRESSION), np.float32)
    for name, value in GAIN.items():
        out[index(name)] = value
    return out


def seal(head, rest, offsets) -> float:
    """Weight of mouthClose, in [0, 0.1], with which this face's relaxed lips touch as the mean face's do.

    rest: (V, 3) vertices at expression 0.  offsets: (52, V, 3) metres of each action.
    """
    def gap(x):
        tri, weight = head.landmark_triangles[LIP_PAIRS], head.landmark_weights[LIP_PAIRS]
        y = (x[tri, 1] * weight).sum(-1)
        return y[0] - y[1]

    return float(np.clip(((gap(rest) - gap(head.mean) + 0.0003) / -gap(offsets[index("mouthClose")[0]])).max(), 0, 0.1))


def lid_gap(rest, offsets, eye):
    """Height of the lids' opening at J places along an eye: (J,) metres at expression 0, and (52, J) for each action.

    rest: (V, 3).  offsets: (52, V, 3).  eye: the upper and lower margin, from `tfg.actors.look.skin.margin_points`.
    """
    (ut, ub), (lt, lb) = eye
    n = len(ut)
    at = np.linspace(0.18 * n, 0.82 * n, 7).astype(int)

    def height(x):
        return (x[..., ut[at], 1] * ub[at]).sum(-1) - (x[..., lt[at], 1] * lb[at]).sum(-1)

    return height(rest).astype(np.float32), height(offsets).astype(np.float32)


def opened(head, m):
    """Visibility of lids and lips while the eyes are nearly shut and the mouth is open.

    m: the actor's `tfg.actors.look.mesh.Mesh`.  Returns the vertex numbers (R,) of lids and lips, their visibility
    (R, D) as `bake.visibility`, and their normals (R, 3).
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
    """Weights (52,) of the actions for coefficients (52,): those of eyeBlink are scaled so that 1 closes the lids,
    whatever else moves them.  lids: `lid_gap` of the left and of the right eye."""
    out = expression.copy()
    for k, (gap, moves) in zip(_BLINK, lids, strict=True):
        others = gap + expression @ moves - expression[k] * moves[k]
        out[k] = expression[k] * np.clip(((others + 0.0004) / -moves[k]).max(), 0.15, 1.6)
    out[_BROW_DOWN] *= 1 - 0.35 * expression[_SNEER]                            # both at once would fold the skin
    return out
