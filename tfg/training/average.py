"""The moving average of weights that is evaluated and kept in place of the last step's."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch.optim.swa_utils import AveragedModel


def averaged(network: torch.nn.Module, decay: float, step: Callable[[], int]) -> AveragedModel:
    """A copy of the network; each `update_parameters(network)` moves its weights towards the network's.

    decay: share of the average that is kept at each update; less in the first steps, (1 + step) / (10 + step) at most
    (Tarvainen & Valpola 2017), as the first weights are poor.  step: returns the number of steps made so far.
    Whole numbers, such as batch norm's counters, are copied.
    """
    @torch.no_grad()
    def move(mean, now, count) -> None:
        for kept, new in zip(mean, now):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - min(decay, (1 + step()) / (10 + step())))
            else:
                kept.copy_(new)

    copy = AveragedModel(network, multi_avg_fn=move, use_buffers=True)
    copy.update_parameters(network)                   # the first update copies, and the later ones average
    return copy
