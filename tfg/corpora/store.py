"""The store: prepared clips in one folder, read by any number of processes while one of them appends. Version 2.

    store.json          {"format": "tfg store", "version": 1, "size": 128, "arrays": {"expression": ["<f4", [52]], ...}}
    frames.jpegs        the JPEG files of all frames (size x size px, RGB), one after the other
    frames.uint64       for each frame the byte after its end in frames.jpegs (it starts where the one before it ends)
    mel.float16         mel spectrograms, time first: 80 numbers per column, 80 columns per second
    wave.int16          sound, mono, 16,000 samples per second; frame t of a clip lasts from its sample 640 t on
    NAME.DTYPE          one array per name in store.json, e.g. expression.float32: N frames of that shape, C order
    clips.jsonl         a line per clip: a `Row` as JSON, a tab, the CRC-32 of the JSON (8 hex digits), a line feed
    writer.lock         locked by the process that writes; the lock ends with the process, however that ends

All numbers are little-endian, all files only grow. A clip's data are written first and brought to the disk, then its
line: **the complete line is the commit**. What lies beyond the last line in any file is a clip that was never finished:
readers do not see it, the next writer cuts it off. So a crash at any moment costs the clip being written and no other,
and what a reader has mapped never changes. Rows carry the CRC-32 of the bytes that they added to each file.

Frames are JPEG of quality 92 without chroma subsampling (lips are colour). A mel column in float16 is within 0.001 of
the exact value, 0.012 dB; a point (in crop px) within 1/32 px below 128 px, 1/16 px below 256. Sound is stored as
round(32768 x), which is exact for a 16-bit file. matrix takes a point of the clip's original frame to the crop (see
`tfg.faces.align`).

    store = Store.open("build/cremad")
    row = store.clips[0]
    pictures, pose = store.frames(row.start, row.stop), store.arrays["pose"][row.start:row.stop]
    mel, sound = store.mel[row.mel_start:row.mel_stop], store.wave(row)

Stores of version 1 have no wave.int16. They are read, and their clips have no sound; nothing is appended to them.
A folder of shards (`tfg.corpora.shards`) is read in the same way; its arrays are read clip by clip when they are used.
"""
from __future__ import annotations

import bisect
import functools
import math
import mmap
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfg.corpora import shard_files
from tfg.corpora import store_format as form
from tfg.corpora.store_format import ARRAYS, Row  # noqa: F401
from tfg.corpora.store_writer import StoreWriter, encode  # noqa: F401
from tfg.errors import InputError
from tfg.media.audio import SR


