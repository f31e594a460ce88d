"""Emogen's painter: the face is hidden from the network, which draws it by a reference, the sound and an emotion."""
from __future__ import annotations

import numpy as np
import torch

from tfg.compose.answer import Answer, checked
from tfg.systems.emogen.network import face_mask, hide
from tfg.systems.film import paint


class Painter(paint.Painter):
    """Draws faces with one generator and one emotion; `given` is what is heard (n, *`network.shape_of`).

    network: an Emogen.  feeling: (6,) as `tfg.systems.emogen.network.feeling`.  Others as `tfg.systems.film.paint`.
    """

    def __init__(self, network, feeling: np.ndarray, matrix: np.ndarray, **others):
        super().__init__(network, network.config.size, matrix, **others)
        self.copies = network.config.copy
        self.feeling = torch.from_numpy(feeling)[None].to(self.device)                            # (1, 6)
        self.mask = torch.from_numpy(face_mask(self.size, network.config.mask)).to(self.device)

    def answer(self, seen: list[paint.Seen], given: np.ndarray) -> Answer:
        """See `tfg.systems.film.paint.Painter`."""
        frames, reference = (self.pictures(crops)[None] for crops in ([one.small for one in seen],
                                                                      [one.reference for one in seen]))
        heard = torch.from_numpy(given).to(self.device)[None]                                     # (1, n, ...)
        return checked(self.network.parts(heard, self.feeling, hide(frames, self.mask), reference),
                       "the checkpoint of emogen")
