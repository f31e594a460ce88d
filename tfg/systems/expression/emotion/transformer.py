"""The transformer: a causal decoder over the five frames of a window (Vaswani et al. 2017; sizes of the fork).

Each frame becomes a vector of width `dim`; the emotion, its intensity and the time are added to every one of them. The
last position attends to the whole window; its *vector* gives the change of the frame in the middle. (The fork flattened
its output and took the last number of it.) The change is a multiple of the intensity: at 0 it is 0.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tfg.networks import checkpoint
from tfg.systems.expression.emotion.features import FELT, FRAMES, N_TIMES, times, windows
from tfg.systems.expression.emotion.files import folder_of, way_out
from tfg.vocabulary import EXPRESSION

N = len(EXPRESSION)


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the transformer.  dim: width of a position's vector.  layers, heads, inner: numbers of the decoder's
    layers, attention heads and inner units.  dropout: its rate in the layers."""

    dim: int = 64
    layers: int = 16
    heads: int = 8
    inner: int = 256
    dropout: float = .1


PROFILES = {"ci": TransformerConfig(16, 2, 2, 32, 0.0), "cpu": TransformerConfig(64, 4, 8, 128, 0.0),
            "gpu": TransformerConfig()}
SCALE = 4.0
"""Factor on the coefficients, which are small numbers, at the network's input."""


def causal_mask(n: int) -> torch.Tensor:
    """Mask (n, n) that is added to the attention's logits: 0 on and below the diagonal, -inf strictly above it, so that
    position k attends to positions 0 to k. (The fork added ones on and above the diagonal, which hides nothing.)"""
    return torch.triu(torch.full((n, n), float("-inf")), diagonal=1)


class EmotionTransformer(nn.Module):
    """The network: windows (B, 5, 52), emotion (B,) of 0..4 as `FELT`, intensity (B,), times (B, 10) -> change (B,
    52)."""

    def __init__(self, config: TransformerConfig = TransformerConfig()):
        super().__init__()
        self.config, dim = config, config.dim
        self.frame = nn.Linear(N, dim)
        self.place = nn.Parameter(.02 * torch.randn(FRAMES, dim))
        self.emotion = nn.Embedding(len(FELT), dim)
        self.when = nn.Sequential(nn.Linear(N_TIMES + 1, dim), nn.GELU(), nn.Linear(dim, dim))
        layer = nn.TransformerEncoderLayer(dim, config.heads, config.inner, config.dropout, "gelu", batch_first=True,
                                           norm_first=True)
        self.decoder = nn.TransformerEncoder(layer, config.layers, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.out = nn.Linear(dim, N)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("mask", causal_mask(FRAMES), persistent=False)

    def positions(self, windows: torch.Tensor, emotion: torch.Tensor, intensity: torch.Tensor,
                  times: torch.Tensor) -> torch.Tensor:
        """Vectors of the positions, (B, 5, dim); that of k depends on the frames 0 to k."""
        condition = self.emotion(emotion) + self.when(torch.cat([times, intensity[:, None]], 1))
        x = self.frame(SCALE * windows) + self.place + condition[:, None]        # (B, 5, dim)
        return self.decoder(x, mask=self.mask)

    def forward(self, windows: torch.Tensor, emotion: torch.Tensor, intensity: torch.Tensor,
                times: torch.Tensor) -> torch.Tensor:
        last = self.positions(windows, emotion, intensity, times)[:, -1]         # (B, dim), a vector
        return intensity[:, None] * self.out(last)


@torch.no_grad()
def change(network: EmotionTransformer, source: np.ndarray, emotion: str, intensity: float,
           when: np.ndarray | None = None) -> np.ndarray:
    """Change that the emotion adds to each frame: (T, 52) float32.  when: (T, 10) as `features.times`; None: the source
    is a whole clip."""
    T = len(source)
    when = times(T) if when is None else when
    found = network(torch.from_numpy(windows(source)), torch.full((T,), FELT.index(emotion)),
                    torch.full((T,), float(intensity)), torch.from_numpy(when))
    return found.numpy()


def load(folder=None) -> tuple[EmotionTransformer, dict]:
    """The trained network in eval mode and its card.  folder: None for the one that ships.  Raises InputError."""
    folder = folder_of(folder)
    return checkpoint.load("transformer", EmotionTransformer, TransformerConfig, folder,
                           again=way_out("transformer", folder))
