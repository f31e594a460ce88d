"""The painter of `rhythmic`: two sources, the reference and the rendered head, are moved at the film's own resolution.

Where neither shows what is to be seen, the network's colour is painted (`tfg.compose.draw.drawn`, `under`).
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from tfg.compose import calm, draw
from tfg.compose.answer import Answer, checked
from tfg.compose.eyes import shutting
from tfg.compose.features import BROWS, LIDS
from tfg.faces import align
from tfg.faces.points68 import half_sides
from tfg.systems.film import paint
from tfg.systems.rhythmic import sketch
from tfg.systems.rhythmic.network import Drawn, Looks, Moment, Rhythmic
from tfg.systems.rhythmic.person import Person
from tfg.systems.rhythmic.plan import OWN, Plan
from tfg.systems.rhythmic.pose import Rigid, of_478, recompose, with_skull

NAME = "the checkpoint of rhythmic"
HAIR_SIGMA = .06
"""Smoothing of the flow around the face, of the crop's side. No landmark is there, and a network's guesses differ from
place to place: strands of hair become waves."""
OPEN = .008
"""Gap between a reference's lips, of the crop's side, from which it shows what is between them."""
SHADE, SHADED = .55, (.02, .045)
"""Darkest factor of `shade`, and the gaps between which it rises to 1, of the crop's side."""
PARTED, LIPS_EDGE = (.005, .012), .004
"""Gaps from which lips are apart, and wholly so; how soft the rim of an open mouth is; of the crop's side."""
FINER = 4
"""Masks are drawn so many times larger and made smaller: their rims are straight when they are enlarged."""
EYES, EYES_EDGE = (slice(36, 42), slice(42, 48)), .02
"""Landmarks of the eyes, and how soft their rims are, of the crop's side."""
FACE_EDGE, HEAD_EDGE = .02, .03
"""How soft the rims of face and head are, of the crop's side."""


def shade(points: np.ndarray, matrix: np.ndarray, size: int) -> float:
    """Factor on what is painted between the lips: narrow openings lie in the lips' shade, and a network that draws them
    two pixels high paints a blend of lips.  points: (68, 3) px of the picture.  matrix: (2, 3), picture to crop."""
    gap = (points[66, 1] - points[62, 1]) * np.sqrt(abs(np.linalg.det(matrix[:, :2]))) / size
    return float(np.interp(gap, SHADED, (SHADE, 1.0)))


class Both(NamedTuple):
    """A network's answer for one frame: colour (S, S, 3); flow (S, S, 2) and trust (S, S) of the reference, and of the
    render.  render: (S, S, 3) in [0, 1], as the network saw it.  number: of the result's frame."""

    colour: np.ndarray
    flow: np.ndarray
    trust: np.ndarray
    under_flow: np.ndarray
    under_trust: np.ndarray
    render: np.ndarray
    number: int


