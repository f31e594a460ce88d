"""The generator of `rhythmic`: K pictures of a person, landmarks to show and a rendered head make a frame.

Chen et al. 2020 on few-shot vid2vid (Wang et al. 2019):

    see    K shots and their landmarks are encoded and fused (cross fusion), and look at each other (self-attention
           across shots): what is known of a person, once for a film
    mix    the landmarks of a frame ask the shots' landmarks, at a quarter of the size, whose maps to take: softmax over
           K; the alternative is their mean (`atten`)
    copy   two nets say how the chosen shot and the rendered head are to be moved to this frame, and how far each is to
           be trusted
    draw   a SPADE decoder by landmarks; its last two layers get both moved pictures with their masks as further maps
           (non-linear composition, `combine`), or nothing of them (linear)

The frame is

    m_ref moved_ref + (1 - m_ref) (m_ani moved_ani + (1 - m_ani) colour)

in both, for that is what can be applied at a film's own resolution; with non-linear composition `colour` has been drawn
knowing both. Flows are corrections of the one that landmarks tell (`tfg.networks.anchored.flow_by_landmarks`).
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from tfg.compose.answer import Answer
from tfg.networks.anchored import flow_by_landmarks
from tfg.networks.warp import warp
from tfg.systems.rhythmic.layers import FlowNet, SpadeBlock, down
from tfg.systems.rhythmic.sketch import CHANNELS, INSIDE

LAST = 2
"""Layers of the decoder, counted from its end, that see the moved pictures."""


@dataclass(frozen=True)
class RhythmicConfig:
    """Sizes.  ngf: channels at full size; each halving has twice as many, up to `most`; downs: halvings.  hidden:
    channels within SPADE, kernel: its last convolutions'.  flow_width, flow_blocks: of the flow nets, which
    work at 1 / flow_step of the size.
    atten: mix shots by attention, else their mean.  warp_ref, warp_ani: copy from the reference, from the render.
    combine: non-linear composition.  adaptive: this many SPADE blocks, from the start, whose weights are made from the
    shots.  temporal: the frame before enters, too.  size: side of the pictures, px.  As published: the defaults."""

    ngf: int = 32
    downs: int = 5
    most: int = 1024
    hidden: int = 128
    kernel: int = 3
    flow_width: int = 32
    flow_blocks: int = 6
    flow_step: int = 1
    atten: bool = True
    warp_ref: bool = True
    warp_ani: bool = True
    combine: bool = True
    adaptive: int = 4
    temporal: bool = False
    size: int = 256


PROFILES = {"ci": RhythmicConfig(4, 3, 16, 8, 1, 4, 1, 2, adaptive=1, size=64),
            "cpu": RhythmicConfig(16, 4, 96, 16, 1, 12, 2, 2, adaptive=2, size=128), "gpu": RhythmicConfig()}


class Looks(NamedTuple):
    """What is known of B people.  maps: (B, K, E, S / 4, S / 4).  keys: (B, K, E / 2, S / 4, S / 4).  code: (B, E)."""

    maps: torch.Tensor
    keys: torch.Tensor
    code: torch.Tensor


class Moment(NamedTuple):
    """What a frame is drawn by; B of them.

    sketch: (B, 3, S, S) in [0, 1] of its landmarks.  points: (B, P, 2) half sides, with the skull's.  ref, ref_sketch:
    (B, 3, S, S), and ref_points, of the chosen shot.  ani: (B, 4, S, S), the render and where it is, and ani_points.
    before: (B, 3, S, S), the frame before, and before_points, or None.
    """

    sketch: torch.Tensor
    points: torch.Tensor
    ref: torch.Tensor
    ref_sketch: torch.Tensor
    ref_points: torch.Tensor
    ani: torch.Tensor
    ani_points: torch.Tensor
    before: torch.Tensor | None = None
    before_points: torch.Tensor | None = None


class Drawn(NamedTuple):
    """B frames.  picture: (B, 3, S, S), the whole.  colour: (B, 3, S, S), what is painted where nothing is copied.
    ref, ani: how the reference and the render are moved and trusted (`Answer`, with the same colour).  moved_ref,
    moved_ani: (B, 3, S, S).  share: (B, K, S / 4, S / 4), how much each shot counts where."""

    picture: torch.Tensor
    colour: torch.Tensor
    ref: Answer
    ani: Answer
    moved_ref: torch.Tensor
    moved_ani: torch.Tensor
    share: torch.Tensor


class Rhythmic(nn.Module):
    """The network; see the module."""

    def __init__(self, config: RhythmicConfig = RhythmicConfig()):
        super().__init__()
        self.config = c = config
        if c.size % 2 ** c.downs or c.downs < 3:
            raise ValueError(f"{c.size} px cannot be halved {c.downs} times, or that is fewer than 3 times")
        widths = [min(c.ngf * 2 ** k, c.most) for k in range(c.downs + 1)]
        E = widths[2]
        self.image = nn.Sequential(down(3, widths[1]), down(widths[1], E))
        self.landmark = nn.Sequential(down(CHANNELS, widths[1]), down(widths[1], E))
        self.gate, self.fuse = nn.Conv2d(E, E, 1), nn.Conv2d(2 * E, E, 3, padding=1)
        self.own = nn.Conv2d(E, 3 * E, 1)
        self.gain = nn.Parameter(torch.tensor(.1))
        self.key, self.query = nn.Conv2d(E, E // 2, 1), nn.Conv2d(E, E // 2, 1)
        self.deeper = nn.ModuleList(down(a, b) for a, b in zip(widths[2:], widths[3:]))
        plain = (CHANNELS,)
        more = (4,) * (c.combine * (c.warp_ref + c.warp_ani) + c.temporal)
        ends = list(zip(widths[::-1], [*widths[-2::-1], widths[0]]))
        self.blocks = nn.ModuleList(
            SpadeBlock(a, b, plain + more * (k >= len(ends) - LAST), c.hidden, E if k < c.adaptive else 0, c.kernel)
            for k, (a, b) in enumerate(ends))
        self.join = nn.Conv2d(E, widths[1], 1)
        self.colour = nn.Conv2d(widths[0], 3, 3, padding=1)
        given = 2 * CHANNELS + 3 + 2
        self.flow_ref = FlowNet(given, c.flow_width, c.flow_blocks) if c.warp_ref else None
        self.flow_ani = FlowNet(CHANNELS + 4 + 2, c.flow_width, c.flow_blocks) if c.warp_ani else None

    # ---- the person -------------------------------------------------------------------------------------------------
    def see(self, shots: torch.Tensor, sketches: torch.Tensor) -> Looks:
        """shots, sketches: (B, K, 3, S, S) in [0, 1], of 1 to 32 pictures of each person."""
        B, K = shots.shape[:2]
        image, marks = self.image(2 * shots.flatten(0, 1) - 1), self.landmark(sketches.flatten(0, 1))
        maps = image * torch.sigmoid(self.gate(marks)) + self.fuse(torch.cat([image, marks], 1))
        keys = self.key(marks).unflatten(0, (B, K))
        if K > 1 and self.config.atten:
            q, k, v = self.own(maps).unflatten(0, (B, K)).chunk(3, 2)     # (B, K, E, h, w)
            like = torch.einsum("bichw,bjchw->bijhw", q, k) / q.shape[2] ** .5
            seen = torch.einsum("bijhw,bjchw->bichw", like.softmax(2), v)
            maps = maps.unflatten(0, (B, K)) + self.gain * seen
        else:
            maps = maps.unflatten(0, (B, K))
        return Looks(maps, keys, maps.mean((1, 3, 4)))

    def mix(self, person: Looks, sketch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps (B, E, S / 4, S / 4) for frames with these landmarks, and the shares (B, K, S / 4, S / 4)."""
        K = person.maps.shape[1]
        if not self.config.atten or K == 1:
            share = person.maps.new_full((len(sketch), K, *person.maps.shape[-2:]), 1 / K)
            return person.maps.mean(1), share
        query = self.query(self.landmark(sketch))
        share = ((query[:, None] * person.keys).sum(2) / query.shape[1] ** .5).softmax(1)
        return (share[:, :, None] * person.maps).sum(1), share

    # ---- a frame ----------------------------------------------------------------------------------------------------
    def draw(self, person: Looks, at: Moment) -> Drawn:
        """Frames of B people, who are as many as moments."""
        c = self.config
        ref, moved_ref = self._copied(self.flow_ref, at.ref, at.points, at.ref_points, at.sketch, at.ref_sketch)
        ani, moved_ani = self._copied(self.flow_ani, at.ani, at.points, at.ani_points, at.sketch, None)
        maps = [at.sketch]
        if c.combine:
            maps += [torch.cat([2 * moved - 1, mask], 1)
                     for on, moved, mask in ((c.warp_ref, moved_ref, ref.trust), (c.warp_ani, moved_ani, ani.trust))
                     if on]
        if c.temporal:
            maps.append(self._before(at))
        mixed, share = self.mix(person, at.sketch)
        x = mixed
        for layer in self.deeper:
            x = layer(x)
        last = len(self.blocks) - 1
        for k, block in enumerate(self.blocks):
            x = block(x, maps, person.code)
            if k == last - 2:                                             # at S / 4: what was seen, as it is
                x = x + self.join(mixed)
            if k < last:
                x = F.interpolate(x, scale_factor=2.0)
        colour = torch.sigmoid(self.colour(F.leaky_relu(x, .2)).float())
        under = torch.lerp(colour, moved_ani, ani.trust)
        return Drawn(torch.lerp(under, moved_ref, ref.trust), colour, ref._replace(colour=colour),
                     ani._replace(colour=colour), moved_ref, moved_ani, share)

    def forward(self, shots: torch.Tensor, sketches: torch.Tensor, moments: list[Moment]) -> list[Drawn]:
        """Frames one after the other, each with the one before it where the network is temporal.

        shots, sketches: (B, K, 3, S, S).  moments: of B people each; `before` need not be filled in.
        """
        person = self.see(shots, sketches)
        out: list[Drawn] = []
        for t, moment in enumerate(moments):
            if self.config.temporal and t and moment.before is None:
                moment = moment._replace(before=out[-1].picture.detach(), before_points=moments[t - 1].points)
            out.append(self.draw(person, moment))
        return out

    def _copied(self, net: FlowNet | None, source: torch.Tensor, here: torch.Tensor, there: torch.Tensor,
                sketch: torch.Tensor, other: torch.Tensor | None) -> tuple[Answer, torch.Tensor]:
        """How a source (B, 3 or 4, S, S) is moved and trusted, and it moved, (B, 3, S, S).  A fourth plane, which
        the render has, says where it shows something; elsewhere it is not trusted, nor inside the mouth, which it never
        shows."""
        c = self.config
        if net is None:
            none = sketch.new_zeros(len(sketch), 1, c.size, c.size)
            return Answer(None, none.expand(-1, 2, -1, -1), none), source[:, :3]
        side = c.size // c.flow_step
        first = flow_by_landmarks(here, there, c.size // 2)
        told = F.interpolate(first, (side, side), mode="bilinear", align_corners=False)
        small = [F.interpolate(x, (side, side), mode="bilinear", align_corners=False) if c.flow_step > 1 else x
                 for x in (source, sketch, *([] if other is None else [other]))]
        moved = [warp(x, told) for x in (small[0], *small[2:])]
        change, mask = net(torch.cat([small[1], *moved, told], 1))
        flow = F.interpolate((told + change).float(), (c.size, c.size), mode="bilinear", align_corners=False)
        trust = torch.sigmoid(F.interpolate(mask.float(), (c.size, c.size), mode="bilinear", align_corners=False))
        whole = warp(source.float(), flow)
        if source.shape[1] == 4:
            trust = trust * whole[:, 3:] * (1 - sketch[:, INSIDE, None])
        return Answer(None, flow, trust), whole[:, :3]

    def _before(self, at: Moment) -> torch.Tensor:
        """(B, 4, S, S): the frame before, moved to this one by landmarks, and 1; or zeros."""
        if at.before is None or at.before_points is None:
            return at.sketch.new_zeros(len(at.sketch), 4, *at.sketch.shape[-2:])
        flow = F.interpolate(flow_by_landmarks(at.points, at.before_points, self.config.size // 2),
                             at.sketch.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([2 * warp(at.before, flow) - 1, torch.ones_like(at.sketch[:, :1])], 1)


def variant(config: RhythmicConfig, **switches) -> RhythmicConfig:
    """The config with some switches set; None leaves one as it is.  What no picture is copied for is not combined."""
    config = replace(config, **{k: v for k, v in switches.items() if v is not None})
    return config if config.warp_ref or config.warp_ani else replace(config, combine=False)


def load(folder=None) -> tuple[nn.Module, dict]:
    """The generator with its trained weights (those that ship by default), ready to draw, and its card."""
    from tfg.networks.inference import ready

    return ready("rhythmic", Rhythmic, RhythmicConfig, folder)
