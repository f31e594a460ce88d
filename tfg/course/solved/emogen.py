"""Solved exercises of solutions/09_emogen_gan.ipynb.

Written by `python -m tools.solved`; do not edit.
"""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tfg.vocabulary import EMOTIONS


def hide_face(frames, mask):
    """Frames (..., 3, S, S) with 0 wherever anything will be drawn.  mask: (S, S), 0 to 1."""
    return frames * (mask <= 0)


def feelings(emotion, intensity):
    """What is felt: (B, 6), intensity of the emotion, the rest neutral.  emotion: (B,) int.  intensity: (B,)."""
    one, neutral = np.eye(6)[emotion], np.eye(6)[EMOTIONS.index("NEU")]
    return intensity[:, None] * one + (1 - intensity[:, None]) * neutral


def may_refer(actor, emotion, i: int):
    """Places of clips that may be the reference of clip i: (n,) int.  actor, emotion: (N,) names."""
    return np.flatnonzero((actor == actor[i]) & (emotion != emotion[i]))


def at_bottleneck(sound, emotion, picture):
    """Codes joined: (B * T, A + E + P, 1, 1).  sound, picture: (B * T, ., 1, 1).  emotion: (B, E)."""
    frames = len(sound) // len(emotion)
    each = emotion.repeat_interleave(frames, 0)[:, :, None, None]
    return torch.cat([sound, each, picture], 1)


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
