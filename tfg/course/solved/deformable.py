"""Solved exercises of solutions/13_deformable_synthesis.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F


def bilinear(grid, y, x):
    """Values of a map between its pixels, (C, *y.shape), 0 outside.  grid: (C, H, W).  y, x: rows and columns."""
    C, H, W = grid.shape
    top, left, out = torch.floor(y), torch.floor(x), 0
    for row in (top, top + 1):
        for column in (left, left + 1):
            inside = (row >= 0) & (row < H) & (column >= 0) & (column < W)
            seen = grid[:, row.long().clamp(0, H - 1), column.long().clamp(0, W - 1)] * inside
            out = out + (1 - (y - row).abs()) * (1 - (x - column).abs()) * seen
    return out


def deform_conv(x, offset, mask, weight, sample):
    """A modulated deformable convolution: (M, H, W).  x: (C, H, W).  offset: (18, H, W), y then x of each tap."""
    C, H, W = x.shape
    rows, columns = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    out = 0
    for k in range(9):
        i, j = divmod(k, 3)
        seen = mask[k] * sample(x, rows + i - 1 + offset[2 * k], columns + j - 1 + offset[2 * k + 1])
        out = out + torch.einsum("mc,chw->mhw", weight[:, :, i, j], seen)
    return out


def remember(comes, own, h, c):
    """One step of a ConvLSTM: the new (h, c).  comes: (B, 4 W, h, w).  own: function h -> (B, 4 W, h, w)."""
    let, keep, show, new = (comes + own(h)).chunk(4, 1)
    c = torch.sigmoid(keep) * c + torch.sigmoid(let) * torch.tanh(new)
    return torch.sigmoid(show) * torch.tanh(c), c


def right_truth(drawn, truth, score):
    """Mean score of each film against the true one of its own emotion: emotion -> number.  score: (a, b) -> (T,)."""
    out = {}
    for e in drawn:
        if e in truth:
            n = min(len(drawn[e]), len(truth[e]))
            out[e] = float(score(drawn[e][:n], truth[e][:n]).mean())
    return out


def emotion_losses(critic, true, drawn, emotion):
    """Losses of the emotion critic and of the generator: two ().  emotion: (B,) int64, places in EMOTIONS."""
    named = F.cross_entropy(critic(true), emotion)
    caught = F.cross_entropy(critic(drawn.detach()), torch.full_like(emotion, 6))
    return (named + caught) / 2, F.cross_entropy(critic(drawn), emotion)
