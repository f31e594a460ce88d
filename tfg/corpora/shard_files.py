"""The shards of a store: tar files in WebDataset's layout, and how `tfg.corpora.store.Store` reads them.

    shards.json         {"format": "tfg shards", "version": 1, "shards": [{"name", "bytes", "sha256", "clips", "at"}]}
    shard-000000.tar    samples one after the other, one for each clip; its members share a key, the clip's number
        000000007.json              the clip's `Row`
        000000007.00000.jpg ...     its frames, the JPEG files of the store
        000000007.mel.npy           (n_mel, 80) float16, and 000000007.wave.npy (n_wave,) int16
        000000007.expression.npy    (n_frames, 52) float32, and so on: an array for each of the store's
    store.json, clips.jsonl         as in a store: the table names clips, labels and checksums
    ok.bool                         a byte for each frame, as in a store: where windows may lie must be known at once

`clips` are the numbers of a shard's clips in the table, `at` the byte at which each begins. A clip is read as a whole,
compared with its checksums, and kept in memory for the next windows of it: shards are for disks and networks that like
few large reads. Shards are complete or not there: shards.json is written last.
"""
from __future__ import annotations

import io
import json
import os
import tarfile
import threading
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfg.corpora import store_format as form
from tfg.corpora.store_format import Row
from tfg.errors import InputError

INDEX, FORMAT, VERSION = "shards.json", "tfg shards", 1
OK = "ok"
CACHE_BYTES = 256 << 20
"""Bytes of clips that a reader keeps in memory; a clip of 3 s at 128 px takes about 0.6 MB."""


class ClipData(NamedTuple):
    """A clip in memory.  jpegs: the bytes of each frame.  arrays: mel, wave and the store's arrays, by name."""

    jpegs: list[bytes]
    arrays: dict[str, np.ndarray]
    n_bytes: int


def member_name(clip: int, what: str) -> str:
    """Name of a member of the sample of a clip, as in 000000007.mel.npy."""
    return f"{clip:09d}.{what}"


def read_index(folder: Path) -> list[dict]:
    """The shards of shards.json.  Raises InputError if it is damaged or of a newer version."""
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise ValueError(f"format {index['format']!r}")
        if index["version"] > VERSION:
            raise InputError(f"{path} was written by a newer tfg (version {index['version']}, this one reads "
                             f"{VERSION}); update tfg.")
        return [{"name": str(s["name"]), "bytes": int(s["bytes"]), "sha256": str(s["sha256"]),
                 "clips": list(map(int, s["clips"])), "at": list(map(int, s["at"]))} for s in index["shards"]]
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}); copy the shards again, or make them "
                         "anew.") from error


class ShardFiles:
    """Reader of the shards of a folder, for one `Store`.

    clips: the store's rows.  schema: its arrays.  Raises InputError if a shard is missing or has another size than the
    index says, or a clip is in none.
    """

    def __init__(self, folder: Path, clips: list[Row], schema: dict):
        self.folder, self.clips, self.schema = folder, clips, schema
        self.shards = read_index(folder)
        self._place: dict[int, tuple[int, int, int]] = {}                  # clip -> shard, first byte, last byte
        for number, shard in enumerate(self.shards):
            path = folder / shard["name"]
            size = path.stat().st_size if path.is_file() else 0
            if size != shard["bytes"]:
                raise InputError(f"the shard {path} has {size} bytes instead of {shard['bytes']}; copy it again.")
            ends = [*shard["at"][1:], shard["bytes"]]
            self._place |= {c: (number, a, b) for c, a, b in zip(shard["clips"], shard["at"], ends)}
        lost = next((row for k, row in enumerate(clips) if k not in self._place), None)
        if lost is not None:
            raise InputError(f"clip {lost.id} is in none of the shards of {folder}; copy {INDEX} and {form.TABLE} "
                             "again.")
        self._kept: OrderedDict[int, ClipData] = OrderedDict()
        self._bytes, self._lock = 0, threading.Lock()

    def clip(self, k: int) -> ClipData:
        """The data of clip k.  Raises InputError, which names shard and clip, if they are damaged."""
        with self._lock:
            if k in self._kept:
                self._kept.move_to_end(k)
                return self._kept[k]
        data = self._read(k)
        with self._lock:
            if k not in self._kept:
                self._kept[k] = data
                self._bytes += data.n_bytes
            while self._bytes > CACHE_BYTES and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].n_bytes
        return data

    def _read(self, k: int) -> ClipData:
        number, first, last = self._place[k]
        path, row = self.folder / self.shards[number]["name"], self.clips[k]
        try:
            with open(path, "rb") as file:
                file.seek(first)
                piece = file.read(last - first)
            members = _members(piece, k)
            jpegs = [members[f"{t:05d}.jpg"] for t in range(row.n_frames)]
            names = {"mel": form.MEL, "wave": form.WAVE} | {a: form.file_of(a, d) for a, (d, _) in self.schema.items()}
            arrays = {name: np.load(io.BytesIO(members[f"{name}.npy"]), allow_pickle=False) for name in names}
        except (OSError, tarfile.TarError, KeyError, ValueError, EOFError) as error:
            raise InputError(f"clip {row.id} in the shard {path} cannot be read ({type(error).__name__}: {error}); "
                             "copy the shard again.") from error
        sums = {form.FRAMES: zlib.crc32(b"".join(jpegs))}
        sums |= {file: zlib.crc32(np.ascontiguousarray(arrays[name]).tobytes()) for name, file in names.items()}
        wrong = next((name for name, total in sums.items() if row.sums.get(name) != total), None)
        if wrong is not None:
            raise InputError(f"clip {row.id} is damaged in the shard {path} (the checksum of {wrong} is wrong); copy "
                             "the shard again.")
        for values in arrays.values():
            values.flags.writeable = False
        return ClipData(jpegs, arrays, sum(map(len, jpegs)) + sum(v.nbytes for v in arrays.values()))

    def problems(self):
        """Compare every shard with its sha256 and every clip with its checksums; a sentence for each fault."""
        from hashlib import file_digest

        for shard in self.shards:
            with open(self.folder / shard["name"], "rb") as file:
                if file_digest(file, "sha256").hexdigest() == shard["sha256"]:
                    continue
            yield f"the shard {self.folder / shard['name']} is damaged (its sha256 is not that of {INDEX})"
            for k in shard["clips"]:
                try:
                    self._read(k)
                except InputError as error:
                    yield str(error).rpartition(";")[0]


