"""Inputs of every emotion model for a frame: five frames of the source around it, and its time in the clip."""
from __future__ import annotations

import numpy as np

from tfg.media.audio import FPS
from tfg.vocabulary import EMOTIONS, EXPRESSION

FELT = tuple(e for e in EMOTIONS if e != "NEU")
"""The emotions that can be added, in this order everywhere."""
FRAMES = 5
"""Frames per window."""
AHEAD = 2
"""Frames of the window after the predicted one: lips leave the emotion's shape before they close."""
FADES_S = (.15, .40, 1.0)
"""Seconds within which displays of emotion rise and fall."""


def windows(source: np.ndarray) -> np.ndarray:
    """Five frames around each frame: (T, 52) -> (T, 5, 52), the third is the frame itself. First and last frame repeat,
    so that there are as many windows as frames. Values that were not measured (NaN) become 0, the rest."""
    source = np.nan_to_num(np.asarray(source, np.float32), nan=0.0)
    if source.ndim != 2 or source.shape[1] != len(EXPRESSION):
        raise ValueError(f"a source is (T, {len(EXPRESSION)}), got {source.shape}")
    at = np.arange(len(source))[:, None] + np.arange(FRAMES) - (FRAMES - 1 - AHEAD)
    return source[np.clip(at, 0, max(len(source) - 1, 0))] if len(source) else source.reshape(0, FRAMES, 52)


def times(T: int, fps: float = FPS) -> np.ndarray:
    """Features of each frame's time in its clip: (T, 10) float32. Displays have an onset and a decay, so the time since
    the start and until the end matter; some swell or fade over the whole clip, so its share does, too.

    Columns: three fades from the start, three towards the end, share of the clip and its square and cube, 1 / (1 +
    length in seconds).
    """
    since = np.arange(T) / fps
    length = max(T / fps, 1e-6)
    share, until = since / length, since[::-1]
    fades = [np.exp(-t / s) for t in (since, until) for s in FADES_S]
    return np.stack([*fades, share, share ** 2, share ** 3, np.full(T, 1 / (1 + length))], 1).astype(np.float32)


N_TIMES = 2 * len(FADES_S) + 4
