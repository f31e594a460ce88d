"""Movements that no sound tells: blinks, glances, the head. They are what the noise of `deformable` stands for.

As published, noise is normal numbers, one vector a frame, and a network that is taught by a distance between pictures
learns to ignore them: it draws the mean of all blinks, which is no blink. Our actors' blinks, glances and sways are
known, and so is the process that made them (`tfg.acting.performance`). So the first columns of the noise are these
movements: in training those of the take, and in an animation new ones by a seed. The others stay normal numbers.
"""
from __future__ import annotations

import numpy as np

from tfg.acting.emotion import Manner, manner
from tfg.acting.performance import SWAY, blinks, gaze, head_motion, speaking, speech_level, stressed

COLUMNS = ("blink", "gaze_x", "gaze_y", "yaw", "pitch", "roll")
"""What the first columns of the noise are; the head's in standard deviations of a speaker's, the gaze's in tenths."""
MIRRORED = (1, -1, 1, -1, 1, -1)
"""Signs by which the columns of a mirror image differ."""
GAZE = .1


def moves(level: np.ndarray | None, how: Manner, n: int, seed: int) -> np.ndarray:
    """(n, 6) float32, the movements of n frames in the order of COLUMNS.

    level: (n,) loudness from `speech_level`, or None.  how: the emotion's manner.  seed: of blinks, glances and head.
    """
    lids = blinks(n, how.blinks_per_min, level=level, seed=seed)[:, None]
    look = gaze(n, how, seed=seed) / GAZE
    return np.concatenate([lids, look, head(level, how, n, seed)[:, :3] / SWAY[:3]], 1).astype(np.float32)


def head(level: np.ndarray | None, how: Manner, n: int, seed: int) -> np.ndarray:
    """(n, 6) the head's free motion, degrees and head widths, without the pose that belongs to an emotion."""
    return head_motion(n, how, speaking(level), stressed(level, seed=seed), seed=seed)


def of_take(take) -> np.ndarray:
    """(T, 6), the movements that a take (`tfg.actors.take.Performance`) was played with."""
    return moves(take.level_db, take.style.manner(*take.moves), len(take.motion), take.seed)


def noise(audio: np.ndarray, n: int, width: int, *, emotion: str = "NEU", intensity: float = 1.0, seed: int = 0,
          told: bool = True, blink: bool = True) -> np.ndarray:
    """(n, width) float32, the noise of an animation.

    audio: (N,) at 16 kHz.  told: whether the network knows its first columns as movements; else all are normal numbers.
    blink: False leaves blinks out.  seed: another one gives other movements for the same sound.
    """
    out = np.random.default_rng([int(seed), 731]).standard_normal((n, width)).astype(np.float32)
    if told:
        own = moves(speech_level(audio, n), manner(emotion, intensity), n, seed)
        own[:, 0] *= blink
        out[:, :len(COLUMNS)] = own
    return out
