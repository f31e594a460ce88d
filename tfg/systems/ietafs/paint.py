"""The painter of `ietafs`: pictures and Action Units go into the generator, its answer onto the photo's own pixels."""
from __future__ import annotations

import numpy as np
import torch

from tfg.compose.answer import Answer, checked
from tfg.faces.aus import AUS, MOST
from tfg.systems.film import paint

BLINK, NAME = AUS.index(45), "the checkpoint of ietafs"


class Painter(paint.Painter):
    """Draws faces with one generator; `given` are Action Units (n, 17), 0..5.

    network: an Ietafs.  shown: (frames, 17), 0..5, units that each frame of the source shows already.  Others as
    `tfg.systems.film.paint`.
    """

    def __init__(self, network, matrix: np.ndarray, shown: np.ndarray, *, face=None, **others):
        self.copies, self.shown = network.config.flow, shown
        self._looked: tuple = (None, None)
        super().__init__(network, network.config.size, matrix, face=face if self.copies else None, **others)

    def draw(self, seen: list, given: np.ndarray) -> list:
        """See `tfg.systems.film.paint.Painter`. Where AU 45 rises, eyes shut by the face's lids and not by the network;
        that they open is for the network."""
        rest = np.stack([self.shown[one.number, BLINK] if one is not None else 0 for one in seen])
        less = np.minimum(given[:, BLINK], rest)
        answers = super().draw(seen, np.concatenate([given[:, :BLINK], less[:, None], given[:, BLINK + 1:]], 1))
        shares = np.clip((given[:, BLINK] - less) / MOST, 0, 1)
        return [answer and answer._replace(shut=float(share)) for answer, share in zip(answers, shares)]

    def answer(self, seen: list[paint.Seen], given: np.ndarray) -> Answer:
        """See `tfg.systems.film.paint.Painter`."""
        numbers = [one.number for one in seen]
        aus, shown = (torch.from_numpy(x / np.float32(MOST)).to(self.device) for x in (given, self.shown[numbers]))
        if not self.network.config.flow:
            return checked(self.network(self.pictures([one.reference for one in seen]), aus).answer, NAME)
        if len(set(numbers)) > 1:
            looked = self.network.look(self.pictures([one.reference for one in seen]))
        else:                                             # a photo, or a film that stands
            last = self._looked                           # once: another thread may put in another
            if last[0] != numbers[0]:
                self._looked = last = numbers[0], self.network.look(self.pictures([seen[0].reference]))
            looked = type(last[1])(*(x.expand(len(seen), *x.shape[1:]) for x in last[1]))
        return checked(self.network.changed(looked, aus, shown).answer, NAME)
