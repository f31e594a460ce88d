"""SyncNet: a network that measures whether lips and sound belong together.

Two encoders map a window of T = 5 frames (the lower half of the face) and its 16 mel columns (0.2 s) to unit vectors;
their cosine measures the fit. Chung & Zisserman 2016; as Wav2Lip's expert (Prajwal et al. 2020, sec. 3.1) the
last layer is a ReLU, so that the cosine lies in [0, 1] and binary cross entropy can take it.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from tfg.media.audio import N_MELS
from tfg.networks.blocks import Conv, stage

FRAMES = 5
MEL_WIDTH = 16
LUMA = (.299, .587, .114)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


@dataclass(frozen=True)
class SyncNetConfig:
    """Sizes of the network.  widths: channels of the five scales; the sound has the first four.  repeat: residual
    blocks at each.  size: side of the face in px.  grey: channels of the four scales of `GreyFrames`, which then
    encodes the face; without it five coloured frames are one picture of 15 channels, as published."""

    widths: tuple[int, ...] = (32, 64, 128, 256, 512)
    repeat: int = 2
    embedding: int = 512
    size: int = 96
    grey: tuple[int, ...] = ()


PROFILES = {"ci": SyncNetConfig((4, 8, 8, 16), 0, 32, 48, grey=(4, 8, 8, 16)),
            "cpu": SyncNetConfig((16, 24, 48, 64), 1, 128, 64, grey=(24, 48, 96, 128)), "gpu": SyncNetConfig()}
TEACHERS = {"ci": SyncNetConfig((4, 8, 8, 16, 16), 0, 32, 48), "cpu": SyncNetConfig((16, 24, 48, 64, 96), 1, 128, 64),
            "gpu": SyncNetConfig()}
"""Sizes of the teacher by profile: the published tower, small. It separates fewer pairs than the network of PROFILES,
but lips of a generator trained with it follow the sound more closely; the judge of synchrony rates those of the other
higher (docs/emogen.md)."""


class SyncNet(nn.Module):
    """The network: faces (B, 15, size / 2, size) and mel (B, 1, 80, 16) -> unit vectors (B, embedding) each."""

    def __init__(self, config: SyncNetConfig = SyncNetConfig()):
        super().__init__()
        self.config = config
        a, b, c, d = config.widths[:4]
        n = config.repeat
        self.face: nn.Module
        if config.grey:
            self.face = GreyFrames(config)
        else:
            e = config.widths[4]
            self.face = nn.Sequential(                                        # size 96: 48 x 96
                Conv(3 * FRAMES, a, 7, 1, 3), stage(a, b, (1, 2), n, 5, (2, 2)),      # 48 x 48
                stage(b, c, 2, n), stage(c, d, 2, n), stage(d, e, 2, n), Conv(e, e, 3, 2, 1),   # 24, 12, 6, 3
                nn.AdaptiveAvgPool2d(3), nn.Conv2d(e, config.embedding, 3), nn.ReLU(), nn.Flatten())
        self.sound = nn.Sequential(                                       # 80 x 16
            stage(1, a, 1, n), stage(a, b, (3, 1), n), stage(b, c, 3, n), stage(c, d, (3, 2), n),  # 27x16, 9x6, 3x3
            nn.AdaptiveAvgPool2d(3), nn.Conv2d(d, config.embedding, 3), nn.ReLU(), nn.Flatten())

    def forward(self, faces: torch.Tensor, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.embed_faces(faces), self.embed_sound(mel)

    def embed_faces(self, faces: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, embedding), entries >= 0, of faces (B, 15, size / 2, size)."""
        return F.normalize(self.face(faces), dim=1)

    def embed_sound(self, mel: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, embedding), entries >= 0, of sound windows (B, 1, 80, 16), scaled log-mel."""
        if mel.shape[-2:] != (N_MELS, MEL_WIDTH):
            raise ValueError(f"a sound window is (B, 1, {N_MELS}, {MEL_WIDTH}), got {tuple(mel.shape)}")
        return F.normalize(self.sound(mel), dim=1)


class GreyFrames(nn.Module):
    """Encoder of grey frames: faces (B, 15, size / 2, size) -> (B, embedding), entries >= 0.

    Like networks for lip-reading (Stafylakis & Tzimiropoulos 2017): a convolution over three neighbouring frames, then
    each frame by itself, then time. It trains twice as fast as the published tower, which has 15 coloured channels, and
    is better on real faces: colour depends on the person and the light, not on the speech.
    """

    def __init__(self, config: SyncNetConfig):
        super().__init__()
        a, b, c, d = config.grey
        n, h, w = config.repeat, config.size // 2, config.size
        for _ in range(4):
            h, w = -(-h // 2), -(-w // 2)
        self.moving = Conv(3, a, 5, 2, 2)                                                     # size 64: 16 x 32
        self.frame = nn.Sequential(stage(a, b, 2, n), stage(b, c, 2, n), stage(c, d, 2, n), nn.Flatten(),
                                   nn.Linear(d * h * w, d))                                   # 8x16, 4x8, 2x4
        self.over_time = nn.Sequential(nn.Conv1d(d, d, 3, padding=1, bias=False), nn.BatchNorm1d(d), nn.ReLU(),
                                       nn.Flatten(), nn.Linear(FRAMES * d, config.embedding), nn.ReLU())

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        grey = grey_frames(faces)
        ends = torch.cat([grey[:, :1], grey, grey[:, -1:]], 1)                                # (B, 7, S / 2, S)
        three = torch.stack([ends[:, :-2], grey, ends[:, 2:]], 2).flatten(0, 1)               # (B * 5, 3, S / 2, S)
        codes = self.frame(self.moving(three.contiguous(memory_format=torch.channels_last)))  # (B * 5, d)
        return self.over_time(codes.unflatten(0, (-1, FRAMES)).transpose(1, 2))


def lower_half(frames: torch.Tensor) -> torch.Tensor:
    """Lips and jaw, with the frames of a window as channels: (B, T, 3, S, S) in [0, 1] -> (B, 3 T, S / 2, S)."""
    return frames[..., frames.shape[-2] // 2:, :].flatten(1, 2)


def grey_frames(faces: torch.Tensor) -> torch.Tensor:
    """Brightness (B, 5, S / 2, S) of faces (B, 15, S / 2, S) as `lower_half` makes them, minus each window's mean,
    which depends on light and skin alone."""
    colour = faces.unflatten(1, (FRAMES, 3))                                                  # (B, 5, 3, S / 2, S)
    grey = (colour * colour.new_tensor(LUMA)[:, None, None]).sum(2)
    return grey - grey.mean((1, 2, 3), keepdim=True)


def agreement(faces: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
    """Cosine of unit vectors (B, embedding) without negative entries: (B,) in [0, 1]."""
    return (faces * sound).sum(1)


def sync_loss(faces: torch.Tensor, sound: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Binary cross entropy of the cosine; label (B,) 1 for a true pair. Chance is ln 2 = 0.693."""
    return F.binary_cross_entropy(agreement(faces, sound).float().clamp(1e-6, 1 - 1e-6), label.float())
