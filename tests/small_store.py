"""A store of a few short clips whose frames show their own number, for the tests of splits, windows and training."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from conftest import numbered
from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.media import audio

SIZE = 48


def clip_sound(k: int, n_frames: int) -> np.ndarray:
    """Noise that differs from clip to clip, of exactly n_frames video frames."""
    return np.random.default_rng([7, k]).uniform(-.5, .5, n_frames * audio.SAMPLES_PER_FRAME).astype(np.float32)


def make_store(path: Path, clips: list[dict], *, size: int = SIZE, start: int = 1) -> Store:
    """clips: dicts of `Row`'s fields and n_frames; ok: numbers of bad frames; sound: length of the sound in video
    frames. Frame i of the store shows the number start + i; its labels are functions of that number."""
    at = start
    with StoreWriter(path, size=size) as writer:
        for k, clip in enumerate(clips):
            clip = dict(clip)
            n, bad = clip.pop("n_frames"), clip.pop("bad", ())
            sound = clip_sound(k, clip.pop("sound", n))
            number = np.arange(at, at + n)
            rng = np.random.default_rng([8, k])
            frames = numbered(at + n, size, size)[at:]
            ok = np.ones(n, bool)
            ok[list(bad)] = False
            writer.append(Row(**clip), frames, audio.mel_spectrogram(sound).T, sound, ok=ok,
                          expression=np.repeat(number[:, None] / 1000, 52, 1) + np.arange(52),
                          aus=rng.uniform(0, 5, (n, 17)), pose=rng.normal(size=(n, 6)),
                          points=rng.uniform(0, size, (n, 478, 3)), intensity=number / 1000)
            at += n
    return Store.open(path)


def acted(actor: str, *emotions: str, n_frames: int = 20, corpus: str = "actors", **more) -> list[dict]:
    """One clip per emotion."""
    return [dict(id=f"{corpus}/{actor}_{k}_{e}", corpus=corpus, actor=actor, emotion=e, level="HI", sentence="DFA",
                 take=k + 1, n_frames=n_frames + k, **more) for k, e in enumerate(emotions)]


def splits_of(**people: str) -> Splits:
    """V1="train", V2="test", ...; a name with two underscores is another corpus: crema_d__1005."""
    return Splits(tuple(Person(*(name.split("__") if "__" in name else ("actors", name)), split)
                        for name, split in people.items()))
