"""Files by address and checksum, several at a time: interrupted runs resume, and nothing half-written is ever left.

A file comes from a local mirror where it holds the right one, else from its address; either way its size and sha256 are
checked before it gets its name. What is fetched is decided in `fetch.py`.

Not by pooch (1.9): it neither resumes nor stops within a file, reads an answer to its end however long that is, and
knows no second place to look, so that all of this module would be a downloader of our own inside it.
"""
from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tfg.corpora.names import Skipped
from tfg.errors import InputError
from tfg.faces.models import sha256
from tfg.files import atomic, make_folder

TIMEOUT_S = 20.0
TRIES = 3
WAIT_S = 0.5
"""Seconds before the second try; doubled before the third."""
GIVE_UP_AFTER = 6
"""Files in a row whose addresses did not answer, after which the network counts as away and no more are tried."""
STALE_S = 3600.0
_BLOCK = 1 << 18
_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part\.\w+")               # what `files.atomic` writes to
Progress = Callable[[int, int], None]


class Wanted(NamedTuple):
    """A file to fetch: its path below the output folder, its address, sha256 and size in bytes."""

    path: str
    address: str
    sha256: str
    size: int


@dataclass
class FetchReport:
    """The files of one fetch, by outcome.  kept: those already there.  copied: those from the mirror.  downloaded:
    those from their address.  failed: those that could not be had, each with the reason."""

    out: Path
    kept: list[Path] = field(default_factory=list)
    copied: list[Path] = field(default_factory=list)
    downloaded: list[Path] = field(default_factory=list)
    failed: list[Skipped] = field(default_factory=list)
    made: list[Path] = field(default_factory=list)              # SFHQ's tiles, cut from their sheets
    n_bytes: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        parts = [f"{len(self.downloaded)} downloaded", f"{len(self.copied)} from the mirror",
                 f"{len(self.kept)} there already", f"{len(self.failed)} failed"]
        made = f", {len(self.made)} tiles cut" if self.made else ""
        return f"{self.out}: {', '.join(parts)}{made}; {self.n_bytes / 1e6:.1f} MB in {self.seconds:.1f} s"


class _Failed(Exception):
    """A file that could not be fetched.  silent: its address did not answer at all, so the network may be away."""

    def __init__(self, reason: str, *, silent: bool = False):
        super().__init__(reason)
        self.silent = silent


class _Short(_Failed):
    """A download that ended early; it is worth another try."""


def mirror_folder(mirror: str | os.PathLike | None, name: str) -> Path | None:
    """`mirror/name`, or `mirror` itself where it has no such folder; $TFG_MIRROR if None; None without either.

    Raises InputError if the folder is missing.
    """
    mirror = mirror if mirror is not None else os.environ.get("TFG_MIRROR") or None
    if mirror is None:
        return None
    mirror = Path(mirror)
    if not mirror.is_dir():
        raise InputError(f"there is no mirror {mirror}; give a folder with {name}/ in it, or leave it out (and unset "
                         "TFG_MIRROR) to download.")
    return mirror / name if (mirror / name).is_dir() else mirror


def fetch(out: str | os.PathLike, wanted: Sequence[Wanted], *, mirror: Path | None = None, workers: int = 4,
          progress: Progress | None = None) -> FetchReport:
    """Bring every file of `wanted` into `out`, several at a time. progress(done, total) counts files.

    mirror: the folder that holds `Wanted.path`.  A file that cannot be fetched is listed in `FetchReport.failed`, and
    the others are still fetched.
    Raises InputError: the folder cannot be made or written, no room on the disk, workers below 1.
    """
    started = time.perf_counter()
    report = FetchReport(make_folder(Path(out)))
    if workers < 1:
        raise InputError(f"workers is {workers}; give 1 or more.")
    for folder in {(report.out / w.path).parent for w in wanted}:
        _sweep(make_folder(folder))
    job = _Job(report.out, mirror)
    missing = []
    for want in wanted:                                           # files already there come first: quick to report
        if _right(report.out / want.path, want):
            report.kept.append(report.out / want.path)
            if progress:
                progress(len(report.kept), len(wanted))
        else:
            missing.append(want)
    _check_room(report.out, sum(w.size for w in missing))
    pool = ThreadPoolExecutor(min(workers, max(1, len(missing))))
    try:
        for done, (want, result) in enumerate(zip(missing, pool.map(job.get, missing)), 1):
            path = report.out / want.path
            if isinstance(result, str):
                getattr(report, result).append(path)
                report.n_bytes += want.size
            else:
                report.failed.append(Skipped(path, str(result)))
            if progress:
                progress(len(report.kept) + done, len(wanted))
    finally:                                                      # also after Ctrl-C: workers stop at their next block
        job.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    report.seconds = time.perf_counter() - started
    return report