class Painter(paint.Painter):
    """Draws faces with one generator; `given` are numbers (n,) of the result's frames.

    network: a Rhythmic.  person: of the source, whose shots it looks at.  plan: of the result.  Others as
    `tfg.systems.film.paint`.
    """

    oval_of = (.5, .5, .5, .5)                            # all of the crop: hair and neck turn with the head
    fades = .1, .06
    most_flow = .6

    def __init__(self, network: Rhythmic, person: Person, plan: Plan, matrix: np.ndarray, *, batch: int | None = None):
        super().__init__(network, network.config.size, matrix, batch=batch)
        self.person, self.plan = person, plan
        crops = [align.warp(s.frame, matrix[s.number], self.size) for s in person.shots]
        marks = np.stack([self._marked(of_478(s.points), person.rigid.at(s.number), matrix[s.number])[0]
                          for s in person.shots])
        with torch.inference_mode():
            self.looked: Looks = network.see(self.pictures(crops)[None], self._unit(marks)[None])
        self.before: tuple | None = None                  # frame and points of the last one, if the network is temporal
        self.heads: dict[int, object] = {}

    # ---- what the network answers -----------------------------------------------------------------------------------
    def draw(self, seen: list, given: np.ndarray) -> list:
        """A `Both` for each, None where there was nothing to see."""
        inside = [k for k, one in enumerate(seen) if one is not None]
        out: list = [None] * len(seen)
        groups = [inside] if not self.network.config.temporal else [[k] for k in inside]
        with torch.inference_mode():
            for group in groups:
                if not group:
                    continue
                drawn, at = self.frames([seen[k] for k in group], given[group])
                for name in ("ref", "ani"):
                    checked(getattr(drawn, name), NAME)
                parts = [x.float().cpu().numpy().transpose(0, 2, 3, 1) for x in (
                    drawn.colour, drawn.ref.flow, drawn.ref.trust, drawn.ani.flow, drawn.ani.trust, at.ani[:, :3])]
                for j, k in enumerate(group):
                    colour, flow, trust, under, share, render = (np.ascontiguousarray(x[j]) for x in parts)
                    out[k] = Both(colour, flow, trust[..., 0], under, share[..., 0], render, int(given[k]))
        return out

    def answer(self, seen: list, given: np.ndarray) -> Answer:
        """How the reference is moved; see `tfg.systems.film.paint.Painter`."""
        return checked(self.frames(seen, given)[0].ref, NAME)

    def frames(self, seen: list, given: np.ndarray) -> tuple[Drawn, Moment]:
        """What the network says of n frames, and what it was given."""
        at = self.moment(seen, given)
        n = len(given)
        drawn = self.network.draw(Looks(*(x.expand(n, *x.shape[1:]) for x in self.looked)), at)
        if self.network.config.temporal:
            self.before = drawn.picture[-1:], at.points[-1:]
        return drawn, at

    def moment(self, seen: list, given: np.ndarray) -> Moment:
        """What n frames are drawn by."""
        marks, points = zip(*(self._marked(self.plan.points[k], self.plan.rigid.at(k), one.place.matrix)
                              for one, k in zip(seen, given)))
        refs, ref_marks, ref_points, ani, ani_points = [], [], [], [], []
        for one, k in zip(seen, given):
            ref, rigid = int(self.plan.ref[k]), self.plan.rigid.at(k)
            number = one.number if ref == OWN else self.person.shots[ref].number
            known = self._points_of(number) if ref == OWN else of_478(self.person.shots[ref].points)
            mark, at = self._marked(known, self.person.rigid.at(number), one.place.matrix)
            refs.append(one.place.small(self.source_of(one, int(k))))
            ref_marks.append(mark)
            ref_points.append(at)
            picture, mask = self._head(one.place.scale).draw(rigid, (self.size, self.size), one.place.matrix)
            ani.append(np.concatenate([picture.transpose(2, 0, 1).astype(np.float32) / 255, mask[None]]))
            ani_points.append(self._marked(recompose(self.person.head.face, rigid), rigid, one.place.matrix)[1])
        before = self.before or (None, None)
        return Moment(self._unit(np.stack(marks)), self._here(points), self.pictures(refs),
                      self._unit(np.stack(ref_marks)), self._here(ref_points), self._here(ani), self._here(ani_points),
                      *before)

    # ---- onto the picture -------------------------------------------------------------------------------------------
    def lay(self, answer, frame: np.ndarray, seen, k: int) -> None:
        """See `tfg.systems.film.draw`."""
        if seen is None:
            return
        place, source = seen.place, self.source_of(seen, answer.number)
        colour, flow, trust, under, share = self.settled(answer, place.small(source), place.matrix, seen.number)
        shift = np.array([[1, 0, -place.columns.start], [0, 1, -place.rows.start]], float)
        lids, brows, shut = self._blink(answer.number, flow, place)
        if lids is not None:
            eyes = [self._within(self.plan.points[answer.number][part], place.matrix, EYES_EDGE) for part in EYES]
            trust = 1 - (1 - trust) * (1 - np.clip(3 * sum(eyes), 0, 1) * min(1, 4 * shut))         # a lid is copied
        render, where = self.person.head.draw(self.plan.rigid.at(answer.number), place.shape, shift)
        new = draw.drawn(source, place, colour, flow, trust, grain_seed=k, lids=lids, brows=brows,
                         shut=shut, under=(render, under, share, where))
        draw.lay(new, frame, place)

    def settled(self, answer: Both, reference: np.ndarray, matrix: np.ndarray, index: int) -> tuple:
        """Colour, flow and trust as they are enlarged, and flow and trust of the render (`tfg.compose.calm`).

        reference: (S, S, 3) uint8.  matrix: (2, 3), picture to crop.  index: of the source's frame.
        The paint becomes the whole that the network was trained to make; where a copy looks like it, the copy is
        preferred, for it is sharp; but not in the mouth.
        """
        points = self.plan.points[answer.number]
        face = self._within(points, matrix, FACE_EDGE)
        flow, under = (calm.smooth_flow(f, t, paint.FLOW_SIGMA, self.most_flow) for f, t in (
            (answer.flow, answer.trust), (answer.under_flow, answer.under_trust)))
        hair = calm.blurred(flow, HAIR_SIGMA * self.size)
        flow = (hair + face[..., None] * (flow - hair)) * self.inwards
        flow, inside, teeth = self._teeth(flow, answer.number, index, matrix)
        under = under * self.inwards
        copies = draw.moved(reference.astype(np.float32) / 255, flow), draw.moved(answer.render, under)
        colour = answer.colour + answer.under_trust[..., None] * (copies[1] - answer.colour)
        colour = colour + answer.trust[..., None] * (copies[0] - colour)
        within = answer.colour * shade(points, matrix, self.size)         # half a copied lip would close a small mouth
        colour = colour + inside[..., None] * (within - colour)
        mouth = self._within(points[48:60], matrix, 1 / 96)
        warm = calm.warmed(colour, copies[0], face * (1 - mouth))
        colour = colour + mouth[..., None] * (warm - colour)
        outside = 1 - mouth
        trust, share = (t + outside * (calm.prefer_copy(t, colour, copy, paint.ALIKE) - t)
                        for t, copy in zip((answer.trust, answer.under_trust), copies))
        share = np.minimum(share, answer.under_trust > 0)                 # where the render shows something
        head = self._within(points, matrix, HEAD_EDGE)
        trust = 1 - head * (1 - trust)                                    # behind a head nothing new comes to be seen
        trust = np.maximum(np.minimum(trust, 1 - inside * (1 - teeth)), inside * teeth)
        return colour, flow, calm.decided(trust, paint.PAINT, paint.COPY), under, calm.decided(share, paint.PAINT,
                                                                                             paint.COPY)

    def source_of(self, seen, number: int) -> np.ndarray:
        """(H, W, 3) uint8 in the place's rectangle: what a frame of the result is copied from."""
        ref = int(self.plan.ref[number])
        if ref == OWN:
            return seen.source
        return np.ascontiguousarray(self.person.shots[ref].frame[seen.place.rows, seen.place.columns])

    def _blink(self, number: int, flow: np.ndarray, place) -> tuple[np.ndarray | None, np.ndarray | None, float]:
        """The lids (2, 2, 9, 2) and brows (2, 5, 2) px of the place's rectangle of a photo that blinks, and how far it
        shuts its eyes beyond what the flow does; None where it does not blink.

        Scenes have few blinks, and of these a network's pictures have two pixels: by its flow eyes hardly shut.
        """
        if self.plan.shut is None or self.plan.shut[number] < 1e-3:
            return None, None, 0.0
        shot = self.person.shots[max(int(self.plan.ref[number]), 0)]                          # OWN: the photo itself
        lids = shot.points[np.array(LIDS), :2]
        already = float(np.clip(shutting(flow, align.transform(lids, place.matrix)), 0, 1))
        corner = [place.columns.start, place.rows.start]
        return lids - corner, of_478(shot.points)[BROWS][..., :2] - corner, max(float(self.plan.shut[number]) - already,
                                                                                0.0)

    def _teeth(self, flow: np.ndarray, number: int, index: int, matrix: np.ndarray
               ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The flow (S, S, 2) as it is in the mouth; where the open mouth is, (S, S) in [0, 1]; and where the flow
        fetches what is inside of the reference's, (S, S).

        Upper teeth go with the head and not with the jaw. So what the reference shows between its lips keeps its place
        below the upper lip; where it shows nothing, under teeth that were hidden by its lower lip, is left to paint.
        """
        import cv2

        ref, S = int(self.plan.ref[number]), self.size
        there = self._points_of(index) if ref == OWN else of_478(self.person.shots[ref].points)
        here, there = (align.transform(p[60:68], matrix)[:, :2] for p in (self.plan.points[number], there))
        mouth, inside = (self._hull(p) for p in (here, there))
        gap = float(here[6, 1] - here[2, 1]) / S
        mouth = np.float32(np.interp(gap, PARTED, (0, 1))) * calm.blurred(mouth, LIPS_EDGE * S)
        if np.diff(there[[2, 6], 1])[0] < OPEN * S:
            return flow, mouth, np.zeros((S, S), np.float32)
        order = np.argsort(here[:5, 0])
        x = np.arange(S)
        step = np.stack([np.interp(x, here[:5, 0][order], (there - here)[:5, k][order]) for k in (0, 1)], -1)  # (S, 2)
        at = np.stack(np.meshgrid(x, x), -1) + step[None]                 # (S, S, 2) px of the reference
        found = cv2.remap(inside, at.astype(np.float32), None, cv2.INTER_LINEAR)
        new = np.broadcast_to(step * (2 / S), flow.shape)
        return flow + mouth[..., None] * (new - flow).astype(np.float32), mouth, found

    # ---- parts of it ------------------------------------------------------------------------------------------------
    def _points_of(self, index: int) -> np.ndarray:
        """Landmarks (68, 3) px of a frame of the source."""
        return recompose(self.person.face[index], self.person.rigid.at(index))

    def _marked(self, points: np.ndarray, rigid: Rigid, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks px of the picture as a sketch (3, S, S) uint8, and with the skull's points in half sides of the
        crop, (P, 2)."""
        at = align.transform(with_skull(points, rigid), matrix)
        return sketch.many(at, self.size), half_sides(at, self.size)

    def _within(self, points: np.ndarray, matrix: np.ndarray, edge: float) -> np.ndarray:
        """(S, S) float32 in [0, 1]: within the hull of points (P, 3) px of the picture.  edge: how soft its rim is, as
        a share of the crop's side."""
        return calm.blurred(self._hull(align.transform(points, matrix)), self.size * edge)

    def _hull(self, points: np.ndarray) -> np.ndarray:
        """(S, S) float32 in [0, 1]: how much of each pixel is within the hull of points (P, 2 or 3) px of the crop."""
        import cv2

        fine = np.zeros((FINER * self.size, FINER * self.size), np.uint8)
        at = np.round(16 * (FINER * (points[:, :2] + .5) - .5)).astype(np.int32)
        cv2.fillConvexPoly(fine, cv2.convexHull(at), 255, cv2.LINE_AA, 4)
        return cv2.resize(fine, (self.size, self.size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255

    def _head(self, scale: float):
        """The 3D head with a picture that suits drawing at 1 / scale of the size."""
        key = round(4 * scale)
        if key not in self.heads:
            self.heads[key] = self.person.head.shrunk(scale)
        return self.heads[key]

    def _unit(self, x: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(x).to(self.device).float() / 255

    def _here(self, parts) -> torch.Tensor:
        return torch.from_numpy(np.stack(parts)).float().to(self.device)
