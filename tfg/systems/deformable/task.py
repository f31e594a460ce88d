"""What the loop trains: losses of `deformable` in its phases.

    ears        what lips do, and which emotion a voice has, by the sound alone: speech that nobody draws (ours)
    pre         the emotion critic, on true runs (published phase 1)
    generator   the picture: L1 weighted to the mouth, perceptual distance, the voice's emotion; and, because our actors
                have them, the true flow, whether it can be trusted, and the weights of the common fields (phase 2)
    joint       besides, against the critics, which learn on (phase 3)
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from tfg.experts import losses
from tfg.experts.losses import MOUTH, mouth_area
from tfg.faces.face_region import face_region
from tfg.networks.anchored import onto_mean
from tfg.networks.critics import gradient_penalty
from tfg.networks.warp import applied
from tfg.systems.deformable import look
from tfg.systems.deformable.critics import (
    DRAWN,
    CriticConfig,
    EmotionCritic,
    FrameCritic,
    PairCritic,
    VideoCritic,
)
from tfg.systems.deformable.network import FLOW, Deformable
from tfg.systems.deformable.sound import LEAD
from tfg.training.loop import At, Run, cosine

OPENED = 3.0
"""How much more a place in an open mouth counts for trust; of a face's places they are one in fifty."""
PHASES = ("ears", "pre", "generator", "joint")
CRITICS = {"frame": FrameCritic, "emotion": EmotionCritic, "pair": PairCritic, "video": VideoCritic}


@dataclass(frozen=True)
class Weights:
    """Of the losses; as published: the defaults, but pair and video, which are off there.

    l1: of the picture, whose pixels weigh a Gaussian of `sigma` px (of 128) about the mouth, plus `floor`, plus `face`
    in the face.  perceptual: of the perceptual distance.  voice: of the cross entropy of the voice's emotion.  frame,
    emotion, pair, video: of what the critics say; gp: of their penalty.  flow, trust, weights, lips: of what is known
    of our actors; `weights` is the error of the common fields' weights, of lips what is said apart.
    """

    l1: float = 100.0
    sigma: float = 9.0
    floor: float = .01
    face: float = 0.0
    perceptual: float = 1.0
    voice: float = .001
    frame: float = .01
    emotion: float = .001
    pair: float = 0.0
    video: float = 0.0
    gp: float = 10.0
    flow: float = 0.0
    trust: float = 0.0
    weights: float = 0.0
    lips: float = 0.0


def pixel_weights(size: int, weights: Weights) -> np.ndarray:
    """(size, size) float32: what each pixel counts in `Weights.l1`."""
    at = (np.arange(size) + .5) / size
    away = ((at[None] - MOUTH[0]) ** 2 + (at[:, None] - MOUTH[1]) ** 2) * 128 ** 2
    gauss = np.exp(-away / (2 * weights.sigma ** 2))
    return (gauss + weights.floor + weights.face * face_region(size)).astype(np.float32)


