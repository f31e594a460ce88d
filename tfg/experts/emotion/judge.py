"""The emotion judge: it classifies the motion of a face's landmarks, and shares nothing with the discriminator.

A system that is trained against a classifier learns to satisfy that classifier. So the judge has other inputs: the 478
landmarks that MediaPipe finds, turned to the front and scaled to one size, their mean over the clip and their standard
deviations. A linear discriminant (Fisher 1936) with a shrunken covariance (Friedman 1989) names the emotion. No
gradient leads through it to a pixel, so no loss can use it, and a pattern that only networks react to moves no
landmark. Networks of pixels were tried and recognise fewer emotions of unknown people (docs/emogen.md).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tfg.faces.pose import rigid_fit
from tfg.vocabulary import EMOTIONS

LEAST = 3
"""Least number of frames with a face in a clip."""


@dataclass(frozen=True)
class EmotionJudgeConfig:
    """Settings of the judge.  points: landmarks per frame.  shrink: share of the covariance that is replaced by a
    multiple of the identity.  every: step between the frames that are measured."""

    points: int = 478
    shrink: float = .3
    every: int = 6


PROFILES = {"ci": EmotionJudgeConfig(), "cpu": EmotionJudgeConfig(), "gpu": EmotionJudgeConfig(every=1)}


class EmotionJudge(nn.Module):
    """The judge: descriptions (B, 6 * points) of `describe` -> logits (B, 6) in the order of
    `tfg.vocabulary.EMOTIONS`."""

    centre: torch.Tensor
    scale: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, config: EmotionJudgeConfig = EmotionJudgeConfig()):
        super().__init__()
        self.config = config
        size = 6 * config.points
        for name, shape in (("centre", (size,)), ("scale", (size,)), ("weight", (len(EMOTIONS), size)),
                            ("bias", (len(EMOTIONS),))):
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, described: torch.Tensor) -> torch.Tensor:
        return (described - self.centre) * self.scale @ self.weight.T + self.bias

    @torch.no_grad()
    def of_clip(self, points: np.ndarray) -> np.ndarray:
        """Log-probabilities of a clip's emotions, (6,) float32, from landmarks (T, 478, 3) px, T of about a sentence.
        With a face in fewer than LEAST frames, all are equal."""
        described = describe(points)
        if described is None:
            return np.full(len(EMOTIONS), -np.log(len(EMOTIONS)), np.float32)
        return self(torch.from_numpy(described)[None]).log_softmax(1)[0].numpy()

    def of_frames(self, frames: np.ndarray) -> np.ndarray:
        """Log-probabilities of a clip's emotions, (6,), from frames (T, S, S, 3) uint8 of a face's crop: it is measured
        first."""
        from tfg.faces.crops import landmarks

        return self.of_clip(landmarks(np.asarray(frames)))


def describe(points: np.ndarray) -> np.ndarray | None:
    """Description of a clip's landmarks (T, 478, 3) px, (6 * 478,) float32: mean and standard deviation over time of
    the face turned to the front, in cm of a standard head. None with fewer than LEAST frames that show a face."""
    seen = points[np.isfinite(points).all((1, 2))]
    if len(seen) < LEAST:
        return None
    turned = np.stack([_frontal(p) for p in seen.astype(float)])                   # (T, 478, 3)
    return np.concatenate([turned.mean(0).ravel(), turned.std(0).ravel()]).astype(np.float32)


def _frontal(points: np.ndarray) -> np.ndarray:
    rotation, scale, at = rigid_fit(points)
    return (points * [1, -1, -1] - at) / scale @ rotation


def load_judge_emotion(folder=None) -> tuple[EmotionJudge, dict]:
    """The trained judge in eval mode and its card. folder: None for the one that ships.  Raises InputError."""
    from tfg.networks.checkpoint import load

    return load("judge_emotion", EmotionJudge, EmotionJudgeConfig, folder)
