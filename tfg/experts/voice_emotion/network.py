"""The emotion of a voice: a small network on statistics of the sound that says which of six, or that it cannot tell.

    emotion, probabilities = heard(audio)

What a sentence says does not count, but how: the statistics (`sound.describe`) are means over the frames with speech.
Probabilities are calibrated by a temperature (Guo et al. 2017) on people that the network did not learn from. Where the
most probable emotion is less likely than `sure`, it abstains: the answer is NEU. A face without a feeling is a smaller
mistake than a wrong one.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from tfg.experts.voice_emotion.sound import KINDS, describe
from tfg.media.audio import SR
from tfg.networks import checkpoint
from tfg.options import StrPath
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

MOST_S = 60.0
"""Seconds of a sound that are listened to, from its first: a minute tells a mood as well as an hour."""


class Heard(NamedTuple):
    """What the voice sounds like.  emotion: its code, NEU where unsure.  probabilities: (6,) in EMOTIONS' order."""

    emotion: str
    probabilities: np.ndarray

    @property
    def sure(self) -> bool:
        """Whether the emotion is the most probable one, not NEU for want of a better."""
        return EMOTIONS[int(self.probabilities.argmax())] == self.emotion

    @property
    def probability(self) -> float:
        """That of the emotion."""
        return float(self.probabilities[EMOTIONS.index(self.emotion)])

    def __str__(self) -> str:
        if not self.sure:
            return "unsure: neutral"
        return f"heard: {EMOTION_NAMES[self.emotion]}, p {self.probability:.2f}".replace("0.", ".")


@dataclass(frozen=True)
class VoiceEmotionConfig:
    """kinds: statistics that it sees, of `sound.KINDS`.  hidden: units of the layer between, 0 for none.  dropout:
    share of the statistics, and of the units, that a step of the training leaves out."""

    kinds: tuple[str, ...] = tuple(KINDS)
    hidden: int = 32
    dropout: float = .5

    @property
    def inputs(self) -> int:
        """Number of statistics."""
        return sum(KINDS[kind] for kind in self.kinds)


PROFILES = {"ci": VoiceEmotionConfig(hidden=4), "cpu": VoiceEmotionConfig(), "gpu": VoiceEmotionConfig(hidden=64)}


class VoiceEmotion(nn.Module):
    """The network: statistics (B, D) -> logits (B, 6), calibrated.  centre, scale: (D,) of the statistics of train.
    temperature: (1,).  sure: (1,) least probability of what is named."""

    centre: torch.Tensor
    scale: torch.Tensor
    temperature: torch.Tensor
    sure: torch.Tensor

    def __init__(self, config: VoiceEmotionConfig = VoiceEmotionConfig()):
        super().__init__()
        self.config = c = config
        self.register_buffer("centre", torch.zeros(c.inputs))
        self.register_buffer("scale", torch.ones(c.inputs))
        self.register_buffer("temperature", torch.ones(1))
        self.register_buffer("sure", torch.zeros(1))
        self.drop = nn.Dropout(c.dropout)
        self.hidden = nn.Linear(c.inputs, c.hidden) if c.hidden else nn.Identity()
        self.emotion = nn.Linear(c.hidden or c.inputs, len(EMOTIONS))

    def forward(self, statistics: torch.Tensor) -> torch.Tensor:
        x = self.drop((statistics - self.centre) * self.scale)
        if self.config.hidden:
            x = self.drop(torch.tanh(self.hidden(x)))
        return self.emotion(x) / self.temperature

    @torch.no_grad()
    def probabilities(self, statistics: np.ndarray) -> np.ndarray:
        """(N, 6) of statistics (N, D)."""
        return self(torch.from_numpy(np.asarray(statistics, np.float32))).softmax(1).numpy()

    def answer(self, probabilities: np.ndarray) -> Heard:
        """What is said where these are the probabilities, (6,): NEU, if none is large enough."""
        best = int(probabilities.argmax())
        sure = probabilities[best] >= float(self.sure)
        return Heard(EMOTIONS[best] if sure else "NEU", probabilities)


def heard(audio: np.ndarray, *, folder: StrPath | None = None) -> Heard:
    """What a voice sounds like: (emotion, probabilities).

    audio: (N,) float32 at 16 kHz, of which the first minute counts.  folder: of a trained network; None: the one that
    ships.  Raises InputError: no such weights.
    """
    network = load(folder)[0]
    stats = describe(audio[:int(MOST_S * SR)], network.config.kinds)
    return network.answer(network.probabilities(np.concatenate([stats[k] for k in network.config.kinds])[None])[0])


def load(folder: StrPath | None = None) -> tuple[VoiceEmotion, dict]:
    """The network in eval mode and its card.  folder: None for the one that ships.  Raises InputError."""
    return checkpoint.load("voice_emotion", VoiceEmotion, VoiceEmotionConfig, folder)
