"""CREMA-D: 7,442 clips of 91 actors, 12 sentences, 6 emotions, and the emotions that raters saw and heard in them.

Source: https://github.com/CheyneyComputerScience/CREMA-D (Cao, Cooper, Keutmann, Gur, Nenkova & Verma 2014, IEEE
Transactions on Affective Computing 5(4)).  Licence: Open Database License 1.0, contents under the Database Contents
License 1.0 (data/crema_d/LICENSE.txt).  Layout:

    VideoFlash/1001_DFA_HAP_XX.flv      480 x 360, 30 frames/s, sound 44.1 kHz, in step with the picture
    AudioWAV/1001_DFA_HAP_XX.wav        16 kHz; AudioMP3/ and audio_resampled/ (other cuts of it) are read too
    processedResults/summaryTable.csv   the emotion that most raters chose, per modality, with its mean intensity
    VideoDemographics.csv               age, sex, race, ethnicity of the actors
"""
from __future__ import annotations

import csv
import functools
import gzip
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tfg import paths
from tfg.corpora import scan
from tfg.corpora.names import Reading, Skipped, parse_crema_d
from tfg.errors import InputError
from tfg.vocabulary import EMOTIONS

VIDEO_FOLDER = "VideoFlash"
AUDIO_FOLDERS = ("AudioWAV", "audio_resampled", "AudioMP3")
TEST_ONLY = ("1001", "1002")
"""Actors kept for testing: nothing that tfg ships or compares is trained or tuned on these two."""
REVISION = "1658cd342dff90010aa843eaeebd53610a08b1dc"
ADDRESS = f"https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/{REVISION}/"
MODALITIES = ("voice", "face", "multimodal")
_COLUMNS = {"voice": "Voice", "face": "Face", "multimodal": "MultiModal"}
_LETTERS = {e[0]: e for e in EMOTIONS}


def read(root: str | os.PathLike, *, kind: str = "video") -> Reading:
    """List a folder in the official layout.

    kind: "video" (each video, its wav in `Item.audio` where there is one), "audio" (the sounds), "both" (videos that
    have a wav).  Returns items sorted by path, and what was left out: bad names, empty files, git-lfs pointers, second
    copies, halves without the other, wavs with two labels (`twins`).
    Raises InputError if the folder is missing or holds none of the folders above.
    """
    root = scan.folder(root)
    scan.check_kind(kind)
    folders = [f for f in (VIDEO_FOLDER, *AUDIO_FOLDERS) if (root / f).is_dir()]
    if not folders:
        raise InputError(f"{root} holds neither {VIDEO_FOLDER} nor {AUDIO_FOLDERS[0]}; give the folder of CREMA-D that "
                         "holds them, or use the reader 'folder'.")
    skipped: list = []
    found: dict[str, list] = {"video": [], "audio": []}
    for name in folders:
        part, suffixes = ("video", scan.VIDEO) if name == VIDEO_FOLDER else ("audio", scan.AUDIO)
        good, bad = scan.walk(root / name, suffixes)
        skipped += bad
        items = scan.parse_all(good, parse_crema_d, skipped)
        if part == "audio":
            items = _without_twins(items, skipped)
        # a second folder of sounds holds the same clips by design: the first in AUDIO_FOLDERS is taken, silently
        taken = {scan.key(i) for i in found[part]}
        found[part] += [i for i in scan.unique(items, skipped) if scan.key(i) not in taken]
    return scan.reading(scan.pair(found["video"], found["audio"], kind, skipped), skipped)


# ---- the official files ---------------------------------------------------------------------------------------
class Official(NamedTuple):
    """A row of the manifest. path: below the repository's root, with forward slashes. size: bytes."""

    path: str
    sha256: str
    size: int


@functools.lru_cache(maxsize=1)
def manifest() -> tuple[Official, ...]:
    """Every video and wav of revision REVISION, sorted by path."""
    return tuple(Official(r["path"], r["sha256"], int(r["bytes"])) for r in _rows(_shipped("manifest.csv.gz")))


@functools.lru_cache(maxsize=1)
def twins() -> dict[str, str]:
    """Wavs that equal another clip's byte for byte under another emotion: name -> name of that clip (three pairs).

    The manifest's checksums show them. One of the two labels is wrong and nothing says which, so other cuts of
    the same sounds are not trusted either. Their videos differ.
    """
    by_sum: dict[str, list[str]] = {}
    for official in manifest():
        by_sum.setdefault(official.sha256, []).append(Path(official.path).stem)
    return {a: b for pair in by_sum.values() if len(pair) == 2 for a, b in (pair, pair[::-1])}


