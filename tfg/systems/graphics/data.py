"""Training data of the mouth network: synthetic speech, and the coarticulated curves of its known phones."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.errors import InputError
from tfg.media.audio import mel_windows
from tfg.speech import corpus, visemes
from tfg.speech.features import normalise
from tfg.training.augment_sound import FLOOR, augment_sound, noise

SILENT = .06
"""Share of the crops whose sound is replaced by noise or silence."""


@dataclass
class MouthExample:
    """One clip of speech with its mouth, for training or scoring."""

    mel: np.ndarray                                   # (80, M) float16 log-mel
    target: np.ndarray                                # (T, 13) float16 articulators, as visemes.CHANNELS
    viseme: np.ndarray                                # (T,) uint8 viseme of each frame
    closures: list[tuple[float, float]]               # p, b, m: start and stop in seconds
    voice: str
    split: str                                        # train | voice | recorded | language


def build_corpus(profile: str, seed: int, use: tuple[str, ...], progress: bool = True) -> list[MouthExample]:
    """All examples of a profile in memory: about 25 kB per second of speech.  use: engines to make speech with.

    Raises InputError if none of the engines is installed.
    """
    from tqdm.auto import tqdm

    rng, out = np.random.default_rng(seed + 1), []
    for take in tqdm(corpus.takes(profile, seed, use), desc="speaking", unit=" clips", disable=not progress):
        for _ in range(corpus.SIZES[profile]["copies"] if take.split == "train" else 1):
            varied = corpus.vary(take, rng)
            mel, target = corpus.example(varied)
            out.append(MouthExample(mel, visemes.gather(target).astype(np.float16),
                               corpus.labels(varied.phones, len(target)), corpus.closures(varied.phones), take.voice,
                               take.split))
    if not out:
        raise InputError("no speech engine was found to make training speech with: pip install espeakng-loader")
    return out


class Crops:
    """Training crops for the loop; index i is a visit of a clip.

    In an epoch every clip is visited, clips of smaller groups of voices more often, so that all groups are visited
    equally; each visit augments the sound anew and cuts `frames` frames out of it.
    """

    def __init__(self, examples: list[MouthExample], frames: int, width: int, seed: int):
        if not examples:
            raise InputError("there is no clip to train on; make some speech of the split train.")
        self.examples, self.frames, self.width, self.seed = examples, frames, width, seed
        self.groups = corpus.groups_of(examples)

    def __len__(self) -> int:
        return len(self.groups) * max(map(len, self.groups))

    def batch(self, epoch: int, indices) -> dict:
        """One batch: windows (B, T, 80, width), target (B, T, 13), viseme and mask (B, T), mask 1 within the clip.

        Depends on its arguments alone.
        """
        crops = [self._crop(epoch, int(i)) for i in indices]
        return {name: np.stack([crop[name] for crop in crops]) for name in crops[0]}

    def _crop(self, epoch: int, i: int) -> dict:
        rng = np.random.default_rng([self.seed, 94, epoch, i])
        group = self.groups[i % len(self.groups)]
        e = self.examples[int(group[i // len(self.groups) % len(group)])]
        other = self.examples[int(rng.choice(self.groups[rng.integers(len(self.groups))]))]
        mel, target, viseme = augment_sound(e.mel, rng, other.mel), e.target, e.viseme
        if rng.random() < SILENT:                     # the lips stay closed
            mel = np.clip(noise(e.mel.shape, rng.uniform(FLOOR - .5, .5), rng), FLOOR, 4).astype(np.float32)
            target, viseme = np.zeros_like(target), np.zeros_like(viseme)
        start = int(rng.integers(max(len(target) - self.frames, 0) + 1))
        part = slice(start, start + self.frames)
        windows = mel_windows(normalise(mel), len(target), self.width)[part]              # (T, 80, width)
        return {"windows": self._padded(windows.astype(np.float32)),
                "target": self._padded(target[part].astype(np.float32)),
                "viseme": self._padded(viseme[part].astype(np.int64)),
                "mask": self._padded(np.ones(len(windows), np.float32))}

    def _padded(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, self.frames - len(x)), *[(0, 0)] * (x.ndim - 1)))
