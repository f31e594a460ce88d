"""Where the eyes of a portrait look, given by numbers or a curve; and a gesture that shows attention."""
from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.files import check_file
from tfg.media.audio import FPS
from tfg.vocabulary import index

MOST_DEG = 24.0
"""Furthest that eyes turn either way: `write_gaze` draws no more, and real eyes are followed by the head beyond."""
COLUMNS = ("x", "y")
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


Gaze = tuple[tuple[float, float], ...]


def gaze_of(value: Any) -> Gaze | None:
    """A gaze as T pairs of degrees: x to the person's left, y up; T is 1 for one direction. None stays None.

    value: two numbers; (T, 2) of them; or the path of a CSV with columns x and y and a row for each frame, 25 a second.
    Raises InputError: another form; an angle beyond 24 degrees; a file that cannot be read.
    """
    if value is None:
        return None
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]                                  # the command line gives a list of words
    path = isinstance(value, (str, os.PathLike)) and str(value).lower().endswith(".csv")
    if isinstance(value, str) and not path:
        value = value.replace(",", " ").split() or value
    try:
        angles = _read(Path(value)) if path else np.array(value, np.float32)
    except InputError:                                    # which is a ValueError, too
        raise
    except (TypeError, ValueError):
        angles = np.zeros(0, np.float32)
    angles = angles[None] if angles.ndim == 1 else angles
    if angles.ndim != 2 or angles.shape[1] != 2 or not len(angles) or not np.isfinite(angles).all():
        raise InputError(f"the gaze is {_shown(value)}, but it must be two angles in degrees, to the person's left "
                         "and up, such as --gaze 10 -5, or a CSV with the columns x and y and a row for each frame.")
    if (most := float(np.abs(angles).max())) > MOST_DEG:
        raise InputError(f"the gaze turns the eyes by {most:g} degrees; give angles from -{MOST_DEG:g} to "
                         f"{MOST_DEG:g}.")
    return tuple((float(x), float(y)) for x, y in angles)


def _shown(value: Any) -> str:
    words = isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value)
    return repr(" ".join(value)) if words and value else repr(value)[:60]


def _read(path: Path) -> np.ndarray:
    """The columns x and y of a CSV, (T, 2).  Raises InputError for a missing file or column, ValueError for words."""
    check_file(path, "CSV")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no CSV that can be read ({type(error).__name__}); give a text file with the "
                         "columns x and y.") from error
    if not rows or not set(COLUMNS) <= set(rows[0]):
        named = ", ".join(str(name) for name in rows[0]) if rows else "no rows"
        raise InputError(f"{path} has {named}, but a gaze needs the columns x and y in degrees, and a row for each "
                         "frame.")
    return np.array([[float(row[name]) for name in COLUMNS] for row in rows], np.float32)


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
