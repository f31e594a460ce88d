"""Solved exercises of solutions/12_speech_to_action_units_to_gan.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np
import torch


def unit_loss(found, true, std, least):
    """Mean squared error in standard deviations.  found, true: (N, 17).  std: (17,).  least: smallest deviation."""
    return (((found - true) / std.clamp(min=least)) ** 2).mean()


def gradient_penalty(critic, true, drawn, share, still=None):
    """Mean (slope - 1)^2 between true and drawn.  true, drawn: (B, 3, S, S).  share: (B,) of the true ones, 0..1."""
    share = share[:, None, None, None]
    between = (share * true + (1 - share) * drawn).detach().requires_grad_(True)
    gradient = torch.autograd.grad(critic(between)[0].sum(), between, create_graph=True)[0]
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def compose(picture, colour, attention, flow, trust, warp):
    """What stays, what moved and what is painted: (B, 3, S, S).  warp: function (picture, flow) -> picture."""
    free = 1 - attention                                              # what may change
    copied = 1 - free * (1 - trust)
    return copied * warp(picture, free * flow) + (1 - copied) * colour


def cycle_loss(generator, source, aus, aus_source):
    """Mean |there and back - source|: ().  generator: (picture, units) -> picture.  aus, aus_source: (B, 17)."""
    there = generator(source, aus)
    return (generator(there, aus_source) - source).abs().mean()


def frame_units(speech, feeling, listen, shut):
    """Units that the face shows, (T, 17) in 0..5.  speech: 0..5.  feeling: -5..5.  shut: (T,) in [0, 1]."""
    from tfg.faces.aus import AUS                                     # AUS.index(45): the column of the blink
    out, lids = speech + listen * feeling, AUS.index(45)
    out[:, lids] = np.maximum(out[:, lids], 5 * shut)
    return np.clip(out, 0, 5)
