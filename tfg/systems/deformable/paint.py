"""The painter of `deformable`: what was heard of each frame and the photo go into the decoder, one frame after the
other, for it remembers."""
from __future__ import annotations

import numpy as np
import torch

from tfg.compose.answer import Answer, checked
from tfg.compose.eyes import shutting
from tfg.compose.mouth import one_opening, own_opening
from tfg.faces.face_region import WIDE_OVAL
from tfg.systems.deformable.network import Photo, State
from tfg.systems.deformable.sound import LEAD
from tfg.systems.film import paint

WIDEST = -.3
"""How far eyes open wider at most, of their opening."""


class Painter(paint.Painter):
    """Draws faces with one generator; `given` are numbers of frames at 25 a second, fractions between two (n,).

    network: a Deformable.  told: (LEAD + T, C) of `tfg.systems.deformable.act.listen`.  blinks: (T,), how far the eyes
    are shut, 0..1, whatever the network draws.  Others as `tfg.systems.film.paint`. Frames are drawn in the order of
    the film, each once. At another rate than 25 frames a second the decoder's memory takes as many steps as there are
    frames.
    """

    oval_of, fades = WIDE_OVAL, (.1, .06)                 # the source's own pose: brows rise into what was there

    def __init__(self, network, told: torch.Tensor, blinks: np.ndarray, matrix: np.ndarray, *, face=None, **others):
        self.copies = network.config.flow
        super().__init__(network, network.config.size, matrix, face=face if self.copies else None, **others)
        self.told, self.blinks, self.state = told, blinks, State()
        self._seen: tuple[np.ndarray, Photo] | None = None

    def draw(self, seen: list, given: np.ndarray) -> list:
        """See `tfg.systems.film.paint.Painter`. Eyes narrow and widen as far as the flow says, and shut when they
        blink, by the face's lids; a mouth has one opening."""
        blinks = np.interp(np.asarray(given, float), np.arange(len(self.blinks)), self.blinks)
        out = []
        for answer, one, blink in zip(super().draw(seen, given), seen, blinks):
            if answer is not None and one.face is not None:
                lips = one.place.asked(one.face.lips)
                trust = one_opening(answer.trust, lips)
                answer = answer._replace(trust=own_opening(trust, answer.flow, lips))
            if answer is not None and one.face is not None and one.face.lids is not None:
                share = shutting(answer.flow, one.place.asked(one.face.lids))
                answer = answer._replace(shut=float(np.clip(max(share, blink), WIDEST, 1)))
            out.append(answer)
        return out

    def answer(self, seen: list[paint.Seen], given: np.ndarray) -> Answer:
        """See `tfg.systems.film.paint.Painter`."""
        told, state, answers = self._between(given), self.state, []
        edges = [0, *(k for k in range(1, len(seen)) if not _alike(seen[k].reference, seen[k - 1].reference)),
                 len(seen)]
        for first, stop in zip(edges, edges[1:]):
            photo, part, shown = self._photo(seen[first]), told[first:stop], None
            if state.picture is None:                         # the memory, too, has seen some silence
                part, shown = torch.cat([self.told[:LEAD], part]), LEAD + torch.arange(stop - first)
            drawn, state = self.network.draw(photo, part[None], state, shown)
            answers.append(checked(drawn.answer, "the checkpoint of deformable"))
        self.state = state                                    # only now: memory that ran out is asked again
        return Answer(*(np.concatenate(parts) for parts in zip(*answers)))

    def _between(self, at: np.ndarray) -> torch.Tensor:
        """(n, C) of frames at numbers (n,), straight between two."""
        at = np.clip(np.asarray(at, float), 0, len(self.told) - LEAD - 1)
        low = np.floor(at).astype(int)
        share = torch.from_numpy((at - low).astype(np.float32))[:, None].to(self.told.device)
        high = np.minimum(low + 1, len(self.told) - LEAD - 1)
        return torch.lerp(self.told[LEAD + low], self.told[LEAD + high], share)

    def _photo(self, seen: paint.Seen) -> Photo:
        """What is known of a photo; that of the last one is kept, for a photo stays the same."""
        reference = seen.reference
        if self._seen is None or not _alike(self._seen[0], reference):
            self._seen = reference, self.network.see(self.pictures([reference]), self.points([seen]))
        return self._seen[1]


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    return a is b or np.array_equal(a, b)
