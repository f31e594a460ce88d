"""Decoded frames of a store, at the size that a network trains on, kept in one file beside the store.

    decoded-96-3f2a9c01d4e8.uint8      N x 3 x 96 x 96 bytes: all frames of the store, RGB planes, nothing else

The 12 digits are the sha256 of everything the bytes depend on (this format's version, size, the checksums of the
store's pictures). So a file is valid if its name and length are right: a store that has grown or changed has another
name, and a half-written file has none. Windows are read with one `preadv` each, straight into the batch: the system's
file cache is shared by all workers and belongs to none, so memory stays that of the batches.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic
from tfg.media.image import resized
from tfg.workers import cores

VERSION = 1
AUTO_BYTES = 4 << 30
"""Largest file in bytes that "auto" makes: a large corpus must not fill a disk without being asked to."""
STALE_S = 600.0
_ONE = threading.Lock()


class Pixels:
    """Frames of a store as (3, size, size) uint8, from the decoded file where there is one, else from its JPEGs.

    store: `tfg.corpora.store.Store`.  size: px, None for the store's own.  cache: "auto" makes the file if it takes at
    most 4 GB and half of what the disk has left; True makes it in any case; False decodes each time.
    Raises InputError for an impossible size, or with cache=True where the file cannot be written.
    """

    def __init__(self, store, size: int | None = None, *, cache: bool | str = "auto",
                 progress: Callable[[int, int], None] | None = None):
        self.store, self.size = store, store.size if size is None else int(size)
        if not 8 <= self.size <= 4 * store.size:
            raise InputError(f"windows of {self.size} px were asked for; give a size from 8 to {4 * store.size} (the "
                             f"store's frames have {store.size} px).")
        if cache not in (True, False, "auto"):
            raise InputError(f"cache is {cache!r}; give True, False or 'auto'.")
        self.path = Path(store.path) / f"decoded-{self.size}-{self._key()}.uint8"
        self._file: int | None = None
        if (cache is True or cache == "auto" and self._fits()) and not self._valid():
            self._make(progress)
        self.decoded = cache is not False and self._valid()

    @property
    def n_bytes(self) -> int:
        """Bytes of one frame."""
        return 3 * self.size * self.size

    def read(self, starts, T: int, out: np.ndarray | None = None) -> np.ndarray:
        """T consecutive frames from each start.  starts: (B,) frames of the store.  Returns (B, T, 3, size, size).

        The caller sees to it that the frames belong to one clip.  Raises IndexError beyond the store.
        """
        starts = np.asarray(starts, np.int64).reshape(-1)
        out = np.empty((len(starts), T, 3, self.size, self.size), np.uint8) if out is None else out
        if len(starts) and (starts.min() < 0 or starts.max() + T > self.store.n_frames):
            raise IndexError(f"frames up to {starts.max() + T} of a store of {self.store.n_frames}")
        if not self.decoded:
            for b, start in enumerate(starts.tolist()):
                for t in range(T):
                    out[b, t] = self._frame(start + t)
            return out
        if self._file is None:
            try:
                self._file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            except FileNotFoundError:                            # the store has grown, and another run made its file
                self.decoded = False
                return self.read(starts, T, out)
        for b, start in enumerate(starts.tolist()):
            if _read(self._file, out[b], start * self.n_bytes) != T * self.n_bytes:
                raise InputError(f"{self.path} is cut off; delete it, and it is made again.")
        return out

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __del__(self):
        if getattr(self, "_file", None) is not None:
            self.close()

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_file": None}                   # a descriptor means nothing in another process

    # ---- making the file ----
    def _key(self) -> str:
        clips = [(row.n_frames, row.sums.get("frames.jpegs")) for row in self.store.clips]
        parts = [VERSION, self.size, self.store.size, *clips]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]

    def _valid(self) -> bool:
        try:
            return self.path.stat().st_size == self.store.n_frames * self.n_bytes
        except OSError:
            return False

    def _fits(self) -> bool:
        needed = self.store.n_frames * self.n_bytes
        return (needed <= min(AUTO_BYTES, shutil.disk_usage(self.store.path).free / 2)
                and os.access(self.store.path, os.W_OK))

    def _frame(self, i: int) -> np.ndarray:
        """Frame i decoded from its JPEG, (3, size, size) uint8; area averaging when it shrinks, against aliasing."""
        return resized(self.store.frame(i), self.size, self.size).transpose(2, 0, 1)

    def _make(self, progress) -> None:
        N, block = self.store.n_frames, 256
        for part in Path(self.store.path).glob(".decoded-*.part.uint8"):
            if time.time() - part.stat().st_mtime > STALE_S:     # a killed run left it: nobody writes to it now
                part.unlink(missing_ok=True)
        with atomic(self.path) as part, open(part, "wb") as file, ThreadPoolExecutor(min(8, cores())) as pool:
            def work(first: int) -> bytes:
                return b"".join(self._frame(i).tobytes() for i in range(first, min(first + block, N)))

            firsts = range(0, N, block)
            ahead = [pool.submit(work, first) for first in firsts[:2 * min(8, cores())]]
            for k, first in enumerate(firsts):                   # a few blocks ahead: memory stays small
                file.write(ahead.pop(0).result())
                if k + 2 * min(8, cores()) < len(firsts):
                    ahead.append(pool.submit(work, firsts[k + 2 * min(8, cores())]))
                if progress:
                    progress(min(first + block, N), N)
        for old in Path(self.store.path).glob(f"decoded-{self.size}-*.uint8"):
            if old != self.path:                                 # made before the store grew
                try:
                    old.unlink()
                except OSError:                                  # another process has it open, on Windows
                    pass


def _read(file: int, out: np.ndarray, at: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(file, [out.data], at)
    with _ONE:                                                   # Windows: the place in the file is the descriptor's
        os.lseek(file, at, os.SEEK_SET)
        data = os.read(file, out.nbytes)
    out.reshape(-1)[:len(data)] = np.frombuffer(data, np.uint8)
    return len(data)
