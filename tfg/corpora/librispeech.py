"""A sample of LibriSpeech: 351 recordings of 261 people who read, 65 minutes, with words.

Source: https://github.com/resemble-ai/Resemblyzer, folder audio_data, which took them unchanged from LibriSpeech (V.
Panayotov, G. Chen, D. Povey, S. Khudanpur, ICASSP 2015).  Licence: CC BY 4.0.  `tfg corpora fetch librispeech` makes
this layout:

    test-other/SPEAKER/SPEAKER-CHAPTER-UTTERANCE.flac, train-clean-100/SPEAKER-CHAPTER-UTTERANCE.flac
    recordings.csv        path, sha256, size and words of each

That folder has no transcripts: the words are what Whisper tiny.en heard, and are wrong here and there.
"""
from __future__ import annotations

import csv
import functools
import os
from pathlib import Path
from typing import NamedTuple

from tfg import paths
from tfg.errors import InputError

REVISION = "15d828edebe06bc72b9cabc8ef8ca5ab2cb457ce"
ADDRESS = f"https://raw.githubusercontent.com/resemble-ai/Resemblyzer/{REVISION}/audio_data/librispeech_"
HELD_OUT = "test-other"
"""The folder whose ten speakers nothing learns from."""


class Recording(NamedTuple):
    """A recording. path: below the corpus folder.  words: as Whisper heard them."""

    path: str
    sha256: str
    size: int
    words: str

    @property
    def speaker(self) -> str:
        return Path(self.path).name.partition("-")[0]

    @property
    def address(self) -> str:
        """Where it can be fetched."""
        return ADDRESS + self.path


@functools.lru_cache(maxsize=1)
def recordings() -> tuple[Recording, ...]:
    """The table that ships with tfg, in the order of the paths."""
    with open(paths.data("librispeech", "recordings.csv"), newline="", encoding="utf-8") as file:
        return tuple(Recording(r["path"], r["sha256"], int(r["bytes"]), r["words"]) for r in csv.DictReader(file))


def present(root: str | os.PathLike) -> list[tuple[Recording, Path]]:
    """The recordings that are in a folder.  Raises InputError if none is."""
    found = [(r, path) for r in recordings() if (path := Path(root) / r.path).is_file()]
    if not found:
        raise InputError(f"{root} holds no recording of the LibriSpeech sample; run tfg corpora fetch librispeech "
                         f"--out {root} first.")
    return found
