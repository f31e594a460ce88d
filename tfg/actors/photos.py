"""Photos of portrait actors: the choice among SFHQ's faces, their files, and their download."""
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
"""Prefixes of `Member.photo`: tfg:default.jpg is a picture of data/faces, sfhq:P012 a tile of SFHQ; without a prefix it
is the full path of a file."""
LEFT_OUT = {"glasses": ("P044", "P112", "P131", "P174"), "eyes shut or covered": ("P242", "P287", "P318", "P350"),
            "look like children": ("P326", "P345")}
"""Reason -> tiles of SFHQ that are left out after a look at them, though their measurements are in order."""
SPLITS = {"train": 40, "val": 6, "test": 14, "judge": 12}
"""Split -> number of its actors in a set of 72; other numbers of actors are divided in proportion."""
STREAM = 12


class Tiles:
    """SFHQ's suitable faces by split, in an order drawn by the seed. without: people (`person_of`) of the set's other
    photos, whose tiles are left out."""

    def __init__(self, seed: int, without: Sequence[str] = ()):
        self.left = {}
        for split, ids in suitable_tiles().items():
            order = np.random.default_rng([seed, STREAM, list(SPLITS).index(split)]).permutation(len(ids))
            self.left[split] = [ids[i] for i in order if person_of(SFHQ + ids[i]) not in without]
        self.total = {split: len(ids) for split, ids in self.left.items()}

    def next(self, split: str) -> str:
        """The next face of a split, as `Member.photo`. Raises InputError if none is left."""
        if not self.left.get(split):
            raise InputError(f"SFHQ has {self.total.get(split, 0)} suitable faces for the split {split!r}, and more "
                             "were asked for; lower --portraits.")
        return SFHQ + self.left[split].pop(0)


@functools.lru_cache(maxsize=1)
def suitable_tiles() -> dict[str, tuple[str, ...]]:
    """Split -> ids of the SFHQ tiles that make good portrait actors, in the order of the table; one for each person."""
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
    """Split of a photo: that of data/sfhq/splits.csv if its name is that of an SFHQ tile, else `split`."""
    if photo is None:
        return split
    from tfg.corpora import splits

    return splits.tiles().get(_tile(photo), (split,))[0]


def named(photo: str | os.PathLike) -> str:
    """A photo in the format of `Member.photo`: its full path, or tfg:NAME for a picture that ships with tfg.

    Raises InputError for a file that does not exist.
    """
    photo = str(photo)
    if photo.startswith(SFHQ):
        return photo
    path = check_file(photo_path(photo), "photo").resolve()
    return SHIPPED + path.name if path.parent == paths.data("faces").resolve() else str(path)


def person_of(photo: str) -> str:
    """Identifier of the person on a `Member.photo`: the person of an SFHQ tile, else the photo's own name."""
    from tfg.corpora import splits

    return splits.tiles().get(_tile(photo), (None, photo))[1]


def _tile(photo: str) -> str:
    """Id of the SFHQ tile that has the photo's name, such as P012; for other photos the stem of their file name."""
    from tfg.corpora import splits

    name = photo.removeprefix(SHIPPED).removeprefix(SFHQ)
    return splits.SHIPPED.get(name, Path(name).stem)


@functools.lru_cache(maxsize=1)
def _voices() -> dict[str, str]:
    """SFHQ tile -> "female" or "male", from data/sfhq/voices.csv."""
    with open(paths.data("sfhq", "voices.csv"), newline="", encoding="utf-8") as file:
        return {r["id"]: r["voice"] for r in csv.DictReader(file)}


def voice_sex(member) -> str | None:
    """Sex of a member's voice, "female" or "male": that of data/sfhq/voices.csv for a face of SFHQ, None otherwise."""
    return _voices().get(_tile(member.photo)) if member.photo else None


def voice_of(member, actor):
    """The `Voice` of a member who is played by `actor`: of its seed, and of the actor's sex and age."""
    from tfg.acting.voices import Voice

    return Voice.from_seed(member.seed, sex=actor.about.get("sex") or voice_sex(member), age=actor.about.get("age"))


def photo_path(photo: str) -> Path:
    """Path of the file of a `Member.photo`; SFHQ tiles that do not ship lie in tfg's cache folder (`fetch_photos`)."""
    if photo.startswith(SHIPPED):
        return paths.data("faces", photo.removeprefix(SHIPPED))
    if photo.startswith(SFHQ):
        tile = photo.removeprefix(SFHQ)
        if tile in shipped_tiles():
            return paths.data("sfhq", "tiles", f"{tile}.webp")
        return paths.cache("sfhq", "tiles", f"{tile}.png")
    return Path(photo)


@functools.lru_cache(maxsize=1)
def shipped_tiles() -> dict[str, str]:
    """SFHQ tile in data/sfhq/tiles -> sha256 of its file. These are the photos of the profile `cpu`."""
    with open(paths.data("sfhq", "shipped.csv"), newline="", encoding="utf-8") as file:
        return {r["id"]: r["sha256"] for r in csv.DictReader(file)}


def fetch_photos(members: Sequence, *, mirror: str | os.PathLike | None = None, progress=None) -> None:
    """Download the SFHQ photos that these members need and that do not ship into tfg's cache folder.

    Up to 21 MB are downloaded, once; the profiles `ci` and `cpu` need none of them.

    mirror, progress: as in `tfg.corpora.fetch.fetch_sfhq`.  Raises InputError if a photo cannot be downloaded.
    """
    from tfg.corpora.fetch import fetch_sfhq

    tiles = [m.photo.removeprefix(SFHQ) for m in members if m.photo and m.photo.startswith(SFHQ)]
    wanted = [tile for tile in tiles if tile not in shipped_tiles()]
    if not wanted:
        return
    report = fetch_sfhq(paths.cache("sfhq"), ids=wanted, mirror=mirror, progress=progress)
    if report.failed:
        path, reason = report.failed[0]
        raise InputError(f"{len(report.failed)} sheets of SFHQ's portraits cannot be fetched (the first: {path.name} "
                         f"{reason}); go online once, give a folder that holds them by --mirror or TFG_MIRROR, or make "
                         "the set without them: --portraits 0.")
