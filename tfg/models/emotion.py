"""Which emotion does a face show over time? EmoGen's emotion discriminator: frame codes, an LSTM, six classes.

Goyal et al. 2023 (EmoGen), after Eskimez et al. 2021. Frames keep their colour planes together: (B, T, 3, S, S) is
folded to (B * T, 3, S, S), nothing else.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from tfg.models.blocks import fold_time, unfold_time
from tfg.vocabulary import EMOTIONS


@dataclass(frozen=True)
class EmotionConfig:
    """widths: channels of the five convolutions, each halving the picture.  size: side of the face in px."""

    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    hidden: tuple[int, int] = (2048, 512)
    size: int = 96
    dropout: float = 0.0


PROFILES = {"ci": EmotionConfig((4, 8, 8, 8, 8), (16, 8), 48),
            "cpu": EmotionConfig((16, 24, 48, 64, 64), (128, 64), 64, .3),
            "gpu": EmotionConfig()}


class EmotionNet(nn.Module):
    """frames (B, T, 3, S, S) in [0, 1] -> logits (B, 6) in the order of `tfg.vocabulary.EMOTIONS`."""

    def __init__(self, config: EmotionConfig = EmotionConfig()):
        super().__init__()
        self.config = config
        layers, c_in = [], 3
        for width in config.widths:
            layers += [nn.Conv2d(c_in, width, 3, 2, 1), nn.LeakyReLU(.3)]
            c_in = width
        side = -(-config.size // 32)
        self.frame = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(config.dropout),
                                   nn.Linear(c_in * side * side, config.hidden[0]), nn.LeakyReLU(.3),
                                   nn.Linear(config.hidden[0], config.hidden[1]), nn.LeakyReLU(.3))
        self.time = nn.LSTM(config.hidden[1], config.hidden[1], batch_first=True)
        self.name = nn.Linear(config.hidden[1], len(EMOTIONS))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        if frames.ndim != 5 or frames.shape[2] != 3:
            raise ValueError(f"frames are (B, T, 3, S, S), got {tuple(frames.shape)}")
        codes = unfold_time(self.frame(fold_time(frames)), frames.shape[1])       # (B, T, hidden)
        return self.name(self.time(codes)[0][:, -1])