class _Job:
    """State that the workers share: output folder, mirror, stop signal, addresses in a row that did not answer."""

    def __init__(self, out: Path, mirror: Path | None):
        self.out, self.mirror = out, mirror
        self.stop = threading.Event()
        self.silent = 0

    def get(self, want: Wanted) -> str | _Failed:
        """Fetch one file.  Returns "copied", "downloaded" or the failure.  Raises InputError for a full disk."""
        path, note = self.out / want.path, ""
        if self.mirror is not None and (copy := self.mirror / want.path).is_file():
            try:
                self._write(path, want, partial(open, copy, "rb"))
                return "copied"
            except (_Failed, OSError) as error:
                note = f"; in the mirror it {error}" if isinstance(error, _Failed) else f"; in the mirror: {error}"
        if self.silent >= GIVE_UP_AFTER:
            return _Failed(f"was not tried: the addresses of the {self.silent} files before it did not answer{note}")
        try:
            self._download(path, want)
            self.silent = 0
            return "downloaded"
        except _Failed as error:
            self.silent = self.silent + 1 if error.silent else 0
            return _Failed(f"{error}{note}")

    def _download(self, path: Path, want: Wanted) -> None:
        for attempt in range(TRIES):
            try:
                return self._write(path, want, partial(urllib.request.urlopen, want.address, timeout=TIMEOUT_S))
            except urllib.error.HTTPError as error:
                if error.code not in (429, 500, 502, 503, 504) or attempt + 1 == TRIES:
                    raise _Failed(f"was refused by {want.address} ({error.code} {error.reason})") from error
            except _Short:
                if attempt + 1 == TRIES:
                    raise
            except (OSError, http.client.HTTPException) as error:  # URLError, timeouts, resets
                if attempt + 1 == TRIES:
                    reason = getattr(error, "reason", error)
                    raise _Failed(f"cannot be had from {want.address} ({reason})", silent=True) from error
            if self.stop.wait(WAIT_S * 2**attempt):
                raise _Failed("was interrupted")

    def _write(self, path: Path, want: Wanted, opener: Callable) -> None:
        """Stream to a temporary name in the same folder, and rename it once size and sha256 are right."""
        digest, size = hashlib.sha256(), 0
        with opener() as source, atomic(path) as part, open(part, "wb") as file:
            while size <= want.size and (block := source.read(_BLOCK)):
                if self.stop.is_set():
                    raise _Failed("was interrupted")
                file.write(block)
                digest.update(block)
                size += len(block)
            if size < want.size:
                raise _Short(f"ended after {size} of {want.size} bytes")
            if size != want.size or digest.hexdigest() != want.sha256:
                raise _Failed(f"has another checksum than the official file (sha256 {digest.hexdigest()[:12]}..., "
                              f"expected {want.sha256[:12]}...)")


def _right(path: Path, want: Wanted) -> bool:
    return path.is_file() and path.stat().st_size == want.size and sha256(path) == want.sha256


def _sweep(folder: Path) -> None:
    """Remove temporary files of killed runs: those with our own names that were not written to for an hour."""
    for part in folder.glob(".*.part.*"):
        try:
            if _PART.fullmatch(part.name) and time.time() - part.stat().st_mtime > STALE_S:
                part.unlink()
        except OSError:                                            # already removed, or owned by another user
            continue


def _check_room(out: Path, needed: int) -> None:
    free = shutil.disk_usage(out).free
    if needed > free:
        raise InputError(f"{needed / 1e6:.0f} MB are to be fetched and the disk of {out} has {free / 1e6:.0f} MB left; "
                         "choose fewer actors or another disk.")
