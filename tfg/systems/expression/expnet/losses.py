"""Losses of ExpNet: SadTalker's four losses in our vocabulary, and those of the mouth network.

The paper's (Zhang et al. 2023, and the weights of its configuration): coefficients 2, landmarks .01, lip-reading .01,
blink 4. Its code of training was never released; ours:
- coefficients: squared error; profile `cpu`: in units of each coefficient's spread, so that small ones count as much
- landmarks: the 68 points that the head's linear basis makes of the coefficients, squared error in mm from the front
- lip-reading: a small network that reads visemes from the 20 points of the lips over time (`LipReader`); it learns in a
  phase of its own, from true lips, and is frozen then. Cross entropy between its answers for the true lips and for the
  predicted ones: least where both are alike
- blink: squared error of both lids
Ours besides (profile `cpu`, as for the mouth network): velocity, the opening between the lips, larger weight of frames
of p, b, m, and in training a classification of the viseme from a frame's code.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.faces.points68 import INNER, JAW, to_68
from tfg.speech import visemes
from tfg.systems.expression.expnet.data import UNKNOWN
from tfg.vocabulary import EXPRESSION, index

LIPS = slice(48, 68)
"""Numbers of the lips' points among the 68."""
GAZE = index("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")
LIDS = index("eyeBlink")
GAZE_WEIGHT, LEAST_SPREAD = .05, .02
_GAP_SPREAD = .10


@dataclass(frozen=True)
class Weights:
    """Weights of the losses: the paper's four, then ours.  scaled: coefficients in units of their spread.  closed:
    extra weight of frames whose lips are closed by p, b, m."""

    coefficients: float = 2.0
    landmarks: float = .01
    lipreading: float = .01
    blink: float = 4.0
    scaled: bool = True
    velocity: float = 2.0
    opening: float = 1.0
    viseme: float = .02
    closed: float = 1.0


PAPER = Weights(scaled=False, velocity=0.0, opening=0.0, viseme=0.0, closed=0.0)


@functools.lru_cache(maxsize=1)
def basis_68() -> torch.Tensor:
    """Motion of the 68 points of the mean head by a coefficient of 1, from the front in mm: (52, 68, 2) float32.

    The outline's points lie between MediaPipe's, at places that depend on the face; each is its nearest neighbour.
    """
    from tfg.head.model import Head

    head = Head.load()
    mean = head.at_landmarks(head.mean)[:, :2]
    oval = np.array(sorted({i for side in JAW for i in side}))
    outline = oval[np.linalg.norm(to_68(mean)[:17, None] - mean[oval], axis=-1).argmin(1)]
    points = np.array([*outline, *INNER])
    return torch.from_numpy(1000 * head.at_landmarks(head.expression)[:, points, :2].astype(np.float32))


def landmarks(offsets: torch.Tensor) -> torch.Tensor:
    """Motion of the 68 points by coefficients (..., 52): (..., 68, 2) mm from their place at 0, x right and y up."""
    return torch.tensordot(offsets, basis_68().to(offsets), 1)


class LipReader(nn.Module):
    """Network from the motion of the lips' 20 points (B, T, 20, 2) in mm to viseme logits (B, T, 14), seven frames
    each."""

    def __init__(self, hidden: int = 48):
        super().__init__()
        self.first, self.second = nn.Conv1d(40, hidden, 5, padding=2), nn.Conv1d(hidden, hidden, 3, padding=1)
        self.name = nn.Linear(hidden, len(visemes.VISEMES))

    def forward(self, lips: torch.Tensor) -> torch.Tensor:
        x = F.gelu(self.first(lips.flatten(2).transpose(1, 2) / 5))
        return self.name(F.gelu(self.second(x)).transpose(1, 2))


