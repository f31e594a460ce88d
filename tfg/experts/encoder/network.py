"""The face encoder: expression, pose and identity of a face from one picture.

It replaces networks that were trained on millions of photographs (VGG19 in perceptual losses, Inception in FID, ArcFace
for identity) where their weights are not available. It was trained on pictures of virtual actors with their true
labels, so the distance between its maps is a perceptual distance that reacts to mouths and brows (Johnson et al. 2016
for the idea; Zhang et al. 2018 for the distance).

Two of them ship, of different architecture and trained on different people: `encoder` may enter losses, `judge_encoder`
may only enter scores.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from tfg.networks.blocks import Conv, stage
from tfg.vocabulary import EXPRESSION, POSE

POSE_SCALE = (5.0, 5.0, 5.0, .02, .02, .02)
"""About two standard deviations of a speaker's pose: degrees, head widths. The network's pose is in these units."""
POOLED = 3
"""Number of the last maps whose means are in `pooled`."""


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of the network.  widths: channels of the maps, each but the first with half the side of the one before.
    kind: "residual" (strided and residual blocks) or "plain" (pairs of convolutions and max pooling, as VGG; the
    judge's).  code, identity: lengths.  size: side in px that any picture is brought to.
    """

    widths: tuple[int, ...] = (64, 96, 128, 256, 512)
    repeat: int = 2
    kind: str = "residual"
    code: int = 512
    identity: int = 256
    size: int = 96


PROFILES = {"ci": EncoderConfig((4, 6, 8, 8), 0, "residual", 16, 8, 32),
            "cpu": EncoderConfig((12, 24, 40, 64, 96), 1, "residual", 128, 64, 64),
            "gpu": EncoderConfig()}
JUDGES = {"ci": EncoderConfig((4, 6, 8, 8), 0, "plain", 16, 8, 32),
          "cpu": EncoderConfig((10, 20, 40, 64, 96), 0, "plain", 128, 64, 64),
          "gpu": EncoderConfig((64, 128, 256, 512, 512), 0, "plain", 512, 256, 96)}


class FaceEncoder(nn.Module):
    """The network, from pictures (B, 3, S, S) in [0, 1] of any size, cropped as a store's faces, to their labels."""

    def __init__(self, config: EncoderConfig = EncoderConfig()):
        super().__init__()
        self.config = config
        build = {"residual": _residual, "plain": _plain}.get(config.kind)
        if build is None:
            raise ValueError(f"kind must be residual or plain, got {config.kind!r}")
        widths = (3, *config.widths)
        self.stages = nn.ModuleList(build(a, b, k == 0, config.repeat) for k, (a, b) in
                                    enumerate(zip(widths, widths[1:])))
        side = config.size >> (len(config.widths) - 1)
        self.side = side
        self.code = nn.Sequential(nn.Flatten(), nn.Dropout(.1), nn.Linear(widths[-1] * side * side, config.code),
                                  nn.ReLU())
        self.expression = nn.Linear(config.code, len(EXPRESSION))
        self.pose = nn.Linear(config.code, len(POSE))
        self.identity = nn.Linear(sum(widths[-POOLED:]) + config.code, config.identity)
        self.register_buffer("pose_scale", torch.tensor(POSE_SCALE))

    @property
    def dim(self) -> int:
        """Length of `pooled`."""
        return sum(self.config.widths[-POOLED:])

    def features(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The maps, finest first: (B, widths[k], size / 2^k, size / 2^k). Not normalised."""
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"pictures are (B, 3, S, S), got {tuple(x.shape)}")
        size = self.config.size
        if x.shape[-2:] != (size, size):
            x = F.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
        x, maps = 2 * x - 1, []
        for part in self.stages:
            x = part(x)
            maps.append(x)
        return maps

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Outputs by name: expression (B, 52) in [0, 1], pose (B, 6) as `vocabulary.POSE`, identity (B, E) unit
        vectors, pooled (B, P), and code (B, C), from which expression and pose are computed.

        tx, ty, tz are unreliable, as the crop follows the head.
        """
        maps = self.features(x)
        code, pooled = self.code(maps[-1]), pool(maps)
        return {"expression": torch.sigmoid(self.expression(code)), "pose": self.pose(code) * self.pose_scale,
                "identity": F.normalize(self.identity(torch.cat([pooled, code], 1)), dim=1), "pooled": pooled,
                "code": code}


def pool(maps: list[torch.Tensor]) -> torch.Tensor:
    """Means over space of the last POOLED maps, concatenated: (B, P)."""
    return torch.cat([m.mean((2, 3)) for m in maps[-POOLED:]], 1)


def map_distance(a: list[torch.Tensor], b: list[torch.Tensor]) -> torch.Tensor:
    """Perceptual distance of two pictures' maps, (B,): sum over maps of the mean over space of the squared distance of
    the vectors, each brought to unit length (Zhang et al. 2018, eq. 1, with all w = 1: no weights were fitted to the
    judgments of people). Each map adds 0 to 2, as it has no negative numbers. Differentiable.
    """
    def unit(x):
        return x / (x.square().sum(1, keepdim=True) + 1e-10).sqrt()

    return sum((unit(x.float()) - unit(y.float())).square().sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True))


def load_encoder(folder=None, *, judge: bool = False) -> tuple[FaceEncoder, dict]:
    """A trained encoder in eval mode and its card. folder: None for the one that ships.  Raises InputError."""
    from tfg.networks.checkpoint import load

    return load("judge_encoder" if judge else "encoder", FaceEncoder, EncoderConfig, folder)


def _residual(c_in: int, c_out: int, first: bool, repeat: int) -> nn.Module:
    return Conv(c_in, c_out) if first else stage(c_in, c_out, 2, repeat)


def _plain(c_in: int, c_out: int, first: bool, repeat: int) -> nn.Module:
    pair = [Conv(c_in, c_out)] if first else [nn.MaxPool2d(2), Conv(c_in, c_out), Conv(c_out, c_out)]
    return nn.Sequential(*pair)
