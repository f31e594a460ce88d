"""People and sentences for networks that hear a feeling: whom and what each split has.

People of val and test have speakers of espeak-ng that nobody of train has, and other sentences.
"""
from __future__ import annotations

from tfg.acting.voices import Voice
from tfg.actors.cast import actor_seed, varied

HELD_OUT = {"val": ("f4", "m3", "Mario"), "test": ("f5", "Alicia", "m7", "Lee", "quincy")}
"""Split -> espeak-ng's speakers that only its people have."""
SPLITS = ("train", "val", "test")


def split_of(speaker: str) -> str:
    """The split to which a speaker of espeak-ng belongs, such as "en-us+f2"."""
    variant = speaker.partition("+")[2]
    return next((split for split, variants in HELD_OUT.items() if variant in variants), "train")


def people(split: str, n: int, seed: int) -> list[int]:
    """Seeds of the first n people of a split: those of virtual actors, with the speakers that the split may have."""
    out: list[int] = []
    k = 0
    while len(out) < n:
        person = actor_seed(seed, split, k)
        if split_of(Voice.from_seed(person).speaker) == split:
            out.append(person)
        k += 1
    return out


def sentences(n: int, seed: int) -> dict[str, list[str]]:
    """n sentences, dealt to the splits: 8, 1 and 1 in ten."""
    texts = varied(n, seed)
    cut = len(texts) * 8 // 10, len(texts) * 9 // 10
    return dict(zip(SPLITS, (texts[:cut[0]], texts[cut[0]:cut[1]], texts[cut[1]:])))
