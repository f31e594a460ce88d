"""What a small network answers, whatever system it belongs to: colour, flow and trust."""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfg.errors import InputError


class Answer(NamedTuple):
    """Of B pictures of h x w px, as torch tensors or numpy arrays.

    colour: (B, 3, h, w) RGB in [0, 1], what to paint.  flow: (B, 2, h, w), from where in the source a pixel is copied,
    relative to its own place: x then y, in half sides of the picture (2 is its whole width).  trust: (B, 1, h, w) in
    [0, 1]: 1 copies, 0 paints.
    """

    colour: Any
    flow: Any
    trust: Any


def checked(answer: Answer, network: str = "the network") -> Answer:
    """The answer as float32 arrays.  Raises InputError if it holds what is no number: weights that are broken would
    draw a black face."""
    parts = Answer(*(np.ascontiguousarray(_array(part), np.float32) for part in answer))
    B, _, h, w = parts.colour.shape
    if parts.colour.shape != (B, 3, h, w) or parts.flow.shape != (B, 2, h, w) or parts.trust.shape != (B, 1, h, w):
        raise ValueError(f"colour, flow and trust are (B, 3, h, w), (B, 2, h, w) and (B, 1, h, w), got "
                         f"{', '.join(str(part.shape) for part in parts)}")
    for name, part in zip(Answer._fields, parts):
        if not np.isfinite(part).all():
            raise InputError(f"{network} draws {name} that is no number in {(~np.isfinite(part)).mean():.0%} of its "
                             "places: its weights are broken; get or train them again.")
    return parts


def _array(part) -> np.ndarray:
    return part.detach().float().cpu().numpy() if hasattr(part, "detach") else np.asarray(part)
