"""A gaze as it is given: two angles, a list of them, or a table."""
from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.files import check_file

MOST_DEG = 24.0
"""Furthest that eyes turn either way: `write_gaze` draws no more, and real eyes are followed by the head beyond."""
COLUMNS = ("x", "y")
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
