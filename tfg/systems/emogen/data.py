"""What `emogen` learns from: windows with a feeling, and sound from many voices and microphones."""
from __future__ import annotations

import numpy as np

from tfg.corpora.augment import Augment
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.corpora.windows import Windows
from tfg.experts.syncnet.network import FRAMES, MEL_WIDTH
from tfg.experts.syncnet.train import another_line
from tfg.networks import hearing as ears
from tfg.speech.degrade import degrade
from tfg.systems.emogen.network import HEARD
from tfg.vocabulary import EMOTIONS, INTENSITY, LEVELS

NEUTRAL = EMOTIONS.index("NEU")
"""Intensity of clips that have no curve of it; that of neutral ones is 0."""

WORSE = .5
"""Share of windows whose speech features are of the degraded sound."""


class Faces:
    """Data for the loop: windows with `feeling` (B, 6), `strength` (B,) and sound from many voices and microphones.

    Each window's five mel windows are disturbed as one piece of speech; the expert hears the sound as it was. hearing:
    with "speech", `mels`, which the generator hears, are speech features instead, (B, FRAMES, HEARD, 768); disturbed
    ones are of the clip's sound through another microphone, with noise, or music.
    """

    def __init__(self, windows: Windows, *, disturbed: bool = True, hearing: str = "mel"):
        self.windows, self.disturbed, self.hearing = windows, disturbed, hearing
        self.kept: dict[tuple[int, bool], np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, epoch: int, indices) -> dict:
        batch = self.windows.batch(epoch, indices)
        known = batch["emotion"] >= 0
        default = np.array([INTENSITY[name] for name in LEVELS], np.float32)[batch["level"]]
        strength = batch["intensity"].mean(1)
        strength = np.where(np.isfinite(strength), strength, default) * known * (batch["emotion"] != NEUTRAL)
        batch["strength"] = strength.astype(np.float32)
        batch["feeling"] = feelings(batch["emotion"], strength)
        if self.hearing == "speech":
            batch["mels"] = np.stack([self._heard(epoch, int(index), int(clip), int(start)) for index, clip, start in
                                      zip(batch["index"], batch["clip"], batch["start"])])
        elif self.disturbed:
            for mels, index in zip(batch["mels"], batch["index"]):
                mels[:] = another_line(mels, np.random.default_rng([self.windows.seed, 62, epoch, int(index)]))
        return batch

    def _heard(self, epoch: int, index: int, clip: int, start: int) -> np.ndarray:
        """Features of a window, (FRAMES, HEARD, 768); those of a whole clip are kept."""
        worse = self.disturbed and np.random.default_rng([self.windows.seed, 62, epoch, index]).random() < WORSE
        if (clip, worse) not in self.kept:
            sound = self.windows.store.wave(self.windows.clips[clip])
            if worse:
                sound = degrade(sound, np.random.default_rng([self.windows.seed, 63, clip]))
            self.kept[clip, worse] = ears.features(sound).astype(np.float16)
        return ears.windows(self.kept[clip, worse], start + np.arange(FRAMES), HEARD)


def feelings(emotion: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """(B, 6) float32, the batch form of `tfg.systems.emogen.network.feeling`; emotions that are not known count as
    neutral."""
    one, neutral = np.eye(len(EMOTIONS))[emotion], np.eye(len(EMOTIONS))[NEUTRAL]
    return (strength[:, None] * one + (1 - strength[:, None]) * neutral).astype(np.float32)


def windows_of(store: Store, splits: Splits | None, split: str, size: int, *, augment: Augment | None = None,
               seed: int = 0) -> Windows:
    """Targets, references of another emotion, the sound of every frame, how much is felt."""
    return Windows(store, splits, split, T=FRAMES, size=size, mel_width=MEL_WIDTH, reference="other_emotion",
                   per_frame_mel=True, labels=("intensity",), augment=augment, seed=seed)
