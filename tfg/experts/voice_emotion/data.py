"""Training data of the voice's emotion: statistics of sentences that virtual people speak with each emotion.

    python -m tfg.experts.voice_emotion.data --out build/voices --profile cpu

Each person speaks three sentences with every emotion, weak, middle and strong (`tfg.acting.voices.speak_as`), in a room
of their own. Half of the sentences of training go through another microphone, a telephone, noise or music besides
(`tfg.speech.degrade`). People of val and test have speakers of espeak-ng that nobody of train has, and other sentences;
they are the people of AUnet's val and test. CREMA-D's twelve sentences occur in none.

With recordings (`recordings_of`): a folder of sounds named as CREMA-D's, such as 1001_DFA_ANG_XX.wav.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfg import cancel
from tfg.actors.speakers import HELD_OUT, SPLITS, people, sentences
from tfg.corpora.splits import kept_for_testing
from tfg.errors import InputError
from tfg.experts.voice_emotion.sound import KINDS, describe
from tfg.files import atomic, make_folder
from tfg.vocabulary import EMOTIONS

LEVELS = ("LO", "MD", "HI")
DEGRADED = .5                                        # share of the sentences of train
SIZES: dict[str, dict[str, Any]] = {
    # people of each split, levels of every emotion that each of them plays, sentences to choose from
    "ci": dict(train=2, val=1, test=1, levels=("HI",), sentences=60),
    "cpu": dict(train=68, val=12, test=16, levels=LEVELS, sentences=3000),
    "gpu": dict(train=600, val=24, test=40, levels=LEVELS, sentences=20_000),
}


@dataclass(eq=False)
class Voices:
    """Statistics of N sentences.

    stats: kind of `sound.KINDS` -> (N, its size) float32.  emotion: (N,) places in EMOTIONS.  intensity: (N,) in 0..1,
    0 where unknown.  level, voice, split: N texts; a voice is a person, such as "test003:en-us+f5".
    """

    stats: dict[str, np.ndarray]
    emotion: np.ndarray
    intensity: np.ndarray
    level: np.ndarray
    voice: np.ndarray
    split: np.ndarray

    def __len__(self) -> int:
        return len(self.emotion)

    def of(self, kinds: Sequence[str]) -> np.ndarray:
        """The statistics of these kinds side by side, (N, D) float32."""
        return np.concatenate([self.stats[kind] for kind in kinds], 1)

    def part(self, chosen) -> Voices:
        """Those sentences alone.  chosen: the name of a split, or (N,) bool."""
        keep = self.split == chosen if isinstance(chosen, str) else chosen
        return Voices({k: v[keep] for k, v in self.stats.items()}, self.emotion[keep], self.intensity[keep],
                      self.level[keep], self.voice[keep], self.split[keep])


def make(profile: str, seed: int = 0, *, hearing=None, progress: bool = True) -> Voices:
    """The sentences of a profile.  hearing: folder with other weights of the speech features than those that ship.

    Raises InputError: unknown profile; no espeak-ng.
    """
    from tqdm.auto import tqdm

    from tfg.speech import voice

    if not voice.available():
        raise InputError("emotional voices need espeak-ng, which is not installed: pip install espeakng-loader")
    size, rows = SIZES[_known(profile)], []
    everybody = [(split, k, person) for split in SPLITS for k, person in enumerate(people(split, size[split], seed))]
    pools = sentences(size["sentences"], seed)
    for split, k, person in tqdm(everybody, desc="speaking", unit=" people", disable=not progress):
        cancel.point()
        rows += spoken_by(split, k, person, pools[split], size["levels"], seed, hearing)
    return gathered(rows)


def spoken_by(split: str, k: int, person: int, texts: Sequence[str], levels: Sequence[str], seed: int,
              hearing=None) -> list[tuple]:
    """What one person speaks: (statistics, emotion, intensity, level, voice, split) of each sentence.  k: the person's
    number in the split.  person: the person's seed."""
    from tfg.acting.voices import Voice, speak_as
    from tfg.actors.take import intensity_of
    from tfg.speech.degrade import degrade

    rng, speaker = np.random.default_rng([seed, 97, SPLITS.index(split), k]), Voice.from_seed(person)
    out = []
    for level in levels:
        for e, emotion in enumerate(EMOTIONS):
            text, take = str(rng.choice(texts)), int(rng.integers(2 ** 31))
            felt = intensity_of(level, take)
            audio = speak_as(speaker, text, emotion, felt, seed=take)[0]
            if split == "train" and rng.random() < DEGRADED:
                audio = degrade(audio, rng)
            out.append((describe(audio, folder=hearing), e, felt, level, f"{split}{k:03d}:{speaker.speaker}", split))
    return out


