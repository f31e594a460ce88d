"""Make the page of a study and its key: `make("build/clips", "build/study")`.

    OUT/page/index.html    the whole page: text, style, script and design; opens from the disk and from any static host
    OUT/page/films/*.mp4   films under names made of their content
    OUT/key.csv            which film is of which system and clip: it stays with the experimenter
    OUT/design.json        the questions, sheets and checks with the systems' names, also for the experimenter alone
"""
from __future__ import annotations

import csv
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.scores.columns import BESIDE
from tfg.scores.study import films as found
from tfg.scores.study.design import SHEETS, pairs_of, sheets
from tfg.scores.study.films import Film
from tfg.vocabulary import EMOTION_NAMES

QUESTIONS = {
    "real": "Which looks and sounds more like a real person saying this?",
    "sync": "In which do the lips move more in time with the words?",
    "emotion": "Which shows {emotion} more clearly?",
}
"""The questions that can be chosen; {emotion} is filled in for each clip."""
FELT = EMOTION_NAMES | {"NEU": "no emotion"}
BREAKS = {"real": ("late", "frozen"), "sync": ("late", "frozen"), "emotion": ("hidden",)}
"""Kinds of broken films by which each question checks attention: a still face may show an emotion very well."""
CONSENT = ("I am 18 or older and take part of my own will. I know that I may stop at any time, and that my answers are "
           "kept without my name.")
KEY = ("film", "system", "clip", "code", "emotion", "kind", "page")
POOL = 12
"""Most broken films; each participant's checks are drawn from them."""
HERE = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Made:
    """What was made.  page: the page's folder.  key: the key's file.  films, broken: numbers of films.  systems: names.
    pairs: pairs of systems.  each: comparisons per person.  version: the page's hash.  checked: the system of which
    broken films were made.  notes: sentences on what was left out."""

    page: Path
    key: Path
    films: int
    broken: int
    systems: tuple[str, ...]
    pairs: int
    each: int
    version: str
    checked: str
    notes: tuple[str, ...]


