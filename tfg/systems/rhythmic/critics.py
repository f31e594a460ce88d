"""The discriminator of `rhythmic`: patches at several scales, conditioned on landmarks and the reference.

Wang et al. 2018 (pix2pixHD) with the hinge loss and spectral norms, as few-shot vid2vid has it.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


@dataclass(frozen=True)
class CriticConfig:
    """Sizes.  ndf: channels of the first layer, doubled by each of `layers` halvings, up to 16 ndf.  scales: how often
    the picture is judged, each time at half the size.  As published: the defaults."""

    ndf: int = 32
    layers: int = 4
    scales: int = 1


PROFILES = {"ci": CriticConfig(4, 2, 2), "cpu": CriticConfig(16, 3, 2), "gpu": CriticConfig()}
C_IN = 9


class Patches(nn.Module):
    """Pictures (B, C_IN, S, S) -> the maps of all layers, the last of them logits (B, 1, h, w)."""

    def __init__(self, config: CriticConfig):
        super().__init__()
        widths = [min(config.ndf * 2 ** k, 16 * config.ndf) for k in range(config.layers)]
        layers: list[nn.Module] = [nn.Sequential(nn.Conv2d(C_IN, widths[0], 4, 2, 1), nn.LeakyReLU(.2))]
        for k, (a, b) in enumerate(zip(widths, widths[1:])):
            stride = 1 if k == len(widths) - 2 else 2
            layers.append(nn.Sequential(spectral_norm(nn.Conv2d(a, b, 4, stride, 1)), nn.LeakyReLU(.2)))
        self.layers = nn.ModuleList([*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1)])

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        out = []
        for layer in self.layers:
            x = layer(x)
            out.append(x)
        return out


class Critic(nn.Module):
    """Pictures, landmarks and the reference, (B, 3, S, S) in [0, 1] each -> for each scale the maps of `Patches`."""

    def __init__(self, config: CriticConfig = CriticConfig()):
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(Patches(config) for _ in range(config.scales))

    def forward(self, picture: torch.Tensor, sketch: torch.Tensor, ref: torch.Tensor) -> list[list[torch.Tensor]]:
        x, out = torch.cat([2 * picture - 1, sketch, 2 * ref - 1], 1), []
        for scale in self.scales:
            out.append(scale(x))
            x = F.avg_pool2d(x, 2)
        return out


def hinge(maps: list[list[torch.Tensor]], true: bool) -> torch.Tensor:
    """The critic's loss for pictures that are true or drawn (Lim & Ye 2017), mean over scales."""
    sign = 1 if true else -1
    return sum(F.relu(1 - sign * m[-1].float()).mean() for m in maps) / len(maps)


def fools(maps: list[list[torch.Tensor]]) -> torch.Tensor:
    """The generator's loss: less is truer to the critic."""
    return -sum(m[-1].float().mean() for m in maps) / len(maps)


def matching(drawn: list[list[torch.Tensor]], true: list[list[torch.Tensor]]) -> torch.Tensor:
    """Mean distance of the critic's maps of drawn and true pictures, but the logits (Wang et al. 2018, eq. 4)."""
    each = [(a - b.detach()).abs().mean() for x, y in zip(drawn, true) for a, b in zip(x[:-1], y[:-1])]
    return sum(each) / len(each)
