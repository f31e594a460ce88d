"""Parts of PoseVAE: a residual U-net over time, encoders of sound, a discriminator; smoothing and joining of chunks."""
from __future__ import annotations

from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.media.audio import N_MELS
from tfg.networks.blocks import Conv, stage
from tfg.vocabulary import POSE

WIDTH = 16                                                                # mel columns of a frame's window
SMOOTH = 9
"""Frames of the smoothing filter at the end. It shrinks nods by 3 %; the published code's 13 shrink them by 10 %."""


class ResUnet(nn.Module):
    """Residual U-net over time, (B, c_in, T) -> (B, c_out, T): blocks halve and double T, with skips. T must divide by
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
        x, skips = self.first(x), []
        for block in self.down:
            skips.append(x)
            x = block(x)
        for block in self.up:
            x = F.interpolate(x, scale_factor=2.0)
            x = block(torch.cat([x, skips.pop()], 1))
        return self.last(F.relu(x))


class _Block(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.one, self.two = nn.Conv1d(c_in, c_out, 3, stride, 1), nn.Conv1d(c_out, c_out, 3, 1, 1)
        self.past = nn.Conv1d(c_in, c_out, 1, stride)

    def forward(self, x):
        return self.past(x) + self.two(F.relu(self.one(F.relu(x))))


class PoseJudge(nn.Module):
    """Discriminator of motions: (B, context + 32, 6) poses relative to frame `context` - 1 -> (B, T') scores. Its input
    includes the seam between chunks. widths: channels; each layer halves time."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        layers, c_in = [], len(POSE)
        for width in widths:
            layers += [nn.Conv1d(c_in, width, 4, 2, 1), nn.LeakyReLU(.2)]
            c_in = width
        self.layers = nn.Sequential(*layers, nn.Conv1d(c_in, 1, 3, 1, 1))

    def forward(self, motion: torch.Tensor) -> torch.Tensor:
        return self.layers(motion.transpose(1, 2))[:, 0]


def ear(widths: tuple[int, ...], shape: tuple[int, ...] = (N_MELS, WIDTH)) -> nn.Module:
    """Encoder of what is heard in a frame: (B, *shape), or for five widths (B, 1, 80, 16), -> (B, widths[-1], ...).
    Five widths give Wav2Lip's encoder of mel windows.  Raises ValueError if the shape is another with them."""
    if len(widths) == 1:
        return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), widths[0]), nn.GELU(),
                             nn.Linear(widths[0], widths[0]), nn.GELU())
    if shape != (N_MELS, WIDTH):
        raise ValueError(f"five widths hear mel windows ({N_MELS}, {WIDTH}), not {shape}")
    a, b, c, d, e = widths
    return nn.Sequential(stage(1, a, 1, 2), stage(a, b, (3, 1), 2), stage(b, c, 3, 2), stage(c, d, (3, 2), 1),
                         Conv(d, e, 3, 1, 0), Conv(e, e, 1, 1, 0))


def smooth(pose: np.ndarray) -> np.ndarray:
    """Poses (B, T, 6) float32 without tremor, by a parabola through SMOOTH frames each (Savitzky & Golay 1964)."""
    from scipy.signal import savgol_filter

    window = min(SMOOTH, (pose.shape[1] - 1) // 2 * 2 + 1)
    return pose if window < 5 else savgol_filter(pose, window, 2, axis=1).astype(np.float32)


def fade(n: int) -> np.ndarray:
    """Weights of the new chunk over n shared frames, (n,) rising from 0 to 1, with slope 0 at both ends just
    outside."""
    x = ((np.arange(n) + 1) / (n + 1)).astype(np.float32)
    return x * x * (3 - 2 * x)
