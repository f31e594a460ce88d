"""Sound, a face at rest and an emotion -> canonical landmarks, 68 x 3 a frame.

The original never released this network. Here a frame's landmarks are those at rest plus a weighted sum of K fields,

    points_t = rest + sum over k of w_k(t) B_k,

principal components of what landmarks do in speech, scaled so that true weights have variance 1. So a small network
has K numbers to find, not 204, and whatever it answers is a face.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg import cancel
from tfg.media.audio import mel_spectrogram, mel_windows
from tfg.networks.blocks import TemporalBlock
from tfg.speech.features import N_MELS, normalise
from tfg.vocabulary import EMOTIONS

NEUTRAL = EMOTIONS.index("NEU")
CHUNK = 1500
"""Frames of a long sound that are read at a time."""


@dataclass(frozen=True)
class PointsConfig:
    """Sizes.  width: mel columns of a frame.  hidden: channels.  dilations: of the blocks over time.  fields: K."""

    width: int = 6
    hidden: int = 192
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1)
    dropout: float = .1
    fields: int = 32

    @property
    def reach(self) -> int:
        """Frames on either side that an output frame depends on."""
        return sum(self.dilations) * (self.kernel - 1)


PROFILES = {"ci": PointsConfig(hidden=24, dilations=(1, 2), fields=8),
            "cpu": PointsConfig(hidden=96, dilations=(1, 2, 4, 1), fields=24), "gpu": PointsConfig()}


class PointsNet(nn.Module):
    """The network; see the module."""

    basis: torch.Tensor
    mean: torch.Tensor

    def __init__(self, config: PointsConfig = PointsConfig()):
        super().__init__()
        self.config = c = config
        self.embed = nn.Linear(N_MELS * c.width, c.hidden)
        self.feel = nn.Linear(len(EMOTIONS), c.hidden)
        self.face = nn.Linear(204, c.hidden)
        nn.init.normal_(self.face.weight, std=.02)
        self.blocks = nn.ModuleList(TemporalBlock(c.hidden, c.kernel, d, c.dropout) for d in c.dilations)
        self.norm = nn.LayerNorm(c.hidden)
        self.out = nn.Linear(c.hidden, c.fields)
        nn.init.normal_(self.out.weight, std=.02)
        self.register_buffer("basis", torch.zeros(c.fields, 68, 3))
        self.register_buffer("mean", torch.zeros(68, 3))

    def weights(self, mel: torch.Tensor, feeling: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        """(B, T, K): mel windows (B, T, 80, width), feeling (B, T, 6), rest (B, 68, 3) cm."""
        x = self.embed(mel.flatten(2)) + self.feel(feeling) + self.face((rest - self.mean).flatten(1))[:, None]
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(F.gelu(x)))

    def offsets(self, weights: torch.Tensor) -> torch.Tensor:
        """What weights (..., K) add to the points at rest: (..., 68, 3) cm."""
        return torch.einsum("...k,kpc->...pc", weights, self.basis)

    def projected(self, offset: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Weights (..., K) of offsets (..., 68, 3): the inverse of `offsets`, for the fields stand apart from each
        other where points count as much as when they were found.  counts: (68, 1)."""
        weighed = self.basis * counts
        return torch.einsum("...pc,kpc->...k", offset, weighed / (weighed * self.basis).sum((1, 2), keepdim=True).clamp(
            min=1e-9))

    def shares(self, counts: torch.Tensor) -> torch.Tensor:
        """(K,), how much each weight counts: the size of its field, as a share of all."""
        size = (self.basis ** 2 * counts).sum((1, 2)).sqrt()
        return size / size.sum().clamp(min=1e-9)

    def forward(self, mel: torch.Tensor, feeling: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        """Canonical points (B, T, 68, 3) cm; arguments as `weights`."""
        return rest[:, None] + self.offsets(self.weights(mel, feeling, rest))


def feeling_of(emotion: int, curve: np.ndarray) -> np.ndarray:
    """(T, 6) float32, what is asked for: an emotion (a place in EMOTIONS) at its intensity (T,), the rest neutral."""
    out = np.zeros((len(curve), len(EMOTIONS)), np.float32)
    share = np.asarray(curve, np.float32) * (emotion != NEUTRAL)
    out[:, NEUTRAL] = 1 - share
    out[:, emotion] += share
    return out


def windows(audio: np.ndarray, n: int, width: int) -> np.ndarray:
    """(n, 80, width) float32: the mel windows of a sound's frames, without the colour of its microphone."""
    return mel_windows(normalise(mel_spectrogram(audio)), n, width).astype(np.float32)


@torch.inference_mode()
def speak(network: PointsNet, audio: np.ndarray, n: int, rest: np.ndarray, *, emotion: str = "NEU",
          intensity: float = 1.0, chunk: int = CHUNK) -> np.ndarray:
    """Canonical points (n, 68, 3) float32 cm of a person who says this.

    audio: (N,) at 16 kHz.  rest: (68, 3) cm.  chunk: frames at a time; the result does not depend on it.
    """
    mel = windows(audio, n, network.config.width)
    felt = feeling_of(EMOTIONS.index(emotion), np.full(n, intensity, np.float32))
    face, reach, out = torch.from_numpy(np.asarray(rest, np.float32))[None], network.config.reach, []
    for first in range(0, n, chunk):
        cancel.point()
        lo, hi = max(first - reach, 0), min(first + chunk + reach, n)
        part = network(torch.from_numpy(mel[lo:hi])[None], torch.from_numpy(felt[lo:hi])[None], face)[0].numpy()
        out.append(part[first - lo:first - lo + chunk])
    return np.concatenate(out)


def components(offset: np.ndarray, many: int, counts: np.ndarray) -> np.ndarray:
    """(many, 68, 3) float32: the fields of which offsets (n, 68, 3) are best made as sums, about 0, which is rest.

    counts: (68,), how much a point counts.  Zeros where there are fewer examples than fields.
    """
    rows = (offset * np.sqrt(counts)[:, None]).reshape(len(offset), -1).astype(np.float64)
    size, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    out = np.zeros((many, 204))
    k = min(many, len(rows), 204)
    out[:k] = (vectors * np.sqrt(size.clip(0))).T[::-1][:k]
    return (out.reshape(many, 68, 3) / np.sqrt(counts)[:, None]).astype(np.float32)


def load(folder=None) -> tuple[PointsNet, dict]:
    """The network with its trained weights, on the CPU, and its card."""
    from tfg.networks import checkpoint

    return checkpoint.load("rhythmic_points", PointsNet, PointsConfig, folder)
