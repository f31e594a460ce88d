"""From collections of clips to training windows: readers of official layouts, preparation, store, splits, windows.

    from tfg.corpora import read
    items, skipped = read("CREMA-D", "crema-d")

Each reader lists the clips of a folder and gives the reason for each file that it leaves out; it decodes nothing.
Licence and source are in the docstring of each reader's module. The modules, in the order of the work:

    fetch, transfer                     download official files and check their sha256
    prepare, prepare_clip               turn videos into face crops, sound and labels
    store, store_format, store_writer   keep the prepared clips in one folder
    splits, splits_table, splits_deal   record which people may be trained on
    windows, window_index, frame_cache, augment, seeded      give training windows to a network
"""
from __future__ import annotations

import importlib
import os

from tfg.errors import InputError

READERS = {"crema-d": "crema_d", "ravdess": "ravdess", "grid": "grid", "voxceleb": "voxceleb", "lrs3": "lrs3",
           "sfhq": "sfhq", "folder": "folder", "actors": "actors"}
"""Name of a corpus on the command line -> module of `tfg.corpora` that reads it."""


def read(root: str | os.PathLike, corpus: str, **options):
    """Read a folder in the official layout of `corpus` (a key of READERS).

    options: keyword arguments of the reader, as in kind="audio".  Returns `names.Reading` (items, skipped), sorted by
    path. Raises InputError if the corpus is unknown or the folder is missing or in another layout.
    """
    if corpus not in READERS:
        raise InputError(f"there is no reader for {corpus!r}; choose one of {', '.join(READERS)}.")
    return importlib.import_module(f"tfg.corpora.{READERS[corpus]}").read(root, **options)
