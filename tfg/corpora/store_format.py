"""The files of a store and its table of clips, for `tfg.corpora.store` (which specifies them) and its writer."""
from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from tfg.errors import InputError

FORMAT, VERSION = "tfg store", 1
HEADER, TABLE, FRAMES, INDEX, MEL, LOCK = "store.json", "clips.jsonl", "frames.jpegs", "frames.uint64", "mel.float16", \
    "writer.lock"
ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "expression": ("<f4", (52,)), "aus": ("<f4", (17,)), "pose": ("<f4", (6,)), "points": ("<f2", (478, 3)),
    "matrix": ("<f4", (2, 3)), "intensity": ("<f4", ()), "ok": ("|b1", ()),
}
"""Per frame: name -> dtype, shape. What a clip does not bring is NaN, and True in `ok`."""
N_MELS = 80


@dataclass(frozen=True)
class Row:
    """A clip of a store.

    id: unique in the store, "corpus/name".  corpus: the reader's name ("crema_d", "actors", ...).  actor: unique in its
    corpus; None where not known (such clips cannot be split).  sentence, emotion, level, take, text: as
    `names.Item`.  labels: "true" (a virtual actor: the arrays are what was rendered) or "measured".  soft: six shares
    in the order of EMOTIONS (the raters' votes), or None.  offset_ms: how much later the sound is than the picture,
    offset_error_ms: its standard error; None where it cannot be measured.  notes: anything that JSON can hold.
    Set by the writer: frames start .. start + n_frames - 1 of the store; columns mel_start .. mel_start + n_mel - 1 of
    its mel; bytes of the JPEG file; sums: CRC-32 of what the clip added to each file.
    """

    id: str
    corpus: str
    actor: str | None = None
    sentence: str | None = None
    emotion: str | None = None
    level: str | None = None
    take: int = 1
    labels: str = "measured"
    soft: tuple[float, ...] | None = None
    text: str | None = None
    offset_ms: float | None = None
    offset_error_ms: float | None = None
    notes: dict = field(default_factory=dict)
    start: int = 0
    n_frames: int = 0
    mel_start: int = 0
    n_mel: int = 0
    first_byte: int = 0
    n_bytes: int = 0
    sums: dict[str, int] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        """One past its last frame."""
        return self.start + self.n_frames

    @property
    def mel_stop(self) -> int:
        """One past its last mel column."""
        return self.mel_start + self.n_mel

    @property
    def end_byte(self) -> int:
        """One past its last byte in the JPEG file."""
        return self.first_byte + self.n_bytes


def file_of(array: str, dtype: str) -> str:
    """expression, <f4 -> expression.float32."""
    return f"{array}.{np.dtype(dtype).name}"


def frame_bytes(dtype: str, shape: tuple[int, ...]) -> int:
    """Bytes of one frame of an array."""
    return np.dtype(dtype).itemsize * int(np.prod(shape, dtype=int))


def line_of(row: Row) -> bytes:
    """The table's line: JSON, a tab, the CRC-32 of the JSON in hex, a line feed."""
    text = json.dumps(asdict(row), separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


def row_of(line: bytes) -> Row | None:
    """The Row of a line without its line feed, or None if it is damaged."""
    text, tab, total = line.rpartition(b"\t")
    try:
        if not tab or int(total, 16) != zlib.crc32(text):
            return None
        held = json.loads(text)
        known = {f.name for f in fields(Row)}
        more = {k: v for k, v in held.items() if k not in known}          # written by a later tfg of this version
        row = {k: v for k, v in held.items() if k in known}
        row["notes"] = row.get("notes", {}) | more
        row["soft"] = None if row.get("soft") is None else tuple(row["soft"])
        return Row(**row)
    except (ValueError, TypeError):
        return None


def read_header(folder: Path) -> dict:
    """store.json.  Returns {"size": px, "arrays": {name: (dtype, shape)}}.  Raises InputError."""
    path = folder / HEADER
    if not folder.is_dir():
        raise InputError(f"there is no store {folder}; make one with `tfg corpora prepare`, or check its name.")
    if not path.is_file():
        raise InputError(f"{folder} is no store: it has no {HEADER}; give the folder that `tfg corpora prepare` wrote.")
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["format"] != FORMAT:
            raise ValueError(f"format {held['format']!r}")
        if held["version"] > VERSION:
            raise InputError(f"{path} was written by a newer tfg (store version {held['version']}, this one reads "
                             f"{VERSION}); update tfg.")
        arrays = {str(k): (np.dtype(d).str, tuple(int(n) for n in s)) for k, (d, s) in held["arrays"].items()}
        return {"size": int(held["size"]), "arrays": arrays}
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}); copy the store again or prepare it "
                         "anew.") from error


