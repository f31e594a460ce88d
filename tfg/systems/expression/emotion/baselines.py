"""Baselines of the emotion models: no change, one mean offset per emotion, the fixed table of the virtual actors."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.systems.expression.emotion.features import FELT
from tfg.systems.expression.emotion.pairs import Pair
from tfg.vocabulary import EXPRESSION


def identity(source: np.ndarray, emotion: str, intensity: float) -> np.ndarray:
    """No change: (T, 52) zeros."""
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
    """The same offset in every frame, scaled by the intensity: (T, 52).  means: (5, 52) from `fit_mean`."""
    return np.broadcast_to(intensity * means[FELT.index(emotion)], source.shape).astype(np.float32)


def table(source: np.ndarray, emotion: str, intensity: float) -> np.ndarray:
    """Change by the fixed table of `tfg.acting.performance.perform`, (T, 52): prototype, envelope, and the rules by
    which speech and emotion share a mouth. It works on coefficients in [0, 1]."""
    from tfg.acting.emotion import actions, envelope
    from tfg.acting.performance import blend

    feeling = envelope(len(source), emotion)[:, None] * actions(emotion, intensity)
    clipped = np.clip(source, 0, 1)
    return (blend(clipped, feeling) - clipped).astype(np.float32)
