"""The discriminator of `ietafs`: is each patch true, and which Action Units does the picture show?

PatchGAN (Isola et al. 2017) as in StarGAN and GANimation: convolutions of stride 2 without norms, for the gradient
penalty (Gulrajani et al. 2017) is one of each picture by itself; two heads, one for each question.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from tfg.faces.aus import AUS


@dataclass(frozen=True)
class CriticConfig:
    """Sizes.  widths: channels of the convolutions, each half the size of the one before.  size: of the picture, px.
    As published: the defaults."""

    widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048)
    c_dim: int = len(AUS)
    size: int = 128


PROFILES = {"ci": CriticConfig((4, 8, 8, 16), size=64), "cpu": CriticConfig((16, 32, 64, 96, 128)),
            "gpu": CriticConfig()}


class Critic(nn.Module):
    """Pictures (B, 3, S, S) in [0, 1] -> how true each patch looks (B, h, w), no range; Action Units (B, 17), 0..1."""

    def __init__(self, config: CriticConfig = CriticConfig()):
        super().__init__()
        self.config = config
        layers, channels = [], 3
        for width in config.widths:
            layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(.01)]
            channels = width
        self.look = nn.Sequential(*layers)
        self.true = nn.Conv2d(channels, 1, 3, padding=1, bias=False)
        self.units = nn.Conv2d(channels, config.c_dim, config.size // 2 ** len(config.widths), bias=False)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen = self.look(2 * pictures - 1)
        return self.true(seen)[:, 0], self.units(seen).flatten(1)
