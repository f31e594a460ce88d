"""The linear model: one ridge regression per emotion (Hoerl & Kennard 1970), from a window to the change of its frame.

    change = sum over p of intensity^p [1, times, window] W_p            p = 1, 2

Every term holds the intensity, so that none is none; its square lets weak displays be vaguer than strong ones. The
penalty is that of inputs which carry noise of `NOISE`: it makes the five frames of a window share the work, and
measured sources are noisy indeed.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.adding.features import FELT, FRAMES, N_TIMES, times, windows
from tfg.adding.pairs import Pair
from tfg.audio import FPS
from tfg.vocabulary import EXPRESSION

POWERS = 2
WIDTH = 1 + N_TIMES + FRAMES * len(EXPRESSION)
NOISE = .04
"""Standard deviation of the noise in the source that the ridge stands for."""
LEAST = 1e-3
"""The same for the columns that do not come from the source."""


def inputs(source: np.ndarray, fps: float = FPS) -> np.ndarray:
    """(T, 52) -> (T, WIDTH): 1, the times, the window's frames one after the other."""
    T = len(source)
    return np.concatenate([np.ones((T, 1), np.float32), times(T, fps), windows(source).reshape(T, -1)], 1)


def with_intensity(x: np.ndarray, intensity: float, powers: int = POWERS) -> np.ndarray:
    """(T, WIDTH) -> (T, POWERS * WIDTH): times the intensity, and times its square."""
    return np.concatenate([np.float32(intensity ** p) * x for p in range(1, powers + 1)], 1)


def fit(pairs: Sequence[Pair], *, noise: float = NOISE) -> dict[str, np.ndarray]:
    """Learn from pairs: {"weight": (5, POWERS * WIDTH, 52) float32}, in the order of `FELT`."""
    n = POWERS * WIDTH
    penalty = np.tile(np.r_[np.full(1 + N_TIMES, LEAST), np.full(WIDTH - 1 - N_TIMES, noise)] ** 2, POWERS)
    weight = np.zeros((len(FELT), n, len(EXPRESSION)), np.float32)
    for k, emotion in enumerate(FELT):
        square, product, frames = np.zeros((n, n)), np.zeros((n, len(EXPRESSION))), 0
        for pair in pairs:
            x = inputs(pair.source)
            for played in pair.of(emotion):
                xi = with_intensity(x, played.intensity)
                square += xi.T @ xi
                product += xi.T @ (played.target - pair.source)
                frames += len(x)
        if frames:
            weight[k] = np.linalg.solve(square + frames * np.diag(penalty), product)
    return {"weight": weight}


def change(held: dict[str, np.ndarray], source: np.ndarray, emotion: str, intensity: float,
           fps: float = FPS) -> np.ndarray:
    """What the emotion adds to each frame: (T, 52) float32.  held: of `fit`."""
    weight = held["weight"][FELT.index(emotion)].astype(np.float32)
    return with_intensity(inputs(source, fps), intensity, len(weight) // WIDTH) @ weight
