"""Append clips to a store, each as a whole or not at all. The format is specified in `tfg.corpora.store`."""
from __future__ import annotations

import os
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from tfg.corpora import store_format as form
from tfg.corpora.shard_files import is_sharded
from tfg.corpora.store_format import ARRAYS, Row
from tfg.errors import InputError
from tfg.files import atomic, locked, make_folder

QUALITY = 92
_BINARY = getattr(os, "O_BINARY", 0)                       # Windows


def encode(image: np.ndarray, quality: int = QUALITY) -> bytes:
    """Bytes of a JPEG file of a picture (H, W, 3) uint8 RGB, with colour at full resolution."""
    import cv2

    how = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR), how)
    if not done:
        raise ValueError(f"a frame of shape {image.shape} and type {image.dtype} cannot be written as JPEG")
    return data.tobytes()


def pcm(wave: np.ndarray) -> np.ndarray:
    """Sound (N,) float as int16 (N,), little-endian; values beyond [-1, 1] are clipped."""
    return np.clip(np.round(wave * float(form.FULL_SCALE)), -form.FULL_SCALE, form.FULL_SCALE - 1).astype("<i2")


class StoreWriter:
    """The one writer of a store.

        with StoreWriter(path, size=128) as writer:
            writer.append(row, frames, mel, wave, expression=..., pose=...)

    Makes the folder if there is none; appends to a store that is there.  size: side of the frames, px; None takes that
    of the store.  arrays: name -> (dtype, shape) per frame, for a new store.  ids: the clips it holds.
    Raises InputError: another writer is at work, the store is damaged, of another size, or the disk refuses.
    """

    def __init__(self, path: str | os.PathLike, *, size: int | None = None, arrays: dict | None = None):
        self.path = make_folder(path)
        self._files: dict[str, int] = {}
        self._stack = ExitStack()
        self._stack.enter_context(locked(self.path, form.LOCK))
        self._threads = ThreadPoolExecutor(16)
        try:
            self._open(size, arrays)
        except BaseException:
            self.close()
            raise

    def _open(self, size, arrays) -> None:
        if not (self.path / form.HEADER).exists():
            if (self.path / form.TABLE).exists():
                raise InputError(f"{self.path} has a table of clips but no {form.HEADER}; restore that file from a "
                                 "copy, or choose another folder.")
            with atomic(self.path / form.HEADER) as part:
                part.write_text(form.header_text(128 if size is None else size, arrays or ARRAYS), encoding="utf-8")
        header = form.read_header(self.path)
        if is_sharded(self.path):
            raise InputError(f"{self.path} holds shards, to which nothing can be added; append to the store that they "
                             "were made of, and make them anew.")
        if header["version"] != form.VERSION:
            raise InputError(f"{self.path} was prepared by an older tfg (store version {header['version']}, this one "
                             f"writes {form.VERSION}), so it can be read but not added to; prepare into a new folder.")
        if size not in (None, header["size"]):
            raise InputError(f"{self.path} holds frames of {header['size']} px, not {size}; choose another folder or "
                             "that size.")
        self.size, self.schema = header["size"], header["arrays"]
        self.clips, table = form.read_table(self.path)
        form.check_sizes(self.path, self.clips, self.schema)
        self._sizes = form.committed(self.clips, self.schema) | {form.TABLE: table}
        if (torn := (self.path / form.TABLE)).exists() and torn.stat().st_size > table:
            warnings.warn(f"{torn} ends in a clip that was not finished; it is cut off and can be prepared again",
                          stacklevel=3)
        try:
            for name, wanted in self._sizes.items():
                self._files[name] = os.open(self.path / name, os.O_RDWR | os.O_CREAT | _BINARY, 0o644)
                os.ftruncate(self._files[name], wanted)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written ({error.strerror}); choose another place.") from error
        if hasattr(os, "O_DIRECTORY"):                       # new names, too, must survive a power cut
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)
        self.ids = {row.id for row in self.clips}

    def append(self, row: Row, frames, mel: np.ndarray, wave: np.ndarray | None = None, **arrays: np.ndarray) -> Row:
        """Add one clip. Returns its Row with the places filled in; the clip is on the disk then.

        frames: T pictures, each the bytes of a JPEG file or (size, size, 3) uint8 RGB.  mel: (M, 80), time first.
        wave: (N,) float in [-1, 1] at 16 kHz, from the beginning of frame 0 on; None: the sound is not kept.
        arrays: (T, ...) by the store's names.  Raises InputError if the id is there already or the disk refuses (full);
        nothing is left of the clip then and the writer can go on.  Raises ValueError for wrong shapes.
        """
        if row.id in self.ids:
            raise InputError(f"{self.path} already holds a clip {row.id}; give the new one another name.")
        jpegs = [f if isinstance(f, bytes) else self._jpeg(f) for f in frames]
        wave = np.zeros(0) if wave is None else np.asarray(wave)
        data, T = self._data(jpegs, mel, wave, arrays), len(jpegs)
        last = self.clips[-1] if self.clips else Row("", "")
        row = replace(row, start=last.stop, n_frames=T, mel_start=last.mel_stop, n_mel=len(mel),
                      wave_start=last.wave_stop, n_wave=len(wave), first_byte=last.end_byte,
                      n_bytes=len(data[form.FRAMES]), sums={name: zlib.crc32(piece) for name, piece in data.items()})
        line = form.line_of(row)
        try:
            for name, piece in data.items():
                _write(self._files[name], piece, self._sizes[name])
            # side by side: the disk brings them in together, ten times as fast as one after the other
            list(self._threads.map(_sync, [self._files[name] for name in data]))
            _write(self._files[form.TABLE], line, self._sizes[form.TABLE])
            _sync(self._files[form.TABLE])
        except BaseException as error:                       # an interrupt, too, must not leave half a clip
            self._undo()
            if isinstance(error, OSError):
                raise InputError(f"clip {row.id} cannot be written to {self.path} ({error.strerror}); make room or "
                                 f"choose another place: the {len(self.clips)} clips before it are safe.") from error
            raise
        self._sizes = {name: self._sizes[name] + len(piece) for name, piece in {**data, form.TABLE: line}.items()}
        self.clips.append(row)
        self.ids.add(row.id)
        return row

    def _jpeg(self, frame: np.ndarray) -> bytes:
        frame = np.asarray(frame)
        if frame.shape != (self.size, self.size, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frames must be ({self.size}, {self.size}, 3) uint8, got {frame.shape} {frame.dtype}")
        return encode(frame)

    def _data(self, jpegs: list[bytes], mel: np.ndarray, wave: np.ndarray, arrays: dict) -> dict[str, bytes]:
        """Bytes to append to each file, by file name."""
        T, mel = len(jpegs), np.asarray(mel)
        if not T or mel.ndim != 2 or mel.shape[1] != form.N_MELS:
            raise ValueError(f"a clip needs at least one frame and mel (M, {form.N_MELS}), got {T} and {mel.shape}")
        if wave.ndim != 1 or wave.dtype.kind != "f" or not np.isfinite(wave).all():
            raise ValueError(f"wave must be finite floats (N,), got {wave.dtype} {wave.shape}")
        with np.errstate(over="ignore"):                     # infinities are looked for below
            if not np.isfinite(mel.astype("<f2")).all():
                raise InputError("the sound of a clip holds numbers that are not finite; give samples from -1 to 1.")
        unknown = set(arrays) - set(self.schema)
        if unknown:
            raise ValueError(f"this store has no array {sorted(unknown)[0]!r}; it has {', '.join(self.schema)}")
        first = self.clips[-1].end_byte if self.clips else 0
        ends = first + np.cumsum([len(j) for j in jpegs], dtype=np.uint64)
        data = {form.FRAMES: b"".join(jpegs), form.INDEX: ends.astype("<u8").tobytes(),
                form.MEL: mel.astype("<f2").tobytes(), form.WAVE: pcm(wave).tobytes()}
        for name, (dtype, shape) in self.schema.items():
            values = arrays.get(name)
            if values is None:
                values = np.full((T, *shape), True if np.dtype(dtype).kind == "b" else np.nan)
            if np.shape(values) != (T, *shape):
                raise ValueError(f"{name} must be {(T, *shape)}, got {np.shape(values)}")
            data[form.file_of(name, dtype)] = np.asarray(values).astype(dtype).tobytes()
        return data

    def _undo(self) -> None:
        for name, size in reversed(self._sizes.items()):     # the table first: no line may be without its data
            os.ftruncate(self._files[name], size)

    def close(self) -> None:
        """Free the lock; the store can be written by another process then."""
        self._threads.shutdown()
        for file in self._files.values():
            os.close(file)
        self._files = {}
        self._stack.close()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _write(file: int, data: bytes, at: int) -> None:
    os.lseek(file, at, os.SEEK_SET)
    view = memoryview(data)
    while view:                                              # a nearly full disk takes a part at first
        view = view[os.write(file, view):]


def _sync(file: int) -> None:
    getattr(os, "fdatasync", os.fsync)(file)