def gathered(rows: Sequence[tuple]) -> Voices:
    """One object of many rows of `spoken_by`."""
    stats, emotion, intensity, level, voice, split = zip(*rows)
    return Voices({kind: np.stack([s[kind] for s in stats]) for kind in KINDS}, np.array(emotion, np.int64),
                  np.array(intensity, np.float32), np.array(level), np.array(voice), np.array(split))


def recordings_of(folder, *, hearing=None, progress: bool = True) -> Voices:
    """The sounds of a folder whose names say person and emotion as CREMA-D's do: 1001_DFA_ANG_XX.wav.

    People are dealt to the splits by their names, one in eight to val and to test; those kept for testing go to test.
    Raises InputError: no such folder, or no such sounds in it.
    """
    from tqdm.auto import tqdm

    from tfg.media.audio import load_audio

    paths = [p for p in sorted(Path(folder).glob("*.wav")) if len(p.stem.split("_")) == 4
             and p.stem.split("_")[2] in EMOTIONS] if Path(folder).is_dir() else []
    if not paths:
        raise InputError(f"{folder} is no folder with sounds named as CREMA-D's, such as 1001_DFA_ANG_XX.wav.")
    rows = []
    for path in tqdm(paths, desc="listening", unit=" sounds", disable=not progress):
        cancel.point()
        person, _, emotion, level = path.stem.split("_")
        place = int(hashlib.sha256(person.encode()).hexdigest(), 16) % 8
        split = "test" if kept_for_testing("crema_d", person) else {0: "val", 1: "test"}.get(place, "train")
        rows.append((describe(load_audio(path), folder=hearing), EMOTIONS.index(emotion), 0.0, level, person, split))
    return gathered(rows)


def _known(profile: str) -> str:
    if profile not in SIZES:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(SIZES)}")
    return profile


# ---- one file -------------------------------------------------------------------------------------------------------
def voices_file(folder, profile: str, seed: int, hearing=None) -> Path:
    """Path of the file with a profile's statistics; another seed, size or hearing has another name."""
    from tfg.networks import checkpoint

    key = repr((SIZES[_known(profile)], HELD_OUT, DEGRADED, seed, checkpoint.checksum("whisper", hearing), 1))
    return Path(folder) / f"voices_{profile}_{hashlib.sha256(key.encode()).hexdigest()[:8]}.npz"


def voices_of(folder, profile: str, seed: int = 0, *, hearing=None, progress: bool = True) -> Voices:
    """The statistics of a profile from the file in this folder, which is made first where it is missing.

    Raises InputError: see `make`; a folder that cannot be written, a damaged file.
    """
    path = voices_file(make_folder(folder), profile, seed, hearing)
    if path.is_file():
        return read(path)
    made = make(profile, seed, hearing=hearing, progress=progress)
    write(path, made)
    return made


def write(path, voices: Voices) -> None:
    """Write to one .npz, atomically."""
    table = dict(level=voices.level.tolist(), voice=voices.voice.tolist(), split=voices.split.tolist())
    stats: dict[str, Any] = dict(voices.stats)
    with atomic(path) as part:
        np.savez_compressed(part, emotion=voices.emotion, intensity=voices.intensity,
                            table=np.frombuffer(json.dumps(table).encode(), np.uint8), **stats)


def read(path) -> Voices:
    """What `write` wrote.  Raises InputError for another or a damaged file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            table = json.loads(file["table"].tobytes())
            return Voices({kind: file[kind] for kind in KINDS}, file["emotion"], file["intensity"],
                          *(np.array(table[name]) for name in ("level", "voice", "split")))
    except Exception as error:                               # zipfile and numpy raise many kinds for damaged files
        raise InputError(f"{path} cannot be read ({error}): delete it, and it is made anew") from error


def main(argv: Sequence[str] | None = None) -> None:
    """Make the statistics of a profile, and print how long it took and how much there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder for the file")
    parser.add_argument("--profile", default="cpu", choices=tuple(SIZES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--whisper", help="folder with other weights of the speech features; default: data/whisper")
    asked = parser.parse_args(argv)
    clock = time.monotonic()
    voices = voices_of(asked.out, asked.profile, asked.seed, hearing=asked.whisper)
    for split in SPLITS:
        part = voices.part(split)
        print(f"{split}: {len(part)} sentences of {len(set(part.voice))} people")
    print(f"{time.monotonic() - clock:.0f} s")


if __name__ == "__main__":
    main()
