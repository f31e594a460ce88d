"""The emotion judge: another network than the discriminator, trained on other people, and never part of a loss.

A system that is trained against a classifier learns to please that classifier. So the one that scores systems shares
nothing with it: residual convolutions with group norm (He et al. 2016; Wu & He 2018) and squeeze-and-excitation (Hu et
al. 2018) in place of plain strided ones, means and maxima over place in place of flat maps, and attention over time in
place of an LSTM: the frames that say most count most, in whatever order.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from tfg.models.blocks import fold_to_size, unfold_time
from tfg.vocabulary import EMOTIONS


@dataclass(frozen=True)
class EmotionJudgeConfig:
    """widths: channels of the scales, the first at half of `size`.  repeat: residual blocks at each.  hidden: length of
    a frame's code.  groups: of group norm.  size: side in px that any face is brought to."""

    widths: tuple[int, ...] = (48, 96, 192, 320, 448)
    repeat: int = 2
    hidden: int = 384
    groups: int = 8
    size: int = 96
    dropout: float = 0.3


PROFILES = {"ci": EmotionJudgeConfig((4, 8, 8), 1, 16, 2, 32),
            "cpu": EmotionJudgeConfig((16, 32, 64, 96), 1, 96, 8, 64),
            "gpu": EmotionJudgeConfig()}


class Residual(nn.Module):
    """x + gate * conv(act(norm(conv(act(norm(x)))))), its gate one number a channel; (B, c_in, H, W) -> (B, c_out, H /
    stride, W / stride)."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.body = nn.Sequential(nn.GroupNorm(min(groups, c_in), c_in), nn.SiLU(),
                                  nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),
                                  nn.GroupNorm(groups, c_out), nn.SiLU(), nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c_out, c_out // 4, 1), nn.SiLU(),
                                  nn.Conv2d(c_out // 4, c_out, 1), nn.Sigmoid())
        self.skip = nn.Identity() if c_in == c_out and stride == 1 else nn.Sequential(
            nn.AvgPool2d(stride), nn.Conv2d(c_in, c_out, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.body(x)
        return self.skip(x) + self.gate(y) * y


class EmotionJudge(nn.Module):
    """frames (B, T, 3, S, S) in [0, 1], any T >= 1 and S -> logits (B, 6) in the order of `tfg.vocabulary.EMOTIONS`."""

    def __init__(self, config: EmotionJudgeConfig = EmotionJudgeConfig()):
        super().__init__()
        self.config = config
        widths = config.widths
        layers = [nn.Conv2d(3, widths[0], 5, 2, 2, bias=False)]
        for k, (c_in, c_out) in enumerate(zip((widths[0], *widths), widths)):
            layers += [Residual(c_in, c_out, 2 if k else 1, config.groups)]
            layers += [Residual(c_out, c_out, 1, config.groups) for _ in range(config.repeat - 1)]
        self.look = nn.Sequential(*layers, nn.GroupNorm(config.groups, widths[-1]), nn.SiLU())
        side = config.size >> len(widths)
        self.squeeze = nn.Conv2d(widths[-1], 8, 1)                     # a few channels keep their places
        self.code = nn.Sequential(nn.Dropout(config.dropout),
                                  nn.Linear(2 * widths[-1] + 8 * side * side, config.hidden), nn.SiLU())
        self.weigh = nn.Linear(config.hidden, 1)
        self.name = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(config.hidden, len(EMOTIONS)))

    @property
    def dim(self) -> int:
        """Length of a frame's code."""
        return self.config.hidden

    def codes(self, frames: torch.Tensor) -> torch.Tensor:
        """(B, T, dim): each frame's code is a function of that frame alone."""
        maps = self.look(fold_to_size(frames, self.config.size))                        # (B * T, C, side, side)
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3)), self.squeeze(maps).flatten(1)], 1)
        return unfold_time(self.code(pooled), frames.shape[1])

    def forward(self, frames: torch.Tensor, codes: bool = False) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """codes: give the frames' codes (B, T, dim), too."""
        found = self.codes(frames)
        weight = self.weigh(found).softmax(1)                                           # (B, T, 1)
        logits = self.name((weight * found).sum(1))
        return (logits, found) if codes else logits


def load_judge_emotion(folder=None) -> tuple[EmotionJudge, dict]:
    """The trained judge in eval mode and its card. folder: None for the one that ships.  Raises InputError."""
    from tfg.models.checkpoint import load

    return load("judge_emotion", EmotionJudge, EmotionJudgeConfig, folder)