def spread_of(examples) -> tuple[torch.Tensor, torch.Tensor]:
    """Standard deviation of each coefficient over clips, (52,), and weight of each, (52,): small for gaze, which cannot
    be heard; constant ones have the weight of a moving one, so that they stay at rest."""
    asked = np.concatenate([e.asked for e in examples]).astype(np.float32)
    known = np.isfinite(asked)
    spread = np.sqrt(np.maximum(_mean(asked ** 2, known) - _mean(asked, known) ** 2, 0))
    count = np.ones(len(EXPRESSION), np.float32)
    count[GAZE] = GAZE_WEIGHT
    return torch.from_numpy(np.maximum(spread, LEAST_SPREAD)), torch.from_numpy(count)


def _mean(x: np.ndarray, known: np.ndarray) -> np.ndarray:
    return (np.where(known, x, 0).sum(0, dtype=np.float64) / np.maximum(known.sum(0), 1)).astype(np.float32)


def read_lips(reader: nn.Module, absolute: torch.Tensor, neutral: torch.Tensor) -> torch.Tensor:
    """Viseme logits (B, T, 14) of absolute coefficients (B, T, 52): lips move from the speaker's rest."""
    return reader(landmarks(absolute - neutral[:, None])[..., LIPS, :])


def reading_loss(reader: nn.Module, batch: dict) -> torch.Tensor:
    """Cross entropy of the reader on true lips, where the visemes are known."""
    logits = read_lips(reader, batch["absolute"], batch["neutral"])
    # a sum over known visemes: a batch without any has loss 0, not 0 / 0
    named = F.cross_entropy(logits.flatten(0, 1), batch["viseme"].flatten(), ignore_index=UNKNOWN, reduction="sum")
    return named / (batch["viseme"] != UNKNOWN).sum().clamp(min=1)


def expression_losses(out: torch.Tensor, batch: dict, reader: nn.Module, spread: torch.Tensor, count: torch.Tensor,
                      weights: Weights) -> dict[str, torch.Tensor]:
    """Each loss by name, times its weight.  out (B, T, 52) absolute; batch: as `ExpNetData.batch`."""
    true, rest, mask, known = (batch[k] for k in ("absolute", "neutral", "mask", "known"))
    span = 1 - rest[:, None]
    error = (out - true) * known                                              # 0 where the truth is not known
    asked = (true - rest[:, None]) / span
    pressed = asked[..., index("mouthPress")].mean(-1) / visemes.SHAPES["PP"]["mouthPress"]
    weight = mask * (1 + weights.closed * pressed.clamp(0, 1))
    unit = error / spread.to(out) if weights.scaled else error
    share = (count / count.sum()).to(out) if weights.scaled else torch.full_like(count, 1 / len(count)).to(out)
    found = {"coefficients": weights.coefficients * ((unit ** 2 @ share) * weight).mean(),
             "landmarks": weights.landmarks * ((landmarks(error) ** 2).mean((-1, -2)) * mask).mean(),
             "blink": weights.blink * ((error[..., LIDS] ** 2).mean(-1) * mask).mean()}
    if weights.lipreading:
        filled = torch.where(known > 0, out, true)
        with torch.no_grad():
            heard = read_lips(reader, true, rest).softmax(-1)
        named = -(heard * read_lips(reader, filled, rest).log_softmax(-1)).sum(-1)
        found["lipreading"] = weights.lipreading * (named * mask).mean()
    if weights.velocity:
        moved = (unit.diff(dim=1) ** 2) @ share
        found["velocity"] = weights.velocity * (moved * weight[:, 1:]).mean()
    if weights.opening:
        gap = (_gap((out - rest[:, None]) / span) - _gap(asked)) / _GAP_SPREAD
        seen = known[..., index("jawOpen")[0]]
        found["opening"] = weights.opening * (gap ** 2 * weight * seen).mean()
    return found


def _gap(asked: torch.Tensor) -> torch.Tensor:
    """Opening between the lips, (...), of coefficients (..., 52), as `visemes.opening`."""
    return (asked * _gap_weights().to(asked)).sum(-1).clamp(min=0)


@functools.lru_cache(maxsize=1)
def _gap_weights() -> torch.Tensor:
    weights = torch.zeros(len(EXPRESSION))
    for name, value in visemes.GAP.items():
        weights[index(name)] = value / len(index(name))
    return weights
