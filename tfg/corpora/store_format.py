"""The files of a store and its table of clips, for `tfg.corpora.store` (which specifies them) and its writer."""
from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from tfg.errors import InputError

FORMAT, VERSION = "tfg store", 2
HEADER, TABLE, LOCK = "store.json", "clips.jsonl", "writer.lock"
FRAMES, INDEX, MEL, WAVE = "frames.jpegs", "frames.uint64", "mel.float16", "wave.int16"
ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "expression": ("<f4", (52,)), "aus": ("<f4", (17,)), "pose": ("<f4", (6,)), "points": ("<f2", (478, 3)),
    "matrix": ("<f4", (2, 3)), "intensity": ("<f4", ()), "ok": ("|b1", ()),
}
"""Arrays per frame: name -> dtype, shape. Missing arrays are NaN; a missing `ok` is True."""
N_MELS = 80
FULL_SCALE = 32768
"""The integer that stands for 1.0 in the sound, as in 16-bit WAV files."""


@dataclass(frozen=True)
class Row:
    """A clip of a store.

    id: unique in the store, "corpus/name".  corpus: the reader's name ("crema_d", "actors", ...).  actor: unique in its
    corpus; None where not known (such clips cannot be split).  sentence, emotion, level, take, text: as
    `names.Item`.  labels: "true" (a virtual actor: the arrays are what was rendered) or "measured".  soft: six shares
    in the order of EMOTIONS (the raters' votes), or None.  offset_ms: delay of the sound after the picture,
    offset_error_ms: its standard error; None where it cannot be measured.  notes: anything that JSON can hold.
    Set by the writer: frames start .. start + n_frames - 1 of the store; columns mel_start .. mel_start + n_mel - 1 of
    its mel; samples wave_start .. wave_start + n_wave - 1 of its sound (n_wave 0: the sound was not kept); bytes of
    the JPEG file; sums: CRC-32 of the bytes that the clip added to each file.
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
    wave_start: int = 0
    n_wave: int = 0
    first_byte: int = 0
    n_bytes: int = 0
    sums: dict[str, int] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        """Number of the frame after the clip's last."""
        return self.start + self.n_frames

    @property
    def mel_stop(self) -> int:
        """Number of the mel column after the clip's last."""
        return self.mel_start + self.n_mel

    @property
    def wave_stop(self) -> int:
        """Number of the sample after the last of the clip's sound."""
        return self.wave_start + self.n_wave

    @property
    def end_byte(self) -> int:
        """Number of the byte after the clip's last in the JPEG file."""
        return self.first_byte + self.n_bytes


def file_of(array: str, dtype: str) -> str:
    """File name of an array: expression, <f4 -> expression.float32."""
    return f"{array}.{np.dtype(dtype).name}"


def frame_bytes(dtype: str, shape: tuple[int, ...]) -> int:
    """Bytes of one frame of an array."""
    return np.dtype(dtype).itemsize * int(np.prod(shape, dtype=int))


def line_of(row: Row) -> bytes:
    """Line of the table for one clip: JSON, a tab, the CRC-32 of the JSON in hex, a line feed."""
    text = json.dumps(asdict(row), separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


def row_of(line: bytes) -> Row | None:
    """The Row of a line without its line feed, or None if it is damaged."""
    text, tab, total = line.rpartition(b"\t")
    try:
        if not tab or int(total, 16) != zlib.crc32(text):
            return None
        entries = json.loads(text)
        known = {f.name for f in fields(Row)}
        more = {k: v for k, v in entries.items() if k not in known}          # written by a later tfg of this version
        row = {k: v for k, v in entries.items() if k in known}
        row["notes"] = row.get("notes", {}) | more
        row["soft"] = None if row.get("soft") is None else tuple(row["soft"])
        return Row(**row)
    except (ValueError, TypeError):
        return None


def read_header(folder: Path) -> dict:
    """Read store.json.  Returns {"version": 1 or 2, "size": px, "arrays": {name: (dtype, shape)}}.  Raises
    InputError."""
    path = folder / HEADER
    if not folder.is_dir():
        raise InputError(f"there is no store {folder}; make one with `tfg corpora prepare`, or check its name.")
    if not path.is_file():
        raise InputError(f"{folder} is no store: it has no {HEADER}; give the folder that `tfg corpora prepare` wrote.")
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']!r}")
        if header["version"] > VERSION:
            raise InputError(f"{path} was written by a newer tfg (store version {header['version']}, this one reads "
                             f"{VERSION}); update tfg.")
        arrays = {str(k): (np.dtype(d).str, tuple(int(n) for n in s)) for k, (d, s) in header["arrays"].items()}
        return {"version": int(header["version"]), "size": int(header["size"]), "arrays": arrays}
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}); copy the store again or prepare it "
                         "anew.") from error


