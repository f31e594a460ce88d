"""Losses of AUnet: units in standard deviations of the training data, their change over time, and the emotion.

Published: squared error of each unit over its standard deviation, which the code took from a vector of 46 blendshapes
that it reused for 17 units. Here the deviations are those of the clips that it learns from (`Spread.of`).
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tfg.faces.aus import AUS
from tfg.systems.ietafs.aunet.network import MOST
from tfg.systems.ietafs.aunet.takes import MOUTH, UNKNOWN, AuExample
from tfg.vocabulary import EMOTIONS

LEAST = .1
"""Smallest standard deviation of a unit, in its intensity: a unit that words never move must not fill the loss."""


@dataclass(frozen=True)
class Weights:
    """Weights of the losses relative to that of the speech, which is 1; published: the units' error alone.

    velocity: change of speech from frame to frame.  feeling: what the emotion adds.  emotion: which one it is.
    """

    velocity: float = 1.0
    feeling: float = 1.0
    emotion: float = 0.3


@dataclass(frozen=True)
class Spread:
    """Standard deviation of each unit of speech and of feeling, (17,) each, in the network's unit (0..1)."""

    speech: tuple[float, ...]
    feeling: tuple[float, ...]

    @staticmethod
    def of(examples: Iterable[AuExample]) -> Spread:
        """Deviations over all frames of these clips in which the unit is known."""
        sums = np.zeros((2, 3, len(AUS)))
        for e in examples:
            for k, (values, known) in enumerate(((e.speech, speech_known(e)), (e.feeling, feeling_known(e)))):
                x = values.astype(np.float64) * known
                sums[k] += len(x) * known, x.sum(0), (x ** 2).sum(0)
        n, first, second = (np.maximum(sums[:, 0], 1), sums[:, 1], sums[:, 2])
        std = np.sqrt(np.maximum(second / n - (first / n) ** 2, 0)).clip(LEAST) / MOST
        return Spread(*(tuple(round(float(v), 5) for v in row) for row in std))


def speech_known(example: AuExample) -> np.ndarray:
    """Which units of `speech` are known, (17,) of 0 and 1."""
    known = np.ones(len(AUS), np.float32)
    if example.emotion == UNKNOWN:
        known[:] = 0
        known[list(MOUTH)] = 1
    return known


def feeling_known(example: AuExample) -> np.ndarray:
    """Which units of `feeling` are known, (17,): all of an acted take, none of other speech."""
    return np.full(len(AUS), example.emotion != UNKNOWN, np.float32)


def one_hot(emotion: torch.Tensor) -> torch.Tensor:
    """(B, 6) float of numbers (B,) in EMOTIONS: zeros for UNKNOWN."""
    return (emotion[:, None] == torch.arange(len(EMOTIONS), device=emotion.device)).float()


def words_losses(speech: torch.Tensor, batch: dict, spread: Spread, weights: Weights) -> dict[str, torch.Tensor]:
    """Weighted losses of the words' units by name.

    speech: (B, T, 17) in the network's unit.  batch: speech alike, speech_known (B, 17), mask (B, T).
    """
    known = batch["mask"][..., None] * batch["speech_known"][:, None]         # (B, T, 17)
    error = (speech - batch["speech"]) / speech.new_tensor(spread.speech)
    return {"speech": _mean(error ** 2, known),
            "velocity": weights.velocity * _mean(error.diff(dim=1) ** 2, known[:, 1:])}


def feeling_losses(feeling: torch.Tensor, emotion: torch.Tensor, batch: dict, spread: Spread,
                   weights: Weights) -> dict[str, torch.Tensor]:
    """Weighted losses of what the voice feels, by name.

    feeling: (B, T, 17) in the network's unit.  emotion: (B, 6) logits.  batch: feeling alike, feeling_known (B, 17),
    mask (B, T), emotion (B,), UNKNOWN where it is.
    """
    known = batch["mask"][..., None] * batch["feeling_known"][:, None]
    error = (feeling - batch["feeling"]) / feeling.new_tensor(spread.feeling)
    named = F.cross_entropy(emotion, batch["emotion"], ignore_index=UNKNOWN, reduction="sum", label_smoothing=.05)
    return {"feeling": weights.feeling * _mean(error ** 2, known),
            "emotion": weights.emotion * named / (batch["emotion"] != UNKNOWN).sum().clamp(min=1)}


def _mean(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (x * weight).sum() / weight.sum().clamp(min=1)
