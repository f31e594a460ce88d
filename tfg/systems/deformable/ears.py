"""The speech encoder of `deformable`: raw waves at 8 kHz become one vector for each frame (Eskimez et al. 2021)."""
from __future__ import annotations

import torch
from torch import nn

from tfg.systems.deformable.sound import FIELD, KERNELS, PER_FRAME, RATE, STEP, STRIDES, around

LOW_HZ, HIGH_HZ = 80.0, 3800.0
"""Frequencies of the lowest and the highest tuned filter."""
PER = PER_FRAME // STEP
"""Features of a frame."""


class Ears(nn.Module):
    """Waves (B, n_samples(T)) -> (B, T, out): four convolutions over time without padding to 125 features a second, 16
    channels each; a frame sees its own feature and `context` more on both sides.

    widths: channels of the convolutions.  tuned: the first convolution starts as pairs of a cosine and a sine at
    frequencies evenly spaced in mel, of which it answers the logarithm of the magnitude, as an ear does (Zeghidour et
    al. 2021, LEAF, for the idea); it learns on. As published the filters start at random, and have to find that out.
    """

    def __init__(self, widths: tuple[int, ...], bands: int, context: int, out: int, tuned: bool):
        super().__init__()
        self.context, self.tuned = context, tuned
        layers, channels = [], 1
        for k, (width, kernel, stride) in enumerate(zip(widths, KERNELS, STRIDES, strict=True)):
            layers.append(nn.Conv1d(channels, 2 * width if tuned and not k else width, kernel, stride))
            channels = width
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.LayerNorm(width) if tuned else nn.Identity() for width in widths)
        self.bands = nn.Conv1d(channels, bands, 1)
        self.join = nn.Linear(bands * (2 * context + 1), out)
        if tuned:
            with torch.no_grad():
                self.layers[0].weight[:, 0] = tuned_filters(widths[0])
                nn.init.zeros_(self.layers[0].bias)

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        x, n = wave[:, None], self.frames(wave.shape[-1])
        for k, (layer, norm) in enumerate(zip(self.layers, self.norms)):
            x = layer(x)
            if self.tuned and not k:
                a, b = x.float().chunk(2, 1)
                x = torch.log1p(100 * torch.sqrt(a * a + b * b + 1e-8))                   # magnitude, any loudness
            x = nn.functional.leaky_relu(norm(x.transpose(1, 2)).transpose(1, 2), .2)     # over channels, not time
        x = self.bands(x)                                                 # (B, 16, 5 (T - 1) + 2 context + 1)
        x = x.unfold(2, 2 * self.context + 1, PER)[:, :, :n]              # (B, 16, T, 35)
        return nn.functional.leaky_relu(self.join(x.transpose(1, 2).flatten(2)), .2)

    def frames(self, samples: int) -> int:
        """Frames that so many samples are heard for.  Raises ValueError: no whole number of them."""
        rest = samples - sum(around(self.context))
        if rest < PER_FRAME or rest % PER_FRAME:
            raise ValueError(f"T frames are heard with {PER_FRAME} T + {sum(around(self.context))} samples, got "
                             f"{samples}")
        return rest // PER_FRAME


def tuned_filters(many: int) -> torch.Tensor:
    """(2 many, 63) cosines, then sines, under a Hann window; frequencies evenly spaced in mel (O'Shaughnessy 1987)."""
    n = torch.arange(KERNELS[0]) - KERNELS[0] // 2
    mel = torch.linspace(*(1127 * torch.log1p(torch.tensor([LOW_HZ, HIGH_HZ]) / 700)).tolist(), many)
    hz = 700 * torch.expm1(mel / 1127)
    phase = 2 * torch.pi * hz[:, None] * n[None] / RATE
    window = torch.hann_window(KERNELS[0], periodic=False)
    return torch.cat([phase.cos(), phase.sin()]) * (window / window.sum())


def _field() -> int:
    """Samples that one feature sees, of kernels and strides."""
    field, step = 1, 1
    for kernel, stride in zip(KERNELS, STRIDES):
        field, step = field + step * (kernel - 1), step * stride
    return field


assert _field() == FIELD
