"""Solved exercises of solutions/09_emogen_gan.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def at_bottleneck(sound, emotion, picture):
    """Codes joined: (B * T, A + E + P, 1, 1).  sound, picture: (B * T, ., 1, 1).  emotion: (B, E)."""
    frames = len(sound) // len(emotion)
    each = emotion.repeat_interleave(frames, 0)[:, :, None, None]
    return torch.cat([sound, each, picture], 1)


class FaceUnet(nn.Module):
    """Hidden target and reference (N, 6, S, S), sound (N, A, 1, 1), emotion (B, E) -> faces (N, 3, S, S)."""

    def __init__(self, widths, up_widths, told):
        super().__init__()
        self.down = nn.ModuleList([conv(6, widths[0], 7, 1, 3)])
        self.down.extend(conv(a, b, 3, 2) for a, b in zip(widths[:-2], widths[1:-1]))
        self.down.append(nn.Sequential(conv(*widths[-2:], 3, 1, 0), conv(widths[-1], widths[-1], 1, 1, 0)))
        self.up, n = nn.ModuleList(), told + widths[-1]
        for k, (width, skip) in enumerate(zip(up_widths, widths[-2::-1])):
            self.up.append(up(n, width, first=k == 0))
            n = width + skip
        self.last = nn.Sequential(conv(n, 8), nn.Conv2d(8, 3, 1))

    def forward(self, pictures, sound, emotion):
        x, skips = pictures, []
        for layer in self.down:
            skips.append(x := layer(x))
        x = at_bottleneck(sound, emotion, skips.pop())
        for layer in self.up:
            x = torch.cat([layer(x), skips.pop()], 1)
        return torch.sigmoid(self.last(x))


def conv(a, b, kernel=3, stride=1, pad=1):                            # stride 2 halves the side
    return nn.Sequential(nn.Conv2d(a, b, kernel, stride, pad, bias=False), nn.BatchNorm2d(b), nn.ReLU())


def up(a, b, first=False):                                            # doubles the side; the first: 1 x 1 -> 3 x 3
    how = dict(stride=1, padding=0) if first else dict(stride=2, padding=1, output_padding=1)
    return nn.Sequential(nn.ConvTranspose2d(a, b, 3, **how, bias=False), nn.BatchNorm2d(b), nn.ReLU())


def weighted_l1(drawn, target, weight):
    """Weighted mean of |drawn - target|: ().  drawn, target: (N, 3, S, S).  weight: (S, S), 0 or more."""
    away = (drawn - target).abs().mean(1)                             # (N, S, S)
    return (away * weight).sum() / (len(away) * weight.sum())


def gan_losses(quality, true, drawn):
    """(generator's loss, discriminator's loss), both ().  quality: (N, 3, S, S) -> (N,) logits, above 0 for true."""
    def bce(logits, label):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

    of_drawer = bce(quality(drawn), 1.0)
    of_judge = (bce(quality(true), 1.0) + bce(quality(drawn.detach()), 0.0)) / 2
    return of_drawer, of_judge


def whole_loss(l1, perceptual, sync, emotion, fools, w, lips_follow):
    """The generator's whole loss: ().  The five losses: () each.  w: weights.  lips_follow: whether sync counts."""
    w_sync = w.sync if lips_follow else 0.0
    experts = w.perceptual * perceptual + w_sync * sync + w.emotion * emotion
    return (1 - w.perceptual - w_sync - w.emotion) * l1 + experts + w.quality * fools


def train_step(draw, whole, critic, true, adam, adam_critic):
    """One step of the generator and one of its critic.  Returns both losses as numbers."""
    drawn = draw()
    loss = whole(drawn)
    adam.zero_grad()
    loss.backward()
    adam.step()
    of_judge = gan_losses(critic, true, drawn)[1]
    adam_critic.zero_grad()
    of_judge.backward()
    adam_critic.step()
    return loss.item(), of_judge.item()
