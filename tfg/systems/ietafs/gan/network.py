"""The generator of `ietafs`: a picture and 17 Action Units make the picture with these.

IETaFS extends GANimation (Pumarola et al. 2018), whose generator is StarGAN's (Choi et al. 2018): the picture and one
constant plane for each unit go through an hourglass of residual blocks; two heads answer with a colour C and an
attention A, and what is shown is A x + (1 - A) C (their eq. 1). With A = 1 a pixel stays as it is.

A colour picture of 128 px is a soft patch in a photo of 512 px, and hours pass until a small network has found out by
itself what each unit moves. So with `flow` the network says what merely moved, in the way that faces move: each unit
has a field, and fields add up, as blendshapes do: flow = sum over units of (asked - shown) x (common + particular)
field, where `shown` is what the picture shows already (`tfg.systems.ietafs.shown` reads it). The common field is that
of the mean face, laid onto each face by its landmarks (`tfg.networks.anchored`), for mouths are higher in one face than
in the next; a ridge regression on the pairs finds it before the training (`common_fields`). What is particular to a
face the network answers, and it corrects the sum where lips press and lids
meet. How far the flow is trusted is one more map. Both act only where A lets them: out = t warp(x, (1 - A) flow) +
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
from tfg.networks.anchored import laid

FLOW = .1
"""How far a unit of the flow's heads reaches, in half sides of the picture."""


@dataclass(frozen=True)
class IetafsConfig:
    """Sizes.  width: channels at full size, doubled at each halving up to `most`.  down: halvings.  repeat: residual
    blocks.  kernel: of the first and last convolutions.  skip: connections across the hourglass.  norm: "instance" as
    published, or "batch", which an inference takes into the convolutions.  flow: units move what is seen, by fields of
    their own; laid: the common ones by each face's landmarks.  c_dim: number of Action Units.  size: side of the
    picture, px.  As published: the defaults."""

    width: int = 64
    most: int = 256
    down: int = 2
    repeat: int = 6
    kernel: int = 7
    skip: bool = False
    norm: str = "instance"
    flow: bool = False
    laid: bool = False
    c_dim: int = len(AUS)
    size: int = 128


PROFILES = {"ci": IetafsConfig(8, 16, 3, 1, 3, True, "batch", True, True, size=64),
            "cpu": IetafsConfig(16, 128, 3, 3, 3, True, "batch", True, True),
            "gpu": IetafsConfig()}


class Edit(NamedTuple):
    """What the generator answers: answer, as `tfg.compose` applies it; attention (B, 1, S, S), 1 where the picture
    stays as it is."""

    answer: Answer
    attention: torch.Tensor


class Looked(NamedTuple):
    """A picture as `Ietafs.look` saw it: joined (B, c, S / 2, S / 2), what its features are to the layer `join`, skip
    (B, c', S, S), and the field of each unit (B, 17, 2, S / 2, S / 2), in `FLOW`."""

    joined: torch.Tensor
    skip: torch.Tensor
    fields: torch.Tensor


