"""Solved exercises of solutions/12_speech_to_action_units_to_gan.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class AttentionGenerator(nn.Module):
    """GANimation's generator, small: a picture and 17 units in 0..1 -> colour and attention, both in 0..1."""

    def __init__(self, width, blocks):
        super().__init__()
        def layer(make, c_in, c_out, kernel, stride, padding):
            return [make(c_in, c_out, kernel, stride, padding, bias=False), nn.InstanceNorm2d(c_out, affine=True),
                    nn.ReLU()]

        w = width
        self.first = nn.Sequential(*layer(nn.Conv2d, 3 + 17, w, 7, 1, 3))
        self.down = nn.Sequential(*layer(nn.Conv2d, w, 2 * w, 4, 2, 1), *layer(nn.Conv2d, 2 * w, 4 * w, 4, 2, 1))
        block = (nn.Conv2d, 4 * w, 4 * w, 3, 1, 1)
        self.middle = nn.ModuleList(nn.Sequential(*layer(*block), *layer(*block)[:2]) for _ in range(blocks))
        self.up = nn.Sequential(*layer(nn.ConvTranspose2d, 4 * w, 2 * w, 4, 2, 1),
                                *layer(nn.ConvTranspose2d, 2 * w, w, 4, 2, 1))
        self.heads = nn.Conv2d(w, 4, 7, padding=3)

    def forward(self, picture, aus):
        planes = aus[:, :, None, None].expand(-1, -1, *picture.shape[2:])
        x = self.down(self.first(torch.cat([2 * picture - 1, planes], 1)))
        for block in self.middle:
            x = x + block(x)
        maps = self.heads(self.up(x))
        return (torch.tanh(maps[:, :3]) + 1) / 2, torch.sigmoid(maps[:, 3:])


def critic_step(critic, adams, true, drawn, aus, penalty, w):
    """One step of the critic.  adams: "generator", "critic" -> optimiser.  Returns apart, slope, units: numbers."""
    drawn = drawn.detach()
    answers, found = critic(true)
    apart = answers.mean() - critic(drawn)[0].mean()
    slope, units = penalty(critic, true, drawn), F.mse_loss(found, aus)
    adams["critic"].zero_grad()
    (w["cls"] * units - apart + w["gp"] * slope).backward()
    adams["critic"].step()
    return apart.item(), slope.item(), units.item()
