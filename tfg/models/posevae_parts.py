"""What PoseVAE is made of: a residual U-net over time, and an ear for single frames."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from tfg.audio import N_MELS
from tfg.models.blocks import Conv, stage

WIDTH = 16                                                                # mel columns that a frame hears


class ResUnet(nn.Module):
    """(B, c_in, T) -> (B, c_out, T): residual blocks over time, halving and doubling it, with skips. T must divide by
    2 ** (len(widths) - 1). Its last layer starts at zero."""

    def __init__(self, c_in: int, c_out: int, widths: tuple[int, ...]):
        super().__init__()
        self.first = nn.Conv1d(c_in, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_Block(a, b, 2) for a, b in zip(widths[:-1], widths[1:]))
        self.up = nn.ModuleList(_Block(a + b, b, 1) for a, b in zip(widths[:0:-1], widths[-2::-1]))
        self.last = nn.Conv1d(widths[0], c_out, 1)
        nn.init.normal_(self.last.weight, std=.02)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, held = self.first(x), []
        for block in self.down:
            held.append(x)
            x = block(x)
        for block in self.up:
            x = F.interpolate(x, scale_factor=2.0)
            x = block(torch.cat([x, held.pop()], 1))
        return self.last(F.relu(x))


class _Block(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.one, self.two = nn.Conv1d(c_in, c_out, 3, stride, 1), nn.Conv1d(c_out, c_out, 3, 1, 1)
        self.past = nn.Conv1d(c_in, c_out, 1, stride)

    def forward(self, x):
        return self.past(x) + self.two(F.relu(self.one(F.relu(x))))


def ear(widths: tuple[int, ...]) -> nn.Module:
    """(B, 80, 16), or for five widths (B, 1, 80, 16) -> (B, widths[-1], ...). Five: Wav2Lip's sound encoder."""
    if len(widths) == 1:
        return nn.Sequential(nn.Flatten(), nn.Linear(N_MELS * WIDTH, widths[0]), nn.GELU(),
                             nn.Linear(widths[0], widths[0]), nn.GELU())
    a, b, c, d, e = widths
    return nn.Sequential(stage(1, a, 1, 2), stage(a, b, (3, 1), 2), stage(b, c, 3, 2), stage(c, d, (3, 2), 1),
                         Conv(d, e, 3, 1, 0), Conv(e, e, 1, 1, 0))
