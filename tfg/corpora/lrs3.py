"""LRS3: sentences cut from TED and TEDx talks, more than 400 hours, with transcripts; no emotions.

Source: https://www.robots.ox.ac.uk/~vgg/data/lip_reading/lrs3.html (Afouras, Chung & Zisserman 2018,
arXiv:1809.00496).  Licence: the talks are CC BY-NC-ND 4.0 (TED): not for commercial use, and no derived clips may be
passed on; the set is given to researchers on request.  Layout:

    trainval/00j9bKdiOjk/50001.mp4, .txt      224 x 224, 25 frames/s, with sound; pretrain/ and test/ likewise

The .txt has lines "Text:  ..." and "Conf:  ..."; in pretrain also a table "WORD START END ASDSCORE", in seconds.
"""
from __future__ import annotations

import os
import re
from pathlib import Path

from tfg.corpora import scan
from tfg.corpora.grid import Word
from tfg.corpora.names import Item, Reading, Skipped
from tfg.errors import InputError

SUBSETS = ("pretrain", "trainval", "test")
_TALK, _PART = re.compile(r"[\w-]{11}"), re.compile(r"\d{5}")
_HEADER = ["WORD", "START", "END", "ASDSCORE"]


def read(root: str | os.PathLike) -> Reading:
    """List a folder in the official layout.

    actor: the talk's YouTube id (talks have one speaker).  sentence: subset and part, trainval_50001.  take: the part's
    number.  text: the transcript, in capitals.  transcript: the .txt.
    Returns items sorted by path, and what was left out: bad names or places, empty files, a video or a transcript
    without the other, a transcript without "Text:".  Raises InputError if the folder is missing.
    """
    good, skipped = scan.walk(root, {".mp4", ".txt"})
    known = frozenset(good)
    items = scan.parse_all((p for p in good if p.suffix.lower() == ".mp4"), lambda path: _parse(path, known), skipped)
    for path in good:
        if path.suffix.lower() == ".txt" and _PART.fullmatch(path.stem) and path.with_suffix(".mp4") not in known:
            skipped.append(Skipped(path, "is a transcript without its video"))
    return scan.reading(scan.unique(items, skipped), skipped)


def _parse(path: Path, known: frozenset[Path]) -> Item:
    subset, talk = path.parent.parent.name, path.parent.name
    if subset not in SUBSETS or not _TALK.fullmatch(talk) or not _PART.fullmatch(path.stem):
        raise InputError("is not at SUBSET/YOUTUBE_ID/NNNNN.mp4, as in trainval/00j9bKdiOjk/50001.mp4")
    transcript = path.with_suffix(".txt")
    if transcript not in known:
        raise InputError(f"is a video without its transcript {transcript.name}")
    return Item(path, "lrs3", talk, f"{subset}_{path.stem}", take=int(path.stem), text=text(transcript),
                transcript=transcript)


def text(path: str | os.PathLike) -> str:
    """The sentence of a transcript. Raises InputError, whose text completes "VIDEO ...", if there is none."""
    for line in _lines(path):
        label, _, rest = line.partition(":")
        if label.strip() == "Text" and rest.strip():
            return " ".join(rest.split())
    raise InputError(f'has a transcript {Path(path).name} without "Text:"')


def words(path: str | os.PathLike) -> list[Word]:
    """The table of word times, in seconds from the clip's start; empty where the transcript has none (trainval, test).

    Raises InputError if a line of it cannot be read.
    """
    out: list[Word] = []
    lines = iter(_lines(path))
    for line in lines:
        if line.split() == _HEADER:
            break
    for line in lines:
        if not line.strip():
            break
        try:
            word, start, stop, *_ = line.split()
            out.append(Word(word, float(start), float(stop)))
        except ValueError as error:
            raise InputError(f"{path} has the line {line!r}, not 'word start end score'; copy it again.") from error
    return out


def _lines(path: str | os.PathLike) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"has a transcript {Path(path).name} that cannot be read ({error})") from error