def header_text(size: int, arrays: dict) -> str:
    """Text of store.json."""
    return json.dumps({"format": FORMAT, "version": VERSION, "size": int(size),
                       "arrays": {k: [d, list(s)] for k, (d, s) in arrays.items()}}, indent=1) + "\n"


def read_table(folder: Path) -> tuple[list[Row], int]:
    """The committed clips, and the number of bytes of the table with them; bytes after them are an unfinished clip.

    Raises InputError if a line in the middle is damaged, or a clip does not begin where the last one ended.
    """
    path = folder / TABLE
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise InputError(f"the table {path} cannot be read ({error.strerror}); check the disk.") from error
    rows: list[Row] = []
    at, lines = 0, data.split(b"\n")
    for number, line in enumerate(lines[:-1], 1):            # after the last line feed: empty, or a torn line
        row = row_of(line)
        if row is None:
            if any(row_of(later) is not None for later in lines[number:-1]):
                raise InputError(f"line {number} of {path} is damaged (its checksum is wrong); restore the table from "
                                 "a copy, or prepare the store anew.")
            break
        last = rows[-1] if rows else Row("", "")
        places = row.start, row.mel_start, row.wave_start, row.first_byte
        if places != (last.stop, last.mel_stop, last.wave_stop, last.end_byte):
            raise InputError(f"clip {row.id} in line {number} of {path} does not begin where the clip before it ends; "
                             "lines are missing: restore the table from a copy, or prepare the store anew.")
        rows.append(row)
        at += len(line) + 1
    return rows, at


def committed(rows: list[Row], arrays: dict) -> dict[str, int]:
    """Bytes of each data file that belong to `rows`."""
    last = rows[-1] if rows else Row("", "")
    sizes = {FRAMES: last.end_byte, INDEX: 8 * last.stop, MEL: 2 * N_MELS * last.mel_stop, WAVE: 2 * last.wave_stop}
    return sizes | {file_of(k, d): frame_bytes(d, s) * last.stop for k, (d, s) in arrays.items()}


def clip_bytes(row: Row, arrays: dict) -> dict[str, tuple[int, int]]:
    """First byte and number of bytes of one clip in each data file."""
    spans = {FRAMES: (row.first_byte, row.n_bytes), INDEX: (8 * row.start, 8 * row.n_frames),
             MEL: (2 * N_MELS * row.mel_start, 2 * N_MELS * row.n_mel),
             WAVE: (2 * row.wave_start, 2 * row.n_wave)}
    for name, (dtype, shape) in arrays.items():
        step = frame_bytes(dtype, shape)
        spans[file_of(name, dtype)] = step * row.start, step * row.n_frames
    return spans


def check_mel(store, rows: list[Row]) -> None:
    """Raises InputError, which names the first clip, if the mel of one of these clips contains NaN or infinity: the
    weights of a network trained on it would become NaN. Shards were checked when they were made."""
    if getattr(store, "sharded", False):
        return
    for row in rows:
        columns = np.asarray(store.mel[row.mel_start:row.mel_stop], "<f2").view("<u2")
        if (columns & 0x7C00 == 0x7C00).any():               # all exponent bits set; twice as fast as isfinite
            raise InputError(f"the sound of clip {row.id} in {store.path / MEL} holds numbers that are not finite; "
                             "prepare that clip anew, from a recording whose samples are numbers.")


def check_sizes(folder: Path, rows: list[Row], arrays: dict) -> None:
    """Raises InputError, with the file and the first clip missing in it, if a data file is shorter than the table
    says."""
    for name, wanted in committed(rows, arrays).items():
        try:
            size = os.path.getsize(folder / name)
        except OSError:
            size = 0
        if size < wanted:
            lost = next(r for r in rows if sum(clip_bytes(r, arrays)[name]) > size)
            raise InputError(f"{folder / name} is cut off: it has {size} of {wanted} bytes, so clip {lost.id} and what "
                             "follows is lost; copy the store again, or prepare it anew.")
