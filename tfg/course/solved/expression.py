"""Solved exercises of solutions/11_expression_vectors.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg import vocabulary


def to_25fps(curves, fps: float):
    """The same curves at 25 frames/s: (max(1, round(25 T / fps)), C).  curves: (T, C), at fps frames/s."""
    new = np.arange(max(1, round(len(curves) * 25 / fps))) / 25
    old = np.arange(len(curves)) / fps
    return np.stack([np.interp(new, old, curve) for curve in curves.T], 1)


class TimeBlock(nn.Module):
    """Adds to each frame's code what two dilated convolutions find around it: (B, T, hidden) -> (B, T, hidden)."""

    def __init__(self, hidden, dilation):
        super().__init__()
        self.norm1 = nn.LayerNorm(hidden)
        self.conv1 = nn.Conv1d(hidden, hidden, 3, dilation=dilation, padding=dilation)
        self.norm2 = nn.LayerNorm(hidden)
        self.conv2 = nn.Conv1d(hidden, hidden, 3, dilation=dilation, padding=dilation)

    def forward(self, x):
        h = self.conv1(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        h = self.conv2(self.norm2(F.gelu(h)).transpose(1, 2)).transpose(1, 2)
        return x + h


class VoiceToFace(nn.Module):
    """A small ExpNet: mel windows (B, T, 80, 16), rest (B, 52) and blink (B, T) to faces (B, T, 52)."""

    def __init__(self, filters, hidden, dilations):
        super().__init__()
        self.filter = nn.Linear(8 * 16, filters)
        self.code = nn.Linear(19 * filters, hidden)
        self.blocks = nn.ModuleList(TimeBlock(hidden, d) for d in dilations)
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden + 52 + 1, 52)

    def forward(self, windows, rest, blink):
        patches = windows.unfold(2, 8, 4).flatten(3)                  # (B, T, 19, 128): 8 bands, all 16 columns
        x = self.code(F.gelu(self.filter(patches)).flatten(2))        # (B, T, hidden)
        for block in self.blocks:
            x = block(x)
        x = self.norm(F.gelu(x))
        rest = rest[:, None].expand(-1, x.shape[1], -1)               # (B, T, 52)
        return rest + (1 - rest) * self.out(torch.cat([x, rest, blink[..., None]], -1))


def shut_lids(face, blink):
    """The face with its lids shut by that share: (T, 52).  face: (T, 52) in [0, 1].  blink: (T,), 1 is shut."""
    out, lids = face.copy(), vocabulary.index("eyeBlink")
    out[:, lids] += (1 - out[:, lids]) * blink[:, None]
    return out


def code_and_price(mean, logvar, noise):
    """A draw of each cloud, z (B, D), and what the clouds cost, KL ().  mean, logvar, noise: (B, D)."""
    z = mean + (logvar / 2).exp() * noise
    kl = (mean ** 2 + logvar.exp() - 1 - logvar).sum(1) / 2
    return z, kl.mean()


class ToyVAE(nn.Module):
    """A conditional VAE of head motion: `forward` rebuilds chunks (B, 32, 6), `decode` makes new ones."""

    def __init__(self, latent, hidden):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(32 * 6 + 32 * 4, hidden), nn.ReLU())
        self.mean = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent + 32 * 4, hidden), nn.ReLU(), nn.Linear(hidden, 32 * 6))

    def decode(self, z, heard):
        """Chunks (B, 32, 6) of codes z (B, latent), for a sound (B, 32, 4)."""
        return self.decoder(torch.cat([z, heard.flatten(1)], 1)).unflatten(1, (32, 6))

    def forward(self, chunk, heard, noise):
        """The chunk rebuilt from a drawn code, and what its code costs."""
        x = self.encoder(torch.cat([chunk.flatten(1), heard.flatten(1)], 1))
        z, kl = code_and_price(self.mean(x), self.logvar(x), noise)
        return self.decode(z, heard), kl


def join_chunks(chunks, overlap: int):
    """One motion, (N (L - overlap) + overlap, 6).  chunks: (N, L, 6); neighbours share `overlap` frames, 1 or more."""
    x = (np.arange(overlap) + 1) / (overlap + 1)
    w = (3 * x ** 2 - 2 * x ** 3)[:, None]
    out = chunks[0]
    for chunk in chunks[1:]:
        shared = (1 - w) * out[-overlap:] + w * chunk[:overlap]
        out = np.concatenate([out[:-overlap], shared, chunk[overlap:]])
    return out


def five_frames(x):
    """The five frames around each frame, (T, 5, C); the ends repeat.  x: (T, C)."""
    at = np.arange(len(x))[:, None] + np.arange(-2, 3)
    return x[np.clip(at, 0, len(x) - 1)]


def orthogonal(change, source):
    """The part of each frame's change that is orthogonal to its source: (T, C).  change, source: (T, C)."""
    along = (change * source).sum(1, keepdims=True)
    square = (source ** 2).sum(1, keepdims=True)
    return change - along / np.where(square > 0, square, 1) * source
