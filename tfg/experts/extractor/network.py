"""The extractor: a small network from pictures and landmarks of a clip to 52 coefficients.

    crop 64 x 64 -> five convolutions -> code           |  each as it is, and less its mean over the clip
    478 points in the head's own axes -> linear         |  -> two layers, beside a linear path -> 52
    the landmarker's blendshapes                        |

A person's own shape biases every meter: low brows look angry. Differences from the clip's mean do not contain it;
but an expression may also last a whole clip (a sad mouth), so both are given. But for that mean each frame is read by
itself: nothing is smoothed or delayed.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tfg.faces.face_crop import SIZE, in_head
from tfg.networks.blocks import Conv
from tfg.vocabulary import EXPRESSION, INDEX

CHUNK = 64
"""Number of pictures that go through the convolutions at once."""


@dataclass(frozen=True)
class ExtractorConfig:
    """Sizes of the network.  widths: channels of the four halvings of the picture.  code: length of a picture's code.
    points: length of the points' code.  hidden: width of the layer before the last.  dropout: rate at its input.
    unread: coefficients that the network does not predict, as they never moved in its training data."""

    widths: tuple[int, ...] = (32, 64, 128, 192)
    code: int = 192
    points: int = 128
    hidden: int = 512
    dropout: float = 0.2
    unread: tuple[str, ...] = ()


PROFILES = {"ci": ExtractorConfig((4, 6, 8, 8), 8, 8, 16, 0.0),
            "cpu": ExtractorConfig((24, 48, 80, 96), 96, 64, 224, 0.15),
            "gpu": ExtractorConfig()}


class Extractor(nn.Module):
    """The network: crops (B, T, 3, 64, 64) in [0, 1], points (B, T, 478, 3) in the head's axes (cm), blendshapes (B, T,
    52), angles (B, T, 3) degrees -> (B, T, 52), about 0 to 1. B clips of T frames, from which each clip's means are
    taken."""

    points_mean: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, config: ExtractorConfig = ExtractorConfig()):
        super().__init__()
        self.config = config
        a, b, c, d = config.widths
        self.picture = nn.Sequential(
            Conv(3, a, stride=2), Conv(a, b, stride=2), Conv(b, b, residual=True), Conv(b, c, stride=2),
            Conv(c, c, residual=True), nn.Conv2d(c, d // 4, 1), nn.Flatten(),
            nn.Linear(d // 4 * (SIZE // 8) ** 2, config.code))
        self.shape = nn.Linear(478 * 3, config.points)
        self.travel = nn.Linear(478 * 3, config.points)
        given = 2 * (config.code + config.points + len(EXPRESSION) - 1) + 3
        self.drop = nn.Dropout(config.dropout)
        self.hidden = nn.Sequential(nn.Linear(given, config.hidden), nn.GELU(), nn.Dropout(config.dropout),
                                    nn.Linear(config.hidden, len(EXPRESSION)))
        self.direct = nn.Linear(given, len(EXPRESSION))
        self.register_buffer("points_mean", torch.zeros(478, 3))
        self.register_buffer("mean", torch.zeros(len(EXPRESSION)))
        self.register_buffer("scale", torch.ones(len(EXPRESSION)))

    def know(self, points: np.ndarray, expression: np.ndarray) -> None:
        """Set centre and scale of the inputs from training data. points: (N, 478, 3) in the head's axes.  expression:
        (N, 52)."""
        self.points_mean.copy_(torch.from_numpy(np.asarray(points.mean(0), np.float32)))
        self.mean.copy_(torch.from_numpy(np.asarray(expression.mean(0), np.float32)))
        self.scale.copy_(torch.from_numpy(np.asarray(expression.std(0) + 0.05, np.float32)))

    def codes(self, crops: torch.Tensor) -> torch.Tensor:
        """Codes (N, code) of pictures (N, 3, 64, 64) in [0, 1], each by itself."""
        return self.picture(2 * crops - 1)

    def read(self, codes: torch.Tensor, points: torch.Tensor, blendshapes: torch.Tensor,
             angles: torch.Tensor) -> torch.Tensor:
        """As `forward`, with codes (B, T, code) in place of the pictures."""
        at = (points - self.points_mean).flatten(2)
        seen = torch.cat([blendshapes[..., :INDEX["tongueOut"]], blendshapes[..., INDEX["tongueOut"] + 1:]], -1)
        still, moving = [codes, self.shape(at), seen], [_centred(codes), self.travel(_centred(at)), _centred(seen)]
        given = self.drop(torch.cat([*still, *moving, angles / 20], -1))
        return self.mean + self.scale * (self.hidden(given) + self.direct(given))

    def forward(self, crops: torch.Tensor, points: torch.Tensor, blendshapes: torch.Tensor,
                angles: torch.Tensor) -> torch.Tensor:
        codes = self.codes(crops.flatten(0, 1)).unflatten(0, crops.shape[:2])
        return self.read(codes, points, blendshapes, angles)


def _centred(x: torch.Tensor) -> torch.Tensor:
    """Values (B, T, ...) minus each clip's mean."""
    return x - x.mean(1, keepdim=True)


def load_extractor(folder=None) -> tuple[Extractor, dict]:
    """The trained network in eval mode and its card. folder: None for the one that ships.  Raises InputError."""
    from tfg.networks.checkpoint import load

    return load("extractor", Extractor, ExtractorConfig, folder)


@torch.no_grad()
def predict(crops: np.ndarray, points: np.ndarray, blendshapes: np.ndarray, pose: np.ndarray, *,
            network: Extractor | None = None, folder=None) -> np.ndarray:
    """Expression of one clip, (T, 52) float32 in [0, 1], absolute; NaN in frames without a face, and for coefficients
    that the network does not predict.

    crops: (T, 64, 64, 3) uint8 (`tfg.faces.face_crop.crop`).  points: (T, 478, 3) px, measured.  blendshapes:
    (T, 52).  pose: (T, 6) or (T, 3).  network, folder: to use instead of the network that ships.  Raises InputError.
    """
    network = network or load_extractor(folder)[0]
    seen = np.flatnonzero(np.isfinite(points).all((1, 2)))
    out = np.full((len(points), len(EXPRESSION)), np.nan, np.float32)
    if len(seen):
        codes = [network.codes(torch.from_numpy(crops[seen[i:i + CHUNK]]).permute(0, 3, 1, 2).float() / 255)
                 for i in range(0, len(seen), CHUNK)]
        rest = (in_head(points[seen]), np.nan_to_num(blendshapes[seen]), pose[seen, :3])
        found = network.read(torch.cat(codes)[None], *(torch.from_numpy(np.asarray(x, np.float32))[None] for x in rest))
        out[seen] = found[0].clamp(0, 1).numpy()
    out[:, [INDEX[name] for name in network.config.unread]] = np.nan
    return out


def read_track(track) -> np.ndarray:
    """Expression by this network, the method `learned` of `tfg measure`: (T, 52), NaN where it has no value.

    track: `tfg.faces.measure.Track` with crops.  Raises InputError for missing weights.
    """
    return predict(track.crops, track.points, track.expression, track.pose)
