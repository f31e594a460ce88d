"""The transformer: a causal decoder over the five frames of a window (Vaswani et al. 2017; sizes of the fork).

Each frame becomes a vector of width `dim`; the emotion, its intensity and the time are added to every one of them. The
last position has seen the whole window; its *vector* tells the change of the frame in the middle. (The fork flattened
its output and took the last number of it.) The change is a multiple of the intensity: none is none.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tfg.adding.features import FELT, FRAMES, N_TIMES, times, windows
from tfg.adding.keep import folder_of, way_out
from tfg.audio import FPS
from tfg.models import checkpoint
from tfg.vocabulary import EXPRESSION

N = len(EXPRESSION)


@dataclass(frozen=True)
class TransformerConfig:
    """dim: of a position.  layers, heads, inner: of the decoder.  dropout: in its layers."""

    dim: int = 64
    layers: int = 16
    heads: int = 8
    inner: int = 256
    dropout: float = .1


PROFILES = {"ci": TransformerConfig(16, 2, 2, 32, 0.0), "cpu": TransformerConfig(64, 4, 8, 128, 0.0),
            "gpu": TransformerConfig()}
SCALE = 4.0
"""Coefficients are small numbers; the network sees them this much larger."""


def causal_mask(n: int) -> torch.Tensor:
    """(n, n), added to the attention's logits: 0 on and below the diagonal, -inf strictly above it, so that position k
    sees positions 0 to k. (The fork added ones on and above the diagonal, which hides nothing.)"""
    return torch.triu(torch.full((n, n), float("-inf")), diagonal=1)


class AddingTransformer(nn.Module):
    """windows (B, 5, 52), emotion (B,) of 0..4 as `FELT`, intensity (B,), times (B, 10) -> change (B, 52)."""

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
        """(B, 5, dim): what each position knows; k of the frames 0 to k."""
        told = self.emotion(emotion) + self.when(torch.cat([times, intensity[:, None]], 1))
        x = self.frame(SCALE * windows) + self.place + told[:, None]             # (B, 5, dim)
        return self.decoder(x, mask=self.mask)

    def forward(self, windows: torch.Tensor, emotion: torch.Tensor, intensity: torch.Tensor,
                times: torch.Tensor) -> torch.Tensor:
        last = self.positions(windows, emotion, intensity, times)[:, -1]         # (B, dim), a vector
        return intensity[:, None] * self.out(last)


@torch.no_grad()
def change(network: AddingTransformer, source: np.ndarray, emotion: str, intensity: float,
           fps: float = FPS) -> np.ndarray:
    """What the emotion adds to each frame: (T, 52) float32."""
    T = len(source)
    found = network(torch.from_numpy(windows(source)), torch.full((T,), FELT.index(emotion)),
                    torch.full((T,), float(intensity)), torch.from_numpy(times(T, fps)))
    return found.numpy()


def load(folder=None) -> tuple[AddingTransformer, dict]:
    """The trained network in eval mode and its card.  folder: None for the one that ships.  Raises InputError."""
    folder = folder_of(folder)
    return checkpoint.load("transformer", AddingTransformer, TransformerConfig, folder,
                           again=way_out("transformer", folder))
