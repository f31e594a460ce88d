"""What a PoseVAE is told by while it learns, beside squared error."""
from __future__ import annotations

import torch


def divergence(mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    """KL of N(mean, exp(logvar)) from N(0, 1), in nats, of each number: the shape of mean."""
    return .5 * (mean.square() + logvar.exp() - 1 - logvar)


def expectation(middle: torch.Tensor, chunk: torch.Tensor, *, orders: tuple[int, ...] = (0, 1, 2)) -> torch.Tensor:
    """How far the middle of the prior is from the motion, given sound, style and what came before: squared error of
    positions, speeds and accelerations (orders 0, 1, 2), each as a share of its own size, so that 1 is as good as no
    motion. Sway, which nothing tells, is slow: it hides nods in positions and hardly in accelerations. Heads that move
    little count nearly as much as others.  Both (B, 32, 6), relative to the last pose before."""
    total = torch.zeros((), device=chunk.device)
    for order in orders:
        true, made = chunk.diff(n=order, dim=1), middle.diff(n=order, dim=1)
        size = true.square().mean((1, 2))
        weight = 1 / (size + .3 * size.mean() + 1e-8)
        total = total + (weight * (made - true).square().mean((1, 2))).sum() / (weight * size).sum().clamp(min=1e-8)
    return total / len(orders)


def seam(before: torch.Tensor, chunk: torch.Tensor) -> torch.Tensor:
    """(B, context + 32, 6): the chunk and what came before it, both relative to the last pose before it."""
    return torch.cat([before - before[:, -1:], chunk], 1)
