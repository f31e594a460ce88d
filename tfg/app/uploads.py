"""What a visitor sends: told apart by its first bytes, kept within limits, in a folder that ends with the visit.

Names that come with a file are never used: files get random names. What FFmpeg would take for a list of other files
(playlists), and any other text, is refused before FFmpeg sees it.
"""
from __future__ import annotations

import atexit
import re
import secrets
import shutil
import tempfile
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import private_folder

MOST_S = 60.0
"""Longest sound and film, seconds."""
MOST_WORDS = 500
"""Characters of a typed text."""
MOST_MB = {"photo": 20, "film": 80, "sound": 40}
MOST_VISITORS = 8
"""Visitors at once on this machine."""
MOST_PIXELS = 1920 * 1088
"""Pixels of a film's picture."""
FORMATS = {"photo": "a JPEG, PNG, WebP or HEIC", "film": "an MP4, MOV or WebM",
           "sound": "a WAV, MP3, M4A, OGG or FLAC"}
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "photo"), (0, b"\x89PNG\r\n\x1a\n", "photo"), (0, b"II*\x00", "photo"),
    (0, b"MM\x00*", "photo"), (0, b"BM", "photo"), (8, b"WEBP", "photo"), (0, b"GIF8", "film"),
    (8, b"WAVE", "sound"), (8, b"AVI ", "film"),
    (4, b"ftyphei", "photo"), (4, b"ftypmif1", "photo"), (4, b"ftypavif", "photo"), (4, b"ftypM4A", "sound"),
    (4, b"ftyp", "film"), (4, b"moov", "film"), (4, b"mdat", "film"), (0, b"\x1a\x45\xdf\xa3", "film"),
    (0, b"OggS", "sound"), (0, b"fLaC", "sound"), (0, b"ID3", "sound"), (0, b"\xff\xfb", "sound"),
    (0, b"\xff\xf3", "sound"), (0, b"\xff\xf2", "sound"), (0, b"\xff\xf1", "sound"), (0, b"\xff\xf9", "sound"),
    (0, b"FLV\x01", "film"), (0, b"FORM", "sound"), (0, b"\x00\x00\x01\xba", "film"),
)
"""(place, bytes, kind) by which files are known. A film may stand where a sound is asked for: it brings one."""

LONGEST = 8
"""MP4's boxes begin with their length in four bytes. The first of these is small, and no text begins so."""


def kind_of(head: bytes) -> str:
    """"photo", "film", "sound", or "" for anything else.  head: the first 32 bytes of a file."""
    kind = next(((at, kind) for at, mark, kind in MAGIC if head[at:at + len(mark)] == mark), None)
    if kind is None or kind[0] == 8 and head[:4] not in (b"RIFF", b"RF64") or kind[0] == 4 and head[0] >= LONGEST:
        return ""
    return kind[1]


class Visit:
    """A visitor's own folder: only this user of the machine can read it, and it goes with the process.

    Folders of processes that were killed are removed when the next visit begins: their locks are free.
    Raises InputError: there are `MOST_VISITORS` already.
    """

    def __init__(self) -> None:
        from filelock import FileLock

        room = private_folder("tfg-app") or Path(tempfile.mkdtemp(prefix="tfg-app-"))
        self.folder = room / secrets.token_hex(16)
        self._lock = FileLock(self.folder.with_suffix(".lock"), thread_local=False)
        with FileLock(room / "desk", thread_local=False):       # between making a folder and locking it nobody sweeps
            if _sweep(room) >= MOST_VISITORS:
                raise InputError(f"there are {MOST_VISITORS} visitors already, the limit here; come back later.")
            self.folder.mkdir(mode=0o700)
            self._lock.acquire()
        atexit.register(self.end)

    def place(self, suffix: str) -> Path:
        """A path for a new file, with a random name.  suffix: ours, such as ".mp4"."""
        return self.folder / f"{secrets.token_hex(16)}{suffix}"

    def keep(self, data: bytes, wanted: tuple[str, ...]) -> tuple[Path, str]:
        """Write what was sent: the path, and its kind.

        wanted: kinds that will do.  Raises InputError: another kind, too large, too long, not readable.
        """
        kind = kind_of(data[:32])
        if kind not in wanted:
            found = f"a {kind}" if kind else "nothing that is known here"
            raise InputError(f"a {' or a '.join(wanted)} is wanted, but the file is {found}; send "
                             f"{' or '.join(FORMATS[kind] for kind in wanted)}.")
        if len(data) > MOST_MB[kind] * 1e6:
            raise InputError(f"the {kind} has {len(data) / 1e6:.0f} MB; the limit is {MOST_MB[kind]} MB.")
        path = self.place(".bin")
        path.write_bytes(data)
        try:
            if kind == "film" and "sound" not in wanted:
                _check_film(path)
        except InputError as error:
            path.unlink()
            raise self.without_names(error) from error
        return path, kind

    def sound(self, path: Path) -> np.ndarray:
        """Samples (N,) at 16 kHz of a file that was kept.  Raises InputError: no sound, silent, or longer than 60 s."""
        from tfg.media.audio import SR, check_audible, load_audio

        try:
            y = load_audio(path, duration_s=MOST_S + 1)
            check_audible(y, "the sound")
        except InputError as error:
            raise self.without_names(error) from error
        if len(y) > MOST_S * SR:
            raise InputError(f"the sound is longer than {MOST_S:.0f} s, the limit here; cut it, or use tfg animate.")
        return y

    def without_names(self, error: InputError) -> InputError:
        """The error, with our random names of files out of its sentence."""
        words = re.sub(re.escape(str(self.folder)) + r"[^\s;,:]*[^\s;,:.]", "the file", str(error))
        return InputError(re.sub(r"\.?[0-9a-f]{32}(\.\w+)*", "the file", words))

    def forget(self, path: Path | None) -> None:
        """Remove a file of this visit; others are left alone."""
        if path is not None and path.parent == self.folder:
            path.unlink(missing_ok=True)

    def end(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def check_words(text: str) -> str:
    """A text to be spoken, trimmed.  Raises InputError: empty, too long, the extra `voice` missing."""
    from tfg.speech.voice import available

    words = " ".join(str(text).split())
    if not words:
        raise InputError("there are no words; type a sentence.")
    if len(words) > MOST_WORDS:
        raise InputError(f"the text has {len(words)} characters; the limit here is {MOST_WORDS}.")
    if not available():
        raise InputError('speaking a text needs the extra "voice": pip install "tfg[voice]".')
    return words


def _check_film(path: Path) -> None:
    from tfg.media.video import is_video, probe

    if not is_video(path):
        raise InputError("the film holds no moving picture; send another one, or a photo.")
    about = probe(path)
    if about["duration_s"] > MOST_S:
        raise InputError(f"the film lasts {about['duration_s']:.0f} s; the limit here is {MOST_S:.0f} s.")
    if about["width"] * about["height"] > MOST_PIXELS:
        raise InputError(f"the film has {about['width']} x {about['height']} pixels; the limit here is 1920 x 1080.")


def _sweep(room: Path) -> int:
    """Remove what the dead left; returns the number of the living."""
    from filelock import FileLock, Timeout

    living = 0
    for lock_file in room.glob("*.lock"):
        folder, lock = lock_file.with_suffix(""), FileLock(lock_file, thread_local=False)
        try:
            with lock.acquire(blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
                lock_file.unlink(missing_ok=True)
        except Timeout:
            living += 1
        except OSError:
            continue
    return living
