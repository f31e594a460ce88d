"""Solved exercises of solutions/13_deformable_synthesis.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import torch
from torch import nn


class DeformConv(nn.Module):
    """A kernel of 3 x 3 that looks where a guide says.  looks: function (x, offset, mask, weight) -> its sum."""

    def __init__(self, width, guide, looks):
        super().__init__()
        self.looks = looks
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.where = nn.Conv2d(guide, 27, 3, padding=1)
        nn.init.zeros_(self.where.weight), nn.init.zeros_(self.where.bias)

    def forward(self, x, guide):
        found = self.where(guide)
        offset, mask = found[:, :18], 2 * torch.sigmoid(found[:, 18:])
        return self.looks(x, offset, mask, self.conv.weight) + self.conv.bias[:, None, None]


def look_step(net, adam, photo, frame, amount):
    """One step towards the frames: the loss before it, a number.  photo, frame: (B, 3, S, S).  amount: (B,)."""
    loss = (net(photo, amount) - frame).abs().mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.item()
