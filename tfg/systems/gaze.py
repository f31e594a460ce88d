"""Where the eyes of a portrait look, given by numbers or a curve; and a gesture that shows attention."""
from __future__ import annotations

import numpy as np

from tfg.media.audio import FPS
from tfg.systems.gaze_given import Gaze
from tfg.vocabulary import index

# The gesture: times in seconds from the beginning, angles in degrees.
LOOK_S = 1.6
"""The eyes stay on the viewer for so long."""
NOD_DEG, NOD_S, NOD_FROM_S = 5.0, .7, .35
BROWS, BROWS_S = .35, 1.1
"""How far the brows rise, and for how long, rise and fall included."""
TURN = .12
"""Share of the way to a new gaze that the eyes of a stream go in a frame."""
EASE_S = .3
"""The gaze goes over to the performance's own in this time."""


def look_at(expression: np.ndarray, pose: np.ndarray, gaze: Gaze, *, start: int = 0) -> np.ndarray:
    """Expressions (T, 52) whose eyes look in a direction, as seen from the viewer: the head's turn is made up for.

    pose: (T, 6).  gaze: as `gaze_of` returns it; the last pair goes on.  start: number of the first frame.
    0, 0 is where the photo's own eyes look.
    """
    from tfg.acting.performance import EYE_RANGE_DEG, write_gaze

    rows = np.array(gaze, np.float32)[np.minimum(start + np.arange(len(expression)), len(gaze) - 1)]
    out = np.array(expression, np.float32)
    out[:, index("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut")] = 0
    write_gaze(out, (rows - pose[:, :2]) / EYE_RANGE_DEG)
    return out


def directed(expression: np.ndarray, pose: np.ndarray, options, *, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Expressions (T, 52) and poses (T, 6) with what the options say of gaze, attention and offsets.

    options: `PortraitOptions`.  start: number of the first frame.
    """
    from tfg.systems.portrait import with_offsets

    if options.gaze is not None:
        expression = look_at(expression, pose, options.gaze, start=start)
    if options.attend:
        expression, pose = attend(expression, pose, start=start, nod=not getattr(options, "still", False))
    return with_offsets(expression, options.offsets), pose


def attend(expression: np.ndarray, pose: np.ndarray, *, start: int = 0,
           nod: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A gesture of attention at the beginning of a clip: the eyes on the viewer, the brows up a little, a small nod.

    expression: (T, 52).  pose: (T, 6).  start: number of the first frame.  nod: whether the head moves.
    Returns both, changed in the first 1.6 s.
    """
    at = (start + np.arange(len(expression))) / FPS
    held = np.clip((LOOK_S - at) / EASE_S, 0, 1)[:, None]
    nods = nod & (at > NOD_FROM_S) & (at < NOD_FROM_S + NOD_S)
    turned = np.array(pose, np.float32)
    turned[:, 1] -= np.where(nods, NOD_DEG * np.sin(np.pi * (at - NOD_FROM_S) / NOD_S) ** 2, 0).astype(np.float32)
    seen = look_at(expression, turned, ((0.0, 0.0),))
    out = (held * seen + (1 - held) * expression).astype(np.float32)
    risen = np.where(at < BROWS_S, np.sin(np.pi * at / BROWS_S) ** 2, 0)[:, None]
    brows = index("browInnerUp", "browOuterUp")
    out[:, brows] += (BROWS * risen).astype(np.float32)
    return out, turned


class LiveGaze:
    """Gaze and attention in a stream, frame by frame; another gaze is eased in."""

    def __init__(self) -> None:
        self._share, self._at = -1.0, np.zeros(2)

    def __call__(self, expression: np.ndarray, pose: np.ndarray, options, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Expression (52,) and pose (6,) of a frame with what the options say.  frame: its number."""
        wanted = options.gaze
        goal = self._at if wanted is None else np.array(wanted[0])
        if self._share < .01:                             # nothing was given yet, or no longer
            self._at = goal
        self._share = float(wanted is not None) if self._share < 0 else \
            self._share + TURN * ((wanted is not None) - self._share)
        self._at = self._at + TURN * (goal - self._at)
        face, head = expression[None], pose[None]
        if self._share > .01:
            seen = look_at(face, head, ((float(self._at[0]), float(self._at[1])),))
            face = (self._share * seen + (1 - self._share) * face).astype(np.float32)
        face, head = directed(face, head, options.replace(gaze=None), start=frame)
        return face[0], head[0]