def _members(piece: bytes, clip: int) -> dict[str, bytes]:
    """Members of a sample by name without the key.  Raises tarfile.TarError for damaged headers.

    Headers are read here and not by tarfile, which about doubles the time of reading a clip.
    """
    out, at, block = {}, 0, tarfile.BLOCKSIZE
    while at + block <= len(piece) and piece[at]:                             # an empty header ends a shard
        header = piece[at:at + block]
        total = sum(header) - sum(header[148:156]) + 8 * ord(" ")             # POSIX: its own field counts as spaces
        if total != int(header[148:156].rstrip(b"\0 "), 8):
            raise tarfile.TarError("the checksum of a header is wrong")
        key, _, what = header[:100].rstrip(b"\0").decode("ascii").partition(".")
        size = int(header[124:136].rstrip(b"\0 "), 8)
        if int(key) != clip:
            raise tarfile.TarError(f"member {key}.{what} is of another clip")
        out[what] = piece[at + block:at + block + size]
        at += block + -(-size // block) * block
    return out


class Joined:
    """An array of a store whose clips lie in shards: rows of all clips, read when they are indexed.

    files: the reader.  name: of the array.  starts: (C + 1,) first row of each clip, then the number of rows.
    It is indexed as an array is, by numbers, slices and arrays along its first axis, and by anything along the others.
    """

    def __init__(self, files: ShardFiles, name: str, starts: np.ndarray, dtype: str, shape: tuple[int, ...]):
        self.files, self.name, self.starts = files, name, starts
        self.dtype, self.shape = np.dtype(dtype), (int(starts[-1]), *shape)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, key) -> np.ndarray:
        if isinstance(key, tuple):
            rows = self[key[0]]
            return rows[(slice(None),) * np.ndim(_as_index(key[0], len(self))) + key[1:]]
        index = np.asarray(_as_index(key, len(self)))
        index = np.where(index < 0, index + len(self), index)
        if index.size and (index.min() < 0 or index.max() >= len(self)):
            raise IndexError(f"row {index.max()} of {len(self)}")
        flat = index.reshape(-1)
        out = np.empty((len(flat), *self.shape[1:]), self.dtype)
        clip = np.searchsorted(self.starts, flat, "right") - 1
        order = np.argsort(clip, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(clip[order])) + 1) if len(flat) else ():
            k = int(clip[part[0]])
            out[part] = self.files.clip(k).arrays[self.name][flat[part] - self.starts[k]]
        return out.reshape((*index.shape, *self.shape[1:]))[()]               # a number for a number, as arrays do

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)


def _as_index(key, n: int):
    """A number, or an array of numbers, for what may index the first axis of n rows."""
    if isinstance(key, slice):
        return np.arange(n)[key]
    key = np.asarray(key)
    return np.flatnonzero(key) if key.dtype == bool else key.astype(np.int64)


def starts_of(counts: list[int]) -> np.ndarray:
    """(C + 1,) first row of each clip, from their numbers of rows."""
    return np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64))]).astype(np.int64)


def is_sharded(folder: str | os.PathLike) -> bool:
    """Whether the folder holds shards."""
    return (Path(folder) / INDEX).is_file()
