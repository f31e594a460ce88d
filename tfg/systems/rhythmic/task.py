"""What the loop trains: the losses of `rhythmic`'s generator, and its critic's.

Phases as published, counted in steps: `single` (one frame at a time, published `niter_single`), `niter` (as many frames
as n_frames, at a constant rate), `niter_decay` (the rate falls to 0). Two time scales: the critic learns four times as
fast as the generator (Heusel et al. 2017).
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from tfg.networks.anchored import flow_by_landmarks
from tfg.networks.warp import warp
from tfg.systems.rhythmic.critics import Critic, CriticConfig, fools, hinge, matching
from tfg.systems.rhythmic.network import Drawn, Moment, Rhythmic
from tfg.systems.rhythmic.sketch import INSIDE
from tfg.training.batches import tensors
from tfg.training.loop import At, Run

PHASES = ("single", "niter", "niter_decay")
UNIT = .1
"""Half sides of the picture that count as 1 in the loss of flows."""
MOUTH = slice(48, 68)
ROOM = .06
"""So much around the mouth's landmarks counts as mouth, half sides."""


@dataclass(frozen=True)
class Weights:
    """Of the losses; as published: the defaults, where the original has them.

    l1: of the whole picture.  raw: of what is painted alone (`add_raw_loss`).  critic: of its answer; matching: of its
    maps.  perceptual: of the perceptual distance.  flow: of the reference's true flow.  warp: L1 of both moved pictures
    where they show the face.  mouth: L1 of the mouth.  mask: whether a mask trusts what was moved to the right place.
    """

    l1: float = 0.0
    raw: float = 10.0
    critic: float = 1.0
    matching: float = 10.0
    perceptual: float = 10.0
    flow: float = 10.0
    warp: float = 10.0
    mouth: float = 0.0
    mask: float = 10.0


