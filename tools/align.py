"""Forced alignment of known English words by pocketsphinx (an analysis tool: `pip install pocketsphinx==5.1.1`)."""
from __future__ import annotations

import numpy as np

from tfg.media.audio import SR
from tfg.speech.visemes import Phone, make_phones

PAD_S = 0.3
GRID_WORDS = ({"b": "bin", "l": "lay", "p": "place", "s": "set"}, {"b": "blue", "g": "green", "r": "red", "w": "white"},
              {"a": "at", "b": "by", "i": "in", "w": "with"}, None,
              dict(zip("z123456789", "zero one two three four five six seven eight nine".split(), strict=True)),
              {"a": "again", "n": "now", "p": "please", "s": "soon"})


def grid_sentence(stem: str) -> str:
    """Sentence of a GRID name: "bbaf2n" -> "bin blue at f two now" (Cooke et al. 2006)."""
    return " ".join(letter if table is None else table[letter] for letter, table in zip(stem, GRID_WORDS, strict=True))


def align(y: np.ndarray, words: str) -> list[Phone]:
    """Phones with times of spoken words; y (N,) at 16 kHz. Words that are not in the dictionary raise ValueError."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SR, bestpath=False)
    text = " ".join(w for w in words.lower().replace(",", " ").replace(".", " ").split())
    for word in text.split():
        if decoder.lookup_word(word) is None:
            raise ValueError(f"{word!r} is not in pocketsphinx's dictionary")
    pad = np.zeros(int(PAD_S * SR), np.float32)
    sound = (np.concatenate([pad, y, pad]) * 32767).astype("<i2").tobytes()

    def run():
        decoder.start_utt()
        decoder.process_raw(sound, full_utt=True)
        decoder.end_utt()

    decoder.set_align_text(text)
    run()
    decoder.set_alignment()
    run()
    phones: list[Phone] = []
    for word in decoder.get_alignment():
        for p in word:
            if p.name not in ("SIL", "+NSN+", "+SPN+"):
                start = p.start / 100 - PAD_S
                phones += make_phones(p.name.lower(), start, start + p.duration / 100, arpabet=True)
    return phones
