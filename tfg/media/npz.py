"""Safe reading of tfg's .npz files: nothing is unpickled, and sizes are checked before anything is unpacked.

A zip file of 4 MB can unpack to 4 GB of zeros. So the header of each array, a few bytes, is read first, and only arrays
that are needed are unpacked.
"""
from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Collection

import numpy as np

from tfg.errors import InputError
from tfg.files import check_file

VERSION = 1
"""Version of the .npz files of clips and motions; a higher one in a file means that a newer tfg wrote it."""
MOST_BYTES = 2 << 30
"""Most bytes to which the arrays of a file may unpack: the landmarks of a face over eight hours."""
_FAULTS = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, NotImplementedError, RuntimeError,
           zipfile.BadZipFile, zlib.error)
"""Errors of zip, zlib and NumPy for damaged archives, which have no common base class."""


def read_npz(path: str | os.PathLike, what: str, only: Collection[str] | None = None, *,
             most_bytes: int = MOST_BYTES) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz by name.

    what: kind of file for messages, "motion" or "clip".  only: names to read, if they are there; None: all.
    most_bytes: most bytes to which they may unpack together.
    Raises InputError if the file is missing, damaged, no file of tfg, written by a newer tfg, larger than `most_bytes`,
    or has arrays of Python objects.
    """
    path = check_file(path, what)
    again = "make it again, for instance with `tfg measure VIDEO --out M.npz`."
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
            names = [n for n in names if only is None or n in only or n == "version"]
            headers = {name: _header(archive, name) for name in names}
    except _FAULTS as error:
        raise InputError(f"{path} is no {what} file of tfg, or it is damaged ({type(error).__name__}); {again}"
                         ) from error
    for name, (dtype, _) in headers.items():
        if dtype.hasobject:
            raise InputError(f"{path} is no {what} file of tfg: it holds {name} as Python objects, which are never "
                             f"unpickled; {again}")
    if (n_bytes := sum(n for _, n in headers.values())) > most_bytes:
        raise InputError(f"{path} unpacks to {n_bytes / 1e9:.1f} GB of arrays, where a {what} file can have "
                         f"{most_bytes / 1e9:.1f} GB; cut it into shorter ones.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in names}
        version = int(arrays["version"])
    except _FAULTS as error:
        raise InputError(f"{path} is no {what} file of tfg, or it is damaged ({type(error).__name__}); {again}"
                         ) from error
    if version > VERSION:
        raise InputError(f"{path} was written by a newer tfg (format {version}, this one reads {VERSION}); update tfg.")
    return arrays


def _header(archive: zipfile.ZipFile, name: str) -> tuple[np.dtype, int]:
    """Type of an array, and the number of bytes to which it unpacks. Raises ValueError if its data is cut off."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    n = dtype.itemsize
    for side in shape:                                        # Python's integers do not overflow
        n *= side
    if not dtype.hasobject and n > entry.file_size:
        raise ValueError(f"{name} is cut off")
    return dtype, n
