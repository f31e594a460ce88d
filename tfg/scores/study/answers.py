"""The participants' files, read with the key; and who is left out, by a rule that is stated in every report."""
from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tfg.errors import InputError
from tfg.files import check_file
from tfg.scores.study.make import KEY

HEAD = ("participant", "trial", "clip", "question", "left", "right", "answer", "seconds", "check", "page")
PASS = .75
"""Least share of checks in which the intact film must be preferred to its broken copy."""
ANSWERS = ("left", "right", "none", "not_played")


@dataclass(frozen=True)
class Answer:
    """One answer to one question about one pair.

    first, second: the two systems, sorted by name.  value: 0 (the first is preferred), 1 (the second), .5 (no
    difference).  on_left: whether the first was on the left.  repeat: whether the participant saw the pair before.
    """

    participant: str
    trial: int
    clip: str
    question: str
    first: str
    second: str
    value: float
    on_left: bool
    seconds: float
    repeat: bool


@dataclass
class Answers:
    """All that was read.  answers: of the participants that are kept, checks and repeats' second time apart.  repeated:
    (question, first value, second value) of pairs seen twice.  people: those kept.  excluded: name -> reason.  checks:
    name -> (passed, seen).  notes: sentences on rows that were left out.  question: -> text."""

    answers: list[Answer] = field(default_factory=list)
    repeated: list[tuple[str, float, float]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    excluded: dict[str, str] = field(default_factory=dict)
    checks: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    systems: list[str] = field(default_factory=list)

    def questions(self) -> list[str]:
        """Keys of the questions that were answered, sorted."""
        return sorted({a.question for a in self.answers})


def rule(least: float) -> str:
    """The rule of exclusion, in words."""
    return (f"A participant counts who preferred the intact film to its broken copy in at least {least:.0%} of the "
            "checks seen; no difference and films that were not played count as failed. Who saw no check, in a study "
            "that has some, does not count.")


def read_key(path) -> dict[str, dict]:
    """Rows of key.csv by film.  Raises InputError if it is no key."""
    path = check_file(path, "key")
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        if tuple(table.fieldnames or ()) != KEY:
            raise InputError(f"{path} is no key of a study (its columns are {', '.join(table.fieldnames or ['none'])}"
                             f"); give the key.csv that tfg study make wrote.")
        rows = list(table)
    out: dict[str, dict] = {}
    for row in rows:
        out.setdefault(row["film"], {"systems": [], **row})["systems"].append(row["system"])
    shared = [name for name, row in out.items() if len(row["systems"]) > 1]
    if shared:
        raise InputError(f"{path} has the film {shared[0]} for {' and '.join(out[shared[0]]['systems'])}: they drew "
                         "the same film, so that answers cannot be told apart; leave one of them out of the study.")
    return out


def read(files: Sequence, key, least: float = PASS) -> Answers:
    """Read participants' files, and leave out those who fail the rule.

    Raises InputError: no files or answers, files of another page than the key's, unknown films, broken tables.
    """
    films = read_key(key)
    if not 0 <= least <= 1:
        raise InputError(f"the share of checks to pass is {least}; give 0 to 1.")
    if not files:
        raise InputError("no answers were given; give the CSV files that participants saved.")
    pages = {row["page"] for row in films.values()}
    rows: dict[tuple, dict] = {}
    out = Answers(systems=sorted({row["system"] for row in films.values() if not row["kind"]}))
    double = 0
    for path in sorted(map(Path, files)):
        for row in _rows(path, films, pages):
            place = (row["participant"], row["question"], int(row["trial"]))
            if place in rows:
                double += 1
                if any(rows[place][k] != row[k] for k in ("left", "right", "answer")):
                    raise InputError(f"{path} has another answer of {row['participant']} to pair {row['trial']} than a "
                                     "file before: two people used the same name; give one of them another name in "
                                     "the column participant.")
            rows.setdefault(place, row)
    if double:
        out.notes.append(f"{double} answers are in the files twice, and count once")
    people = sorted({row["participant"] for row in rows.values()})
    for who in people:
        checks = [row for (p, _, _), row in rows.items() if p == who and _kinds(row, films)]
        passed = sum(_kinds(row, films) == ("right" if row["answer"] == "left" else "left")
                     for row in checks if row["answer"] in ("left", "right"))
        out.checks[who] = passed, len(checks)
        if checks and passed < least * len(checks):
            out.excluded[who] = f"passed {passed} of {len(checks)} checks"
        elif not checks and any(row["kind"] for row in films.values()):
            out.excluded[who] = "saw no check"
        else:
            out.people.append(who)
    _fill(out, [rows[k] for k in sorted(rows)], films)
    if not out.answers:
        raise InputError(f"no answer is left: of {len(people)} participants {len(out.excluded)} are excluded; collect "
                         "more answers, or see whether the checks suit the films.")
    return out


def _rows(path: Path, films: dict, pages: set):
    """Rows of one file, checked."""
    path = check_file(path, "answers")
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        missing = [name for name in HEAD if name not in (table.fieldnames or ())]
        if missing:
            raise InputError(f"{path} has no column {missing[0]}; give files that the page saved.")
        for n, row in enumerate(table, 2):
            if row["page"] not in pages:
                raise InputError(f"line {n} of {path} is of the page {row['page']}, and the key of "
                                 f"{' or '.join(sorted(pages))}; analyse each study with its own key.")
            for side in ("left", "right"):
                if row[side] not in films:
                    raise InputError(f"line {n} of {path} has the film {row[side]}, which the key does not; the file "
                                     "was changed, or belongs to another study.")
            try:
                int(row["trial"]), float(row["seconds"])
            except (TypeError, ValueError):
                raise InputError(f"line {n} of {path} has the trial {row['trial']!r} and {row['seconds']!r} seconds; "
                                 "give files as the page saved them.") from None
            if row["answer"] not in ANSWERS or not row["participant"]:
                raise InputError(f"line {n} of {path} has the answer {row['answer']!r}; it must be one of "
                                 f"{', '.join(ANSWERS)}.")
            yield row


def _kinds(row: dict, films: dict) -> str:
    """Side of the broken film of a pair, "" if there is none. The key says so, not the participant's file."""
    return next((side for side in ("left", "right") if films[row[side]]["kind"]), "")


def _fill(out: Answers, rows: list[dict], films: dict) -> None:
    """Add the answers of those kept, in the order of their trials; the second time of a pair goes into `repeated`."""
    kept, lost = set(out.people), 0
    seen: dict[tuple, float] = {}
    for row in rows:
        if row["participant"] not in kept or _kinds(row, films):
            continue
        if row["answer"] == "not_played":
            lost += 1
            continue
        first, second = sorted((films[row["left"]]["system"], films[row["right"]]["system"]))
        on_left = films[row["left"]]["system"] == first
        value = .5 if row["answer"] == "none" else float((row["answer"] == "left") != on_left)
        clip = films[row["left"]]["clip"]
        place = (row["participant"], row["question"], clip, first, second)
        if place in seen:
            out.repeated.append((row["question"], seen[place], value))
        out.answers.append(Answer(row["participant"], int(row["trial"]), clip, row["question"], first, second, value,
                                  on_left, float(row["seconds"]), place in seen))
        seen.setdefault(place, value)
    if lost:
        out.notes.append(f"{lost} pairs could not be played and are left out")
