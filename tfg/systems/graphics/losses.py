"""Losses of the mouth network: articulators, their change from frame to frame, the gap between the lips, visemes."""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from tfg.speech import visemes

SPREAD = torch.tensor((.10, .06, .07, .16, .10, .07, .14, .05, .13, .07, .02, .04, .06))
"""Usual standard deviation of each articulator, in the order of `visemes.CHANNELS`; errors are in units of it."""
GAP = torch.tensor([visemes.GAP.get(c, 0.0) for c in visemes.CHANNELS])
"""Opening of the lips per unit of each articulator, as a share of a full jaw drop."""
GAP_SPREAD = .10


@dataclass(frozen=True)
class Weights:
    """Weights of the losses relative to that of the articulators, which is 1.

    velocity: their change from frame to frame.  opening: the gap between the lips.  visemes: classification of the
    viseme, which only helps training.  closed: extra weight of the few frames in which p, b or m close the lips.
    """

    velocity: float = 1.0
    opening: float = 1.0
    visemes: float = 0.02
    closed: float = 1.0


def mouth_losses(out: torch.Tensor, logits: torch.Tensor, batch: dict, weights: Weights) -> dict[str, torch.Tensor]:
    """Weighted losses by name; training minimises their sum.

    out: (B, T, 13) articulators.  logits: (B, T, 14) of the visemes.  batch: target (B, T, 13), viseme (B, T), mask
    (B, T), 1 within the clip.
    """
    true, mask = batch["target"], batch["mask"]
    pressed = true[..., visemes.PRESS] / visemes.SHAPES["PP"]["mouthPress"]                   # (B, T) 1 when closed
    weight = mask * (1 + weights.closed * pressed)
    error = (out - true) / SPREAD.to(out)
    parted, wanted = ((x * GAP.to(out)).sum(-1).clamp(min=0) / GAP_SPREAD for x in (out, true))
    named = F.cross_entropy(logits.flatten(0, 1), batch["viseme"].flatten(), reduction="none", label_smoothing=.05)
    return {"articulators": (weight[..., None] * error ** 2).mean(),
            "velocity": weights.velocity * (weight[:, 1:, None] * error.diff(dim=1) ** 2).mean(),
            "opening": weights.opening * (weight * (parted - wanted) ** 2).mean(),
            "viseme": weights.visemes * (named * mask.flatten()).mean()}
