"""The judge of synchrony: a second SyncNet of another architecture, which only scores.

It is used like `tfg.experts.syncnet.network`, but shares nothing with it to which a generator could adapt: every frame
is encoded alone and compared with the mean of all five (the expert's first layer takes three at once, the teacher's all
five in colour), by plain layers that halve the picture (theirs are residual); sound is a sequence of columns (a picture
for them), the norms are of groups, and it is trained on other actors (split `judge`). No loss may use it, or its scores
would be worthless.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from tfg.experts.syncnet.network import FRAMES, MEL_WIDTH, grey_frames
from tfg.media.audio import N_MELS


@dataclass(frozen=True)
class SyncJudgeConfig:
    """Sizes of the network.  widths: channels of the frame's four halvings.  frame: length of a frame's code.  sound:
    channels of the columns.  size: side of the face in px."""

    widths: tuple[int, ...] = (32, 64, 128, 256)
    frame: int = 256
    sound: int = 256
    embedding: int = 256
    dropout: float = .1
    size: int = 96


PROFILES = {"ci": SyncJudgeConfig((4, 8, 8, 8), 16, 16, 16, 0., 48),
            "cpu": SyncJudgeConfig((16, 32, 64, 96), 96, 96, 128, .1, 64), "gpu": SyncJudgeConfig()}


class SyncJudge(nn.Module):
    """The network: faces (B, 15, size / 2, size), mel (B, 1, 80, 16) -> unit vectors (B, embedding), entries >= 0."""

    def __init__(self, config: SyncJudgeConfig = SyncJudgeConfig()):
        super().__init__()
        self.config = config
        layers, c_in, h, w = [], 1, config.size // 2, config.size
        for k, width in enumerate(config.widths):
            layers += [nn.Conv2d(c_in, width, 5 if k == 0 else 3, 2, 2 if k == 0 else 1), _norm(width), nn.SiLU()]
            c_in, h, w = width, -(-h // 2), -(-w // 2)
        self.frame = nn.Sequential(*layers, nn.Flatten(), nn.Linear(c_in * h * w, config.frame))
        self.over_time = nn.Sequential(
            nn.Conv1d(2 * config.frame, config.frame, 3, padding=1), _norm(config.frame), nn.SiLU(), nn.Flatten(),
            nn.Dropout(config.dropout), nn.Linear(FRAMES * config.frame, config.embedding), nn.ReLU())
        c = config.sound
        self.columns = nn.Sequential(
            nn.Conv1d(N_MELS, c, 3, padding=1), _norm(c), nn.SiLU(), nn.Conv1d(c, c, 3, padding=1), _norm(c), nn.SiLU(),
            nn.Conv1d(c, c, 3, 2, 1), _norm(c), nn.SiLU(), nn.Conv1d(c, c, 3, 2, 1), _norm(c), nn.SiLU(), nn.Flatten(),
            nn.Dropout(config.dropout), nn.Linear(MEL_WIDTH // 4 * c, config.embedding), nn.ReLU())

    def forward(self, faces: torch.Tensor, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.embed_faces(faces), self.embed_sound(mel)

    def embed_faces(self, faces: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, embedding) of faces (B, 15, size / 2, size) as `network.lower_half` makes them."""
        grey = grey_frames(faces)                                                 # (B, 5, S / 2, S)
        codes = self.frame(grey.flatten(0, 1)[:, None]).unflatten(0, (-1, FRAMES))        # (B, 5, F)
        moved = codes - codes.mean(1, keepdim=True)                               # changes, beside the codes
        return F.normalize(self.over_time(torch.cat([codes, moved], 2).transpose(1, 2)), dim=1)

    def embed_sound(self, mel: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, embedding) of sound windows (B, 1, 80, 16), scaled log-mel."""
        if mel.shape[-2:] != (N_MELS, MEL_WIDTH):
            raise ValueError(f"a sound window is (B, 1, {N_MELS}, {MEL_WIDTH}), got {tuple(mel.shape)}")
        return F.normalize(self.columns(mel[:, 0]), dim=1)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(8, channels), channels)
