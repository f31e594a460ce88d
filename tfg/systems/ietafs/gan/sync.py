"""Two networks that put a mouth and a sound close together where they belong together (IETaFS's D_AV).

Contrastive as Chung & Zisserman 2016: unit vectors of a picture's lower half and of its sound (80 x 16); pairs are
pulled together, others pushed apart beyond a margin. Unlike a frozen expert they learn on beside the generator: drawn
mouths are pushed from their sound, true ones pulled.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from tfg.networks.blocks import stage

MARGIN = 1.0


@dataclass(frozen=True)
class SyncConfig:
    """Sizes.  widths: channels of the scales.  embedding: entries of a vector.  As published: six convolutions each
    and 256 entries."""

    widths: tuple[int, ...] = (32, 64, 128, 256, 256)
    embedding: int = 256


PROFILES = {"ci": SyncConfig((4, 8, 8), 16), "cpu": SyncConfig((12, 24, 48, 64), 64), "gpu": SyncConfig()}


class AudioVisual(nn.Module):
    """Pictures (B, 3, S, S) in [0, 1] and sounds (B, 80, 16) -> unit vectors, twice (B, embedding)."""

    def __init__(self, config: SyncConfig = SyncConfig()):
        super().__init__()
        self.config = config
        widths = config.widths
        self.mouth = nn.Sequential(stage(3, widths[0], 2, 0), *(stage(a, b, 2, 0) for a, b in zip(widths, widths[1:])),
                                   nn.AdaptiveAvgPool2d((2, 4)), nn.Flatten(),
                                   nn.Linear(8 * widths[-1], config.embedding))
        self.sound = nn.Sequential(stage(1, widths[0], (2, 1), 0),
                                   *(stage(a, b, 2, 0) for a, b in zip(widths, widths[1:])),
                                   nn.AdaptiveAvgPool2d((4, 2)), nn.Flatten(),
                                   nn.Linear(8 * widths[-1], config.embedding))

    def forward(self, pictures: torch.Tensor, mels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        lower = 2 * pictures[..., pictures.shape[-2] // 2:, :] - 1
        return F.normalize(self.mouth(lower), dim=1), F.normalize(self.sound(mels[:, None]), dim=1)


def contrastive(a: torch.Tensor, b: torch.Tensor, together: torch.Tensor) -> torch.Tensor:
    """Mean of d^2 for pairs that belong together, max(0, MARGIN - d)^2 for others; d: distance of (B, E), (B, E).
    together: (B,) 1 or 0."""
    d = (a - b).square().sum(1).add(1e-8).sqrt()
    return (together * d ** 2 + (1 - together) * (MARGIN - d).clamp(min=0) ** 2).mean()
