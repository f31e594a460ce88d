"""The linear model: one ridge regression per emotion (Hoerl & Kennard 1970), from a window to the change of its frame.

    change = sum over p of intensity^p [1, times, window] W_p            p = 1, 2

Every term contains the intensity, so that intensity 0 changes nothing; its square lets weak displays be vaguer than
strong ones. The penalty equals noise of `NOISE` in the inputs: it spreads the weight over the five frames of a window,
and suits measured sources, which are noisy.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.systems.expression.emotion.features import FELT, FRAMES, N_TIMES, times, windows
from tfg.systems.expression.emotion.pairs import Pair
from tfg.vocabulary import EXPRESSION

POWERS = 2
WIDTH = 1 + N_TIMES + FRAMES * len(EXPRESSION)
SHAPE = len(FELT), POWERS * WIDTH, len(EXPRESSION)
"""Shape of the weights: emotions, inputs, outputs."""
NOISE = .04
"""Standard deviation of the source's noise that the ridge penalty equals."""
LEAST = 1e-3
"""Standard deviation of the noise in the other columns (1 and the times) that the ridge penalty equals."""


def inputs(source: np.ndarray, when: np.ndarray | None = None) -> np.ndarray:
    """Inputs from a source (T, 52): (T, WIDTH), which are 1, the times, the window's frames one after the other.

    when: (T, 10) as `features.times` gives them; None: the source is a whole clip.
    """
    T = len(source)
    when = times(T) if when is None else when
    return np.concatenate([np.ones((T, 1), np.float32), when, windows(source).reshape(T, -1)], 1)


def with_intensity(x: np.ndarray, intensity: float, powers: int = POWERS) -> np.ndarray:
    """Inputs (T, WIDTH) times the intensity, and times its square: (T, POWERS * WIDTH)."""
    return np.concatenate([np.float32(intensity ** p) * x for p in range(1, powers + 1)], 1)


def fit(pairs: Sequence[Pair], *, noise: float = NOISE) -> dict[str, np.ndarray]:
    """Fit the weights to pairs: {"weight": (5, POWERS * WIDTH, 52) float32}, in the order of `FELT`."""
    n = POWERS * WIDTH
    penalty = np.tile(np.r_[np.full(1 + N_TIMES, LEAST), np.full(WIDTH - 1 - N_TIMES, noise)] ** 2, POWERS)
    weight = np.zeros(SHAPE, np.float32)
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


def change(arrays: dict[str, np.ndarray], source: np.ndarray, emotion: str, intensity: float,
           when: np.ndarray | None = None) -> np.ndarray:
    """Change that the emotion adds to each frame: (T, 52) float32.  arrays: the arrays of `fit`.  when: as `inputs`."""
    weight = arrays["weight"][FELT.index(emotion)].astype(np.float32)
    return with_intensity(inputs(source, when), intensity, len(weight) // WIDTH) @ weight