@dataclass
class DeformableTask:
    """What `loop.train` needs.  critics: names of CRITICS that take part.  rates: learning rates by name, "deformable"
    and those critics.  people: pictures are drawn of the first so many of a batch, None for all; of the others only
    what the sound does is learned.  evaluated: scenes of unseen people that are scored."""

    network: Deformable
    data: Any
    unseen: Any
    run: Run
    weights: Weights
    rates: dict[str, float]
    critic: CriticConfig
    critics: tuple[str, ...] = ("frame", "emotion")
    perceptual: Any = None
    people: int | None = None
    evaluated: int = 24
    shown: dict = field(default_factory=dict)

    def __post_init__(self):
        size = self.network.config.size
        self.networks: dict[str, Any] = {"deformable": self.network}
        for name in self.critics:
            self.networks[name] = CRITICS[name](self.critic)
        self.optimisers = {name: torch.optim.Adam(network.parameters(), self.rates[name], betas=(.5, .999))
                           for name, network in self.networks.items()}
        self.fixed = {"face": torch.from_numpy(face_region(size)),
                      "pixels": torch.from_numpy(pixel_weights(size, self.weights))}
        self.fixed["mouth"] = torch.from_numpy(mouth_area(size)) * self.fixed["face"]

    @property
    def fields(self) -> torch.Tensor | None:
        """The common fields, (K, 2, F, F) in units of FLOW; None where the network has none.  Asked for when weights
        that were given or kept are in the network already."""
        found = self.network.common if self.network.config.flow else None
        return found if found is not None and bool(found.any()) else None

    def lr(self, name: str, at: At) -> float:
        """Each phase has its own rise and fall: what was heard well at a small rate is worth keeping, and a phase that
        is called alone is the same as in one command."""
        if name != "deformable":
            return 1.0
        phase = at.phase, dict(self.run.phases)[at.phase]
        return cosine(replace(at, step=at.phase_step), replace(self.run, phases=(phase,)))

    # ---- learning ----
    def losses(self, batch, at: At):
        self.move(batch["photo"].device)
        if at.phase == "ears":
            yield "deformable", *self._ears(batch)
            return
        if at.phase == "pre":
            if "emotion" in self.critics:
                yield "emotion", *self._emotion(batch["frames"][:, batch["shown"]].float() / 255, None, batch)
            return
        whole, batch = batch, {name: x if name == "shown" else x[:self.people] for name, x in batch.items()}
        true = batch["frames"][:, batch["shown"]].float() / 255           # (P, K, 3, S, S), P people
        photo = batch["photo"].float() / 255
        drawn, _ = self.networks["deformable"](whole["photo"].float() / 255, whole["wave"], whole["feeling"],
                                               whole["noise"], None, LEAD + batch["shown"], self.people,
                                               whole["points"])
        runs = applied(drawn.answer, photo.repeat_interleave(true.shape[1], 0)).unflatten(0, true.shape[:2])
        joint = at.phase == "joint"
        if joint:
            yield from self._critics(true, runs.detach(), photo, batch)
        loss, values = self._generator(true, runs, drawn, batch, whole)
        if joint:
            more, judged = self._judged(true, runs, photo, batch)
            loss, values = loss + more, values | judged
        yield "deformable", loss, values

    def _ears(self, batch) -> tuple[torch.Tensor, dict]:
        heard, _ = self.networks["deformable"](None, batch["said_wave"])
        values = {"said_voice": F.cross_entropy(heard.voice.float(), batch["said_voice"])}
        loss = self.weights.voice * values["said_voice"]
        if heard.lips is not None:
            # of a bounded answer, and not squared: r of the jaw on unseen people was .51 after 100 steps; with squares,
            # or an unbounded answer, it was .2 after 150
            values["lips"] = F.smooth_l1_loss(heard.lips.float(), batch["said"], beta=.1)
            loss = loss + self.weights.lips * values["lips"]
        return loss, values

    def _generator(self, true, runs, drawn, batch, whole) -> tuple[torch.Tensor, dict]:
        """What no critic is needed for.  batch: of the people that are drawn; whole: of all."""
        w, fixed = self.weights, self.fixed
        away = losses.reconstruction(runs, true, fixed["pixels"])
        values = {"l1": away, "voice": F.cross_entropy(drawn.voice.float(), whole["voice"], ignore_index=-1)}
        loss = w.l1 * fixed["pixels"].mean() * away + w.voice * torch.nan_to_num(values["voice"])
        if self.perceptual is not None:
            values["perceptual"] = self.perceptual(runs, true)
            loss = loss + w.perceptual * values["perceptual"]
        if self.network.config.flow:
            flow = batch["flow"][:, batch["shown"]].flatten(0, 1)
            known = losses.known_flow(drawn.answer, flow, fixed["face"], fixed["mouth"], FLOW, OPENED)
            values |= known
            loss = loss + w.flow * known["flow"] + w.trust * (known["trust"] + .2 * known["painted"])
        if drawn.moved is not None:
            values["moved"] = self.flow_error(drawn.moved[:, LEAD:], whole["flow"])
            loss = loss + w.flow * values["moved"]
        if w.weights and self.fields is not None:
            values["weights"] = self.field_error(drawn.weights[:, LEAD:], whole["flow"], whole["points"])
            loss = loss + w.weights * values["weights"]
        if w.lips and "said" in batch:
            more, said = self._ears(whole)
            loss, values = loss + more, values | said
        return loss, values

    def field_error(self, weights: torch.Tensor, flow: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """Share of the energy of the flow's common part that the weights miss: 1 for a still picture, 0 for the truth.

        weights: (B, N, K).  flow: (B, N, F, F, 2).  points: (B, 68, 2) of the photos.  Each field counts by its
        own energy.
        """
        known = self.known_weights(flow, points)
        away = (weights.float() - known) ** 2 @ self.fixed["share"]                               # (B, N)
        some = torch.isfinite(flow[..., 0]).flatten(2).any(2)
        return (away * some).sum() / some.sum().clamp(min=1)

    def flow_error(self, moved: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        """Mean distance of flows (B, N, 2, F, F) to the true ones (B, N, F, F, 2), in units of FLOW, in the face, where
        they are known. Without it the fields of people that are not drawn would be nobody's business."""
        known = torch.isfinite(flow[..., 0]) * torch.from_numpy(face_region(flow.shape[2])).to(flow.device)
        away = torch.linalg.vector_norm(moved.permute(0, 1, 3, 4, 2) - flow.nan_to_num(0), dim=-1) / FLOW
        return (away * known).sum() / known.sum().clamp(min=1e-6)

    def known_weights(self, flow: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """(B, N, K) of flow (B, N, F, F, 2): its shares of the common fields, which stand apart from each other.
        points: (B, 68, 2) of the photos."""
        if "project" not in self.fixed:
            fields = self.fields
            assert fields is not None, "the network has no common fields"
            weighed = fields * torch.from_numpy(face_region(fields.shape[-1])).to(fields.device)
            energy = (weighed * fields).sum((1, 2, 3))                    # (K,); 0 for fields that the data lack
            self.fixed["project"] = weighed / energy.clamp(min=1e-9)[:, None, None, None] / FLOW
            self.fixed["share"] = energy / energy.sum()
        flow = flow.nan_to_num(0).permute(0, 1, 4, 2, 3)                  # (B, N, 2, F, F)
        if self.network.config.laid:
            each = points.repeat_interleave(flow.shape[1], 0)
            flow = onto_mean(flow.flatten(0, 1), self.network.mean.to(flow), each).unflatten(0, flow.shape[:2])
        return torch.einsum("bncyx,kcyx->bnk", flow, self.fixed["project"])

    # ---- critics ----
    def _critics(self, true, runs, photo, batch):
        """One step of each critic."""
        if "emotion" in self.critics:
            yield "emotion", *self._emotion(true, runs, batch)
        at = LEAD + batch["shown"]
        both = {"frame": (_beside(true, photo), _beside(runs, photo)), "video": (true, runs), "pair": (true, runs)}
        for name in ("frame", "video", "pair"):
            if name not in self.critics:
                continue
            critic = self.networks[name]
            bare = getattr(critic, "module", critic)                      # Fabric's wrapper: no gradient of a gradient
            yes, no = both[name]
            share = batch["share"].repeat_interleave(len(yes) // len(batch["share"]))
            if name == "pair":
                wave, wrong = batch["wave"], batch["wave"].roll(1, 0)
                apart = critic(yes, wave, at).mean() - (critic(no, wave, at).mean() + critic(yes, wrong, at).mean()) / 2
                penalty = gradient_penalty(lambda x: bare(x, wave, at), yes, no, share)           # noqa: B023
            else:
                apart, penalty = critic(yes).mean() - critic(no).mean(), gradient_penalty(bare, yes, no, share)
            yield name, self.weights.gp * penalty - apart, {f"{name}_apart": apart, f"{name}_penalty": penalty}

    def _emotion(self, true, runs, batch) -> tuple[torch.Tensor, dict]:
        """True runs have their emotion's class, drawn ones the seventh; half of each."""
        critic, photo, values = self.networks["emotion"], batch["photo"].float() / 255, {}
        values["emotion_true"] = torch.nan_to_num(F.cross_entropy(critic(true, photo).float(), batch["emotion"],
                                                                  ignore_index=-1))
        loss = values["emotion_true"]
        if runs is not None:
            fake = torch.full((len(runs),), DRAWN, device=runs.device)
            values["emotion_drawn"] = F.cross_entropy(critic(runs, photo).float(), fake)
            loss = (loss + values["emotion_drawn"]) / 2
        return loss, values

    def _judged(self, true, runs, photo, batch) -> tuple[torch.Tensor, dict]:
        """What the critics say of drawn runs, for the generator."""
        values, w = {}, self.weights
        loss = runs.new_zeros(())
        if "emotion" in self.critics and w.emotion:
            values["emotion"] = torch.nan_to_num(F.cross_entropy(self.networks["emotion"](runs, photo).float(),
                                                                 batch["emotion"], ignore_index=-1))
            loss = loss + w.emotion * values["emotion"]
        for name, weight in (("frame", w.frame), ("video", w.video), ("pair", w.pair)):
            if name in self.critics and weight:
                given = {"frame": (_beside(runs, photo),), "video": (runs,),
                         "pair": (runs, batch["wave"], LEAD + batch["shown"])}[name]
                values[f"{name}_fools"] = -self.networks[name](*given).mean()
                loss = loss + weight * values[f"{name}_fools"]
        return loss, values

    def move(self, device) -> None:
        """Masks, fields and the perceptual network follow the data: the loop knows nothing of them."""
        if self.fixed["face"].device != device:
            self.fixed = {name: x.to(device) for name, x in self.fixed.items()}
            if self.perceptual is not None:
                self.perceptual.to(device)

    # ---- scores and pictures ----
    def evaluate(self, at: At) -> dict[str, float]:
        """See `look.scores`."""
        return look.scores(self)

    def pictures(self, at: At) -> dict[str, np.ndarray]:
        """See `look.sheet`."""
        return {"runs": look.sheet(self)}


def _beside(runs: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
    """Frames (B, K, 3, S, S) with their person's photo (B, 3, S, S): (B K, 6, S, S)."""
    return torch.cat([runs.flatten(0, 1), photo.repeat_interleave(runs.shape[1], 0)], 1)
