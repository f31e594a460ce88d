"""Forced alignment: where each phone of known English words lies in a sound, by pocketsphinx (the extra `align`).

Phones are found within 10 to 14 ms on flite, whose times are known. It fails on espeak-ng's voices, which need none.
"""
from __future__ import annotations

import re

import numpy as np

from tfg.errors import InputError
from tfg.media.audio import SR
from tfg.speech.visemes import Phone, make_phones

PAD_S = 0.3


class NotAligned(InputError):
    """Words that do not fit their sound, or that the dictionary does not have."""


GRID_WORDS = ({"b": "bin", "l": "lay", "p": "place", "s": "set"}, {"b": "blue", "g": "green", "r": "red", "w": "white"},
              {"a": "at", "b": "by", "i": "in", "w": "with"}, None,
              dict(zip("z123456789", "zero one two three four five six seven eight nine".split(), strict=True)),
              {"a": "again", "n": "now", "p": "please", "s": "soon"})


def grid_sentence(stem: str) -> str:
    """Sentence of a GRID name: "bbaf2n" -> "bin blue at f two now" (Cooke et al. 2006)."""
    return " ".join(letter if table is None else table[letter] for letter, table in zip(stem, GRID_WORDS, strict=True))


def align(y: np.ndarray, words: str) -> list[Phone]:
    """Phones with times of spoken words.  y: (N,) at 16 kHz.  words: what is said, in English.

    Raises NotAligned: a word is not in pocketsphinx's dictionary, the words do not fit the sound.  Raises InputError:
    pocketsphinx is missing.
    """
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise InputError('words are aligned with a sound by pocketsphinx: pip install "tfg[align]".') from error

    decoder = Decoder(samprate=SR, bestpath=False)
    text = " ".join(re.findall(r"[a-z']+", words.lower().replace("\u2019", "'")))
    for word in text.split():
        if decoder.lookup_word(word) is None:
            raise NotAligned(f"{word!r} is not in pocketsphinx's dictionary; write it otherwise, or leave the clip "
                             "out.")
    pad = np.zeros(int(PAD_S * SR), np.float32)
    sound = (np.concatenate([pad, y, pad]) * 32767).astype("<i2").tobytes()

    def run():
        decoder.start_utt()
        decoder.process_raw(sound, full_utt=True)
        decoder.end_utt()

    phones: list[Phone] = []
    try:
        decoder.set_align_text(text)
        run()
        decoder.set_alignment()
        run()
        found = decoder.get_alignment()
    except RuntimeError:                              # pocketsphinx's only error, whatever went wrong
        found = None
    if found is None:
        raise NotAligned(f"the words {text!r} were not found in the sound; check what is said.")
    for word in found:
        for p in word:
            if p.name not in ("SIL", "+NSN+", "+SPN+"):
                start = p.start / 100 - PAD_S
                phones += make_phones(p.name.lower(), start, start + p.duration / 100, arpabet=True)
    return phones
