"""Mini-XCEPTION (Arriaga, Valdenegro-Toro & Ploeger 2017, arXiv 1710.07557), trained on FER2013: 58,000 numbers.

    net(x)      x: (B, 3, 64, 64) RGB in [0, 1]  ->  logits (B, 7) in the order of CLASSES

The picture is made grey and scaled to [-1, 1]. Two plain convolutions, then four blocks that halve it, 60 -> 30 -> 15
-> 8 -> 4 px, with 16, 32, 64 and 128 channels: two separable convolutions and a maximum over 3 x 3 px, added to a 1 x 1
convolution of the block's input. A last convolution has one channel for each class, and their means over the picture
are the logits: there is no linear layer.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = ("ANG", "DIS", "FEA", "HAP", "SAD", "surprise", "NEU")
GREY = (.299, .587, .114)
"""Weights of R, G and B in the grey picture."""


@dataclass(frozen=True)
class MiniXceptionConfig:
    """size: side of the picture, px.  first: channels of the first convolutions.  channels: of the four blocks."""

    size: int = 64
    first: int = 8
    channels: tuple[int, ...] = (16, 32, 64, 128)


class Separable(nn.Module):
    """A 3 x 3 filter for each channel, a mix of the channels, a normalisation: (B, inputs, H, W) -> (B, outputs, H,
    W)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.pointwise(self.depthwise(x)))


class Block(nn.Module):
    """(B, inputs, H, W) -> (B, outputs, H / 2, W / 2), odd sides rounded up."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.one, self.two = Separable(inputs, outputs), Separable(outputs, outputs)
        self.beside, self.norm = nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.two(self.one(x).relu())
        high, wide = ((n + 1) // 2 * 2 + 1 - n for n in y.shape[2:])             # 1 at even sides: right and below only
        y = F.pad(y, (wide // 2, wide - wide // 2, high // 2, high - high // 2), value=float("-inf"))
        return F.max_pool2d(y, 3, 2) + self.norm(self.beside(x))


class MiniXception(nn.Module):
    """The network.  x: (B, 3, size, size) RGB in [0, 1] -> logits (B, 7)."""

    classes = CLASSES

    def __init__(self, config: MiniXceptionConfig = MiniXceptionConfig()):
        super().__init__()
        self.config = config
        sides = (config.first, *config.channels)
        self.start = nn.Sequential(nn.Conv2d(1, config.first, 3, bias=False), nn.BatchNorm2d(config.first, eps=1e-3),
                                   nn.ReLU(), nn.Conv2d(config.first, config.first, 3, bias=False),
                                   nn.BatchNorm2d(config.first, eps=1e-3), nn.ReLU())
        self.blocks = nn.ModuleList(Block(a, b) for a, b in zip(sides, sides[1:]))
        self.last = nn.Conv2d(sides[-1], len(CLASSES), 3, padding=1)
        self.register_buffer("grey", torch.tensor(GREY).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.start((x * self.grey).sum(1, keepdim=True) * 2 - 1)                            # (B, 8, 60, 60)
        for block in self.blocks:
            x = block(x)                                     # (B, 16, 30, 30) ... (B, 128, 4, 4)
        return self.last(x).mean((2, 3))