class Store:
    """A store as it is when it is opened; clips that are appended later are seen by opening it again.

    clips: list of `Row`.  n_frames: sum over all clips.  size: side of a frame, px.  version: number of its format.
    mel: (M, 80) float16.  arrays: name -> (n_frames, ...).  sharded: whether it is a folder of shards.
    Arrays are read-only views of mapped files: nothing is read before it is used. Can be pickled (the copy opens the
    same clips by itself) and shared by threads and processes.
    """

    mel: Any
    _wave: Any
    arrays: dict[str, Any]                                   # NumPy's arrays, or `shard_files.Joined`

    @staticmethod
    def open(path: str | os.PathLike) -> Store:
        """Open for reading. Raises InputError if there is none, it is damaged, or of a newer version."""
        return Store(path)

    def __init__(self, path: str | os.PathLike, *, _clips: int | None = None):
        self.path = Path(path)
        header = form.read_header(self.path)
        self.version, self.size, self.schema = header["version"], header["size"], header["arrays"]
        self.clips: list[Row] = form.read_table(self.path)[0][:_clips]
        self._shards = shard_files.ShardFiles(self.path, self.clips, self.schema) \
            if shard_files.is_sharded(self.path) else None
        if self._shards is not None:
            self._join(self._shards)
            return
        form.check_sizes(self.path, self.clips, self.schema)
        sizes = form.committed(self.clips, self.schema)
        self._jpegs = _mapped(self.path / form.FRAMES, sizes[form.FRAMES])
        self._ends = self._array(form.INDEX, sizes, "<u8", ())
        self.mel: Any = self._array(form.MEL, sizes, "<f2", (form.N_MELS,))
        self._wave: Any = self._array(form.WAVE, sizes, "<i2", ())
        self.arrays: dict[str, Any] = {k: self._array(form.file_of(k, d), sizes, d, s)
                                       for k, (d, s) in self.schema.items()}
        last = self.clips[-1].end_byte if self.clips else 0
        if (int(self._ends[-1]) if len(self._ends) else 0) != last:
            raise InputError(f"the index {self.path / form.INDEX} does not end where the frames do, in clip "
                             f"{self.clips[-1].id}; copy the store again, or prepare it anew.")

    def _array(self, name: str, sizes: dict, dtype: str, shape: tuple) -> np.ndarray:
        data = _mapped(self.path / name, sizes[name])
        return np.frombuffer(data, dtype).reshape(-1, *shape)

    def _join(self, files: shard_files.ShardFiles) -> None:
        """Take mel, sound and arrays from shards; `ok` is mapped, as every reader begins with all of it."""
        frames, columns, samples = (shard_files.starts_of([getattr(row, name) for row in self.clips])
                                    for name in ("n_frames", "n_mel", "n_wave"))
        self.mel = shard_files.Joined(files, "mel", columns, "<f2", (form.N_MELS,))
        self._wave = shard_files.Joined(files, "wave", samples, "<i2", ())
        self.arrays = {k: shard_files.Joined(files, k, frames, d, s) for k, (d, s) in self.schema.items()}
        if shard_files.OK in self.schema:
            dtype, shape = self.schema[shard_files.OK]
            sizes = form.committed(self.clips, self.schema)
            name = form.file_of(shard_files.OK, dtype)
            if not (self.path / name).is_file() or (self.path / name).stat().st_size < sizes[name]:
                raise InputError(f"{self.path / name} is missing or cut off; copy it again, or make the shards anew.")
            self.arrays[shard_files.OK] = self._array(name, sizes, dtype, shape)

    def __getstate__(self) -> dict:
        return {"path": self.path, "_clips": len(self.clips)}

    def __setstate__(self, state: dict) -> None:
        Store.__init__(self, state["path"], _clips=state["_clips"])

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r}: {len(self.clips)} clips, {self.n_frames} frames, {self.size} px)"

    @property
    def sharded(self) -> bool:
        """Whether this is a folder of shards."""
        return self._shards is not None

    @property
    def n_frames(self) -> int:
        return self.clips[-1].stop if self.clips else 0

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [row.start for row in self.clips]

    @functools.cached_property
    def by_id(self) -> dict[str, Row]:
        """Rows by clip id."""
        return {row.id: row for row in self.clips}

    def row_of(self, i: int) -> Row:
        """The clip that frame i belongs to. Raises IndexError beyond the ends."""
        if not 0 <= i < self.n_frames:
            raise IndexError(f"frame {i} of a store of {self.n_frames} frames")
        return self.clips[bisect.bisect_right(self._starts, i) - 1]

    def jpeg(self, i: int) -> bytes:
        """Frame i as the bytes of a JPEG file."""
        if not 0 <= i < self.n_frames:
            raise IndexError(f"frame {i} of a store of {self.n_frames} frames")
        if self._shards is not None:
            k = bisect.bisect_right(self._starts, i) - 1
            return self._shards.clip(k).jpegs[i - self.clips[k].start]
        start = int(self._ends[i - 1]) if i else 0
        return self._jpegs[start:int(self._ends[i])]

    def frame(self, i: int) -> np.ndarray:
        """Frame i, (size, size, 3) uint8 RGB. Raises InputError, which names the clip, if it is corrupt."""
        import cv2

        data = self.jpeg(i)
        out = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
        if out is None or out.shape != (self.size, self.size, 3):
            row = self.row_of(i)
            raise InputError(f"frame {i - row.start} of clip {row.id} in {self.path / form.FRAMES} is corrupt; copy "
                             "the store again, or prepare it anew.")
        return out

    def frames(self, start: int, stop: int) -> np.ndarray:
        """Frames start .. stop - 1, (stop - start, size, size, 3) uint8 RGB."""
        out = np.empty((max(0, stop - start), self.size, self.size, 3), np.uint8)
        for k in range(len(out)):
            out[k] = self.frame(start + k)
        return out

    def need_sound(self) -> None:
        """Raises InputError if the store was written before stores kept the sound of their clips."""
        if self.version < 2:
            raise InputError(f"{self.path} was prepared by an older tfg, which did not keep the sound of the clips; "
                             "prepare it again with `tfg corpora prepare`, into a new folder.")

    def wave(self, row: Row, sr: int = SR) -> np.ndarray:
        """The sound of a clip, (N,) float32 in [-1, 1], `sr` samples per second; frame t begins with sample t sr / 25.

        At 16 kHz, N = 640 n_frames for what `tfg corpora prepare` wrote; other rates are made by resampling in time.
        Raises InputError if the store holds no sound of the clip.
        """
        self.need_sound()
        if not row.n_wave:
            raise InputError(f"{self.path} holds no sound of clip {row.id}; give it to `StoreWriter.append`, or "
                             "prepare the clip with `tfg corpora prepare`.")
        y = self.samples(row).astype(np.float32) / form.FULL_SCALE
        return y if sr == SR else resampled(y, sr)

    def samples(self, row: Row) -> np.ndarray:
        """The sound of a clip as it is stored, (n_wave,) int16."""
        return self._wave[row.wave_start:row.wave_stop]

    def problems(self) -> Iterator[str]:
        """Compare every byte with its checksum and decode every frame; a sentence for each clip that is damaged."""
        if self._shards is not None:
            yield from self._shards.problems()
            return
        for row in self.clips:
            for name, (first, n) in form.clip_bytes(row, self.schema).items():
                if not n:                                    # then the file may be missing
                    continue
                with open(self.path / name, "rb") as file:
                    file.seek(first)
                    data = file.read(n)
                if zlib.crc32(data) != row.sums.get(name):
                    yield f"clip {row.id} is damaged in {self.path / name}" + self._where(row, name)

    def _where(self, row: Row, name: str) -> str:
        """Name of the frame of a damaged clip that cannot be decoded, as ": frame 3 ..."; empty if all can."""
        if name != form.FRAMES:
            return ""
        for i in range(row.start, row.stop):
            try:
                self.frame(i)
            except (InputError, IndexError):
                return f": frame {i - row.start} is no JPEG picture"
        return ""

    def check(self) -> None:
        """Verify everything. Raises InputError that names file and clip of the first fault, and counts the faults."""
        found = list(self.problems())
        if found:
            more = f" ({len(found)} faults in all)" if len(found) > 1 else ""
            raise InputError(f"{found[0]}{more}; copy the store again, or prepare it anew.")


def resampled(y: np.ndarray, sr: int) -> np.ndarray:
    """Sound of 16 kHz (N,) resampled to another rate: (ceil(N sr / 16000),) float32 in [-1, 1], sample k at second k /
    sr.

    A linear-phase filter, which delays nothing, keeps the frequencies that both rates can represent.  Raises InputError
    for a rate below 1 kHz or above 192 kHz.
    """
    from scipy.signal import resample_poly

    if int(sr) != sr or not 1000 <= sr <= 192_000:
        raise InputError(f"the rate is {sr} samples per second; give a whole number from 1000 to 192000.")
    common = math.gcd(int(sr), SR)
    return np.clip(resample_poly(y, int(sr) // common, SR // common), -1, 1).astype(np.float32)


def _mapped(path: Path, size: int):
    """Memory map of the first `size` bytes of a file, for reading."""
    if not size:
        return b""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
