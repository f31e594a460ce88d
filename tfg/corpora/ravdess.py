"""RAVDESS: 24 actors, two statements, eight emotions, two intensities; speech (and song, which is left out).

Source: https://zenodo.org/record/1188976 (Livingstone & Russo 2018, PLoS ONE 13(5): e0196391).  Licence: CC BY-NC-SA
4.0: not for commercial use.  Layout, as the archives unpack (with or without the outer folder):

    Video_Speech_Actor_01/Actor_01/01-01-03-02-01-01-01.mp4     picture and sound, 1280 x 720, 48 kHz
    Video_Speech_Actor_01/Actor_01/02-01-03-02-01-01-01.mp4     the same without sound
    Audio_Speech_Actors_01-24/Actor_01/03-01-03-02-01-01-01.wav the sound alone
"""
from __future__ import annotations

import os
import re
from pathlib import Path

from tfg.corpora import scan
from tfg.corpora.names import Item, Reading, Skipped, parse_ravdess
from tfg.errors import InputError

_FOLDER = re.compile(r"Actor_(\d\d)")


def read(root: str | os.PathLike, *, kind: str = "video", surprised: bool = False) -> Reading:
    """List a folder in the official layout.

    kind: "video" (modality 01, its wav in `Item.audio` where there is one), "audio" (modality 03), "both".
    surprised: also list emotion 08, as SUR.  Calm is NEU at level LO.  Returns items sorted by path, and what was left
    out: bad names, songs, videos without sound, a name that contradicts its Actor folder, empty files, second copies.
    Raises InputError if the folder is missing.
    """
    scan.check_kind(kind)
    good, skipped = scan.walk(root, scan.VIDEO | scan.AUDIO)
    videos: list[Item] = []
    sounds: list[Item] = []
    for item in scan.parse_all(good, lambda path: _parse(path, surprised), skipped):
        modality, is_sound = item.path.stem[:2], item.path.suffix.lower() in scan.AUDIO
        if is_sound != (modality == "03"):
            skipped.append(Skipped(item.path, f"has modality {modality}, which does not go with {item.path.suffix}"))
        elif modality == "02":
            skipped.append(Skipped(item.path, "has no sound (modality 02); modality 01 is the same clip with sound"))
        else:
            (sounds if is_sound else videos).append(item)
    videos, sounds = scan.unique(videos, skipped), scan.unique(sounds, skipped)
    return scan.reading(scan.pair(videos, sounds, kind, skipped), skipped)


def _parse(path: Path, surprised: bool) -> Item:
    item = parse_ravdess(path, surprised=surprised)
    inside = _FOLDER.fullmatch(path.parent.name)
    if inside and inside.group(1) != item.actor:             # trusting either would leak an actor across a split
        raise InputError(f"names actor {item.actor} but lies in {path.parent.name}")
    return item
