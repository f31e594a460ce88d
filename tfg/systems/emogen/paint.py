"""Emogen's painter: what the network is shown of a frame, and how its answer comes into the film.

The network sees a crop of 96 px; its answer is applied to the film's own pixels (`tfg.compose`). Only the oval that it
was asked for changes; all other pixels of a frame stay what they were, bit for bit.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from tfg.compose import calm, draw
from tfg.compose.answer import checked
from tfg.compose.eyes import round_irises
from tfg.compose.features import Features
from tfg.compose.mouth import on_the_lips
from tfg.compose.place import FINE, Place
from tfg.experts.losses import mouth_area
from tfg.systems.emogen.network import face_mask, hide
from tfg.systems.film.draw import BATCH

FLOW_SIGMA = 1.0
"""Width of what smooths a flow, px of 96."""
PAINT, COPY = .3, .9
"""Trust below which a pixel is painted wholly, and from which it is copied wholly."""
MOST_FLOW = .16
"""The longest flow, half sides of the crop: an open jaw moves a chin by less."""
EDGE = .16, .06
"""Width of the rim of the oval in which a flow fades, sides of the crop: beside brows, which may reach into it, and
beside a jaw, which must be free to drop."""
ALIKE = .04
"""Difference of paint and copy, of the range 0..1, that counts as none, outside of the mouth."""


class Seen(NamedTuple):
    """What is kept of a frame until its face is drawn. place: `Place`.  source: (H, W, 3) uint8, what is copied from,
    in the place's rectangle.  masked, reference: (S, S, 3) uint8, what the network is shown."""

    place: Place
    source: np.ndarray
    masked: np.ndarray
    reference: np.ndarray
    face: Features | None


class Painter:
    """Draws faces with one generator and one emotion; what `tfg.systems.film.draw` asks of a painter.

    network: an Emogen in eval mode, where it shall run.  feeling: (6,) as `tfg.systems.emogen.network.feeling`.
    matrix: (n, 2, 3), frame to crop, of each frame of the source.  source: function (frame, index, place) -> what is
    copied from, (H, W, 3) uint8 in the place's rectangle; None: the frame itself.  face: function
    (index, place) -> `Features` of that, by which lips, teeth and irises are drawn; None: as the network draws them.
    batch: frames at a time, None for a usual number.
    """

    def __init__(self, network, feeling: np.ndarray, matrix: np.ndarray, *, source=None, face=None,
                 batch: int | None = None):
        self.network, self.size, self.matrix = network, network.config.size, matrix
        self.source, self.features = source, face
        self.device = next(network.parameters()).device
        self.feeling = torch.from_numpy(feeling)[None].to(self.device)                            # (1, 6)
        self.mask = torch.from_numpy(face_mask(self.size, network.config.mask)).to(self.device)
        self.oval = face_mask(FINE * self.size)           # pasted, whatever was hidden: a crop's corners would show
        edge = np.interp(np.arange(self.size) / self.size, (.4, .6), EDGE)[:, None] * self.size
        self.inwards = calm.inwards(face_mask(self.size), edge)[..., None].astype(np.float32)
        self.mouth = mouth_area(self.size)
        self.asked, self.batch = batch, batch or BATCH[self.device.type]
        self._placed: tuple = (None, None)

    def see(self, frame: np.ndarray, index: int) -> Seen | None:
        """See `tfg.systems.film.draw`; None where the face is outside of the picture."""
        place = self._place(self.matrix[index], frame.shape[:2])
        if place.inner is None:
            return None
        part = frame[place.rows, place.columns]
        source = part.copy() if self.source is None else self.source(frame, index, place)
        masked = place.small(part)
        return Seen(place, source, masked, masked if self.source is None else place.small(source),
                    self.features(index, place) if self.features is not None else None)

    def draw(self, seen: list, mels: np.ndarray) -> list:
        """Answers (colour (S, S, 3), flow (S, S, 2), trust (S, S)).  Raises InputError for a network that is broken."""
        inside = [k for k, one in enumerate(seen) if one is not None]
        out: list = [None] * len(seen)
        if not inside:
            return out
        with torch.inference_mode():
            masked, reference = (self._batch([getattr(seen[k], name) for k in inside])
                                 for name in ("masked", "reference"))                             # (1, n, 3, S, S)
            heard = torch.from_numpy(mels[inside]).to(self.device)[None]                          # (1, n, 80, 16)
            answer = self.network.parts(heard, self.feeling, hide(masked, self.mask), reference)
        colour, flow, trust = checked(answer, "the checkpoint of emogen")
        for j, k in enumerate(inside):
            out[k] = colour[j].transpose(1, 2, 0).copy(), flow[j].transpose(1, 2, 0).copy(), trust[j, 0].copy()
        return out

    def lay(self, answer, frame: np.ndarray, seen: Seen | None, k: int) -> None:
        """See `tfg.systems.film.draw`."""
        if seen is not None:
            colour, flow, trust = self.steady(answer, seen)
            draw.lay(draw.drawn(seen.source, seen.place, colour, flow, trust, grain_seed=k, face=seen.face), frame,
                     seen.place)

    def steady(self, answer, seen: Seen) -> tuple:
        """The answer as it is enlarged (`tfg.compose.calm`)."""
        colour, flow, trust = answer
        if not self.network.config.copy:
            return answer
        flow = calm.smooth_flow(flow, trust, FLOW_SIGMA, MOST_FLOW)
        if seen.face is not None:
            flow = on_the_lips(flow, trust, seen.place.asked(seen.face.lips))
            irises = seen.face.irises / [1, 1, seen.place.scale]
            irises[:, :2] = seen.place.asked(irises[:, :2])
            flow = round_irises(flow, irises)
        flow = flow * self.inwards
        copy = draw.moved(seen.reference.astype(np.float32) / 255, flow)
        colour = colour + trust[..., None] * (copy - colour)              # what was trained to look right, as a whole
        warm = calm.warmed(colour, copy, self.mouth * trust)
        colour = colour + self.mouth[..., None] * (warm - colour)
        preferred = calm.prefer_copy(trust, colour, copy, ALIKE)
        trust = trust + (1 - self.mouth) * (preferred - trust)
        return colour, flow, calm.decided(trust, PAINT, COPY)

    def _batch(self, crops: list[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(crops)).to(self.device).permute(0, 3, 1, 2)[None].float() / 255

    def _place(self, matrix: np.ndarray, picture: tuple[int, int]) -> Place:
        """The last one is kept, for a head at rest has one crop."""
        key = matrix.tobytes(), picture
        held = self._placed                                   # once: another thread may put in another
        if held[0] != key:
            self._placed = held = key, Place(matrix, (self.size, self.size), picture, self.oval)
        return held[1]
