"""Files appear whole or not at all: everything is written beside its place and then renamed."""
from __future__ import annotations

import errno
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfg.errors import InputError


def check_writable(path: str | os.PathLike) -> Path:
    """The path, once it is sure that a file can be written there.

    Raises InputError if it is a folder, or if its folder is missing or not writable.
    """
    path = _statable(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file in it.")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; create it first or write somewhere else.")
    try:  # permission bits do not tell all (read-only disks, network shares, root): try it
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"the folder {path.parent} cannot be written to ({error.strerror}); choose another "
                         "one.") from error
    return path


def make_folder(path: str | os.PathLike) -> Path:
    """The folder, made with its parents if it is not there. Raises InputError if it cannot be made."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {path} cannot be made ({error.strerror}); choose another one.") from error
    return path


def check_file(path: str | os.PathLike, what: str) -> Path:
    """The path, once it is sure that a readable, non-empty file is there; `what` ("sound", "video") goes into errors.

    Raises InputError if it is missing, a folder, not readable or empty.
    """
    path = _statable(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the {what} file in it.")
    if not path.exists():
        raise InputError(f"there is no {what} file {path}; check its name and the folder you are in.")
    if not os.access(path, os.R_OK):
        raise InputError(f"the {what} file {path} may not be read; change its permissions.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"the {what} file {path} is empty (0 bytes); copy or download it again.")
    return path


def _statable(path: str | os.PathLike) -> Path:
    """The path, once the system can look it up at all: InputError for a name that is too long, or a ring of links."""
    path = Path(path)
    try:
        path.exists()
    except OSError as error:
        raise InputError(f"{str(path)[:60]}... is no name of a file ({error.strerror}); give another one.") from error
    return path


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside `path` (same suffix) to write to; renamed to `path` on success, removed on any error.

    Raises InputError before anything is written if the folder is missing or not writable.
    """
    path = check_writable(path)
    part = path.with_name(f".{path.stem[:80]}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def locked(folder: str | os.PathLike, name: str = ".lock") -> Iterator[Path]:
    """Be the only process that writes to a folder, while the block runs. Yields the lock's file.

    The system holds the lock, and lets go of it when the process ends, however that ends: a crash leaves nothing to
    clean up. Raises InputError if another process holds it, or the folder cannot be written.
    """
    path = Path(folder) / name
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be written to ({error.strerror}); choose another one.") from error
    try:
        try:
            try:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except ImportError:                                  # Windows
                import msvcrt

                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise InputError(f"another process is writing to {folder}; wait until it is done, or choose another "
                             "folder.") from error
        yield path
    finally:
        os.close(file)
