"""Pictures fetched along a flow, and a network's answer put together at its own size; differentiable."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from tfg.compose.answer import Answer


def applied(answer: Answer, source: torch.Tensor) -> torch.Tensor:
    """(N, 3, S, S): the source (N, 3, S, S) copied along the flow as far as it is trusted, the colour elsewhere."""
    return torch.lerp(answer.colour, warp(source.float(), answer.flow), answer.trust)


def warp(pictures: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """(N, 3, S, S) fetched from elsewhere: flow (N, 2, S, S), x then y, in half sides of the picture."""
    n, _, height, width = pictures.shape
    y, x = (torch.arange(k, device=flow.device) * (2 / k) + 1 / k - 1 for k in (height, width))
    here = torch.stack([x[None].expand(height, -1), y[:, None].expand(-1, width)], -1)            # (S, S, 2)
    return F.grid_sample(pictures, here + flow.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
