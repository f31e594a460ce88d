"""What a model must beat: doing nothing, one mean offset per emotion, and the fixed table of the virtual actors."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.adding.features import FELT
from tfg.adding.pairs import Pair
from tfg.vocabulary import EXPRESSION


def identity(source: np.ndarray, emotion: str, intensity: float) -> np.ndarray:
    """Nothing is added: (T, 52) zeros."""
    return np.zeros_like(source)


def fit_mean(pairs: Sequence[Pair]) -> np.ndarray:
    """The offset m of each emotion with the least squared error of intensity * m: (5, 52) float32, as `FELT`."""
    out = np.zeros((len(FELT), len(EXPRESSION)), np.float32)
    for k, emotion in enumerate(FELT):
        total, weight = np.zeros(len(EXPRESSION)), 0.0
        for pair in pairs:
            for p in pair.of(emotion):
                total += p.intensity * (p.target - pair.source).sum(0)
                weight += p.intensity ** 2 * len(pair.source)
        out[k] = total / max(weight, 1e-9)
    return out


def mean_offset(means: np.ndarray, source: np.ndarray, emotion: str, intensity: float) -> np.ndarray:
    """The same offset in every frame, scaled by the intensity: (T, 52).  means: of `fit_mean`."""
    return np.broadcast_to(intensity * means[FELT.index(emotion)], source.shape).astype(np.float32)


def table(source: np.ndarray, emotion: str, intensity: float) -> np.ndarray:
    """What `tfg.actors.performance.perform` does with its fixed table: prototype, envelope, and the rules by which
    speech and emotion share a mouth. (T, 52); it works on coefficients in [0, 1]."""
    from tfg.actors.emotion import actions, envelope
    from tfg.actors.performance import blend

    feeling = envelope(len(source), emotion)[:, None] * actions(emotion, intensity)
    held = np.clip(source, 0, 1)
    return (blend(held, feeling) - held).astype(np.float32)
