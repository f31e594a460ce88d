"""Draws faces by a small network's answers: colour, flow and trust, applied to the film's own pixels (`tfg.compose`).

What the network is shown and asked is a system's own (`Painter.draw`); the rest is the same for all. Only the oval of
the face changes; all other pixels of a frame stay what they were, bit for bit.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import torch

from tfg.compose import calm, draw
from tfg.compose.answer import Answer
from tfg.compose.eyes import held, near_irises, round_irises
from tfg.compose.features import Features
from tfg.compose.mouth import on_the_lips
from tfg.compose.place import FINE, Place
from tfg.experts.losses import mouth_area
from tfg.faces.face_region import OVAL, face_region
from tfg.faces.points68 import half_sides
from tfg.systems.film.draw import BATCH

FLOW_SIGMA = 1.0
"""Width of what smooths a flow, px of 96."""
PAINT, COPY = .3, .9
"""Trust below which a pixel is painted wholly, and from which it is copied wholly."""
MOST_FLOW = .16
"""The longest flow of a head that keeps its pose, half sides of the crop: an open jaw moves a chin by less."""
ALIKE = .04
"""Difference of paint and copy, of the range 0..1, that counts as none, outside of the mouth."""


class Seen(NamedTuple):
    """What is kept of a frame until its face is drawn. place: `Place`.  source: (H, W, 3) uint8, what is copied from,
    in the place's rectangle.  small, reference: (S, S, 3) uint8, frame and source as the network sees them.  face: the
    source's features.  number: the frame's."""

    place: Place
    source: np.ndarray
    small: np.ndarray
    reference: np.ndarray
    face: Features | None = None
    number: int = 0


class Drawn(NamedTuple):
    """A network's answer for one frame: colour (S, S, 3), flow (S, S, 2), trust (S, S), as `tfg.compose.answer`.  shut:
    how far the eyes shut by their landmarks, 0 to 1, below 0 they open wider; None: lids follow the flow."""

    colour: np.ndarray
    flow: np.ndarray
    trust: np.ndarray
    shut: float | None = None


class Painter(ABC):
    """Draws faces with one network; what `tfg.systems.film.draw` asks of a painter.

    network: a network in eval mode, where it shall run.  size: side of its pictures, px.  matrix: (n, 2, 3), frame to
    crop, of each frame of the source.  source: function (frame, index, place) -> what is copied from, (H, W, 3) uint8
    in the place's rectangle; None: the frame itself.  face: function (index, place) -> `Features` of that, by which
    lips, teeth and irises are drawn; None: as the network draws them.  aligned: whether the source has the frame's own
    pose, so that at the rim of the oval nothing moves.  batch: frames at a time, None for a usual number.
    """

    copies = True
    """Whether the network's flow and trust count; without, its colour is laid in as it is."""
    oval_of = OVAL
    """What is drawn (`tfg.faces.face_region`)."""
    most_flow = MOST_FLOW
    """The longest flow, half sides of the crop."""
    fades = .16, .06
    """Width of the oval's rim in which a flow fades, sides of the crop: beside brows, which may reach into it, and
    beside a jaw, which must be free to drop."""

    def __init__(self, network, size: int, matrix: np.ndarray, *, source=None, face=None, aligned: bool = True,
                 batch: int | None = None):
        self.network, self.size, self.matrix, self.source, self.features = network, size, matrix, source, face
        self.device = next(network.parameters()).device
        self.oval = face_region(FINE * size, self.oval_of)    # pasted, whatever was hidden: a crop's corners would show
        edge = np.interp(np.arange(size) / size, (.4, .6), self.fades)[:, None] * size
        rim = calm.inwards(face_region(size, self.oval_of), edge)[..., None].astype(np.float32)
        self.inwards = rim if aligned else np.float32(1)
        self.mouth = mouth_area(size)
        self.asked, self.batch = batch, batch or BATCH[self.device.type]
        self._placed: tuple = (None, None)

    @abstractmethod
    def answer(self, seen: list[Seen], given: np.ndarray) -> Answer:
        """The network's answer, checked (`tfg.compose.answer.checked`), for n frames.  given: (n, ...) what goes with
        each, as the caller of `tfg.systems.film.draw.redrawn` made it.  Called without gradients."""

    def see(self, frame: np.ndarray, index: int) -> Seen | None:
        """See `tfg.systems.film.draw`; None where the face is outside of the picture."""
        place = self._place(self.matrix[index], frame.shape[:2])
        if place.inner is None:
            return None
        part = frame[place.rows, place.columns]
        source = part.copy() if self.source is None else self.source(frame, index, place)
        small = place.small(part)
        return Seen(place, source, small, small if self.source is None else place.small(source),
                    self.features(index, place) if self.features is not None else None, index)

    def draw(self, seen: list, given: np.ndarray) -> list:
        """A `Drawn` for each, None where there was nothing to see.  Raises InputError for a network that is broken."""
        inside = [k for k, one in enumerate(seen) if one is not None]
        out: list = [None] * len(seen)
        if not inside:
            return out
        with torch.inference_mode():
            colour, flow, trust = self.answer([seen[k] for k in inside], given[inside])
        for j, k in enumerate(inside):
            out[k] = Drawn(colour[j].transpose(1, 2, 0).copy(), flow[j].transpose(1, 2, 0).copy(), trust[j, 0].copy())
        return out

    def lay(self, answer, frame: np.ndarray, seen: Seen | None, k: int) -> None:
        """See `tfg.systems.film.draw`."""
        if seen is not None:
            colour, flow, trust = self.steady(answer, seen)
            new = draw.drawn(seen.source, seen.place, colour, flow, trust, grain_seed=k, face=seen.face,
                             shut=answer.shut)
            draw.lay(new, frame, seen.place)

    def steady(self, answer, seen: Seen) -> tuple:
        """Colour, flow and trust as they are enlarged (`tfg.compose.calm`)."""
        colour, flow, trust = answer[:3]
        if not self.copies:
            return colour, flow, trust
        flow = calm.smooth_flow(flow, trust, FLOW_SIGMA, self.most_flow)
        if seen.face is not None:
            flow = on_the_lips(flow, trust, seen.place.asked(seen.face.lips))
            irises = seen.face.irises / [1, 1, seen.place.scale]
            irises[:, :2] = seen.place.asked(irises[:, :2])
            opening = self.mouth
            if answer.shut is not None and seen.face.lids is not None:
                brows = seen.face.brows
                flow = held(flow, seen.place.asked(seen.face.lids), None if brows is None else seen.place.asked(brows))
            else:
                flow = round_irises(flow, irises)
                opening = np.maximum(opening, near_irises(self.size, irises))
            trust = 1 - opening * (1 - trust)             # elsewhere is nothing that the source does not show
        flow = flow * self.inwards
        copy = draw.moved(seen.reference.astype(np.float32) / 255, flow)
        colour = colour + trust[..., None] * (copy - colour)              # what was trained to look right, as a whole
        warm = calm.warmed(colour, copy, self.mouth * trust)
        colour = colour + self.mouth[..., None] * (warm - colour)
        preferred = calm.prefer_copy(trust, colour, copy, ALIKE)
        trust = trust + (1 - self.mouth) * (preferred - trust)
        return colour, flow, calm.decided(trust, PAINT, COPY)

    def pictures(self, crops: list[np.ndarray]) -> torch.Tensor:
        """(n, 3, S, S) in [0, 1], where the network runs, of n crops (S, S, 3) uint8."""
        return torch.from_numpy(np.stack(crops)).to(self.device).permute(0, 3, 1, 2).float() / 255

    def points(self, seen: list[Seen]) -> torch.Tensor | None:
        """(n, 68, 2) half sides of the crops, where the network runs: landmarks of what is copied from; None where
        they are not known of one."""
        if any(one.face is None or one.face.marks is None for one in seen):
            return None
        at = np.stack([one.place.asked(one.face.marks) for one in seen])  # type: ignore[union-attr, arg-type]
        return torch.from_numpy(half_sides(at, self.size)).to(self.device)

    def _place(self, matrix: np.ndarray, picture: tuple[int, int]) -> Place:
        """The last one is kept, for a head at rest has one crop."""
        key = matrix.tobytes(), picture
        last = self._placed                                   # once: another thread may put in another
        if last[0] != key:
            self._placed = last = key, Place(matrix, (self.size, self.size), picture, self.oval)
        return last[1]
