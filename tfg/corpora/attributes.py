"""Pictures with their Action Units, as GANimation (Pumarola et al. 2018) and IETaFS read them: a folder and a table.

    4                                             number of pictures; this line may be missing
    AU01_r AU02_r AU04_r ... AU45_r               names of the columns; AU1 or 1 will do, in any order, others between
    0001.jpg 0.00 0.31 1.20 ... 0.00              a picture and its values, with blanks, tabs or commas between them

Values are OpenFace's intensities from 0 to 5, or from 0 to 1: `top` says which.
"""
from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.faces.aus import AUS, MOST
from tfg.files import atomic, check_file

NAMES = tuple(f"AU{au:02d}_r" for au in AUS)
"""Names of the 17 columns, as OpenFace has them."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
"""Suffixes of pictures; they are tried for a name in the table that has none."""
_NAME = re.compile(r"(?:AU)?0*(\d{1,2})(?:_([rc]))?", re.I)


def read_attributes(path: str | os.PathLike, *, top: float = MOST) -> tuple[list[str], np.ndarray]:
    """Read a table: names of the pictures, and their AUs (N, 17) float32 from 0 to 5 in the order of `AUS`.

    top: the value in the table that means the strongest intensity, 5 or 1.
    Raises InputError, which names the line: no names, a unit missing, a value that is no number or not in 0 to `top`, a
    row that is cut off, another number of rows than announced.
    """
    names, aus, _ = _read(path, top)
    return names, aus


def read_pictures(image_dir: str | os.PathLike, attr_path: str | os.PathLike, *,
                  top: float = MOST) -> tuple[list[Path], np.ndarray]:
    """A folder of pictures with its table: paths of the pictures in the table's order, and their AUs (N, 17), 0 to 5.

    Pictures that the table does not name are left out.  top, errors: as `read_attributes`; also InputError for a
    missing folder and a row whose picture is not there.
    """
    folder = Path(image_dir)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give the one that holds the pictures of {attr_path}.")
    names, aus, lines = _read(attr_path, top)
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    out = []
    for name, line in zip(names, lines):
        wanted = Path(name).as_posix()
        found = next((n for n in (wanted, *(wanted + s for s in SUFFIXES)) if n in there), None)
        if found is None:
            raise InputError(f"line {line} of {attr_path} names {name}, which is not in {folder}; add the picture, or "
                             "remove the line.")
        out.append(folder / found)
    return out, aus


def write_attributes(path: str | os.PathLike, names: Sequence[str | os.PathLike], aus: np.ndarray, *,
                     top: float = MOST) -> Path:
    """Write a table, with the number of pictures in its first line. `read_attributes` gives the same values back.

    names: of N pictures, relative to their folder.  aus: (N, 17) from 0 to 5.  top: the value to write for 5.
    Raises ValueError for other shapes, InputError for AUs that are missing (NaN) or out of range, and for a name with
    a line break or a comma, before anything is written.
    """
    aus, shown = np.asarray(aus, float), [Path(n).as_posix() for n in names]
    if aus.shape != (len(shown), len(AUS)):
        raise ValueError(f"aus must be (N, {len(AUS)}) for N = {len(shown)} names, got shape {aus.shape}")
    scale = _scale(top)
    for name, row in zip(shown, aus):
        if not ((row >= 0) & (row <= MOST)).all():
            raise InputError(f"{name} has an Action Unit that is missing or not in 0 to 5; leave the picture out.")
        if re.search(r"[,\r\n]", name) or name != name.strip():
            raise InputError(f"the picture {name!r} has a comma, a line break or blanks around its name; rename it.")
    values = (aus / scale).astype(np.float32)
    rows = [" ".join([name, *(np.format_float_positional(v, trim="0", min_digits=2) for v in row)])
            for name, row in zip(shown, values)]
    with atomic(path) as part:
        part.write_text("\n".join([str(len(rows)), " ".join(NAMES), *rows]) + "\n", encoding="utf-8")
    return Path(path)


def measure_pictures(folder: str | os.PathLike, method: str = "best", *, progress=None) -> \
        tuple[list[str], np.ndarray, list[tuple[str, str]]]:
    """Measure the AUs of the largest face of each photo below a folder, for `write_attributes`.

    method: as in `tfg.faces.measure_aus`; every photo is read by itself.  progress: a function of (photos done, photos
    in all).  Returns names relative to the folder, AUs (N, 17), and (name, reason) of photos that cannot be read or
    show no face.  Raises InputError for an unknown method, a missing folder, or one without a face in any photo.
    """
    import warnings

    from tfg.faces.au_readers import check_au_method, measure_aus

    root = Path(folder)
    check_au_method(method)
    if not root.is_dir():
        raise InputError(f"there is no folder {root}; give the one that holds the photos.")
    photos = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    names, aus, left_out = [], [], []
    for k, photo in enumerate(photos):
        name = photo.relative_to(root).as_posix()
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=r"\d+ faces found")
                aus.append(measure_aus(photo, method)[0])
            names.append(name)
        except InputError as error:
            left_out.append((name, str(error)))
        if progress:
            progress(k + 1, len(photos))
    if not names:
        raise InputError(f"none of the {len(photos)} photos in {root} shows a face that can be measured.")
    return names, np.stack(aus), left_out


def _scale(top: float) -> float:
    """Factor from values in the table to 0 to 5.  Raises InputError."""
    if not 0 < top < 1000:
        raise InputError(f"the strongest intensity is said to be {top}; give 5, as OpenFace has it, or 1.")
    return MOST / top


def _read(path: str | os.PathLike, top: float) -> tuple[list[str], np.ndarray, list[int]]:
    """Names, AUs (N, 17), and the number of each row's line."""
    scale, path = _scale(top), check_file(path, "attributes")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text ({error}); give the table of pictures and AUs.") from error
    lines = [(k, line.replace(",", " ").strip()) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    announced = int(lines[0][1]) if lines and lines[0][1].isdecimal() else None
    lines = lines[1:] if announced is not None else lines
    if not lines:
        raise InputError(f"{path} names no Action Units; write them above its rows: {' '.join(NAMES[:3])} ...")
    places, n = _columns(path, *lines[0])
    if announced not in (None, len(lines) - 1):
        raise InputError(f"line 1 of {path} announces {announced} pictures, but {len(lines) - 1} rows follow; correct "
                         "or remove it, or copy the file again.")
    names, values = [], np.empty((len(lines) - 1, len(AUS)))
    for k, (number, line) in enumerate(lines[1:]):
        name, row = _row(path, number, line, n)
        values[k] = row[places]
        wrong = np.flatnonzero(~((values[k] >= 0) & (values[k] <= top * (1 + 1e-6))))
        if len(wrong):
            raise InputError(f"line {number} of {path} has {values[k, wrong[0]]:g} for AU{AUS[wrong[0]]}, but its "
                             f"values were said to go from 0 to {top:g}; say what they go to with top, or correct it.")
        names.append(name)
    if not names:
        raise InputError(f"{path} has no row below the names of its columns; it is cut off, or lists no picture.")
    return names, np.clip(scale * values, 0, MOST).astype(np.float32), [number for number, _ in lines[1:]]


def _columns(path, number: int, line: str) -> tuple[list[int], int]:
    """Places of the 17 AUs among the values of a row, and the number of values."""
    words = line.split()
    if not _NAME.fullmatch(words[0]):
        words = words[1:]                                    # a title above the pictures' names
    units: dict[int, int] = {}
    for place, match in enumerate(map(_NAME.fullmatch, words)):
        if match and (match[2] or "r").lower() == "r":       # AU12_c says whether, not how strongly
            if int(match[1]) in units and int(match[1]) in AUS:
                raise InputError(f"line {number} of {path} names AU{int(match[1])} twice; each column needs a name of "
                                 "its own.")
            units[int(match[1])] = place
    missing = [au for au in AUS if au not in units]
    if missing:
        raise InputError(f"line {number} of {path} does not name AU{missing[0]}; it must name the 17 columns: "
                         f"{' '.join(NAMES)}.")
    return [units[au] for au in AUS], len(words)


def _row(path, number: int, line: str, n: int) -> tuple[str, np.ndarray]:
    """A picture's name, which may hold blanks, and its n values."""
    name, *cells = line.rsplit(maxsplit=n)
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        values = np.empty(0)
    if len(values) != n:
        raise InputError(f"line {number} of {path} does not hold a picture's name and {n} numbers; it is cut off or "
                         "was edited.")
    if re.search(r"\s[-+]?[\d.]+$", name):
        raise InputError(f"line {number} of {path} has more values than there are names of columns ({n}); correct "
                         "one of them.")
    return name, values