class Ietafs(nn.Module):
    """Pictures (B, 3, S, S) in [0, 1] and Action Units (B, 17) in [0, 1] -> `Edit`."""

    mean: torch.Tensor

    def __init__(self, config: IetafsConfig = IetafsConfig()):
        super().__init__()
        self.config = c = config
        if c.norm not in ("instance", "batch") or c.size % 2 ** c.down:
            raise ValueError(f"norm is instance or batch and size a multiple of {2 ** c.down}, got {c.norm!r} and "
                             f"{c.size}")
        widths = [min(c.width * 2 ** k, c.most) for k in range(c.down + 1)]
        self.first = self._block(3 if c.flow else 3 + c.c_dim, widths[0], c.kernel)           # S
        self.down = nn.ModuleList(self._block(a, b, 4, stride=2) for a, b in zip(widths, widths[1:]))
        self.middle = nn.Sequential(*(Residual(widths[-1], c.norm) for _ in range(c.repeat)))
        self.up = nn.ModuleList()
        channels = widths[-1]
        for width in widths[-2::-1]:                                      # ... S / 2, S
            if c.flow and width == widths[0]:
                self.common = nn.Parameter(torch.zeros(c.c_dim, 2, c.size // 2, c.size // 2))
                if c.laid:
                    self.register_buffer("mean", torch.zeros(68, 2))      # landmarks of the mean face, half sides
                self.fields = nn.Conv2d(channels, 2 * c.c_dim, 3, padding=1)
                self.join = self._block(channels + 2 * c.c_dim + 2, channels, 3)
                self.correction = nn.Conv2d(channels, 2, 3, padding=1)
            self.up.append(self._block(channels, width, 4, stride=2, up=True))
            channels = 2 * width if c.skip else width
        self.heads = nn.Conv2d(channels, 4 + c.flow, c.kernel, padding=c.kernel // 2)
        if c.flow:
            for part in (self.fields, self.correction):                   # at first: common fields, and all is trusted
                nn.init.normal_(part.weight, std=1e-3)
            for part in (self.fields, self.correction, self.heads):
                nn.init.zeros_(part.bias.detach())
            self.heads.bias.data[4] = 3.0

    def _block(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, up: bool = False) -> nn.Sequential:
        pad = (kernel - 1) // 2 if kernel % 2 else kernel // 2 - 1
        conv = nn.ConvTranspose2d if up else nn.Conv2d
        return nn.Sequential(conv(c_in, c_out, kernel, stride, pad, bias=False), _norm(self.config.norm, c_out),
                             nn.ReLU(inplace=True))

    def forward(self, picture: torch.Tensor, aus: torch.Tensor, shown: torch.Tensor | None = None,
                points: torch.Tensor | None = None) -> Edit:
        """shown: (B, 17) in [0, 1], the units that the picture shows; None: a face at rest.  points: (B, 68, 2) half
        sides, its landmarks; None: those of the mean face. The published network, without `flow`, has no use for
        either."""
        if picture.ndim != 4 or picture.shape[-1] != self.config.size or aus.shape != (len(picture), self.config.c_dim):
            raise ValueError(f"picture {tuple(picture.shape)} and aus {tuple(aus.shape)} are not (B, 3, "
                             f"{self.config.size}, {self.config.size}) and (B, {self.config.c_dim})")
        if self.config.flow:
            return self.changed(self.look(picture, points), aus, shown)
        x = 2 * picture - 1
        x, skips = self._down(torch.cat([x, planes(aus, x)], 1))
        colour, attention, _ = self._maps(self._up(x, skips))
        return Edit(Answer(colour, torch.zeros_like(picture[:, :2]), attention), attention)

    def look(self, picture: torch.Tensor, points: torch.Tensor | None = None) -> Looked:
        """All that does not depend on what is asked for, with `flow`: once for a photo, however often it is edited.
        points: as `forward`."""
        x, skips = self._down(2 * picture - 1)
        x = self._up(x, skips[:-1])
        common = self.common if points is None or not self.config.laid else laid(self.common, self.mean, points)
        fields = common + self.fields(x).float().unflatten(1, (self.config.c_dim, 2))
        return Looked(F.conv2d(x, self.join[0].weight[:, :x.shape[1]], padding=1), skips[-1], fields)

    def changed(self, looked: Looked, aus: torch.Tensor, shown: torch.Tensor | None = None) -> Edit:
        """What was looked at, with other units; the rest as `forward`."""
        change = aus if shown is None else aus - shown
        small = FLOW * torch.einsum("bk,bkchw->bchw", change, looked.fields)                      # (B, 2, S / 2, S / 2)
        # join(features, a plane of each of aus and change, small): the first part is known, the second has no pictures
        weight = self.join[0].weight[:, -2 * self.config.c_dim - 2:]
        x = looked.joined + of_planes(torch.cat([aus, change], 1), weight[:, :-2], small.shape[-2:])
        x = self.join[1:](x + F.conv2d(small / FLOW, weight[:, -2:], self.join[0].bias, padding=1))
        small = small + FLOW * self.correction(x).float()
        flow = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
        x = self.up[-1](x)
        colour, attention, distrust = self._maps(torch.cat([x, looked.skip], 1) if self.config.skip else x)
        free = 1 - attention                                              # what may change
        return Edit(Answer(colour, flow * free, 1 - free * distrust), attention)

    def _down(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Down the hourglass and through its middle, and what its skip connections carry, the largest last."""
        x = self.first(x)
        skips = []
        for layer in self.down:
            skips.append(x)
            x = layer(x)
        return self.middle(x), skips[::-1]

    def _up(self, x: torch.Tensor, skips: list[torch.Tensor]) -> torch.Tensor:
        """Up again, by as many layers as there are skip connections."""
        for layer, skip in zip(self.up, skips):
            x = layer(x)
            x = torch.cat([x, skip], 1) if self.config.skip else x
        return x

    def _maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Colour (B, 3, S, S), attention (B, 1, S, S) and distrust of the flow (B, 1, S, S), or none of the last."""
        x = self.heads(x).float()
        return (torch.tanh(x[:, :3]) + 1) / 2, torch.sigmoid(x[:, 3:4]), torch.sigmoid(-x[:, 4:5])


def planes(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """(B, K) -> (B, K, h, w): a constant plane for each value, as large as `like` (B, c, h, w)."""
    return values[:, :, None, None].expand(-1, -1, *like.shape[-2:])


def of_planes(values: torch.Tensor, weight: torch.Tensor, size) -> torch.Tensor:
    """What a convolution of 3 x 3, padded by 1, makes of constant planes of values (B, K): (B, c, h, w), without their
    pictures. weight: (c, K, 3, 3).  size: h, w. All places see the same nine taps, but for those at the edge, which
    see some of them beyond it."""
    taps = torch.einsum("bk,ckyx->bcyx", values, weight)
    each = torch.eye(3).to(weight)[:, None]                               # (3, 1, 3)
    rows, columns = (F.conv1d(weight.new_ones(1, 1, n), each, padding=1)[0] for n in size)        # (3, h), (3, w)
    return torch.einsum("bcyx,yh,xw->bchw", taps, rows, columns)


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


def load(folder=None) -> tuple[nn.Module, dict]:
    """The generator with its trained weights (those that ship by default), ready to draw, and its card."""
    from tfg.networks.inference import ready

    return ready("ietafs", Ietafs, IetafsConfig, folder)
