"""The table of splits: the split of each person, the splits each purpose may read, one split only for each face.

Tables are made in `tfg.corpora.splits`, which says why they are by person.
"""
from __future__ import annotations

import csv
import functools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfg import paths
from tfg.errors import InputError
from tfg.files import atomic

SPLITS = ("train", "val", "test", "judge")
ALLOWED = {"train": ("train", "val"), "judge": ("judge",), "evaluate": ("train", "val", "test")}
"""Purpose -> the splits that may be read for it. The training of judges alone reads `judge`."""
FORMAT, VERSION = "tfg splits", 1
TABLE = "splits.json"
"""Name of the table's file in a store."""
_NAMED_AS_CREMA_D = ("crema_d", "folder")
"""Readers that take the actor from a name in CREMA-D's form; one actor's files may be read by either."""


@dataclass(frozen=True)
class Person:
    """A person in a corpus with a split. who: the face behind the name where it is known, as in sfhq/P012 or
    seed/71."""

    corpus: str
    actor: str
    split: str
    who: str | None = None

    def __str__(self) -> str:
        return f"{self.corpus}/{self.actor}"


@dataclass(frozen=True)
class Splits:
    """People and their splits; made by `make_splits`, `of_set` or `Splits.load`, all of which check it.

    people: one per (corpus, actor).  about: how the table was made (JSON-able).
    Raises InputError if a split is unknown, a person is in twice, one face (or two that look like one) is in two
    splits, or a real person or photo that is kept for testing is in another split than test.
    """

    people: tuple[Person, ...]
    about: dict = field(default_factory=dict)
    _table: dict[tuple[str, str | None], Person] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        table: dict[tuple[str, str | None], Person] = {}
        faces: dict[str | None, Person] = {}
        for p in self.people:
            if p.split not in SPLITS:
                raise InputError(f"{p} has the split {p.split!r}; the splits are {', '.join(SPLITS)}.")
            if (p.corpus, p.actor) in table:
                raise InputError(f"{p} is in the table of splits twice; keep one of the two.")
            table[p.corpus, p.actor] = p
            if p.split != "test" and kept_for_testing(p.corpus, p.actor):
                raise InputError(f"{p} is kept for testing and cannot be in {p.split}; put it into test.")
            _check_photo(p)
            face = _face(p)
            other = faces.setdefault(face, p)
            if face and other.split != p.split:
                raise InputError(f"{other} in {other.split} and {p} in {p.split} are the same person ({face}); put "
                                 "both into one split.")
        object.__setattr__(self, "_table", table)

    # ---- queries ----
    def of(self, row) -> str:
        """The split of a clip (anything with `corpus` and `actor`). A clip without actor is test: it may show anybody.

        Raises InputError if nothing is recorded for the person.
        """
        corpus, actor = key_of(row)
        if kept_for_testing(corpus, actor):
            return "test"
        person = self._table.get((corpus, actor))
        if person is None:
            raise InputError(f"no split is recorded for {corpus}/{actor}; make the splits of this corpus again with "
                             "make_splits.")
        return person.split

    def select(self, rows: Iterable, split: str, *, purpose: str) -> list:
        """The rows of one split, for one purpose ("train", "judge", "evaluate").  Raises InputError as `check`."""
        _check_allowed(split, purpose)
        return [row for row in rows if self.of(row) == split]

    def check(self, rows: Iterable, *, purpose: str) -> None:
        """Refuse rows that may not be read for this purpose.  Raises InputError that names the people, or the clips."""
        _check_allowed(None, purpose)
        wrong: dict[str, str] = {}
        for row in rows:
            split = self.of(row)
            if split not in ALLOWED[purpose]:
                corpus, actor = key_of(row)
                why = "kept for testing" if kept_for_testing(corpus, actor) else split
                wrong[f"{corpus}/{actor} ({why})" if actor else f"{_name(row)} (nobody knows who that is)"] = split
        if wrong:
            some = ", ".join(list(wrong)[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
            raise InputError(f"{some} may not be read to {purpose}; only {' and '.join(ALLOWED[purpose])} may."
                             f"{_other_purpose(purpose)}")

    def check_disjoint(self, rows: Iterable, others: Iterable) -> None:
        """Refuse two sets of clips that share a person, by name or by face. Raises InputError that names them."""
        left, right = self._faces(rows), self._faces(others)
        shared = sorted(left.keys() & right.keys())
        if shared:
            raise InputError(f"both sets hold {', '.join(left[s] for s in shared[:5])}"
                             f"{f' and {len(shared) - 5} more' if len(shared) > 5 else ''}; take them out of one.")

    def _faces(self, rows: Iterable) -> dict[str, str]:
        out = {}
        for row in rows:
            corpus, actor = key_of(row)
            person = self._table.get((corpus, actor), Person(corpus, str(actor), "test"))
            out[_face(person) or str(person)] = str(person)
        return out

    def counts(self) -> dict[str, int]:
        """People per split."""
        return {s: sum(p.split == s for p in self.people) for s in SPLITS}

    def __or__(self, other: "Splits") -> "Splits":
        """Both tables as one, for training on several corpora.  Raises InputError where they contradict each other."""
        mine = {(p.corpus, p.actor): p for p in self.people}
        for p in other.people:
            if mine.setdefault((p.corpus, p.actor), p) != p:
                raise InputError(f"{p} is another person, or in another split, in the two tables of splits; train on "
                                 "sets that were made together.")
        return Splits(tuple(mine.values()), {"parts": [self.about, other.about]})

    # ---- files ----
    def save(self, path: str | os.PathLike) -> None:
        """Write JSON, atomically."""
        people = [{k: v for k, v in vars(p).items() if v is not None} for p in self.people]
        with atomic(path) as part:
            part.write_text(json.dumps({"format": FORMAT, "version": VERSION, "about": self.about, "people": people},
                                       indent=1) + "\n", encoding="utf-8")

    def save_in(self, store: str | os.PathLike) -> None:
        """Add the table to the one that lies in a store's folder, or put it there.  Raises InputError as `|`."""
        path = Path(store) / TABLE
        stored = Splits.load(path) if path.is_file() else None
        if stored is None or set(self.people) - set(stored.people):
            (self if stored is None else stored | self).save(path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Splits":
        """Read what `save` wrote.  Raises InputError if it is missing, damaged, of another version or not allowed."""
        data = read_json(path, "table of splits")
        try:
            if data["format"] != FORMAT or data["version"] != VERSION:
                raise InputError(f"{path} is {data['format']!r} version {data['version']}, not {FORMAT!r} version "
                                 f"{VERSION}; make the splits again with this version of tfg.")
            people = tuple(Person(**{k: p[k] for k in ("corpus", "actor", "split")}, who=p.get("who"))
                           for p in data["people"])
            return cls(people, data.get("about", {}))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is no table of splits ({error!r}); make the splits again.") from error

    @classmethod
    def of_store(cls, store) -> "Splits":
        """The table that lies in a store (`splits.json`).  Raises InputError where there is none."""
        path = Path(store.path) / TABLE
        if not path.is_file():
            raise InputError(f"{store.path} holds no {TABLE}; deal its actors once, in Python: from tfg.corpora.splits "
                             "import make_splits; make_splits(store.clips).save_in(store.path).")
        return cls.load(path)

    def for_store(self, store) -> "Splits":
        """This table, after a check that it does not contradict the one in the store, which takes precedence.

        Raises InputError that names somebody who is in two splits.
        """
        path = Path(store.path) / TABLE
        stored = Splits.load(path)._table if path.is_file() else {}
        for key, person in self._table.items():
            recorded = stored.get(key)
            if recorded is not None and recorded.split != person.split:
                raise InputError(f"{person} is {recorded.split} in {path} and {person.split} in the given table; leave "
                                 "the table out: the recorded one is used then.")
        return self


def kept_for_testing(corpus: str, actor: str | None) -> bool:
    """True for real people on whom nothing is ever trained, and for clips whose actor is not known."""
    from tfg.corpora.crema_d import TEST_ONLY

    return actor is None or (corpus in _NAMED_AS_CREMA_D and actor in TEST_ONLY)


# ---- photos ---------------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=1)
def tiles() -> dict[str, tuple[str, str]]:
    """Tile of SFHQ -> (split, person), as recorded in data/sfhq/splits.csv by the rule of `splits_deal.tiles`.

    person: the first of the tiles that show, or could be taken for, one face (data/sfhq/README.md): 355 tiles, 307
    people.
    """
    with open(paths.data("sfhq", "splits.csv"), newline="", encoding="utf-8") as file:
        return {r["id"]: (r["split"], r["person"]) for r in csv.DictReader(file)}


def _check_photo(p: Person) -> None:
    """Raises InputError unless an actor made from a photo of SFHQ is in that photo's recorded split."""
    if p.who and p.who.startswith("sfhq/"):
        tile = p.who.removeprefix("sfhq/")
        recorded = tiles().get(tile, [None])[0]
        if recorded is None:
            raise InputError(f"{p} is made from {p.who}, which is not in data/sfhq/splits.csv; use one that is.")
        if recorded != p.split:
            raise InputError(f"{p} is made from the photo {tile}, which is {recorded} in data/sfhq/splits.csv, and "
                             f"cannot be {p.split}; choose another photo or the recorded split.")


def _face(p: Person) -> str | None:
    """Name of the face, the same in every set, or None. Tiles that look like one person share a name, and so do
    CREMA-D's actors and those of a folder whose files are named like CREMA-D's."""
    from tfg.corpora.names import CREMA_D_ACTORS

    if p.who and p.who.startswith("sfhq/"):
        return "sfhq/" + tiles()[p.who.removeprefix("sfhq/")][1]
    if p.who is None and p.corpus in _NAMED_AS_CREMA_D and p.actor in map(str, CREMA_D_ACTORS):
        return f"crema_d/{p.actor}"
    return p.who


# ---- rows and files -------------------------------------------------------------------------------------------
def key_of(row) -> tuple[str, str | None]:
    if isinstance(row, Mapping):
        return row["corpus"], row["actor"]
    return row.corpus, row.actor


def _name(row) -> str:
    get = row.get if isinstance(row, Mapping) else functools.partial(getattr, row)
    return str(get("id", None) or get("path", None) or row)


def _check_allowed(split: str | None, purpose: str) -> None:
    if purpose not in ALLOWED:
        raise InputError(f"there is no purpose {purpose!r}; choose one of {', '.join(ALLOWED)}.")
    if split is not None and split not in SPLITS:
        raise InputError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}.")
    if split is not None and split not in ALLOWED[purpose]:
        raise InputError(f"the split {split} may not be read to {purpose}; only {' and '.join(ALLOWED[purpose])} may."
                         f"{_other_purpose(purpose)}")


def _other_purpose(purpose: str) -> str:
    return ' To score on it, pass purpose="evaluate".' if purpose == "train" else ""


def read_json(path: str | os.PathLike, what: str) -> dict:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the {what} {path} cannot be read ({error}); make it again or restore it.") from error
