"""The generator of `ietafs`: a picture and 17 Action Units make the picture with these.

IETaFS extends GANimation (Pumarola et al. 2018), whose generator is StarGAN's (Choi et al. 2018): the picture and one
constant plane for each unit go through an hourglass of residual blocks; two heads answer with a colour C and an
attention A, and what is shown is A x + (1 - A) C (their eq. 1). With A = 1 a pixel stays as it is.

A colour picture of 128 px is a soft patch in a photo of 512 px. So with `flow` two more heads say how far what is seen
merely moved: a flow, and how far that is trusted. Both act only where A lets them: out = t warp(x, (1 - A) flow) +
(1 - t) C, with t = 1 - (1 - A)(1 - trust). With trust 0 this is the published rule. These maps are applied to the
photo's own pixels (`tfg.compose`).
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from tfg.compose.answer import Answer
from tfg.faces.aus import AUS

FLOW = .1
"""How far a unit of the flow's head reaches, in half sides of the picture: at first all is copied from nearby."""


@dataclass(frozen=True)
class IetafsConfig:
    """Sizes.  width: channels at full size, doubled at each halving up to `most`.  down: halvings.  repeat: residual
    blocks.  kernel: of the first and last convolutions.  skip: connections across the hourglass.  norm: "instance" as
    published, or "batch", which an inference takes into the convolutions.  flow: the heads that copy.  c_dim: number of
    Action Units.  size: side of the picture, px.  As published: the defaults."""

    width: int = 64
    most: int = 256
    down: int = 2
    repeat: int = 6
    kernel: int = 7
    skip: bool = False
    norm: str = "instance"
    flow: bool = False
    c_dim: int = len(AUS)
    size: int = 128


PROFILES = {"ci": IetafsConfig(8, 16, 3, 1, 3, True, "batch", True, size=64),
            "cpu": IetafsConfig(16, 128, 3, 3, 3, True, "batch", True),
            "gpu": IetafsConfig()}


class Edit(NamedTuple):
    """What the generator answers: answer, as `tfg.compose` applies it, and attention (B, 1, S, S), 1 where the picture
    stays as it is."""

    answer: Answer
    attention: torch.Tensor


class Ietafs(nn.Module):
    """Pictures (B, 3, S, S) in [0, 1] and Action Units (B, 17) in [0, 1] -> `Edit`."""

    def __init__(self, config: IetafsConfig = IetafsConfig()):
        super().__init__()
        self.config = c = config
        if c.norm not in ("instance", "batch") or c.size % 2 ** c.down:
            raise ValueError(f"norm is instance or batch and size a multiple of {2 ** c.down}, got {c.norm!r} and "
                             f"{c.size}")
        widths = [min(c.width * 2 ** k, c.most) for k in range(c.down + 1)]
        self.first = self._block(3 + c.c_dim, widths[0], c.kernel)                            # S
        self.down = nn.ModuleList(self._block(a, b, 4, stride=2) for a, b in zip(widths, widths[1:]))
        self.join = self._block(widths[-1] + c.c_dim, widths[-1], 1) if c.skip else None
        self.middle = nn.Sequential(*(Residual(widths[-1], c.norm) for _ in range(c.repeat)))
        self.up = nn.ModuleList()
        channels = widths[-1]
        for width in widths[-2::-1]:
            self.up.append(self._block(channels, width, 4, stride=2, up=True))
            channels = 2 * width if c.skip else width
        self.heads = nn.Conv2d(channels, 4 + 3 * c.flow, c.kernel, padding=c.kernel // 2)
        if c.flow:                                            # at first: nothing moves, all is trusted
            nn.init.zeros_(self.heads.weight[4:].detach())
            nn.init.zeros_(self.heads.bias.detach())
            self.heads.bias.data[6] = 3.0

    def _block(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, up: bool = False) -> nn.Sequential:
        pad = (kernel - 1) // 2 if kernel % 2 else kernel // 2 - 1
        conv = nn.ConvTranspose2d if up else nn.Conv2d
        return nn.Sequential(conv(c_in, c_out, kernel, stride, pad, bias=False), _norm(self.config.norm, c_out),
                             nn.ReLU(inplace=True))

    def forward(self, picture: torch.Tensor, aus: torch.Tensor) -> Edit:
        if picture.ndim != 4 or picture.shape[-1] != self.config.size or aus.shape != (len(picture), self.config.c_dim):
            raise ValueError(f"picture {tuple(picture.shape)} and aus {tuple(aus.shape)} are not (B, 3, "
                             f"{self.config.size}, {self.config.size}) and (B, {self.config.c_dim})")
        planes = aus[:, :, None, None]                                    # (B, 17, 1, 1)
        x = self.first(torch.cat([2 * picture - 1, planes.expand(-1, -1, *picture.shape[-2:])], 1))
        skips = [x]
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        if self.join is not None:
            x = self.join(torch.cat([x, planes.expand(-1, -1, *x.shape[-2:])], 1))
        x, skips = self.middle(x), skips[-2::-1]
        for layer, skip in zip(self.up, skips):
            x = layer(x)
            x = torch.cat([x, skip], 1) if self.config.skip else x
        x = self.heads(x).float()
        colour, attention = (torch.tanh(x[:, :3]) + 1) / 2, torch.sigmoid(x[:, 3:4])
        if not self.config.flow:
            return Edit(Answer(colour, torch.zeros_like(x[:, :2]), attention), attention)
        free = 1 - attention                                              # what may change
        return Edit(Answer(colour, x[:, 4:6] * FLOW * free, 1 - free * torch.sigmoid(-x[:, 6:])), attention)


class Residual(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))) (Choi et al. 2018)."""

    def __init__(self, width: int, norm: str):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), _norm(norm, width),
                                    nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1, bias=False),
                                    _norm(norm, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def _norm(kind: str, width: int) -> nn.Module:
    return nn.BatchNorm2d(width) if kind == "batch" else nn.InstanceNorm2d(width, affine=True)


def applied(answer: Answer, picture: torch.Tensor) -> torch.Tensor:
    """(B, 3, S, S): the picture copied along the flow as far as it is trusted, the colour elsewhere."""
    n, _, height, width = picture.shape
    y, x = (torch.arange(k, device=picture.device) * (2 / k) + 1 / k - 1 for k in (height, width))
    here = torch.stack([x[None].expand(height, -1), y[:, None].expand(-1, width)], -1)            # (S, S, 2)
    copied = F.grid_sample(picture.float(), here + answer.flow.permute(0, 2, 3, 1), padding_mode="border",
                           align_corners=False)
    return torch.lerp(answer.colour, copied, answer.trust)


def fused(network: nn.Module) -> nn.Module:
    """A copy in eval mode whose convolutions have taken over the batch norms behind them, which then are a factor and a
    shift of each channel."""
    import copy

    from torch.nn.utils.fusion import fuse_conv_bn_eval

    network = copy.deepcopy(network).eval()
    for block in [m for m in network.modules() if isinstance(m, nn.Sequential)]:
        for k, (conv, norm) in enumerate(zip(block, list(block)[1:])):
            if isinstance(conv, (nn.Conv2d, nn.ConvTranspose2d)) and isinstance(norm, nn.BatchNorm2d):
                block[k] = fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d))
                block[k + 1] = nn.Identity()
    return network


def load(folder=None) -> tuple[nn.Module, dict]:
    """The generator with its trained weights (those that ship by default), ready to draw, and its card."""
    from tfg.networks import checkpoint

    network, card = checkpoint.load("ietafs", Ietafs, IetafsConfig, folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return fused(network).to(device, memory_format=torch.channels_last), card
