"""Splits by actor, recorded as data and enforced in code: they say who may be trained on.

    splits = Splits.load("build/store/splits.json")
    splits.check(store.clips, purpose="train")          # InputError, with names, unless all are train or val

Four splits: `train` and `val` teach systems; `judge` teaches the networks that score systems, which therefore never see
the other three; `test` is for scores only. A person is (corpus, actor), and where the face behind that name is known
(`who`: a photo, the seed of a virtual actor) it is the same person in every set. Splits by clip, by
window or by position do not exist here: the course's forerunners made them, with the same faces on both sides.
"""
from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfg.corpora.splits_deal import deal, order
from tfg.corpora.splits_table import (  # noqa: F401
    ALLOWED,
    SPLITS,
    TABLE,
    Person,
    Splits,
    kept_for_testing,
    key_of,
    read_json,
    tiles,
)
from tfg.errors import InputError

FRACTIONS = {"train": 0.56, "val": 0.08, "test": 0.20, "judge": 0.16}
"""Share of the people in each split; close to the course's own set with 40, 6, 14 and 12 of 72 actors."""
SHIPPED = {"default.jpg": "P003", "portrait_1.jpg": "P007", "portrait_2.jpg": "P014", "portrait_3.jpg": "P005"}
"""The portraits of data/faces and the tiles of SFHQ that they were cut from (data/faces/README.md)."""


def make_splits(rows: Iterable, fractions: Mapping[str, float] = FRACTIONS, seed: int = 0) -> Splits:
    """Deal the actors of any corpus, each sex in these shares where the corpus tells it.

    rows: clips with `corpus` and `actor` (Items of a reader, rows of a store).  fractions: split -> share; they are
    scaled to sum 1.  The order within a stratum is sha256(seed, corpus, actor), so that the result depends neither on
    the order of the rows nor on the number of clips per person.  People kept for testing go to test besides.
    Raises InputError for shares that are not positive numbers, for fewer people than splits, and for virtual actors,
    whose splits were dealt with their faces (`of_set`): dealt anew, a test photo could become a training actor.
    """
    _check_fractions(fractions)
    people = sorted({key_of(row) for row in rows if key_of(row)[1] is not None})
    if any(corpus == "actors" for corpus, _ in people):
        raise InputError("the splits of virtual actors are recorded in their set.json and in the store that was made "
                         "of it; take them from there, by of_set or Splits.of_store.")
    free = [p for p in people if not kept_for_testing(*p)]
    if len(free) < len(fractions) and (free or not people):    # people kept for testing alone need no dealing
        raise InputError(f"{len(free)} actors cannot be dealt to {len(fractions)} splits; give more actors, or fewer "
                         "splits.")
    total = sum(fractions.values())
    units = [(f"{c}/{a}", 1, (c, _sex(c, str(a))), order(seed, c, a)) for c, a in free]
    dealt = deal(units, {s: f / total * len(free) for s, f in fractions.items()}) if units else {}
    return Splits(tuple(Person(c, str(a), dealt.get(f"{c}/{a}", "test")) for c, a in people),
                  {"made by": "tfg.corpora.splits.make_splits", "seed": seed, "fractions": dict(fractions)})


def of_set(path: str | os.PathLike) -> Splits:
    """The splits that `tfg actors make` recorded in its set.json (the file, or the folder that holds it).

    Raises InputError if it cannot be read or breaks a rule of `Splits`.
    """
    path = Path(path)
    path = path / "set.json" if path.is_dir() else path
    data = read_json(path, "set")
    try:
        sums = data.get("photos", {})
        people = tuple(Person("actors", m["name"], m["split"], who=_who(m, sums)) for m in data["members"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} lists no members with their splits ({error!r}); make the set again.") from error
    return Splits(people, {"made by": "tfg actors make"})


def _who(member: Mapping, sums: Mapping[str, str]) -> str:
    """The face behind a member: a tile of SFHQ where its photo is one or is named like one (as a portrait that ships
    with tfg), else the photo's sha256 wherever it lies, or the seed.  sums: sha256 by member, as far as recorded."""
    photo = member.get("photo")
    if not photo:
        return f"seed/{member['seed']}"
    kind, _, name = str(photo).rpartition(":")
    if kind == "sfhq" or Path(photo).stem in tiles():
        return f"sfhq/{Path(name).stem}"
    if kind == "tfg" and name in SHIPPED:
        return f"sfhq/{SHIPPED[name]}"
    return f"photo/{sums.get(member['name'], str(photo))[:64]}"


def _sex(corpus: str, actor: str) -> str:
    """Sex of an actor: "Female", "Male", or "" where the corpus does not record it."""
    if corpus == "crema_d":
        from tfg.corpora.crema_d import demographics

        return getattr(demographics().get(actor), "sex", "")
    if corpus == "ravdess":                                     # its actors with even numbers are women
        return ("Female", "Male")[int(actor) % 2]
    return ""


def _check_fractions(fractions: Mapping[str, float]) -> None:
    for split, share in fractions.items():
        if split not in SPLITS:
            raise InputError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}.")
        if not 0 < share < float("inf"):
            raise InputError(f"the share of {split} is {share}; give a positive number, or leave the split out.")
    if not fractions:
        raise InputError("no shares were given; give a share for each split, as in FRACTIONS.")
