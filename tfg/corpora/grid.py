"""GRID: 34 speakers, 1,000 six-word sentences each ("bin blue at f two now"), no emotions; speaker 21 has no video.

Source: https://zenodo.org/records/3625687 and https://spandh.dcs.shef.ac.uk/gridcorpus (Cooke, Barker, Cunningham &
Shao 2006, JASA 120(5)).  Licence: CC BY 4.0.  Layouts:

    s1/video/mpg_6000/bbaf2n.mpg or s1/bbaf2n.mpg     25 frames/s; 720 x 576, or 360 x 288 (mpg_vcd)
    s1/align/bbaf2n.align or alignments/s1/...        "start stop word" per line, 25,000 units per second
"""
from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tfg.corpora import scan
from tfg.corpora.names import Item, Reading, Skipped, parse_grid
from tfg.errors import InputError

UNITS_PER_S = 25_000
_SPEAKER = re.compile(r"s([1-9]|[12]\d|3[0-4])(_processed)?")


def read(root: str | os.PathLike) -> Reading:
    """List a folder in one of the layouts.

    The speaker is the innermost folder named s1 ... s34, below `root` or root itself; None where there is none (such
    clips cannot be split by speaker).  Text comes from the name, so a video without its alignment is an item whose
    `transcript` is None.  Where both resolutions of a clip are there, the larger is taken.
    Returns items sorted by path, and what was left out: bad names, empty files, second copies, alignments without
    video.  Raises InputError if the folder is missing.
    """
    root = scan.folder(root)
    good, skipped = scan.walk(root, {".mpg", ".mpeg", ".mp4", ".align"})
    aligned = [p for p in good if p.suffix.lower() == ".align"]
    films = sorted((p for p in good if p.suffix.lower() != ".align"),
                   key=lambda p: ("mpg_vcd" in p.parts, p.as_posix()))
    transcripts = {(speaker(p, root), p.stem.lower()): p for p in aligned}

    def parse(path: Path) -> Item:
        item = replace(parse_grid(path), actor=speaker(path, root))
        return replace(item, transcript=transcripts.get((item.actor, item.sentence or "")))

    items = scan.unique(scan.parse_all(films, parse, skipped), skipped)
    used = {item.transcript for item in items}
    skipped += [Skipped(p, "is an alignment without its video") for p in aligned if p not in used]
    return scan.reading(items, skipped)


def speaker(path: Path, root: Path) -> str | None:
    """The innermost folder that is named like a speaker, looked for below root and in root's own name."""
    for part in reversed([root.resolve().name, *path.relative_to(root).parts[:-1]]):
        match = _SPEAKER.fullmatch(part)
        if match:
            return f"s{match.group(1)}"
    return None


class Word(NamedTuple):
    """A word with its time in seconds from the clip's start; "sil" and "sp" are silences."""

    word: str
    start_s: float
    stop_s: float


def words(path: str | os.PathLike) -> list[Word]:
    """Words of an .align file, in the order of time. Raises InputError if one cannot be read or times run backwards."""
    out: list[Word] = []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the alignment {path} cannot be read ({error}); copy it again.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            start, stop, word = line.split()
            entry = Word(word, int(start) / UNITS_PER_S, int(stop) / UNITS_PER_S)
        except ValueError as error:
            raise InputError(f"line {number} of {path} is {line!r}, not 'start stop word'; copy it again.") from error
        if entry.stop_s < entry.start_s or (out and entry.start_s < out[-1].stop_s):
            raise InputError(f"line {number} of {path} runs backwards in time; copy it again.")
        out.append(entry)
    return out
