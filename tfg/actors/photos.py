"""The photos of portrait actors: which of SFHQ's faces are taken, where they lie, and how they are fetched."""
from __future__ import annotations

import csv
import functools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfg import paths
from tfg.errors import InputError
from tfg.files import check_file

SHIPPED, SFHQ = "tfg:", "sfhq:"
"""How `Member.photo` begins: tfg:default.jpg is a picture of data/faces, sfhq:P012 a tile of SFHQ; else a full path."""
LEFT_OUT = {"glasses": ("P044", "P112", "P131", "P174"), "eyes shut or covered": ("P242", "P287", "P318", "P350"),
            "look like children": ("P326", "P345")}
"""Tiles of SFHQ that were looked at and are no actors, though their measurements are in order."""
SPLITS = {"train": 40, "val": 6, "test": 14, "judge": 12}
"""Shares of the actors, in 72; other numbers are divided in proportion."""
STREAM = 12


class Tiles:
    """SFHQ's suitable faces, each split's in an order drawn by the seed. without: people (`person_of`) who play
    already."""

    def __init__(self, seed: int, without: Sequence[str] = ()):
        self.left = {}
        for split, ids in suitable_tiles().items():
            order = np.random.default_rng([seed, STREAM, list(SPLITS).index(split)]).permutation(len(ids))
            self.left[split] = [ids[i] for i in order if person_of(SFHQ + ids[i]) not in without]
        self.had = {split: len(ids) for split, ids in self.left.items()}

    def next(self, split: str) -> str:
        if not self.left.get(split):
            raise InputError(f"SFHQ has {self.had.get(split, 0)} suitable faces for the split {split!r}, and more "
                             "were asked for; lower --portraits.")
        return SFHQ + self.left[split].pop(0)


@functools.lru_cache(maxsize=1)
def suitable_tiles() -> dict[str, tuple[str, ...]]:
    """Split -> ids of the tiles that make good portrait actors, in the order of the table; each person once."""
    from tfg.actors.portrait import suitable
    from tfg.corpora import sfhq, splits

    out: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
    left_out = sum(LEFT_OUT.values(), ())
    for tile in sfhq.tiles():
        split, person = splits.tiles()[tile.id]
        if suitable(tile) and tile.id not in left_out:
            out[split].setdefault(person, tile.id)
    return {split: tuple(ids.values()) for split, ids in out.items()}


def split_of(photo: str | None, split: str) -> str:
    """The split that data/sfhq/splits.csv has for a photo that is a tile of SFHQ by its name; else the one given."""
    if photo is None:
        return split
    from tfg.corpora import splits

    return splits.tiles().get(_tile(photo), (split,))[0]


def named(photo: str | os.PathLike) -> str:
    """A photo as `Member.photo` has it: a full path, but the short name of those that ship with tfg, wherever that is.

    Raises InputError for a file that is not there."""
    photo = str(photo)
    if photo.startswith(SFHQ):
        return photo
    path = check_file(photo_path(photo), "photo").resolve()
    return SHIPPED + path.name if path.parent == paths.data("faces").resolve() else str(path)


def person_of(photo: str) -> str:
    """Whose face a `Member.photo` shows: the person of a tile of SFHQ, else whoever is in that one file."""
    from tfg.corpora import splits

    return splits.tiles().get(_tile(photo), (None, photo))[1]


def _tile(photo: str) -> str:
    """The tile of SFHQ that a photo is, by its name."""
    from tfg.corpora import splits

    name = photo.removeprefix(SHIPPED).removeprefix(SFHQ)
    return splits.SHIPPED.get(name, Path(name).stem)


@functools.lru_cache(maxsize=1)
def _voices() -> dict[str, str]:
    with open(paths.data("sfhq", "voices.csv"), newline="", encoding="utf-8") as file:
        return {r["id"]: r["voice"] for r in csv.DictReader(file)}


def voice_sex(member) -> str | None:
    """"female" or "male", as data/sfhq/voices.csv has it for a face of SFHQ; None for a photo that nobody looked at."""
    return _voices().get(_tile(member.photo)) if member.photo else None


def photo_path(photo: str) -> Path:
    """The file of a `Member.photo`; SFHQ's lie in tfg's cache folder (`fetch_photos`)."""
    if photo.startswith(SHIPPED):
        return paths.data("faces", photo.removeprefix(SHIPPED))
    if photo.startswith(SFHQ):
        return paths.cache("sfhq", "tiles", f"{photo.removeprefix(SFHQ)}.png")
    return Path(photo)


def fetch_photos(members: Sequence, *, mirror: str | os.PathLike | None = None, progress=None) -> None:
    """Have the photos of SFHQ that these members need, in tfg's cache folder (up to 21 MB are downloaded, once).

    mirror, progress: as `tfg.corpora.fetch.fetch_sfhq`.  Raises InputError where one cannot be had.
    """
    from tfg.corpora.fetch import fetch_sfhq

    wanted = [m.photo.removeprefix(SFHQ) for m in members if m.photo and m.photo.startswith(SFHQ)]
    if not wanted:
        return
    report = fetch_sfhq(paths.cache("sfhq"), ids=wanted, mirror=mirror, progress=progress)
    if report.failed:
        path, reason = report.failed[0]
        raise InputError(f"{len(report.failed)} sheets of SFHQ's portraits cannot be had (the first: {path.name} "
                         f"{reason}); go online once, give a folder that holds them by --mirror or TFG_MIRROR, or make "
                         "the set without them: --portraits 0.")
