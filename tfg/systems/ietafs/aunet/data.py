"""Training crops of AUnet: acted takes, and other speech beside them."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.errors import InputError
from tfg.speech.features import speech_mean
from tfg.systems.ietafs.aunet.losses import feeling_known, speech_known
from tfg.systems.ietafs.aunet.network import MOST, STEP, columns_of
from tfg.systems.ietafs.aunet.takes import UNKNOWN, AuExample, unpack
from tfg.training.augment_sound import FLOOR, augment_sound, noise
from tfg.vocabulary import EMOTIONS

SILENT = .05
"""Share of the crops whose sound is replaced by noise or silence: no unit moves, and there is no emotion."""
PLAIN = .7
"""Share of the crops whose sound stays as it is. Augmented ones alone teach a feeling that is not heard in clean sound:
an emotion's marks are small beside added noise (.20 of val's takes right, .37 with both; of test's .39 with half of
them plain, .43 with four fifths)."""
OTHER = .25
"""Share of the crops from clips whose emotion is unknown, where there are any."""


class AuCrops:
    """Training crops for the loop; index i is a visit of a clip.

    In an epoch every acted take is visited once, and so much other speech beside it that its share is `OTHER`. Each
    visit augments the sound anew, except for a share of `PLAIN`, and cuts `frames` frames out of it.
    """

    def __init__(self, examples: Sequence[AuExample], frames: int, seed: int):
        if not examples:
            raise InputError("there is no clip to train on: make some of the split train.")
        if frames < STEP:
            raise ValueError(f"a crop of {frames} frames; take {STEP} or more")
        self.examples, self.frames, self.seed = examples, frames, seed
        self.acted = [k for k, e in enumerate(examples) if e.emotion != UNKNOWN]
        self.other = [k for k, e in enumerate(examples) if e.emotion == UNKNOWN]
        self.beside = round(len(self.acted) * OTHER / (1 - OTHER)) if self.acted and self.other else len(self.other)

    def __len__(self) -> int:
        return len(self.acted) + self.beside

    def batch(self, epoch: int, indices) -> dict:
        """One batch: columns (B, 128, M), speech, feeling (B, T, 17) in the network's unit, speech_known,
        feeling_known (B, 17), mask (B, T), emotion (B,).  Depends on its arguments alone."""
        crops = [self._crop(epoch, int(i)) for i in indices]
        return {name: np.stack([crop[name] for crop in crops]) for name in crops[0]}

    def _clip(self, epoch: int, i: int) -> AuExample:
        if i < len(self.acted):
            return self.examples[self.acted[i]]
        return self.examples[self.other[(i - len(self.acted) + epoch * self.beside) % len(self.other)]]

    def _crop(self, epoch: int, i: int) -> dict:
        rng = np.random.default_rng([self.seed, 97, epoch, i])
        e, behind = self._clip(epoch, i), self.examples[int(rng.integers(len(self.examples)))]
        mel = unpack(e.mel)
        if rng.random() >= PLAIN:
            mel = augment_sound(mel, rng, unpack(behind.mel))
        crop = example_of(e)
        if rng.random() < SILENT:
            mel = np.clip(noise(mel.shape, rng.uniform(FLOOR - .5, .5), rng), FLOOR, 4).astype(np.float32)
            crop |= {"speech": np.zeros_like(crop["speech"]), "feeling": np.zeros_like(crop["feeling"]),
                     "emotion": np.int64(EMOTIONS.index("NEU")), "feeling_known": np.ones_like(crop["feeling_known"])}
        total, mean = len(e.speech), speech_mean(mel)
        first = STEP * int(rng.integers(max(total - self.frames, 0) // STEP + 1))
        part = slice(first, first + self.frames)
        mask = np.ones(min(self.frames, total - first), np.float32)
        return crop | {"columns": columns_of(mel, mean, first, self.frames),
                       "speech": self._padded(crop["speech"][part]), "feeling": self._padded(crop["feeling"][part]),
                       "mask": self._padded(mask)}

    def _padded(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, self.frames - len(x)), *[(0, 0)] * (x.ndim - 1)))


def example_of(e: AuExample) -> dict:
    """A clip's targets in the network's unit (a fifth of the intensity), and which of them are known."""
    return {"speech": e.speech.astype(np.float32) / MOST, "feeling": e.feeling.astype(np.float32) / MOST,
            "speech_known": speech_known(e), "feeling_known": feeling_known(e), "emotion": np.int64(e.emotion)}


def whole(e: AuExample) -> dict:
    """A clip as a batch of one, not augmented: the arrays of `AuCrops.batch`."""
    mel = unpack(e.mel)
    mean, n = speech_mean(mel), len(e.speech)
    found = example_of(e) | {"columns": columns_of(mel, mean, 0, n),
                             "mask": np.ones(n, np.float32)}
    return {name: np.asarray(value)[None] for name, value in found.items()}
