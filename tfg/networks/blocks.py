"""Blocks that several networks share: convolutions, and folding time into the batch."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def fold_time(x: torch.Tensor) -> torch.Tensor:
    """Fold time into the batch, (B, T, ...) -> (B * T, ...): frames become examples, each as a whole.

    A reshape of (B, C, T, H, W) would mix colour planes of different frames; that layout is not used here.
    """
    return x.flatten(0, 1)


def unfold_time(x: torch.Tensor, frames: int) -> torch.Tensor:
    """Unfold time from the batch, (B * T, ...) -> (B, T, ...), the inverse of `fold_time`. Raises ValueError if T does
    not divide the batch."""
    if len(x) % frames:
        raise ValueError(f"{len(x)} frames are not a whole number of windows of {frames}")
    return x.unflatten(0, (-1, frames))


def fold_to_size(frames: torch.Tensor, size: int) -> torch.Tensor:
    """Fold time and resize, (B, T, 3, S, S) of any S in [0, 1] -> (B * T, 3, size, size) in [-1, 1].  Raises
    ValueError."""
    if frames.ndim != 5 or frames.shape[2] != 3:
        raise ValueError(f"frames are (B, T, 3, S, S), got {tuple(frames.shape)}")
    x = fold_time(frames)
    if x.shape[-2:] != (size, size):
        x = F.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
    return 2 * x - 1


class Conv(nn.Module):
    """Convolution, batch norm, ReLU; residual where the shape stays (Wav2Lip's block, Prajwal et al. 2020)."""

    def __init__(self, c_in: int, c_out: int, kernel=3, stride=1, padding=1, *, residual: bool = False):
        super().__init__()
        if residual and c_in != c_out:
            raise ValueError(f"a residual block keeps its channels, got {c_in} and {c_out}")
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(c_out)
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.conv(x))
        return torch.relu(y + x if self.residual else y)


class Up(nn.Module):
    """Transposed convolution, batch norm, ReLU: (B, c_in, H, W) -> (B, c_out, 2 H, 2 W), or 1 x 1 -> 3 x 3."""

    def __init__(self, c_in: int, c_out: int, *, first: bool = False):
        super().__init__()
        stride, edge = (1, 0) if first else (2, 1)
        self.conv = nn.ConvTranspose2d(c_in, c_out, 3, stride, padding=edge, output_padding=edge, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


class TemporalBlock(nn.Module):
    """x + conv(norm(gelu(conv(norm(x))))), both convolutions over time, dilated alike (Bai, Kolter & Koltun 2018).

    hidden: channels.  kernel: frames, odd.  dilation: frames between the kernel's taps.  dropout: share.
    """

    def __init__(self, hidden: int, kernel: int, dilation: int, dropout: float):
        super().__init__()
        pad = dilation * (kernel - 1) // 2
        self.conv1 = nn.Conv1d(hidden, hidden, kernel, dilation=dilation, padding=pad)
        self.conv2 = nn.Conv1d(hidden, hidden, kernel, dilation=dilation, padding=pad)
        self.norm1, self.norm2 = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:                       # x: (B, T, H)
        h = self.conv1(self.norm1(x).transpose(1, 2))                         # (B, H, T)
        h = self.conv2(self.norm2(F.gelu(h).transpose(1, 2)).transpose(1, 2))
        return x + self.drop(h.transpose(1, 2))


def stage(c_in: int, c_out: int, stride, repeat: int, kernel=3, padding=1) -> nn.Sequential:
    """A sequence of one strided block and `repeat` residual ones."""
    return nn.Sequential(Conv(c_in, c_out, kernel, stride, padding),
                         *(Conv(c_out, c_out, residual=True) for _ in range(repeat)))


def n_parameters(network: nn.Module) -> int:
    """Number of the network's parameters."""
    return sum(p.numel() for p in network.parameters())