@dataclass
class RhythmicTask:
    """What `loop.train` needs.  rate: learning rate; the generator's is half of it, the critic's twice.  perceptual: a
    `tfg.experts.losses.Perceptual`, or None.  evaluated: scenes of unseen people that are scored."""

    network: Rhythmic
    data: Any
    unseen: Any
    run: Run
    weights: Weights
    rate: float
    critic: CriticConfig
    perceptual: Any = None
    evaluated: int = 24
    shown: dict = field(default_factory=dict)

    def __post_init__(self):
        self.networks: dict[str, Any] = {"rhythmic": self.network, "critic": Critic(self.critic)}
        self.optimisers = {name: torch.optim.Adam(network.parameters(), self.rate * factor, betas=(0.0, .999))
                           for (name, network), factor in zip(self.networks.items(), (.5, 2.0))}

    def lr(self, name: str, at: At) -> float:
        """Constant, and in the last phase down to 0; a short rise at the start keeps Adam's first steps small."""
        rise = min(1.0, (at.step + 1) / 50)
        if at.phase != "niter_decay":
            return rise
        return rise * (1 - at.phase_step / dict(self.run.phases)[at.phase])

    # ---- learning ---------------------------------------------------------------------------------------------------
    def losses(self, batch, at: At):
        if self.perceptual is not None:
            self.perceptual.to(batch["shots"].device)
        moments = moments_of(batch, 1 if at.phase == "single" else None)
        drawn = self.networks["rhythmic"](unit(batch["shots"]), unit(batch["shot_sketches"]), moments)
        T = len(drawn)
        true, flow = unit(batch["frames"][:, :T]).transpose(0, 1).flatten(0, 1), \
            batch["flow"][:, :T].transpose(0, 1).flatten(0, 1)
        whole, moment = joined(drawn), joined(moments)
        critic = self.networks["critic"]
        given = moment.sketch, moment.ref
        yes, no = critic(true, *given), critic(whole.picture.detach(), *given)
        loss = hinge(yes, True) + hinge(no, False)
        yield "critic", loss, {"critic_true": yes[0][-1].mean(), "critic_drawn": no[0][-1].mean()}
        yield "rhythmic", *self.generator(whole, moment, true, flow, critic)

    def generator(self, drawn: Drawn, at: Moment, true: torch.Tensor, flow: torch.Tensor, critic
                  ) -> tuple[torch.Tensor, dict]:
        """The generator's loss and its parts.  drawn, at: of N frames.  true: (N, 3, S, S).  flow: (N, F, F, 2)."""
        w, c = self.weights, self.network.config
        judged = critic(drawn.picture, at.sketch, at.ref)
        with torch.no_grad():
            known = critic(true, at.sketch, at.ref)
        mouth = mouths(at.points, c.size)
        values = {"l1": (drawn.picture - true).abs().mean(), "raw": (drawn.colour - true).abs().mean(),
                  "mouth": mean_where((drawn.picture - true).abs().mean(1), mouth), "critic": fools(judged),
                  "matching": matching(judged, known)}
        if self.perceptual is not None:
            values["perceptual"] = self.perceptual(drawn.picture, true)
        if c.warp_ref:
            values["flow"] = flow_error(drawn.ref.flow, flow)
        for on, name, moved, answer, where in (
                (c.warp_ref, "ref", drawn.moved_ref, drawn.ref, shown(flow, c.size)),
                (c.warp_ani, "ani", drawn.moved_ani, drawn.ani, self.rendered(drawn, at))):
            if on:
                away = (moved - true).abs().mean(1)
                values[f"warp_{name}"] = mean_where(away, where)
                values[f"mask_{name}"] = mask_error(answer.trust[:, 0], away.detach(), where)
        parts = {"l1": w.l1, "raw": w.raw, "mouth": w.mouth, "critic": w.critic, "matching": w.matching,
                 "perceptual": w.perceptual, "flow": w.flow, "warp_ref": w.warp, "warp_ani": w.warp,
                 "mask_ref": w.mask, "mask_ani": w.mask}
        return sum(parts[name] * value for name, value in values.items()), values

    def rendered(self, drawn: Drawn, at: Moment) -> torch.Tensor:
        """(N, S, S) in [0, 1]: where the moved render shows something that can be true."""
        return (warp(at.ani[:, 3:], drawn.ani.flow.detach()) * (1 - at.sketch[:, INSIDE, None]))[:, 0]

    # ---- scores and pictures ----------------------------------------------------------------------------------------
    def scenes(self) -> dict[str, torch.Tensor]:
        """The scenes that are scored, evenly chosen of the unseen people's; read once."""
        if not self.shown:
            which = np.unique(np.linspace(0, len(self.unseen) - 1, self.evaluated).astype(int))
            self.shown = tensors(self.unseen.batch(0, which))
        return self.shown

    def evaluate(self, at: At) -> dict[str, float]:
        """On unseen people, with the closest reference.  l1: of the picture, l1_ref of the reference as it is and
        l1_landmarks of the reference moved by landmarks alone; mouth: L1 of the mouth, and mouth_ref.  flow: distance
        to the true one in units of UNIT, and flow_landmarks.  trust_ref, trust_ani: means over the picture."""
        sums: dict[str, float] = {}
        every = self.scenes()
        device = next(self.network.parameters()).device
        for k in range(len(every["ref"])):
            batch = {name: x[k:k + 1].to(device) for name, x in every.items()}
            moments = moments_of(batch)
            drawn = joined(self.networks["rhythmic"](unit(batch["shots"]), unit(batch["shot_sketches"]), moments))
            moment, true = joined(moments), unit(batch["frames"])[0]
            flow, c = batch["flow"][0], self.network.config
            mouth = mouths(moment.points, c.size)
            told = F.interpolate(flow_by_landmarks(moment.points, moment.ref_points, c.size // 2), (c.size, c.size),
                                 mode="bilinear", align_corners=False)
            away = {"": drawn.picture, "_ref": moment.ref, "_landmarks": warp(moment.ref, told)}
            values = {f"l1{n}": (x - true).abs().mean() for n, x in away.items()}
            values |= {f"mouth{n}": mean_where((x - true).abs().mean(1), mouth) for n, x in away.items()}
            values |= {"flow": flow_error(drawn.ref.flow, flow), "flow_landmarks": flow_error(told, flow),
                       "trust_ref": drawn.ref.trust.mean(), "trust_ani": drawn.ani.trust.mean()}
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + float(value) / len(every["ref"])
        return sums

    def pictures(self, at: At) -> dict[str, np.ndarray]:
        """One row for each of some scenes: the reference, the render, both as they are moved, what is painted, what was
        drawn, and the truth."""
        every, rows = self.scenes(), []
        device = next(self.network.parameters()).device
        for k in np.unique(np.linspace(0, len(every["ref"]) - 1, 6).astype(int)):
            batch = {name: x[k:k + 1].to(device) for name, x in every.items()}
            moments = moments_of(batch)
            drawn = self.networks["rhythmic"](unit(batch["shots"]), unit(batch["shot_sketches"]), moments)[-1]
            rows.append(torch.cat([moments[-1].ref, moments[-1].ani[:, :3], drawn.moved_ref * drawn.ref.trust,
                                   drawn.moved_ani * drawn.ani.trust, drawn.colour, drawn.picture,
                                   unit(batch["frames"][:, -1])], -1)[0])
        sheet = torch.cat(rows, 1).permute(1, 2, 0).clamp(0, 1)
        return {"frames": (sheet * 255).round().byte().cpu().numpy()}


# ---- parts of it ----------------------------------------------------------------------------------------------------
def unit(x: torch.Tensor) -> torch.Tensor:
    """uint8 pictures in [0, 1]."""
    return x.float() / 255


def moments_of(batch: dict[str, torch.Tensor], frames: int | None = None) -> list[Moment]:
    """The frames of a batch one after the other, the first so many; None: all."""
    row = torch.arange(len(batch["ref"]), device=batch["ref"].device)
    ref = unit(batch["shots"][row, batch["ref"]]), unit(batch["shot_sketches"][row, batch["ref"]]), \
        batch["shot_points"][row, batch["ref"]]
    return [Moment(unit(batch["sketches"][:, t]), batch["points"][:, t], *ref, unit(batch["ani"][:, t]),
                   batch["ani_points"][:, t]) for t in range(batch["frames"].shape[1])[:frames]]


def joined(parts: list):
    """Frames of several times as one batch: (T B, ...), first all of the first time."""
    first = parts[0]
    if not isinstance(first, tuple):
        return None if first is None else torch.cat(parts)
    return type(first)(*(joined(list(column)) for column in zip(*parts)))


def mouths(points: torch.Tensor, size: int) -> torch.Tensor:
    """(N, size, size) in {0, 1}: the rectangle of the mouth's landmarks and a little around.  points: (N, P, 2)."""
    at = (torch.arange(size, device=points.device) + .5) * (2 / size) - 1
    low, high = points[:, MOUTH].amin(1) - ROOM, points[:, MOUTH].amax(1) + ROOM           # (N, 2)
    x, y = ((at[None] > low[:, k, None]) & (at[None] < high[:, k, None]) for k in (0, 1))
    return (x[:, None] & y[:, :, None]).float()


def mean_where(values: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Mean of values (N, S, S) where `where` is 1; 0 where nothing is."""
    return (values * where).sum() / where.sum().clamp(min=1e-6)


def shown(flow: torch.Tensor, size: int) -> torch.Tensor:
    """(N, size, size): where a place of the frame is in the reference.  flow: (N, F, F, 2), NaN where it is not.  Of
    people whose flow is not known at all it is everywhere."""
    known = torch.isfinite(flow[..., 0])
    known = known | ~known.flatten(1).any(1)[:, None, None]
    return F.interpolate(known[:, None].float(), (size, size), mode="nearest")[:, 0]


def flow_error(drawn: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Mean distance of flows (N, 2, S, S) to the true ones (N, F, F, 2) where these are known, in units of UNIT."""
    small = F.adaptive_avg_pool2d(drawn, flow.shape[1]).permute(0, 2, 3, 1)
    known = torch.isfinite(flow[..., 0]).float()
    return mean_where(torch.linalg.vector_norm(small - flow.nan_to_num(0), dim=-1) / UNIT, known)


def mask_error(trust: torch.Tensor, away: torch.Tensor, where: torch.Tensor, near: float = .06) -> torch.Tensor:
    """How far masks (N, S, S) are from what they should say: 1 where the moved picture is right, 0 where it is wrong by
    more than a little or shows nothing.  away: (N, S, S), its difference from the truth, of the range 0..1."""
    right = where * torch.exp(-(away / near) ** 2)
    return F.binary_cross_entropy(trust.float().clamp(1e-4, 1 - 1e-4), right.clamp(0, 1))
