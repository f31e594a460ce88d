"""Solved exercises of solutions/07_syncnet.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np
import torch
from torch import nn


def lower_half(frames):
    """Lips and jaw of windows, frames as channels.  frames: (B, T, 3, S, S).  -> (B, 3 T, S / 2, S)."""
    return frames[..., frames.shape[-2] // 2:, :].flatten(1, 2)


def moments(n: int, K: int, start: float):
    """K windows of a clip that has n, evenly spread from a start in [0, 1) on.  Returns (K,) int."""
    return np.floor((np.arange(K) + start) / K * n).astype(int)


class Tower(nn.Module):
    """Pictures or mels to embeddings: (B, c_in, H, W) -> (B, embedding), no entry below 0.

    layers: (channels, kernel, stride) of each convolution; a stride may be a pair, for rows and columns.
    """

    def __init__(self, c_in, layers, embedding):
        super().__init__()
        parts = []
        for channels, kernel, stride in layers:
            parts += [nn.Conv2d(c_in, channels, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(channels),
                      nn.ReLU()]
            c_in = channels
        self.maps = nn.Sequential(*parts)
        self.end = nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Conv2d(c_in, embedding, 3), nn.ReLU(), nn.Flatten())

    def forward(self, x):
        return self.end(self.maps(x))


def sync_loss(v, a, label):
    """Binary cross entropy of cosines.  v, a: (B, E), no entry below 0.  label: (B,), 1 for a true pair.  -> ()."""
    cosine = (v * a).sum(1) / (v.norm(dim=1) * a.norm(dim=1))
    cosine = cosine.clamp(1e-6, 1 - 1e-6)
    return -(label * cosine.log() + (1 - label) * (1 - cosine).log()).mean()


def choice_loss(fit, temperature: float):
    """Cross entropy of choosing a picture's sound, and a sound's picture.  fit: (B, K, K) cosines.  -> ()."""
    z = fit / temperature
    of_sounds = -torch.log_softmax(z, 2).diagonal(dim1=1, dim2=2).mean()
    of_pictures = -torch.log_softmax(z, 1).diagonal(dim1=1, dim2=2).mean()
    return (of_sounds + of_pictures) / 2


def sync_step(network, faces, mels, loss, optimiser, K: int):
    """One step on B clips of K windows each.  loss: of cosines (B, K, K).  Returns the loss and the share right."""
    v, a = network(faces, mels)                                                     # (B * K, E) each
    fit = v.unflatten(0, (-1, K)) @ a.unflatten(0, (-1, K)).transpose(1, 2)         # (B, K, K)
    cost = loss(fit)
    optimiser.zero_grad()
    cost.backward()
    optimiser.step()
    return cost.item(), (fit.argmax(2) == torch.arange(K)).float().mean().item()


def sync_curve(picture, sound, reach: int = 15):
    """D(s) for s = -reach .. reach.  picture, sound: (N, E), embeddings of the same windows.  -> (2 reach + 1,)."""
    N, curve = len(picture), np.full(2 * reach + 1, np.nan)
    for s in range(-reach, reach + 1):
        first, last = max(0, -s), min(N, N - s)
        if last > first:
            curve[s + reach] = np.linalg.norm(picture[first:last] - sound[first + s:last + s], axis=1).mean()
    return curve


def sync_scores(curve):
    """LSE-D, LSE-C and the offset in frames of D(s), s = -R .. R.  curve: (2 R + 1,), NaN allowed."""
    least = np.nanmin(curve)
    return least, np.nanmedian(curve) - least, int(np.nanargmin(curve)) - len(curve) // 2
