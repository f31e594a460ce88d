"""Action Units from OpenFace's CSV files, in our columns and at 25 frames/s; and such files of our own measurements.

OpenFace 2 (Baltrusaitis, Zadeh, Lim & Morency 2018) writes a row per frame and face:
"frame, face_id, timestamp, confidence, success, ..., AU01_r, AU02_r, ..., AU45_r, AU01_c, ..."; AUxx_r are intensities
from 0 to 5, timestamp is when the frame begins, in seconds. It is free for research only: tfg reads its files and does
not ship it.
"""
from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfg.corpora.attributes import NAMES
from tfg.errors import InputError
from tfg.faces.aus import AUS
from tfg.files import atomic, check_file
from tfg.media.audio import FPS

COLUMNS = NAMES
HEAD = ("frame", "face_id", "timestamp", "confidence", "success")
"""Columns before the AUs in the files that `write_csv` writes."""
MIN_CONFIDENCE = 0.75
"""Least confidence of a frame; OpenFace's own tools drop frames below it."""


@dataclass
class Table:
    """One face of an OpenFace file.  times: (n,) seconds at which its frames begin.  aus: (n, 17) intensities 0 to 5,
    NaN where the face was lost.  faces: number of faces in the file; the one seen in most frames is taken."""

    times: np.ndarray
    aus: np.ndarray
    faces: int


def read_csv(path: str | os.PathLike) -> Table:
    """Read one CSV file of OpenFace. Raises InputError if it is missing, lacks a column, or a row cannot be read."""
    path = check_file(path, "OpenFace")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}); run OpenFace again.") from error
    names = [n.strip() for n in rows[0]] if rows else []
    missing = [c for c in ("timestamp", "success", *COLUMNS) if c not in names]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}; give the CSV that OpenFace's FeatureExtraction writes "
                         "with -aus.")
    wanted = [c for c in ("timestamp", "success", "confidence", "face_id") if c in names]
    values: dict[str, list[float]] = {c: [] for c in (*wanted, *COLUMNS)}
    places = {c: names.index(c) for c in values}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            for name, k in places.items():
                values[name].append(float(row[k]))
        except (ValueError, IndexError) as error:
            raise InputError(f"line {number} of {path} cannot be read; it is cut off or was edited: run OpenFace "
                             "again.") from error
    if not values["timestamp"]:
        raise InputError(f"{path} holds no frame; run OpenFace again.")
    columns = {k: np.array(v) for k, v in values.items()}
    seen = (columns["success"] > .5) & (columns.get("confidence", columns["success"]) >= MIN_CONFIDENCE)
    ids = columns.get("face_id", np.zeros(len(seen)))
    faces = np.unique(ids)
    chosen = ids == max(faces, key=lambda f: (seen[ids == f].sum(), -f))
    aus = np.stack([columns[c] for c in COLUMNS], 1)
    aus[~seen] = np.nan
    order = np.argsort(columns["timestamp"][chosen], kind="stable")
    return Table(columns["timestamp"][chosen][order], aus[chosen][order], len(faces))


def write_csv(path: str | os.PathLike, aus: np.ndarray, *, fps: float = float(FPS)) -> Path:
    """Write AUs of one face as OpenFace's FeatureExtraction does, so that `read_csv` gives the same values back.

    aus: (T, 17) from 0 to 5, as `tfg.faces.measure_aus` gives them; a row of NaN is a frame without a face (success 0,
    confidence 0, zeros), single NaN are written as nan.  fps: frames/s, for the times.
    There are no columns of presence, pose, gaze or landmarks. We have no confidence: it is 1 where there is a face.
    Raises ValueError for another shape; InputError if the file cannot be written.
    """
    aus = np.asarray(aus, np.float32)
    if aus.ndim != 2 or aus.shape[1] != len(AUS):
        raise ValueError(f"aus must be (T, {len(AUS)}), got shape {aus.shape}")
    lines = [",".join((*HEAD, *COLUMNS))]
    for i, row in enumerate(aus):
        seen = bool(np.isfinite(row).any())
        begin = np.format_float_positional(round(i / fps, 6), trim="0", min_digits=3)
        cells = [np.format_float_positional(v, trim="0", min_digits=2) for v in (row if seen else np.zeros_like(row))]
        lines.append(",".join((str(i + 1), "0", begin, f"{seen:.2f}", str(int(seen)), *cells)))
    with atomic(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Path(path)


def at_25(table: Table, T: int) -> np.ndarray:
    """AUs of frames 0 .. T - 1 at 25 frames/s, (T, 17) float32 in the order of `AUS`; NaN where OpenFace saw no face.

    Values are interpolated linearly between the middles of OpenFace's frames, as our frame i shows the picture at
    (i + 1/2) / 25 s; there are none beyond the ends or across a lost frame.
    """
    n = len(table.times)
    step = float(np.median(np.diff(table.times))) if n > 1 else 1 / FPS
    middles, wanted = table.times + step / 2, (np.arange(T) + .5) / FPS
    after = np.clip(np.searchsorted(middles, wanted), 1, max(n - 1, 1))
    before = after - 1
    after = np.minimum(after, n - 1)
    gap = np.maximum(middles[after] - middles[before], 1e-9)
    w = np.clip((wanted - middles[before]) / gap, 0, 1)[:, None]
    w = np.where(np.abs(w - np.rint(w)) < .03, np.rint(w), w)                # OpenFace rounds times to 1 ms
    a, b = table.aus[before], table.aus[after]
    out = np.where(w == 0, a, np.where(w == 1, b, (1 - w) * a + w * b))
    reach = max(step, 1 / FPS)
    beyond = (wanted < middles[0] - reach) | (wanted > middles[-1] + reach)
    beyond |= (gap > 2.5 * step) & (np.minimum(abs(wanted - middles[before]), abs(wanted - middles[after])) > step)
    out[beyond] = np.nan
    return out.astype(np.float32)


def find(folder: str | os.PathLike) -> dict[str, Path]:
    """CSV files below a folder: name without suffix -> path. Raises InputError if there is none, or a name twice."""
    from tfg.corpora import scan

    out: dict[str, Path] = {}
    for path in scan.walk(folder, {".csv"})[0]:
        if path.stem in out:
            raise InputError(f"{path} and {out[path.stem]} have the same name; keep one of them.")
        out[path.stem] = path
    if not out:
        raise InputError(f"there is no CSV file in {folder}; give the folder that OpenFace wrote to.")
    return out
