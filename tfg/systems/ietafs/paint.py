"""The painter of `ietafs`: pictures and Action Units go into the generator, its answer onto the photo's own pixels."""
from __future__ import annotations

import numpy as np
import torch

from tfg.compose.answer import Answer, checked
from tfg.faces.aus import AUS, MOST
from tfg.faces.face_region import WIDE_OVAL
from tfg.systems.film import paint

GAIN = np.array([1.5, 1.5, 1.5, 1.3, 1.4, 1.5, 1.5, 1.2, 1.1, 1.1, 1.4, 1.3, 1.2, 1.4, 1.05, 1.0, 1.0], np.float32)
"""(17,) factors on the change of each unit. What a network learns by mean errors is smaller than what it saw, and the
shared layer smooths it: read again, edits of val actors showed so much less than the actors themselves
(`python -m tools.bench.edits --response`); less than that for mouths, whose corners tear on turned
heads."""
LIDS = {AUS.index(45): 1.0, AUS.index(7): .25, AUS.index(5): -.3}
"""How far the lids shut for a unit's whole scale (AU 45, 7, 5), of the eye's opening."""
WIDEST = -.25
BLINK, NAME = AUS.index(45), "the checkpoint of ietafs"


class Painter(paint.Painter):
    """Draws faces with one generator; `given` are Action Units (n, 17), 0..5.

    network: an Ietafs.  shown: (frames, 17), 0..5, units that each frame of the source shows already.  Others as
    `tfg.systems.film.paint`.
    """

    oval_of, fades = WIDE_OVAL, (.1, .06)                 # the source's own pose: brows rise into what was there

    def __init__(self, network, matrix: np.ndarray, shown: np.ndarray, *, face=None, **others):
        self.copies, self.shown = network.config.flow, shown
        self._looked: tuple = (None, None)
        super().__init__(network, network.config.size, matrix, face=face if self.copies else None, **others)

    def draw(self, seen: list, given: np.ndarray) -> list:
        """See `tfg.systems.film.paint.Painter`. Eyes shut, narrow and widen by the face's lids, not by the network."""
        shown = np.stack([self.shown[one.number if one is not None else 0] for one in seen])
        asked = shown + GAIN * (given - shown)
        shares = np.clip((given - shown)[:, list(LIDS)] @ list(LIDS.values()) / MOST, WIDEST, 1)
        asked[:, BLINK] = shown[:, BLINK]
        answers = super().draw(seen, asked)
        return [answer and answer._replace(shut=float(share)) for answer, share in zip(answers, shares)]

    def answer(self, seen: list[paint.Seen], given: np.ndarray) -> Answer:
        """See `tfg.systems.film.paint.Painter`."""
        numbers = [one.number for one in seen]
        aus, shown = (torch.from_numpy(x / np.float32(MOST)).to(self.device) for x in (given, self.shown[numbers]))
        if not self.network.config.flow:
            return checked(self.network(self.pictures([one.reference for one in seen]), aus).answer, NAME)
        if len(set(numbers)) > 1:
            looked = self.network.look(self.pictures([one.reference for one in seen]), self.points(seen))
        else:                                             # a photo, or a film that stands
            last = self._looked                           # once: another thread may put in another
            if last[0] != numbers[0]:
                self._looked = last = numbers[0], self.network.look(self.pictures([seen[0].reference]),
                                                                    self.points(seen[:1]))
            looked = type(last[1])(*(x.expand(len(seen), *x.shape[1:]) for x in last[1]))
        return checked(self.network.changed(looked, aus, shown).answer, NAME)
