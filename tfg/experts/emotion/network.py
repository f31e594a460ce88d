"""EmoGen's emotion discriminator, which names the emotion of a face over time: frame codes, an LSTM, six classes.

Goyal et al. 2023 (EmoGen), after Eskimez et al. 2021. Frames keep their colour planes together: (B, T, 3, S, S) is
folded to (B * T, 3, S, S), nothing else. The `gpu` sizes are theirs; the smaller ones have group norm besides, which
lets them train on few people in minutes.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from tfg.networks.blocks import fold_to_size, unfold_time
from tfg.vocabulary import EMOTIONS


@dataclass(frozen=True)
class EmotionConfig:
    """Sizes of the network.  widths: channels of the five convolutions, each halving the picture.  hidden: lengths of
    the frames' codes. size: side in px that any face is brought to.  dropout: of the flat maps.  groups: of group norm,
    0 for none."""

    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    hidden: tuple[int, int] = (2048, 512)
    size: int = 96
    dropout: float = 0.0
    groups: int = 0


PROFILES = {"ci": EmotionConfig((4, 8, 8, 8, 8), (16, 8), 48, 0.0, 2),
            "cpu": EmotionConfig((16, 32, 48, 64, 96), (128, 64), 64, .3, 8),
            "gpu": EmotionConfig()}


class EmotionNet(nn.Module):
    """The network: frames (B, T, 3, S, S) in [0, 1], any T >= 1 and S -> logits (B, 6) in the order of
    `tfg.vocabulary.EMOTIONS`."""

    def __init__(self, config: EmotionConfig = EmotionConfig()):
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        c_in = 3
        for width in config.widths:
            layers += [nn.Conv2d(c_in, width, 3, 2, 1)]
            layers += [nn.GroupNorm(config.groups, width)] if config.groups else []
            layers += [nn.LeakyReLU(.3)]
            c_in = width
        side = -(-config.size // 32)
        self.frame = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(config.dropout),
                                   nn.Linear(c_in * side * side, config.hidden[0]), nn.LeakyReLU(.3),
                                   nn.Linear(config.hidden[0], config.hidden[1]), nn.LeakyReLU(.3))
        self.time = nn.LSTM(config.hidden[1], config.hidden[1], batch_first=True)
        self.name = nn.Linear(config.hidden[1], len(EMOTIONS))

    @property
    def dim(self) -> int:
        """Length of a frame's code."""
        return self.config.hidden[1]

    def codes(self, frames: torch.Tensor) -> torch.Tensor:
        """Codes of the frames, (B, T, dim), each a function of its frame alone."""
        return unfold_time(self.frame(fold_to_size(frames, self.config.size)), frames.shape[1])

    def forward(self, frames: torch.Tensor, codes: bool = False) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits (B, 6).  codes: return the frames' codes (B, T, dim), too."""
        found = self.codes(frames)
        logits = self.name(self.time(found)[0][:, -1])
        return (logits, found) if codes else logits


def load_emotion(folder=None) -> tuple[EmotionNet, dict]:
    """The trained discriminator in eval mode and its card. folder: None for the one that ships.  Raises InputError."""
    from tfg.networks.checkpoint import load

    return load("emotion", EmotionNet, EmotionConfig, folder)
