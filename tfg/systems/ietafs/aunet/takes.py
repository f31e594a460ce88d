"""Training data of AUnet: acted takes, whose voice and Action Units are known with the emotion and without it.

    python -m tfg.systems.ietafs.aunet.takes --out build/takes --profile cpu

A virtual person speaks a sentence with an emotion (`tfg.actors.take.make_take`), and the same moment is played again
without one (`replay`), so that what the words do and what the emotion adds are known apart (`targets`). Beside them
stands the speech corpus of the mouth network: more voices and languages, in which only the mouth's units are known.

People of val and test have speakers of espeak-ng that nobody of train has, and other sentences. CREMA-D's twelve
sentences occur in none, so that its clips are unseen in voice and text.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfg.acting.performance import share_closure
from tfg.acting.style import display
from tfg.actors.speakers import HELD_OUT, SPLITS, people, sentences, split_of
from tfg.actors.take import Performance, make_take, replay
from tfg.errors import InputError
from tfg.faces.aus import AUS, action_units
from tfg.faces.geometry import subtract_neutral
from tfg.files import atomic, make_folder
from tfg.media.audio import MEL_FLOOR, mel_spectrogram, n_frames
from tfg.speech import corpus
from tfg.speech.visemes import coarticulate
from tfg.vocabulary import EMOTIONS

N_MELS = 128                                         # bands of the published spectrogram
MOUTH = tuple(AUS.index(au) for au in (10, 12, 14, 15, 17, 20, 23, 25, 26))
"""Columns of the units that words move: the only ones known in the speech corpus."""
BLINK = AUS.index(45)
UNKNOWN = -1                                         # emotion of the speech corpus

SIZES: dict[str, dict[str, Any]] = {
    # people of each split, levels of every emotion that each of them plays, sentences to choose from, speech corpus
    "ci": dict(train=3, val=1, test=1, levels=("HI",), sentences=60, corpus=corpus.SIZES["ci"]),
    "cpu": dict(train=140, val=8, test=16, levels=("LO", "MD", "HI"), sentences=3000,
                corpus=dict(english_voices=112, characters=46, english=5, other_voices=6, other=4, recorded=200,
                            unseen=16)),
    "gpu": dict(train=600, val=24, test=40, levels=("LO", "MD", "HI"), sentences=20_000, corpus=corpus.SIZES["gpu"]),
}


@dataclass
class AuExample:
    """One clip of speech with its Action Units.

    mel: (128, M) uint8, see `pack`.  speech, feeling: (T, 17) float16, 0..5 and -5..5; columns that are not `known` are
    0.  emotion: number in EMOTIONS, or UNKNOWN: then `feeling` is not known, either, and of `speech` only MOUTH.
    level: of the emotion.  voice: "train007:en-us+f2", the person and the speaker.  split: train | val | test.
    """

    mel: np.ndarray
    speech: np.ndarray
    feeling: np.ndarray
    emotion: int
    level: str
    voice: str
    text: str
    split: str


def targets(take: Performance) -> tuple[np.ndarray, np.ndarray]:
    """What AUnet shall hear in a take: speech (T, 17) in 0..5, feeling (T, 17) in -5..5, both float32, AUS' order.

    speech = action_units of the same take played without emotion; feeling = action_units of the take - those. Both are
    relative to the person's face at rest in this take, which nobody can hear. AU 45 of speech is 0: blinks cannot be
    heard, and callers add their own.
    """
    n = len(take.motion)
    rest = display(take.style, "NEU", 0.0, n, seed=take.seed, looseness=1 - take.moves[1])[0]      # (52,), constant
    felt, neutral = (action_units(subtract_neutral(t.motion.expression, rest)) for t in (take, replay(take, "NEU")))
    feeling = felt - neutral
    neutral[:, BLINK] = 0
    return neutral, feeling


def pack(mel: np.ndarray) -> np.ndarray:
    """A log-mel in -4..4 as uint8, in steps of 0.4 dB; `unpack` gives it back."""
    return np.round((mel - MEL_FLOOR) * (255 / 8)).clip(0, 255).astype(np.uint8)


def unpack(packed: np.ndarray) -> np.ndarray:
    """Log-mel (128, M) float32 of `pack`'s bytes."""
    return packed.astype(np.float32) * (8 / 255) + MEL_FLOOR


# ---- making them ----------------------------------------------------------------------------------------------------
def acted(profile: str, seed: int) -> Iterator[AuExample]:
    """The acted takes of a profile: each person plays every emotion in every level, one or two sentences each."""
    size = SIZES[profile]
    pools = sentences(size["sentences"], seed)
    for number, split in enumerate(SPLITS):
        for k, person in enumerate(people(split, size[split], seed)):
            rng = np.random.default_rng([seed, 95, number, k])
            for level in size["levels"]:
                for e, emotion in enumerate(EMOTIONS):
                    text = " ".join(rng.choice(pools[split], rng.integers(1, 3), replace=False))
                    take = make_take("A", person, text=text, emotion=emotion, level=level)
                    speech, feeling = targets(take)
                    yield AuExample(pack(mel_spectrogram(take.audio, N_MELS)), speech.astype(np.float16),
                                    feeling.astype(np.float16), e, level, f"{split}{k:03d}:{take.voice.speaker}",
                                    text, split)


