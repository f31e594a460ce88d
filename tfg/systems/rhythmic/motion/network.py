"""Raw sound and up to 64 poses seen before -> poses (Chen et al. 2020, sec. 3.2: the head-motion learner).

    wave (T + 2 R) x 640  ->  ears   a_t, what is heard from R frames before to R after frame t
    poses seen, with what was heard then  ->  encoder  ->  code c: how this person moves while speaking
    code  ->  decoder  ->  a linear map: pose_t = W(c) a_t + V(c) z_t + b(c)

The code is learned from the poses, the map from the code; so what is linear in the sound differs from person to person.
In the original one of three encoders runs: "mean" (two convolutions over time, then their mean). "lstm" stops in a
debugger there and "attention" uses names that do not exist; all three work here. z_t are slow random curves, which the
original does not have: the sound does not say where a head sways, so without them the best guess is a head at rest.

As published R is 3. A syllable is stressed by what is around it, half a second on either side: with 3 the network heard
no stress at all, so the profiles `ci` and `cpu` have 12.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.media.audio import SAMPLES_PER_FRAME, SR
from tfg.systems.rhythmic.motion import ENCODERS

SEED = 64
"""Most poses that the encoder sees."""
WINDOW = 80
"""Samples of the first convolution, and its step: 5 ms."""
LOW_HZ, HIGH_HZ = 100.0, 6000.0
LOUD = 30.0
"""Factor on a wave before the logarithm of its power; below 1 / LOUD of full scale a sound counts little."""


@dataclass(frozen=True)
class MotionConfig:
    """Sizes.  encoder: one of ENCODERS.  filters: of the first convolution.  hidden: entries of what is heard of a
    frame, and of a pose's embedding.  code: entries of the code.  noise: Z, random curves.  reach: R, frames before and
    after its own that a frame is heard with.  dropout: in the ears, while they learn.  As published: the defaults, but
    filters and noise, which are ours."""

    encoder: str = "mean"
    filters: int = 24
    hidden: int = 256
    code: int = 512
    noise: int = 6
    reach: int = 3
    dropout: float = 0.0

    def __post_init__(self):
        if self.encoder not in ENCODERS:
            raise ValueError(f"the encoder is {self.encoder!r}; take one of {', '.join(ENCODERS)}")


PROFILES = {"ci": MotionConfig(filters=8, hidden=16, code=24, reach=12),
            "cpu": MotionConfig(hidden=64, code=96, reach=12, dropout=.25),
            "gpu": MotionConfig()}


class Moved(NamedTuple):
    """Poses (B, T, 6), degrees and head widths.  told: what sound and seed tell alone.  pose: with the random part."""

    told: torch.Tensor
    pose: torch.Tensor


class HeadEars(nn.Module):
    """Waves (B, (T + 2 R) 640) -> (B, T, hidden). Without padding, so that pieces of a sound give what the whole gives.

    The first convolution starts as pairs of a cosine and a sine, of which it answers the logarithm of the power: nods
    follow loudness, and that is not linear in samples.
    """

    def __init__(self, filters: int, hidden: int, reach: int, dropout: float = 0.0):
        super().__init__()
        self.reach = reach
        self.first = nn.Linear(WINDOW, 2 * filters, bias=False)           # convolutions whose step is their length
        with torch.no_grad():
            t = torch.arange(WINDOW) - WINDOW / 2
            hz = torch.exp(torch.linspace(float(np.log(LOW_HZ)), float(np.log(HIGH_HZ)), filters))
            phase = 2 * torch.pi * hz[:, None] * t / SR
            window = torch.hann_window(WINDOW, periodic=False)
            self.first.weight.copy_(torch.cat([phase.cos(), phase.sin()]) * window / window.sum())
        self.frame = nn.Linear(filters * (SAMPLES_PER_FRAME // WINDOW), hidden)
        self.around = nn.Conv1d(hidden, hidden, 2 * reach + 1)
        self.last = nn.Conv1d(hidden, hidden, 1)
        self.drop = nn.Dropout(dropout)

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        if wave.shape[-1] % SAMPLES_PER_FRAME or wave.shape[-1] <= 2 * self.reach * SAMPLES_PER_FRAME:
            raise ValueError(f"T frames are heard with (T + {2 * self.reach}) x {SAMPLES_PER_FRAME} samples, got "
                             f"{wave.shape[-1]}")
        pieces = wave.unflatten(-1, (-1, SAMPLES_PER_FRAME // WINDOW, WINDOW))
        a, b = self.first(LOUD * pieces).chunk(2, -1)                     # (B, T + 2 R, 8, filters)
        x = self.drop(F.leaky_relu(self.frame(torch.log1p(a * a + b * b).flatten(2)), .2))
        x = self.drop(F.leaky_relu(self.around(x.transpose(1, 2)), .2))
        return F.leaky_relu(self.last(x), .2).transpose(1, 2)


class Encoder(nn.Module):
    """Poses (B, S, 6), z-scored, whether each was seen (B, S), what was heard then (B, S, hidden) -> code (B, code).

    S may be 0, and nobody need have been seen: then the code is one that was learned for that.
    """

    def __init__(self, config: MotionConfig):
        super().__init__()
        self.kind, h = config.encoder, config.hidden
        self.pose = nn.Linear(6, h)
        self.unseen = nn.Parameter(torch.zeros(config.code))
        if self.kind == "lstm":
            self.time: nn.Module = nn.LSTM(2 * h, config.code, batch_first=True)
        else:
            self.time = nn.Sequential(nn.Conv1d(2 * h, config.code, 3, padding=1), nn.LeakyReLU(.2),
                                      nn.Conv1d(config.code, config.code, 3, padding=1))
        if self.kind == "attention":
            self.ask = nn.Linear(config.code, 1)

    def forward(self, poses: torch.Tensor, seen: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        B, S = seen.shape
        if S == 0:
            return self.unseen.expand(B, -1)
        mask = seen[..., None].float()
        x = torch.cat([self.pose(poses), heard], -1) * mask               # (B, S, 2 hidden)
        if self.kind == "lstm":                                           # of the last frame that was seen
            out = self.time(x)[0]
            last = (mask[..., 0] * torch.arange(1, S + 1, device=x.device)).argmax(1)
            code = out[torch.arange(B, device=x.device), last]
        else:
            out = self.time(x.transpose(1, 2)).transpose(1, 2)            # (B, S, code)
            share = mask if self.kind == "mean" else self.ask(torch.tanh(out)).clamp(-20, 20).exp() * mask
            code = (out * share).sum(1) / share.sum(1).clamp(min=1e-9)
        return torch.where(seen.any(1)[:, None], code, self.unseen)


class MotionNet(nn.Module):
    """The network; see the module."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, config: MotionConfig = MotionConfig()):
        super().__init__()
        self.config = config
        self.ears = HeadEars(config.filters, config.hidden, config.reach, config.dropout)
        self.encoder = Encoder(config)
        given = config.hidden + config.noise
        self.map = nn.Linear(config.code, 6 * (given + 1))
        nn.init.normal_(self.map.weight, std=.01)
        with torch.no_grad():                                             # random curves sway each axis from the start
            bias = .02 * torch.randn(given + 1, 6)
            bias[config.hidden:given] += torch.eye(config.noise, 6)
            bias[given] = 0
            self.map.bias.copy_(bias.flatten())
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("std", torch.ones(6))

    def code(self, poses: torch.Tensor, seen: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        """(B, code) of poses (B, S, 6) in degrees and head widths, whether each was seen, and what was heard then."""
        return self.encoder((poses - self.mean) / self.std, seen, heard)

    def decode(self, code: torch.Tensor, heard: torch.Tensor, noise: torch.Tensor) -> Moved:
        """Poses by a code (B, code), what is heard (B, T, hidden) and random curves (B, T, Z)."""
        h, z = self.config.hidden, self.config.noise
        linear = self.map(code).unflatten(-1, (h + z + 1, 6))             # (B, hidden + Z + 1, 6)
        told = heard @ linear[:, :h] + linear[:, h + z:]
        return Moved(told * self.std + self.mean, (told + noise @ linear[:, h:h + z]) * self.std + self.mean)

    def forward(self, wave: torch.Tensor, poses: torch.Tensor, seen: torch.Tensor, noise: torch.Tensor) -> Moved:
        """Poses of the T frames after the S of the seed.

        wave: (B, (S + T + 2 R) 640) in [-1, 1], from R frames before the seed on.  poses: (B, S, 6).  seen: (B, S)
        bool, others are not looked at.  noise: (B, T, Z), of variance 1.
        """
        heard, S = self.ears(wave), seen.shape[1]
        return self.decode(self.code(poses, seen, heard[:, :S]), heard[:, S:], noise)


class MotionCritic(nn.Module):
    """Poses (B, T, 6), z-scored, and their sound (B, (T + 2 R) 640) -> how truly they move, (B, T'), no range.

    The original trains one like it, and never shows the generator its answer.
    """

    def __init__(self, config: MotionConfig = MotionConfig()):
        super().__init__()
        h = config.hidden
        self.ears = HeadEars(config.filters, h, config.reach)
        self.layers = nn.Sequential(nn.Conv1d(12 + h, h, 5, 2), nn.LeakyReLU(.2), nn.Conv1d(h, h, 5, 2),
                                    nn.LeakyReLU(.2), nn.Conv1d(h, 1, 3))

    def forward(self, poses: torch.Tensor, wave: torch.Tensor) -> torch.Tensor:
        step = F.pad(poses[:, 1:] - poses[:, :-1], (0, 0, 1, 0))
        x = torch.cat([poses, 8 * step, self.ears(wave)], -1)
        return self.layers(x.transpose(1, 2))[:, 0]


def load(folder=None) -> tuple[MotionNet, dict]:
    """The network with its trained weights, on the CPU, and its card."""
    from tfg.networks import checkpoint

    return checkpoint.load("rhythmic_motion", MotionNet, MotionConfig, folder)
