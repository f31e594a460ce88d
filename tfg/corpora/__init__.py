"""From collections of clips to training windows: readers of official layouts, one record for all, and what follows.

    from tfg.corpora import read
    items, skipped = read("CREMA-D", "crema-d")

Each reader lists what is there and says why it left something out; it decodes nothing. Licence and source are in the
docstring of each reader's module. The road from there:

    fetch, transfer                     official files, by checksum
    prepare, prepare_clip, crop, cuts   videos to face crops, sound and labels
    store, store_format, store_writer   where those lie
    splits, splits_table, splits_deal   who may be trained on
    windows, windows_places, windows_pixels, augment, seeded      what a network is shown
"""
from __future__ import annotations

import importlib
import os

from tfg.errors import InputError

READERS = {"crema-d": "crema_d", "ravdess": "ravdess", "grid": "grid", "voxceleb": "voxceleb", "lrs3": "lrs3",
           "sfhq": "sfhq", "folder": "folder", "actors": "actors"}
"""The name on the command line -> the module here."""


def read(root: str | os.PathLike, corpus: str, **options):
    """Read a folder in the official layout of `corpus` (a key of READERS).

    options: those of the reader, e.g. kind="audio".  Returns `names.Reading` (items, skipped), sorted by path.
    Raises InputError if the corpus is unknown or the folder is missing or in another layout.
    """
    if corpus not in READERS:
        raise InputError(f"there is no reader for {corpus!r}; choose one of {', '.join(READERS)}.")
    return importlib.import_module(f"tfg.corpora.{READERS[corpus]}").read(root, **options)
