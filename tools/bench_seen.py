"""Is what was asked what is seen? Sweeps and emotions on portraits, re-measured by the face landmarker."""
from __future__ import annotations

import numpy as np

from tfg.vocabulary import EMOTIONS, index

SWEPT = {"jawOpen": {}, "mouthSmile": {}, "mouthPucker": {}, "eyeBlink": {}, "browInnerUp": {}, "browDown": {},
         "browOuterUp": {}}
EYE_OUTER = (33, 263)
BROWS = {"browInnerUp": (55, 107, 285, 336), "browDown": (55, 107, 285, 336), "browOuterUp": (46, 53, 276, 283)}
EYES = (33, 133, 263, 362)


def upright(points: np.ndarray) -> np.ndarray:
    """(478, 2) landmarks in outer-eye distances, the eye corners' middle at 0 and their line level."""
    p = points[:, :2]
    right, left = p[EYE_OUTER[0]], p[EYE_OUTER[1]]
    z = (left - right) @ np.array([1, 1j])
    q = (p - (left + right) / 2) @ np.array([1, 1j]) / z
    return np.stack([q.real, q.imag], 1)


def travel(points: np.ndarray, still: np.ndarray, which) -> float:
    """Mean vertical travel of some landmarks against the eye corners, in outer-eye distances (up is positive)."""
    a, b = upright(points), upright(still)
    return float((b[list(which), 1] - a[list(which), 1]).mean() - (b[list(EYES), 1] - a[list(EYES), 1]).mean())


def sweep(portrait, detect, steps: int = 9) -> dict[str, dict]:
    """For each swept coefficient: r between asked and measured, the measured range, and the brows' travel."""
    asked = np.linspace(0, 1, steps)
    out = {}
    still = None
    for name in SWEPT:
        measured, moved = [], []
        for value in asked:
            e = np.zeros(52, np.float32)
            e[index(name)] = value
            face = detect(portrait.render(portrait.personal(e)))
            if not face:
                measured.append(np.nan)
                moved.append(np.nan)
                continue
            measured.append(face[0].blendshapes[index(name)].mean())
            if still is None:
                still = face[0].points
            moved.append(travel(face[0].points, still, BROWS[name]) if name in BROWS else 0.0)
        ok = np.isfinite(measured)
        m = np.array(measured)[ok]
        out[name] = {"r": float(np.corrcoef(asked[ok], m)[0, 1]), "low": float(m.min()), "high": float(m.max()),
                     "travel": float(moved[-1] - moved[0])}
    return out


def emotion_points(portrait, detect, actions, intensity: float = 1.0) -> dict[str, np.ndarray]:
    """Upright landmarks of each emotion's apex on a portrait. actions: (emotion, intensity) -> (52,)."""
    out = {}
    for emotion in EMOTIONS:
        face = detect(portrait.render(portrait.personal(np.clip(actions(emotion, intensity), 0, 1))))
        if face:
            out[emotion] = upright(face[0].points)
    return out
