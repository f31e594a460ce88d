"""Any folder of videos: your own takes, single clips of virtual actors, a corpus without a reader of its own.

Source and licence are yours to know; see "What is fine and what is not" in the README before filming others.  Layout:

    ANN/smile.mp4, ANN/2024/hello.mov     the first folder below the root names the actor
    V001_DFA_HAP_HI.mp4                   a name in CREMA-D's form gives all labels, wherever it lies
    hello.txt                             beside hello.mp4: the words that are spoken
"""
from __future__ import annotations

import os
from pathlib import Path

from tfg.corpora import scan
from tfg.corpora.actors import SET
from tfg.corpora.names import CREMA_D, Item, Reading
from tfg.errors import InputError
from tfg.vocabulary import SENTENCES

MAX_TEXT = 10_000
"""Most characters of a .txt; a longer one is not the words of one clip."""


def read(root: str | os.PathLike) -> Reading:
    """List every video below a folder.

    actor: from a name in CREMA-D's form, else the first folder below root, else None (a clip in the root itself; such
    clips cannot be split by actor).  Returns items sorted by path, and what was left out: empty files, git-lfs
    pointers, files whose text cannot be read, sets of virtual actors (their splits are recorded, and would be lost).
    Files that are no videos by their suffix are not looked at.  Raises InputError if the folder is missing.
    """
    root = scan.folder(root)
    good, skipped = scan.walk(root, scan.VIDEO)
    sets = {path.parent for path in scan.walk(root, {".json"})[0] if path.name == SET}
    return scan.reading(scan.parse_all(good, lambda path: _parse(path, root, sets), skipped), skipped)


def _parse(path: Path, root: Path, sets: set[Path]) -> Item:
    for folder in sets.intersection(path.parents):
        raise InputError(f"belongs to the virtual actors in {folder}, whose splits are recorded there; read it as "
                         "the corpus actors")
    match = CREMA_D.fullmatch(path.stem)
    text = _text(path.with_suffix(".txt"))
    if match:
        actor, sentence, emotion, level = match.groups()
        level = "XX" if level == "X" else level
        return Item(path, "folder", actor, sentence, emotion, level, text=text or SENTENCES.get(sentence))
    inside = path.relative_to(root).parts[:-1]
    return Item(path, "folder", inside[0] if inside else None, path.stem, text=text)


def _text(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        text = " ".join(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"has a text {path.name} that cannot be read; save it as UTF-8") from error
    if len(text) > MAX_TEXT:
        raise InputError(f"has a text {path.name} of {len(text)} characters; one clip says at most {MAX_TEXT}")
    return text or None
