"""What critics of several systems share: the gradient penalty of a Wasserstein critic."""
from __future__ import annotations

from collections.abc import Callable

import torch


def gradient_penalty(critic: Callable, true: torch.Tensor, drawn: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Mean (|gradient| - 1)^2 of the critic between true and drawn examples (Gulrajani et al. 2017, eq. 3).

    critic: function whose first answer (or only one) is the score.  true, drawn: (B, ...), such as pictures
    (B, 3, S, S) or runs of them (B, T, 3, S, S), what the critic is asked about.  IETaFS's code took the still input
    for `true`, which its critic is never shown as true.  share: (B,) uniform in [0, 1).
    """
    share = share.reshape(-1, *[1] * (true.ndim - 1))
    between = (share * true + (1 - share) * drawn).detach().requires_grad_(True)
    answer = critic(between)
    answer = answer[0] if isinstance(answer, tuple) else answer
    gradient = torch.autograd.grad(answer.sum(), between, create_graph=True)[0]
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