def header_text(size: int, arrays: dict) -> str:
    """What store.json holds."""
    return json.dumps({"format": FORMAT, "version": VERSION, "size": int(size),
                       "arrays": {k: [d, list(s)] for k, (d, s) in arrays.items()}}, indent=1) + "\n"


def read_table(folder: Path) -> tuple[list[Row], int]:
    """The committed clips, and the bytes of the table that hold them. What follows is a clip that was never finished.

    Raises InputError if a line in the middle is damaged, or a clip does not begin where the last one ended.
    """
    path = folder / TABLE
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise InputError(f"the table {path} cannot be read ({error.strerror}); check the disk.") from error
    rows: list[Row] = []
    at, lines = 0, data.split(b"\n")
    for number, line in enumerate(lines[:-1], 1):            # after the last line feed: nothing, or a torn line
        row = row_of(line)
        if row is None:
            if any(row_of(later) is not None for later in lines[number:-1]):
                raise InputError(f"line {number} of {path} is damaged (its checksum is wrong); restore the table from "
                                 "a copy, or prepare the store anew.")
            break
        last = rows[-1] if rows else Row("", "")
        if (row.start, row.mel_start, row.first_byte) != (last.stop, last.mel_stop, last.end_byte):
            raise InputError(f"clip {row.id} in line {number} of {path} does not begin where the clip before it ends; "
                             "lines are missing: restore the table from a copy, or prepare the store anew.")
        rows.append(row)
        at += len(line) + 1
    return rows, at


def committed(rows: list[Row], arrays: dict) -> dict[str, int]:
    """Bytes of each data file that belong to `rows`."""
    last = rows[-1] if rows else Row("", "")
    sizes = {FRAMES: last.end_byte, INDEX: 8 * last.stop, MEL: 2 * N_MELS * last.mel_stop}
    return sizes | {file_of(k, d): frame_bytes(d, s) * last.stop for k, (d, s) in arrays.items()}


def clip_bytes(row: Row, arrays: dict) -> dict[str, tuple[int, int]]:
    """First byte and number of bytes of one clip in each data file."""
    spans = {FRAMES: (row.first_byte, row.n_bytes), INDEX: (8 * row.start, 8 * row.n_frames),
             MEL: (2 * N_MELS * row.mel_start, 2 * N_MELS * row.n_mel)}
    for name, (dtype, shape) in arrays.items():
        step = frame_bytes(dtype, shape)
        spans[file_of(name, dtype)] = step * row.start, step * row.n_frames
    return spans


def check_sizes(folder: Path, rows: list[Row], arrays: dict) -> None:
    """InputError, which names the file and the first clip it lacks, if a data file is shorter than the table says."""
    for name, wanted in committed(rows, arrays).items():
        try:
            size = os.path.getsize(folder / name)
        except OSError:
            size = 0
        if size < wanted:
            lost = next(r for r in rows if sum(clip_bytes(r, arrays)[name]) > size)
            raise InputError(f"{folder / name} is cut off: it has {size} of {wanted} bytes, so clip {lost.id} and what "
                             "follows is lost; copy the store again, or prepare it anew.")
