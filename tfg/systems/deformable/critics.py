"""The critics of `deformable`: of frames, of emotions, and of pairs and films, which the original only names.

    frame    is this frame of this person true?  A Wasserstein critic (Gulrajani et al. 2017) that sees the photo, too
    emotion  which of six emotions does this run of frames show, or is it drawn?  seven classes
    pair     does this run of frames belong to this sound?  a Wasserstein critic; wrong are drawn runs, and true ones
             beside another sound
    video    does this run move as true ones do?  a Wasserstein critic of a run without its sound

Runs are (B, T, 3, S, S) in [0, 1] and folded to (B T, 3, S, S). Without norms, for the penalty is one of each example
by itself. The published `DISCPAIRED` uses names that do not exist and its `disc_video` is never stepped.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from tfg.networks.blocks import fold_time, unfold_time
from tfg.systems.deformable.ears import Ears
from tfg.systems.deformable.sound import CONTEXT
from tfg.vocabulary import EMOTIONS

DRAWN = len(EMOTIONS)
"""The seventh class of the emotion critic: no true film."""


CLOSER = 2.0
"""Factor on how far a frame differs from the photo: most pixels hardly do."""


@dataclass(frozen=True)
class CriticConfig:
    """Sizes.  widths: channels of the convolutions, each half the size of the one before.  hidden: entries of a frame's
    vector, and of the LSTM's.  ears: of the pair critic's convolutions over sound.  most: side that pictures are
    brought to first, px.  differs: the emotion critic sees, too, how far a frame differs from the person's photo; it
    learned nothing in 1,500 steps of the profile cpu without.  size: side of the pictures.  As published: the defaults.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    hidden: int = 512
    ears: tuple[int, ...] = (64, 128, 256, 512)
    context: int = CONTEXT
    most: int = 128
    differs: bool = False
    size: int = 128


PROFILES = {"ci": CriticConfig((4, 8, 8, 16), 8, (4, 4, 8, 8), CONTEXT, 32, True, 64),
            "cpu": CriticConfig((16, 32, 48, 64, 96), 64, (16, 24, 32, 32), CONTEXT, 64, True),
            "gpu": CriticConfig()}


class Frames(nn.Module):
    """Pictures (N, c_in, S, S) in [0, 1] -> vectors (N, hidden)."""

    def __init__(self, config: CriticConfig, c_in: int = 3):
        super().__init__()
        self.side = min(config.most, config.size)
        layers: list[nn.Module] = []
        channels, side = c_in, self.side
        for width in config.widths:
            layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(.2)]
            channels, side = width, side // 2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side * side, config.hidden),
                                    nn.LeakyReLU(.2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] != self.side:                          # a mean of pixels, whose gradient has a gradient
            x = F.avg_pool2d(x, x.shape[-1] // self.side)
        return self.layers(2 * x - 1)


class FrameCritic(nn.Module):
    """Pictures (N, 6, S, S) in [0, 1], a frame and its person's photo -> how true they look (N,), no range."""

    def __init__(self, config: CriticConfig = CriticConfig()):
        super().__init__()
        self.config, self.frames = config, Frames(config, 6)
        self.true = nn.Linear(config.hidden, 1)

    def forward(self, both: torch.Tensor) -> torch.Tensor:
        return self.true(self.frames(both))[:, 0]


class EmotionCritic(nn.Module):
    """Runs (B, T, 3, S, S), and their people's photos (B, 3, S, S), which count with `differs` -> logits (B, 7): the
    six of EMOTIONS, then DRAWN."""

    def __init__(self, config: CriticConfig = CriticConfig()):
        super().__init__()
        self.config, self.frames = config, Frames(config, 6 if config.differs else 3)
        self.time = nn.LSTM(config.hidden, config.hidden, batch_first=True)
        self.name = nn.Linear(config.hidden, DRAWN + 1)

    def forward(self, runs: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
        x = torch.cat([runs, .5 + CLOSER * (runs - photo[:, None])], 2) if self.config.differs else runs
        seen = unfold_time(self.frames(fold_time(x)), runs.shape[1])
        return self.name(self.time(seen)[0][:, -1])


class VideoCritic(nn.Module):
    """Runs (B, T, 3, S, S) -> how truly they move (B,), no range: from the frames' vectors and their differences."""

    def __init__(self, config: CriticConfig = CriticConfig()):
        super().__init__()
        self.config, self.frames = config, Frames(config)
        self.time = nn.Sequential(nn.Conv1d(2 * config.hidden, config.hidden, 3, padding=1), nn.LeakyReLU(.2),
                                  nn.Conv1d(config.hidden, config.hidden, 3, padding=1), nn.LeakyReLU(.2))
        self.true = nn.Linear(config.hidden, 1)

    def forward(self, runs: torch.Tensor) -> torch.Tensor:
        seen = unfold_time(self.frames(fold_time(runs)), runs.shape[1])   # (B, T, hidden)
        step = seen - seen.roll(1, 1)
        step = torch.cat([torch.zeros_like(step[:, :1]), step[:, 1:]], 1)
        return self.true(self.time(torch.cat([seen, step], -1).transpose(1, 2)).mean(2))[:, 0]


class PairCritic(nn.Module):
    """Runs (B, T, 3, S, S) and what is heard with them, (B, n_samples(T')) -> how well both agree (B,), no range.

    Called with `at`, the numbers (T,) of the run's frames among the T' that are heard; None: all of them.
    """

    def __init__(self, config: CriticConfig = CriticConfig()):
        super().__init__()
        self.config, self.frames = config, Frames(config)
        self.ears = Ears(config.ears, 16, config.context, config.hidden, True)
        self.agree = nn.Sequential(nn.Linear(2 * config.hidden, config.hidden), nn.LeakyReLU(.2),
                                   nn.Linear(config.hidden, 1))

    def forward(self, runs: torch.Tensor, wave: torch.Tensor, at: torch.Tensor | None = None) -> torch.Tensor:
        seen, heard = unfold_time(self.frames(fold_time(runs)), runs.shape[1]), self.ears(wave)
        return self.agree(torch.cat([seen, heard if at is None else heard[:, at]], -1))[..., 0].mean(1)
