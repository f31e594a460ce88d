"""Solved exercises of solutions/14_rhythmic_heads.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import torch.nn.functional as F
from torch import nn


class Spade(nn.Module):
    """x, normalised, then scaled and moved by maps.  maps: channels of each.  hidden: channels in between."""

    def __init__(self, channels, maps, hidden, kernel=3):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.share = nn.ModuleList(nn.Conv2d(c, hidden, 3, padding=1) for c in maps)
        self.scale = nn.ModuleList(nn.Conv2d(hidden, 2 * channels, kernel, padding=kernel // 2) for _ in maps)

    def forward(self, x, maps):
        x = self.norm(x)
        for m, share, scale in zip(maps, self.share, self.scale):
            gamma, beta = scale(F.relu(share(m))).chunk(2, 1)
            x = x * (1 + gamma) + beta
        return x


class SpadeBlock(nn.Module):
    """Two convolutions, each after SPADE, and x beside them: (B, c_in, h, w) -> (B, c_out, h, w)."""

    def __init__(self, c_in, c_out, maps, hidden, kernel=3):
        super().__init__()
        middle = min(c_in, c_out)
        self.first, self.second = Spade(c_in, maps, hidden, kernel), Spade(middle, maps, hidden, kernel)
        self.conv1, self.conv2 = nn.Conv2d(c_in, middle, 3, padding=1), nn.Conv2d(middle, c_out, 3, padding=1)
        self.skip = nn.Conv2d(c_in, c_out, 1, bias=False) if c_in != c_out else nn.Identity()

    def forward(self, x, maps):
        y = self.conv1(F.leaky_relu(self.first(x, maps), .2))
        return self.skip(x) + self.conv2(F.leaky_relu(self.second(y, maps), .2))


def paint_step(painter, adam, given, true, weight):
    """One step of a painter: its loss before it, a number.  given: what painter takes.  weight: of each pixel."""
    away = (painter(*given) - true).abs()
    loss = (weight * away).sum() / (3 * weight.sum())
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.item()