def _without_twins(items: list, skipped: list) -> list:
    twin = twins()
    skipped += [Skipped(i.path, f"is the same sound as {twin[i.path.stem]}, which has another label")
                for i in items if i.path.stem in twin]
    return [i for i in items if i.path.stem not in twin]


# ---- the raters -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Votes:
    """Emotions that most raters of one clip chose (several where they tied) with their mean intensity, 0-100.

    voice: raters heard the sound alone; face: they saw the picture alone; multimodal: both.  95 % of the clips have
    more than 7 ratings (Cao et al. 2014).
    """

    voice: dict[str, float]
    face: dict[str, float]
    multimodal: dict[str, float]

    def soft_label(self, *modalities: str):
        """Shares of the emotions, (6,) float32 in the order of EMOTIONS, sum 1: winners, ties divided, mean over
        modalities.

        Without arguments, all three. The table keeps winners only, so one modality alone is nearly one-hot; the label
        is soft where voice, face and both disagree.  Raises InputError for an unknown modality.
        """
        import numpy as np

        unknown = set(modalities) - set(MODALITIES)
        if unknown:
            raise InputError(f"there is no modality {sorted(unknown)[0]!r}; choose from {', '.join(MODALITIES)}.")
        label = np.zeros(len(EMOTIONS), np.float32)
        chosen = modalities or MODALITIES
        for name in chosen:
            winners = getattr(self, name)
            for emotion in winners:
                label[EMOTIONS.index(emotion)] += 1 / len(winners) / len(chosen)
        return label


def votes(root: str | os.PathLike | None = None) -> dict[str, Votes]:
    """Clip name (1001_DFA_HAP_XX) -> Votes, from the table that ships with tfg, or from a copy of CREMA-D.

    root: its folder, or the file summaryTable.csv itself.  Rows that cannot be read are left out with one warning.
    Raises InputError if root holds no such table or it lacks the official columns.
    """
    if root is None:
        return dict(_shipped_votes())
    return _read_votes(_find(Path(root), "summaryTable.csv", "processedResults/summaryTable.csv"))


@functools.lru_cache(maxsize=1)
def _shipped_votes() -> dict[str, Votes]:
    return _read_votes(_shipped("summaryTable.csv.gz"))


def _read_votes(path: Path) -> dict[str, Votes]:
    rows = _rows(path)
    wanted = ["FileName", *(c + part for c in _COLUMNS.values() for part in ("Vote", "Level"))]
    missing = [c for c in wanted if not rows or c not in rows[0]]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}; give CREMA-D's own summaryTable.csv.")
    table, bad = {}, []
    for line, row in enumerate(rows, 2):
        try:
            table[row["FileName"]] = Votes(**{m: _winners(row[c + "Vote"], row[c + "Level"])
                                              for m, c in _COLUMNS.items()})
        except (ValueError, KeyError, AttributeError, TypeError):
            bad.append(line)
    if bad:
        warnings.warn(f"{path}: {len(bad)} rows cannot be read (first: line {bad[0]}) and were left out", stacklevel=3)
    return table


def _winners(letters: str, levels: str) -> dict[str, float]:
    """Emotion -> intensity from two cells of the table: "A:F", "30.67:51.00" -> {"ANG": 30.67, "FEA": 51.0}."""
    return dict(zip((_LETTERS[c] for c in letters.split(":")), (float(x) for x in levels.split(":")), strict=True))


# ---- the actors -----------------------------------------------------------------------------------------------
class Person(NamedTuple):
    """An actor: age in years when recorded; sex, race and ethnicity in CREMA-D's words."""

    age: int
    sex: str
    race: str
    ethnicity: str


def demographics(root: str | os.PathLike | None = None) -> dict[str, Person]:
    """Actor -> Person, from the table that ships with tfg, or from a copy of CREMA-D (its folder, or the file).

    Raises InputError if there is no such table or a row cannot be read.
    """
    path = _shipped("VideoDemographics.csv") if root is None else _find(Path(root), "VideoDemographics.csv")
    people = {}
    for line, row in enumerate(_rows(path), 2):
        try:
            people[row["ActorID"]] = Person(int(row["Age"]), row["Sex"], row["Race"], row["Ethnicity"])
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"{path}, line {line}, cannot be read ({error}); give CREMA-D's own table.") from error
    return people


# ---- tables ---------------------------------------------------------------------------------------------------
def _shipped(name: str) -> Path:
    return paths.data("crema_d", name)


def _find(root: Path, *places: str) -> Path:
    for path in (root, *(root / p for p in places)):
        if path.is_file():
            return path
    raise InputError(f"there is no {places[0]} in {root}; leave the folder out to use the copy that ships with tfg.")


def _rows(path: Path) -> list[dict]:
    """Rows of a CSV table, gzipped or not, as dicts."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the table {path} cannot be read ({error}); restore it.") from error
