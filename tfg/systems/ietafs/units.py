"""17 Action Units for each frame, from the sound, an emotion, a file and what is asked for by hand."""
from __future__ import annotations

import csv
import os

import numpy as np

from tfg.errors import InputError
from tfg.faces.aus import AUS, MOST, action_units
from tfg.media.audio import n_frames
from tfg.systems.base import AUTO
from tfg.systems.ietafs.options import IetafsOptions

BLINKS_PER_MIN = 17.0


def curve_of(audio: np.ndarray, options: IetafsOptions) -> np.ndarray:
    """(T, 17) Action Units 0..5, 25 a second, in the order of AUS.

    What the words do, plus what the voice sounds like (`listen`), plus the emotion that is asked for, plus blinks. Then
    come `au_file` and `au`, which replace units.  audio: (N,) float32 at 16 kHz.
    """
    from tfg.acting.emotion import trajectory
    from tfg.acting.performance import blinks, speech_level
    from tfg.systems.ietafs.aunet.network import hear, load

    o, T = options, n_frames(len(audio))
    heard = hear(audio, model=load(o.aunet))
    listen = (1.0 if o.emotion == AUTO else 0.0) if o.listen is None else o.listen
    out = heard.speech + listen * (o.intensity if o.emotion == AUTO else 1.0) * heard.feeling
    if o.emotion not in (AUTO, "NEU"):
        out = out + action_units(trajectory(T, o.emotion, o.intensity, seed=o.seed))
    if o.blink:
        shut = blinks(T, BLINKS_PER_MIN, level=speech_level(audio, T), seed=o.seed)
        out[:, AUS.index(45)] = np.maximum(out[:, AUS.index(45)], MOST * shut)
    if o.au_file is not None:
        for au, values in read_curves(o.au_file, T).items():
            out[:, AUS.index(au)] = values
    for au, value in (o.au or {}).items():
        out[:, AUS.index(au)] = value
    return np.clip(out, 0, MOST).astype(np.float32)


def read_curves(path: str | os.PathLike, T: int) -> dict[int, np.ndarray]:
    """Curves (T,) of Action Units in a CSV, by number: OpenFace's, by its time stamps, or a table with columns AU12 ...
    and a row for each frame at 25 a second, whose last row stays on.  Raises InputError."""
    from tfg.corpora import openface
    from tfg.files import check_file

    path = check_file(path, "CSV")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file, skipinitialspace=True) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}).") from error
    names = [name.strip() for name in rows[0]] if rows else []
    if "timestamp" in names:
        values = openface.at_25(openface.read_csv(path), T)
        return {au: np.nan_to_num(values[:, k]) for k, au in enumerate(AUS)}
    out = {}
    for k, name in enumerate(names):
        digits = name.upper().removeprefix("AU").removesuffix("_R")
        if digits.isdecimal() and int(digits) in AUS:
            try:
                curve = np.array([float(row[k]) for row in rows[1:]])
            except (ValueError, IndexError):
                raise InputError(f"the column {name} of {path} has a cell that is no number.") from None
            if not len(curve) or not np.isfinite(curve).all():
                raise InputError(f"the column {name} of {path} is empty or holds what is no number.")
            out[int(digits)] = curve[np.minimum(np.arange(T), len(curve) - 1)]
    if not out:
        raise InputError(f"{path} has no column of Action Units; name them AU1, AU2, AU4 and so on, from 0 to 5.")
    return out


def at(curve: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(k, 17) of a curve (T, 17) at frame numbers (k,), fractions between two of them (`tfg.media.audio.frame_at`)."""
    return np.stack([np.interp(frames, np.arange(len(curve)), column) for column in curve.T], 1).astype(np.float32)

