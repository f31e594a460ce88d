"""The quality discriminator, which tells true faces from drawn ones: Wav2Lip's (Prajwal et al. 2020, sec. 3.3).

Its input is single frames, and of these only the part that the generator draws: the lower half in Wav2Lip, the masked
face here. It gets no sound, so it does not replace the sync expert; it removes the blur that L1 leaves.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class QualityConfig:
    """Sizes of the network.  widths: channels of the scales, each half the size of the one before.  size: side of the
    face in px."""

    widths: tuple[int, ...] = (32, 64, 128, 256, 512, 512)
    size: int = 96


PROFILES = {"ci": QualityConfig((4, 8, 8, 8), 48), "cpu": QualityConfig((12, 24, 48, 64, 96)), "gpu": QualityConfig()}


class QualityNet(nn.Module):
    """The network: faces (B, 3, S, S) in [0, 1], zero outside the mask -> logits (B,), above 0 for true ones."""

    def __init__(self, config: QualityConfig = QualityConfig()):
        super().__init__()
        self.config = config
        w = config.widths
        layers = [nn.Conv2d(3, w[0], 7, 1, 3), nn.LeakyReLU(.2)]
        for a, b in zip(w, w[1:]):
            layers += [nn.Conv2d(a, b, 5, 2, 2), nn.LeakyReLU(.2)]
        self.look = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(3), nn.Conv2d(w[-1], 1, 3), nn.Flatten(0))

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        if faces.ndim != 4 or faces.shape[1] != 3:
            raise ValueError(f"faces are (B, 3, S, S), got {tuple(faces.shape)}")
        return self.look(faces)
