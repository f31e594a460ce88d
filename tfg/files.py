"""Safe writing of files: a file is written under a temporary name and then renamed, so it appears complete or not."""
from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tfg.errors import InputError

SHORT_BYTES = 80
"""Most bytes of a file's name that its temporary name repeats; with the additions it must fit into the system's 255."""
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)
"""Error numbers of a file system without locks, as some network drives are."""
NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a disk that is full, or that this user may not write to."""


def check_writable(path: str | os.PathLike) -> Path:
    """Return the path after a check that a file can be written there.

    Raises InputError if it is a folder or a device, or if its folder is missing or not writable.
    """
    path = _statable(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file in it.")
    if path.exists() and not path.is_file():              # a device, possibly behind a link, must not be replaced
        raise InputError(f"{path} is a device or a pipe, not a file that can be replaced; give another name.")
    folder = _target(path).parent
    if not folder.is_dir():
        raise InputError(f"the folder {folder} does not exist; create it first or write somewhere else.")
    try:  # permission bits are not enough (read-only disks, network shares, root), so write a file
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be written to ({error.strerror}); choose another one.") from error
    return path


def make_folder(path: str | os.PathLike) -> Path:
    """Make a folder and its parents where they are missing; returns its path. Raises InputError if that fails."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {path} cannot be made ({error.strerror}); choose another one.") from error
    return path


def files_of(folder: str | os.PathLike, suffixes: tuple[str, ...], what: str) -> list[Path]:
    """Files of a folder with one of these suffixes, by name.  Raises InputError if there is none."""
    path = Path(folder)
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in suffixes) if path.is_dir() else []
    if not found:
        raise InputError(f"there are no {what} in {path}: files that end with {', '.join(suffixes)}.")
    return found


def check_file(path: str | os.PathLike, what: str) -> Path:
    """Return the path after a check that a readable, non-empty file is there.

    what: kind of file for messages, such as "sound" or "video".  Raises InputError if the file is missing, a folder,
    not readable or empty.
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


def check_place(path: str | os.PathLike, suffixes: tuple[str, ...], overwrite: bool = False) -> Path:
    """Return the path after a check that a file may be written there.

    suffixes: the suffixes that are allowed, such as (".mp4",).  Raises InputError for another suffix, a folder that is
    missing or not writable, and an existing file unless `overwrite` is True.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        ending = f"ends in {path.suffix}" if path.suffix else "has no suffix"
        better = path.with_suffix(suffixes[0]).name if path.name else "something" + suffixes[0]
        raise InputError(f"the name {path} {ending}, but {suffixes[0]} is what will be written; call it {better}.")
    check_writable(path)
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already; add --overwrite (overwrite=True) or choose another name.")
    return path


def _statable(path: str | os.PathLike) -> Path:
    """Return the path after a check that the system can look it up.

    Raises InputError for a name that is too long, and for a ring of symbolic links.
    """
    path = Path(path)
    try:
        os.stat(path)
        os.stat(_beside(path, "part"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass                                             # the name is valid; callers check whether a file is there
    except (OSError, ValueError) as error:               # ValueError: a zero byte
        shown = str(path) if len(str(path)) <= SHORT_BYTES else f"{str(path)[:SHORT_BYTES]}..."
        raise InputError(f"{shown!r} is no name of a file ({getattr(error, 'strerror', error)}); give another "
                         "one.") from error
    return path


def _target(path: Path) -> Path:
    """The file that is written for `path`: the target of a symbolic link, else the path itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _beside(path: Path, kind: str) -> Path:
    """A hidden name in the same folder with the same suffix, .NAME.kind.mp4, NAME cut to `SHORT_BYTES` bytes."""
    name = path.stem
    while len(os.fsencode(name)) > SHORT_BYTES:
        name = name[:-1]
    return path.with_name(f".{name}.{kind}{path.suffix}")


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path to write to; the file is renamed to `path` at the end, or removed after an error.

    The temporary name is in the same folder and has the same suffix. A symbolic link is followed: its target is
    replaced, and the link stays.
    Raises InputError if the folder is missing or not writable, before anything is written, and if the disk is full.
    """
    path = check_writable(path)
    target = _target(path)
    part = _beside(target, f"{secrets.token_hex(4)}.part")
    try:
        with disk_errors(path):
            yield part
            os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def disk_errors(path: str | os.PathLike) -> Iterator[None]:
    """Turn errors of a full disk, or of one that may not be written to, into an InputError about `path`.

    The system's error is also found inside a RuntimeError, into which torch.save wraps it.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        found: BaseException | None = error
        while isinstance(found, RuntimeError):
            found = found.__cause__ or found.__context__
        if not isinstance(found, OSError) or found.errno not in NO_PLACE:
            raise
        raise InputError(f"{path} cannot be written ({found.strerror}); free some space, or choose another "
                         "place.") from error


# ---- locks ---------------------------------------------------------------------------------------------------------
@contextmanager
def locked(folder: str | os.PathLike, name: str = ".lock") -> Iterator[Path]:
    """Lock a folder while the block runs, so that no other process writes to it. Yields the path of the lock's file.

    The system frees the lock when the process ends in any way, so that a crash leaves nothing to clean up.
    Raises InputError if another process has the lock, or the folder is not writable.
    """
    path = Path(folder) / name
    with _locked(path, f"the folder {folder}", f"another process is writing to {folder}; wait until it is done, or "
                                               "choose another folder."):
        yield path


@contextmanager
def reserved(*paths: str | os.PathLike | None, overwrite: bool = False) -> Iterator[None]:
    """Lock these files while the block runs, so that no other process makes them. A path of None is skipped.

    Each file has a lock beside it (.NAME.lock.mp4), which is removed when the block ends.  overwrite: allow files that
    exist.  Raises InputError if another process is making one of them, or has made it since its name was checked.
    """
    with ExitStack() as stack:
        for path in (Path(p) for p in paths if p is not None):
            lock = _beside(_target(path), "lock")
            stack.enter_context(_locked(lock, f"the folder {lock.parent}", f"another process is writing {path}; wait "
                                        "until it is done, or choose another name."))
            stack.callback(lock.unlink, missing_ok=True)         # before the release, so that nobody holds it twice
            if path.exists() and not overwrite:
                raise InputError(f"{path} exists already; add --overwrite (overwrite=True) or choose another name.")
        yield


@contextmanager
def _locked(path: Path, where: str, taken: str) -> Iterator[None]:
    """Lock the file `path`. where: its folder in words, and taken: the message if it is locked, both for InputError.

    On a drive without locks (a hosted notebook's) nothing is locked: better than no result at all.
    """
    from filelock import FileLock, Timeout

    if not path.parent.is_dir():                          # else filelock would make the folder
        raise InputError(f"{where} does not exist; create it first, or choose another one.")
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise InputError(taken) from error
    except NotImplementedError:                           # filelock's word for ENOSYS
        pass
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise InputError(f"{where} cannot be written to ({error.strerror}); choose another one.") from error
    try:
        yield
    finally:
        lock.release()


def private_folder(name: str) -> Path | None:
    """A folder in the system's temporary one that only this user can write to, made if it is not there.

    Returns None if it cannot be made, and if another user made it, whose files must not be trusted.
    """
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir(), f"{name}-{user}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    if hasattr(os, "getuid") and (found.st_uid != user or found.st_mode & 0o022):
        return None
    return folder