def spoken(profile: str, seed: int, use: Sequence[str]) -> Iterator[AuExample]:
    """The clips of the speech corpus that may be trained on.  use: speech engines (`tfg.speech.corpus.engines`)."""
    rng = np.random.default_rng([seed, 96])
    for take in corpus.takes(profile, seed, tuple(use), SIZES[profile]["corpus"]):
        if take.split != "train" or split_of(take.voice) != "train":
            continue
        take = corpus.vary(take, rng)
        mouth = action_units(share_closure(coarticulate(take.phones, n_frames(len(take.audio)))))
        speech = np.zeros_like(mouth)
        speech[:, MOUTH] = mouth[:, MOUTH]
        yield AuExample(pack(mel_spectrogram(take.audio, N_MELS)), speech.astype(np.float16),
                        np.zeros_like(speech, np.float16), UNKNOWN, "XX", take.voice, "", "train")


def make(profile: str, seed: int, use: Sequence[str] | None = None, progress: bool = True) -> list[AuExample]:
    """All clips of a profile.  use: speech engines; None: those installed.  Raises InputError: unknown profile, or no
    espeak-ng, which the actors speak with."""
    from tqdm.auto import tqdm

    from tfg.speech import voice

    if profile not in SIZES:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(SIZES)}")
    if not voice.available():
        raise InputError("acted takes need espeak-ng, which is not installed: pip install espeakng-loader")
    out: list[AuExample] = []
    for name, clips in (("acting", acted(profile, seed)),
                        ("speaking", spoken(profile, seed, corpus.engines() if use is None else use))):
        out += tqdm(clips, desc=name, unit=" clips", disable=not progress)
    return out


# ---- one file -------------------------------------------------------------------------------------------------------
def takes_file(folder, profile: str, seed: int, use: Sequence[str] | None = None) -> Path:
    """Path of the file with a profile's clips; another seed, size or list of engines has another name."""
    key = repr((SIZES[profile], HELD_OUT, seed, tuple(corpus.engines() if use is None else use), 1))
    return Path(folder) / f"takes_{profile}_{hashlib.sha256(key.encode()).hexdigest()[:8]}.npz"


def examples_of(folder, profile: str, seed: int = 0, use: Sequence[str] | None = None,
                progress: bool = True) -> list[AuExample]:
    """The clips of a profile from the file in this folder, which is made first where it is missing.

    Raises InputError: see `make`; a folder that cannot be written, a damaged file.
    """
    if profile not in SIZES:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(SIZES)}")
    path = takes_file(make_folder(folder), profile, seed, use)
    if path.is_file():
        return read(path)
    made = make(profile, seed, use, progress)
    write(path, made)
    return made


def write(path, examples: list[AuExample]) -> None:
    """Write clips to one .npz, atomically: their arrays one after the other, and a table in JSON."""
    table = [dict(columns=e.mel.shape[1], frames=len(e.speech), emotion=e.emotion, level=e.level, voice=e.voice,
                  text=e.text, split=e.split) for e in examples]
    with atomic(path) as part:
        np.savez(part, mel=np.concatenate([e.mel.T for e in examples]),
                 speech=np.concatenate([e.speech for e in examples]),
                 feeling=np.concatenate([e.feeling for e in examples]),
                 table=np.frombuffer(json.dumps(table).encode(), np.uint8))


def read(path) -> list[AuExample]:
    """The clips that `write` wrote.  Raises InputError for another or a damaged file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            mel, speech, feeling = file["mel"], file["speech"], file["feeling"]
            table = json.loads(file["table"].tobytes())
    except Exception as error:                               # zipfile and numpy raise many kinds for damaged files
        raise InputError(f"{path} cannot be read ({error}): delete it, and it is made anew") from error
    out, column, frame = [], 0, 0
    for row in table:
        m, n = row.pop("columns"), row.pop("frames")
        out.append(AuExample(mel[column:column + m].T, speech[frame:frame + n], feeling[frame:frame + n], **row))
        column, frame = column + m, frame + n
    return out


def main(argv: Sequence[str] | None = None) -> None:
    """Make the clips of a profile, and print how long it took and how much there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder for the file")
    parser.add_argument("--profile", default="cpu", choices=tuple(SIZES))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(argv)
    clock = time.monotonic()
    examples = examples_of(asked.out, asked.profile, asked.seed)
    for split in SPLITS:
        part = [e for e in examples if e.split == split]
        hours = [sum(len(e.speech) for e in part if (e.emotion == UNKNOWN) == plain) / 25 / 3600
                 for plain in (False, True)]
        print(f"{split}: {len(part)} clips, {hours[0]:.2f} h acted, {hours[1]:.2f} h of other speech")
    print(f"{time.monotonic() - clock:.0f} s")


if __name__ == "__main__":
    main()
