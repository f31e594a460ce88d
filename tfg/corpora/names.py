"""File names that carry labels, and the one record that every reader fills.

Emotions and levels are CREMA-D's (`tfg.vocabulary`). Those of other corpora are translated into them, and a clip whose
label has no translation is left out unless asked for.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tfg.errors import InputError
from tfg.vocabulary import EMOTIONS, LEVELS, SENTENCES

SURPRISED = "SUR"
"""RAVDESS's eighth emotion, outside CREMA-D's six."""


@dataclass(frozen=True)
class Item:
    """One clip of a corpus, with the labels in its file name and folders; None for those not given there.

    path: the video, or the sound where only sound was asked for.  corpus: the name of the reader's module.
    actor: unique in its corpus, so (corpus, actor) names a person.  sentence: code or id.  emotion, level: CREMA-D's
    words.  take: number from 1.  text: spoken words.  audio: a separate sound file.  transcript: a file of word times.
    """

    path: Path
    corpus: str
    actor: str | None = None
    sentence: str | None = None
    emotion: str | None = None
    level: str | None = None
    take: int = 1
    text: str | None = None
    audio: Path | None = None
    transcript: Path | None = None


class Skipped(NamedTuple):
    """A file that was left out, with the reason: `f"{path} {reason}"` is a sentence."""

    path: Path
    reason: str


class Reading(NamedTuple):
    """Result of a reader: the clips sorted by path, and the files that it left out."""

    items: list[Item]
    skipped: list[Skipped]


# ---- CREMA-D --------------------------------------------------------------------------------------------------
CREMA_D = re.compile(rf"([A-Za-z0-9]+)_([A-Z]{{3}})_({'|'.join(EMOTIONS)})_({'|'.join(LEVELS)}|X)")
CREMA_D_ACTORS = range(1001, 1092)


def parse_crema_d(path: Path | str) -> Item:
    """Labels of a CREMA-D name: 1001_DFA_HAP_XX -> actor, sentence, emotion, level, text.

    Older copies hold one name that ends in _X for _XX.

    Raises InputError, whose text completes the sentence "PATH ...", if the name is not of CREMA-D.
    """
    path = Path(path)
    match = CREMA_D.fullmatch(path.stem)
    if not match:
        raise InputError("is not named ACTOR_SENTENCE_EMOTION_LEVEL, as in 1001_DFA_HAP_XX")
    actor, sentence, emotion, level = match.groups()
    if not actor.isdecimal() or int(actor) not in CREMA_D_ACTORS:
        raise InputError(f"names actor {actor}; CREMA-D's are {CREMA_D_ACTORS[0]} to {CREMA_D_ACTORS[-1]}")
    if sentence not in SENTENCES:
        raise InputError(f"names sentence {sentence}; CREMA-D's are {' '.join(SENTENCES)}")
    return Item(path, "crema_d", actor, sentence, emotion, "XX" if level == "X" else level, text=SENTENCES[sentence])


# ---- RAVDESS --------------------------------------------------------------------------------------------------
RAVDESS = re.compile(r"\d\d(-\d\d){6}")
RAVDESS_EMOTIONS = {"01": "NEU", "02": "NEU", "03": "HAP", "04": "SAD", "05": "ANG", "06": "FEA", "07": "DIS",
                    "08": SURPRISED}
RAVDESS_TEXTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}


def parse_ravdess(path: Path | str, *, surprised: bool = False) -> Item:
    """Labels of a RAVDESS name, as 01-01-03-02-01-01-12.

    Its pairs: modality, channel, emotion, intensity, statement, repetition, actor.
    Levels: normal MD, strong HI, neutral XX (it has one intensity), calm is NEU at LO. `surprised` has no CREMA-D
    emotion: InputError, unless asked for; then SUR. Songs (channel 02) raise InputError too: their mouths follow notes.
    Raises InputError, whose text completes the sentence "PATH ...".
    """
    path = Path(path)
    if not RAVDESS.fullmatch(path.stem):
        raise InputError("is not named by seven pairs of digits, as in 01-01-03-02-01-01-12")
    modality, channel, emotion, intensity, statement, repetition, actor = path.stem.split("-")
    allowed = (("modality", modality, 3), ("channel", channel, 2), ("emotion", emotion, 8), ("intensity", intensity, 2),
               ("statement", statement, 2), ("repetition", repetition, 2), ("actor", actor, 24))
    for what, value, last in allowed:
        if not 1 <= int(value) <= last:
            raise InputError(f"has {what} {value}; RAVDESS has 01 to {last:02d}")
    if channel == "02":
        raise InputError("is a song (channel 02), not speech")
    if emotion == "08" and not surprised:
        raise InputError("is surprised (emotion 08), which CREMA-D's six emotions lack; ask for it with surprised=True")
    if emotion == "01" and intensity == "02":
        raise InputError("is named strong neutral (01, 02), which RAVDESS does not have")
    level = {"01": "XX", "02": "LO"}.get(emotion, "MD" if intensity == "01" else "HI")
    # calm has two intensities under one label: they stay apart as takes 1, 2 (normal) and 3, 4 (strong)
    take = int(repetition) + (2 if emotion == "02" and intensity == "02" else 0)
    sentence = {"01": "KID", "02": "DOG"}[statement]
    return Item(path, "ravdess", actor, sentence, RAVDESS_EMOTIONS[emotion], level, take, RAVDESS_TEXTS[statement])


# ---- GRID -----------------------------------------------------------------------------------------------------
_DIGITS = dict(zip("z123456789", "zero one two three four five six seven eight nine".split()))
GRID_WORDS = (
    ("command", {"b": "bin", "l": "lay", "p": "place", "s": "set"}),
    ("colour", {"b": "blue", "g": "green", "r": "red", "w": "white"}),
    ("preposition", {"a": "at", "b": "by", "i": "in", "w": "with"}),
    ("letter", {c: c for c in "abcdefghijklmnopqrstuvxyz"}),           # no w: its name has three syllables
    ("digit", _DIGITS),
    ("adverb", {"a": "again", "n": "now", "p": "please", "s": "soon"}),
)


def parse_grid(path: Path | str) -> Item:
    """Words of a GRID name: bbaf2n -> "bin blue at f two now".

    The speaker is in the folders, not in the name: see `grid.read`.
    Raises InputError, whose text completes the sentence "PATH ...".
    """
    path = Path(path)
    code = path.stem.lower()
    if len(code) != 6:
        raise InputError("is not named by six characters, as in bbaf2n")
    words = []
    for character, (what, table) in zip(code, GRID_WORDS):
        if character not in table:
            raise InputError(f"has {character!r} for the {what}; GRID has {' '.join(table)}")
        words.append(table[character])
    return Item(path, "grid", None, code, text=" ".join(words))