def make(folder, out, *, question: Sequence[str] = ("real",), pairs_per_person: int | None = None, checks: int = 4,
         repeats: int = 2, no_difference: bool = False, check_system: str | None = None, consent: str = CONSENT,
         contact: str = "", n_sheets: int = SHEETS, seed: int = 0, overwrite: bool = False,
         progress: Callable[[int, int], None] | None = None) -> Made:
    """Write the page of a study into `out`.

    folder: see `films.find`.  question: keys of QUESTIONS, all asked of each pair.  pairs_per_person: default 20, or
    all where there are fewer.  checks: pairs of a film and a broken copy, per person.  repeats: pairs that are shown
    again with sides swapped.  no_difference: offer that answer, too.  check_system: of whose films broken copies are
    made (default: true where it is there, else the one that moves most).  seed: of the sheets.
    Raises InputError: unusable films, an unknown question or system, a study already there unless `overwrite`.
    """
    _check(question, checks, repeats, n_sheets)
    out = make_folder(out)
    if (out / "key.csv").exists() and not overwrite:
        raise InputError(f"{out} holds a study already, and answers to it need its key; add --overwrite, or choose "
                         "another folder.")
    listed, notes = _comparable(found.find(folder), "emotion" in question)
    systems = tuple(sorted({f.system for f in listed}))
    if check_system is not None and check_system not in systems:
        raise InputError(f"there is no system {check_system} among the films; choose {', '.join(systems)}.")
    names: dict[str, dict[str, Film]] = {}
    for film in listed:
        names.setdefault(film.clip, {})[film.system] = film
    pairs = pairs_of(names)
    most = sum(map(len, pairs.values()))
    each = min(20, most) if pairs_per_person is None else pairs_per_person
    design = sheets(names, each, how_many=n_sheets, seed=seed)
    codes = _codes([f.clip for f in listed], seed)
    data = {"questions": [{"key": k, "text": QUESTIONS[k]} for k in question], "noDifference": bool(no_difference),
            "emotions": {codes[f.clip]: FELT[f.emotion] for f in listed if f.emotion} if "emotion" in question else {},
            "seed": seed, "consent": consent, "contact": contact, "repeats": min(repeats, each)}
    part = out / f".{secrets.token_hex(4)}.part"
    try:
        written, seconds, base, pool = _write_films(listed, make_folder(part / "films"), question, bool(checks),
                                                    check_system, progress)
        data |= {"seconds": round(2 * float(np.mean(list(seconds.values()))), 1), "checks": min(checks, len(pool)),
                 "pool": [[codes[film.clip], written[film], name] for film, name, _ in pool],
                 "sheets": [[[codes[c], written[names[c][a]], written[names[c][b]]] for c, a, b in sheet]
                            for sheet in design]}
        version = _write_page(part, data)
        shutil.rmtree(out / "page", ignore_errors=True)
        part.rename(out / "page")
    finally:
        shutil.rmtree(part, ignore_errors=True)
    rows = [(written[f], f.system, f.clip, codes[f.clip], f.emotion or "", "", version) for f in listed]
    rows += [(name, f.system, f.clip, codes[f.clip], f.emotion or "", kind, version) for f, name, kind in pool]
    with atomic(out / "key.csv") as key, open(key, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([KEY, *sorted(rows)])
    with atomic(out / "design.json") as plan:
        plan.write_text(json.dumps({"page": version, "question": list(question), "no_difference": bool(no_difference),
                                    "seed": seed, "pairs_per_person": each, "checks": data["checks"],
                                    "repeats": data["repeats"], "check_system": base, "sheets": design}, indent=1)
                        + "\n", encoding="utf-8")
    return Made(out / "page", out / "key.csv", len(listed), len(pool), systems, len(pairs), each, version, base,
                (*notes, *_lengths(seconds)))


def _write_films(films: list[Film], place: Path, question, checked: bool, check_system: str | None,
                 progress) -> tuple[dict, dict, str, list]:
    """Write all films, and broken ones if `checked`. Returns the name and seconds of each film, the system of which
    broken copies are made, and these as (film, name, kind)."""
    written, seconds, moved = {}, {}, {}
    total = len(films) + (min(POOL, len({f.clip for f in films})) if checked else 0)
    for film in films:
        written[film], seconds[film], moved[film] = found.write(film, place)
        if progress:
            progress(len(written), total)
    if not checked:
        return written, seconds, "", []
    base = _base(check_system, moved)
    done = (lambda n: progress(len(written) + n, total)) if progress else None
    clear = [f for f in films if f.system == base and not ("emotion" in question and f.emotion == "NEU")]
    pool = _broken(clear[:POOL], written, question, place, done)         # a hidden face shows no emotion very clearly
    return written, seconds, base, pool


def _check(question, checks: int, repeats: int, n_sheets: int) -> None:
    for key in question:
        if key not in QUESTIONS:
            raise InputError(f"there is no question {key!r}; choose {', '.join(QUESTIONS)}.")
    if not question or len(set(question)) < len(question):
        raise InputError("a study asks at least one question, and each once; give --question real, for instance.")
    for name, value, least in (("checks", checks, 0), ("repeats", repeats, 0), ("sheets", n_sheets, 1)):
        if value < least:
            raise InputError(f"--{name} is {value}; give {least} or more.")


def _comparable(films: list, needs_emotion: bool) -> tuple[list, list[str]]:
    """The films of clips that two systems or more have, and notes on the others."""
    notes = []
    if needs_emotion and (unknown := sorted({f.clip for f in films if f.emotion is None})):
        raise InputError(f"the emotion of clip {unknown[0]} is not known; name it in the clip's name (as in "
                         "V001_IEO_HAP) or in the column emotion of a manifest.csv, or do not ask for it.")
    count: dict[str, int] = {}
    for film in films:
        count[film.clip] = count.get(film.clip, 0) + 1
    alone = sorted(clip for clip, n in count.items() if n < 2)
    if alone:
        notes.append(f"{len(alone)} clips are of one system only and are left out, {alone[0]} for one")
    keep = [f for f in films if count[f.clip] > 1]
    if not keep:
        raise InputError("no clip has films of two systems; give films of the same clips, under the same names.")
    return keep, notes


def _lengths(seconds: dict) -> list[str]:
    """A note if films of one clip have different lengths, by which they could be told apart."""
    spans: dict[str, list[float]] = {}
    for film, s in seconds.items():
        spans.setdefault(film.clip, []).append(s)
    odd = sorted(clip for clip, s in spans.items() if max(s) - min(s) > .2)
    return [f"the films of {len(odd)} clips differ in length by more than 0.2 s, {odd[0]} for one"] if odd else []


def _base(asked: str | None, moved: dict) -> str:
    """The system of whose films broken copies are made."""
    systems = sorted({film.system for film in moved})
    fit = [s for s in systems if s not in BESIDE] or systems
    return asked or ("true" if "true" in systems else max(
        fit, key=lambda s: float(np.mean([m for film, m in moved.items() if film.system == s]))))


def _broken(films: list, written: dict, question, place: Path, progress) -> list[tuple]:
    """Broken copies: (film, name, kind), kinds in turn."""
    kinds = [k for k in BREAKS[question[0]] if all(k in BREAKS[q] for q in question)] or list(BREAKS["emotion"])
    out = []
    for n, film in enumerate(films):
        kind = kinds[n % len(kinds)]
        name = found.write(film, place, kind)[0]
        if (place / name).read_bytes() == (place / written[film]).read_bytes():
            raise InputError(f"{film.path} does not change when it is {kind}: it stands still, so it can be no check; "
                             "choose a system that moves with --check-system.")
        out.append((film, name, kind))
        if progress:
            progress(n + 1)
    return out


def _codes(clips: list[str], seed: int) -> dict[str, str]:
    """Names of clips that do not tell what they are: c01, c02, ... in an order drawn by the seed."""
    names = sorted(set(clips))
    order = np.random.default_rng([seed, 1]).permutation(len(names))
    return {names[k]: f"c{n:0{len(str(len(names)))}}" for n, k in enumerate(order, 1)}


def _write_page(page: Path, data: dict) -> str:
    """Write index.html with everything in it but the films. Returns its version, a hash of its content."""
    html, style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("study.html", "study.css",
                                                                                 "study.js"))
    version = hashlib.sha256("\0".join((html, style, script, json.dumps(data))).encode()).hexdigest()[:12]
    text = json.dumps(data | {"page": version}, separators=(",", ":")).replace("<", "\\u003c")
    for mark, content in (("/*STYLE*/", style), ("/*DATA*/", text), ("/*SCRIPT*/", script)):
        html = html.replace(mark, content)
    with atomic(page / "index.html") as part:
        part.write_text(html, encoding="utf-8")
    return version
