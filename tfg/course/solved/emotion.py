"""Solved exercises of solutions/08_emotion_discriminator.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def fold_frames(x):
    """Frames (B, C, T, H, W), time behind the colours -> a batch of whole frames (B * T, C, H, W)."""
    return x.movedim(2, 1).flatten(0, 1)


class FrameNet(nn.Module):
    """Frames to codes, each by itself: (N, 3, size, size) in [-1, 1] -> (N, hidden[1]).

    widths: channels of the convolutions.  hidden: lengths of the two linear layers.  groups: of the norms.
    """

    def __init__(self, widths, hidden, size, dropout, groups):
        super().__init__()
        maps, c_in = [], 3
        for width in widths:
            maps += [nn.Conv2d(c_in, width, 3, 2, 1), nn.GroupNorm(groups, width), nn.LeakyReLU(.3)]
            c_in = width
        side = -(-size // 2 ** len(widths))
        self.maps = nn.Sequential(*maps)
        self.code = nn.Sequential(nn.Flatten(), nn.Dropout(dropout),
                                  nn.Linear(c_in * side * side, hidden[0]), nn.LeakyReLU(.3),
                                  nn.Linear(hidden[0], hidden[1]), nn.LeakyReLU(.3))

    def forward(self, x):
        return self.code(self.maps(x))


def soft_cross_entropy(logits, target):
    """Mean cross entropy.  logits: (B, 6).  target: (B, 6), rows sum to 1."""
    log_p = logits - torch.logsumexp(logits, 1, keepdim=True)
    return -(target * log_p).sum(1).mean()


def split_by_actor(actors, share: float, seed: int):
    """True for the clips of max(1, round(share * people)) people, drawn by the seed.  actors: (N,) names."""
    people = np.random.default_rng(seed).permutation(np.unique(actors))
    return np.isin(actors, people[:max(1, round(share * len(people)))])


def emotion_step(network, teller, frames, emotion, expression, hint: float, optimiser):
    """One step on B windows.  frames: (B, T, 3, S, S) in [0, 1].  emotion: (B,) numbers.  expression: (B, T, 52).

    hint: weight of the teller's error.  Returns the loss and the share of windows named rightly.
    """
    logits, codes = network(frames, codes=True)                              # (B, 6), (B, T, D)
    loss = F.cross_entropy(logits, emotion) + hint * F.mse_loss(teller(codes), expression)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item(), (logits.argmax(1) == emotion).float().mean().item()


def confusion(true, said):
    """(6, 6): of the clips acted as (row), which share was said to be (column).  true, said: (N,) 0 to 5."""
    counts = np.zeros((6, 6))
    np.add.at(counts, (true, said), 1)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(1, keepdims=True)


def occlusion_map(probability, frames, patch: int, step: int):
    """How far the probability falls if a square is hidden: (n, n).  frames: (T, 3, S, S) in [0, 1]."""
    starts = range(0, frames.shape[-1] - patch + 1, step)
    colour, before = frames.mean((0, 2, 3))[:, None, None], float(probability(frames[None])[0])
    fall = np.zeros((len(starts), len(starts)))
    for row, y in enumerate(starts):
        for column, x in enumerate(starts):
            hidden = frames.clone()
            hidden[:, :, y:y + patch, x:x + patch] = colour
            fall[row, column] = before - float(probability(hidden[None])[0])
    return fall
