"""Layers of `rhythmic`: SPADE by several maps, blocks of it, and a net for flows."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Spade(nn.Module):
    """Spatially adaptive normalisation by one map or several, one after the other (Park et al. 2019; several: Wang et
    al. 2019, few-shot vid2vid): x -> norm(x) (1 + gamma) + beta, with gamma and beta from each map.

    x: (B, channels, h, w).  maps: (B, c, h, w) each.  code: entries of a vector of the person from which
    the weights of gamma and beta of the first map are made (adaptive); 0: they are the same for all people.  kernel: of
    the last of two convolutions from a map to gamma and beta.
    """

    def __init__(self, channels: int, maps: tuple[int, ...], hidden: int, code: int = 0, kernel: int = 3):
        super().__init__()
        self.channels, self.hidden = channels, hidden
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.share = nn.ModuleList(nn.Conv2d(c, hidden, 3, padding=1) for c in maps)
        self.scale = nn.ModuleList(nn.Conv2d(hidden, 2 * channels, kernel, padding=kernel // 2) for _ in maps)
        self.own = nn.Linear(code, 2 * channels * hidden) if code else None
        if self.own is not None:
            nn.init.normal_(self.own.weight, std=.01)

    def forward(self, x: torch.Tensor, maps: list[torch.Tensor], code: torch.Tensor) -> torch.Tensor:
        x = self.norm(x)
        for k, (share, scale) in enumerate(zip(self.share, self.scale)):
            hidden = F.relu(share(maps[k]))
            both = scale(hidden)
            if k == 0 and self.own is not None:
                weight = self.own(code).unflatten(1, (2 * self.channels, self.hidden))
                both = both + torch.einsum("boi,bihw->bohw", weight, hidden)
            gamma, beta = both.chunk(2, 1)
            x = x * (1 + gamma) + beta
        return x


class SpadeBlock(nn.Module):
    """x + two convolutions after SPADE: (B, c_in, h, w) -> (B, c_out, h, w).  maps: may be a whole number of times as
    large.  Others as `Spade`."""

    def __init__(self, c_in: int, c_out: int, maps: tuple[int, ...], hidden: int, code: int = 0, kernel: int = 3):
        super().__init__()
        middle = min(c_in, c_out)
        self.first = Spade(c_in, maps, hidden, code, kernel)
        self.second = Spade(middle, maps, hidden, 0, kernel)
        self.conv1, self.conv2 = nn.Conv2d(c_in, middle, 3, padding=1), nn.Conv2d(middle, c_out, 3, padding=1)
        self.skip = nn.Conv2d(c_in, c_out, 1, bias=False) if c_in != c_out else nn.Identity()

    def forward(self, x: torch.Tensor, maps: list[torch.Tensor], code: torch.Tensor) -> torch.Tensor:
        size = x.shape[-2:]
        maps = [m if m.shape[-2:] == size else F.avg_pool2d(m, m.shape[-1] // size[-1]) for m in maps]
        y = self.conv1(F.leaky_relu(self.first(x, maps, code), .2))
        return self.skip(x) + self.conv2(F.leaky_relu(self.second(y, maps, code), .2))


def down(c_in: int, c_out: int) -> nn.Sequential:
    """(B, c_in, h, w) -> (B, c_out, h / 2, w / 2)."""
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, 2, 1), nn.GroupNorm(_groups(c_out), c_out), nn.LeakyReLU(.2))


class FlowNet(nn.Module):
    """Pictures (B, c_in, h, w) -> flow (B, 2, h, w) in half sides, small at first, and a mask's logits (B, 1, h, w).

    Three halvings, `blocks` residual blocks, three doublings; as published, but for the scale of the flow.
    """

    SCALE = .2

    def __init__(self, c_in: int, width: int, blocks: int, downs: int = 3):
        super().__init__()
        widths = [width * 2 ** k for k in range(downs + 1)]
        self.first = nn.Sequential(nn.Conv2d(c_in, width, 3, padding=1), nn.LeakyReLU(.2))
        self.down = nn.ModuleList(down(a, b) for a, b in zip(widths, widths[1:]))
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(widths[-1], widths[-1], 3, padding=1),
                                                  nn.GroupNorm(_groups(widths[-1]), widths[-1]), nn.LeakyReLU(.2),
                                                  nn.Conv2d(widths[-1], widths[-1], 3, padding=1))
                                    for _ in range(blocks))
        self.up = nn.ModuleList(nn.Sequential(nn.Conv2d(b, a, 3, padding=1), nn.GroupNorm(_groups(a), a),
                                              nn.LeakyReLU(.2)) for a, b in zip(widths[-2::-1], widths[:0:-1]))
        self.head = nn.Conv2d(width, 3, 3, padding=1)
        nn.init.normal_(self.head.weight, std=.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.first(x)
        skips = [x]
        for layer in self.down:
            skips.append(layer(skips[-1]))
        x = skips.pop()
        for block in self.blocks:
            x = x + block(x)
        for layer in self.up:
            x = layer(F.interpolate(x, scale_factor=2.0)) + skips.pop()
        out = self.head(x)
        return self.SCALE * out[:, :2], out[:, 2:]


def _groups(width: int) -> int:
    return next(n for n in (8, 4, 2, 1) if width % n == 0)
