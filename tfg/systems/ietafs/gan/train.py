"""Train the generator of `ietafs` against its critic and the sync networks.

    tfg train ietafs --edits build/edits --out build/ietafs

As GANimation and IETaFS: Wasserstein critic with gradient penalty, Action Units by the critic's second head (learned on
true pictures alone), the cycle back to the source, attention that saturates costs (mean and total variation), and a
distance of drawn mouths from their sound. Besides, because our actors have them: the picture itself (`pair`), the true
flow, and where nothing changes (`still`). `without` leaves parts out, for the ablations.
"""
from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.experts import losses
from tfg.experts.losses import mouth_area
from tfg.faces.face_region import face_region
from tfg.networks.critics import gradient_penalty
from tfg.networks.warp import applied
from tfg.systems.ietafs.gan import critic as critics
from tfg.systems.ietafs.gan import sync as syncs
from tfg.systems.ietafs.gan.critic import Critic
from tfg.systems.ietafs.gan.network import FLOW, PROFILES, Edit, Ietafs
from tfg.systems.ietafs.gan.pairs import Pairs, common_fields, mean_points
from tfg.systems.ietafs.gan.sync import AudioVisual, contrastive
from tfg.training.batches import tensors
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of

RUNS = {"ci": Run(phases=(("pairs", 3), ("gan", 3)), batch=2, evaluate_every=3),
        "cpu": Run(phases=(("pairs", 2000), ("gan", 800)), batch=8, evaluate_every=400, average=.995),
        "gpu": Run(phases=(("gan", 200_000),), batch=16, evaluate_every=5000, average=.999, workers=8)}
"""In the phase `pairs` only what our pairs teach; then everything."""
PARTS = ("critic", "units", "sync", "cycle", "pair")
"""What `without` can leave out: D_I, D_E and D_AV of the paper, the cycle, and our own pairs."""
OVERLOOKED = .16
"""As much of a unit in the source, of the scale of 0 to 1, may go unread (`tfg.systems.ietafs.shown`)."""
SATURATED = .1, .95
"""Means of the attention outside of which a mask counts as saturated."""


@dataclass(frozen=True)
class Weights:
    """Of the losses.  cls, rec, gp, sat, smooth, sync: the published lambdas.  adversarial: of the critic's answer.
    pair, flow, trust, still: of what our pairs teach.  mouth: how much more a pixel of the mouth counts."""

    adversarial: float = 1.0
    cls: float = 160.0
    rec: float = 10.0
    gp: float = 10.0
    sat: float = .1
    smooth: float = 1e-4
    sync: float = .5
    pair: float = 0.0
    flow: float = 0.0
    trust: float = 0.0
    still: float = 0.0
    mouth: float = 3.0


SMALL = Weights(adversarial=.05, cls=4.0, rec=5.0, sync=.1, pair=40.0, flow=6.0, trust=1.0, still=.5)
WEIGHTS = {"ci": SMALL, "cpu": SMALL, "gpu": Weights()}
"""gpu: as published. cpu: a small network that has minutes and exact pairs; the critic is for the fine work on top."""
RATES = {"ci": (1e-3, 1e-3), "cpu": (2e-3, 4e-4), "gpu": (1e-4, 1e-4)}
"""Of the generator and of critic and sync networks."""
N_CRITIC = {"ci": 1, "cpu": 1, "gpu": 2}
"""The critic's steps for one of the generator's."""


@dataclass
class IetafsTask:
    """What `loop.train` needs.  without: names of PARTS.  decay_from: step from which the learning rate falls by a
    tenth an epoch; None: half a cosine over the whole run."""

    network: Ietafs
    pairs: Pairs
    unseen: Pairs
    run: Run
    weights: Weights
    rates: tuple[float, float]
    n_critic: int = 1
    without: tuple[str, ...] = ()
    decay_from: int | None = None
    profile: str = "cpu"
    evaluated: int = 96
    shown: dict = field(default_factory=dict)

    def __post_init__(self):
        size, w = self.network.config.size, self.weights
        off = {"critic": "adversarial", "units": "cls", "sync": "sync", "cycle": "rec"}
        w = replace(w, **{off[part]: 0.0 for part in self.without if part in off})
        if "pair" in self.without:
            w = replace(w, pair=0.0, flow=0.0, trust=0.0, still=0.0)
        self.weights = w
        self.data = self.pairs
        critic = Critic(replace(critics.PROFILES[self.profile], size=size))
        self.networks: dict[str, Any] = {"ietafs": self.network, "critic": critic}
        adam: dict[str, Any] = {"betas": (.5, .999)}
        self.optimisers = {"ietafs": torch.optim.Adam(self.network.parameters(), self.rates[0], **adam),
                           "critic": torch.optim.Adam(critic.parameters(), self.rates[1], **adam)}
        if w.sync:
            sync = AudioVisual(syncs.PROFILES[self.profile])
            self.networks["sync"] = sync
            self.optimisers["sync"] = torch.optim.Adam(sync.parameters(), self.rates[1], **adam)
        face = torch.from_numpy(face_region(size))
        self.face, self.mouth = face, torch.from_numpy(mouth_area(size)) * face
        self.pixels = .2 + .8 * face + w.mouth * self.mouth

    def lr(self, name: str, at: At) -> float:
        if self.decay_from is None:
            return cosine(at, self.run) if name == "ietafs" or not self.weights.pair else 1.0
        epoch = max(1, len(self.data) // self.run.batch)
        return float(.9 ** max(0, (at.step - self.decay_from) // epoch))

    # ---- learning ----
    def losses(self, batch, at: At):
        w = self.weights
        source, target = (batch[k].float() / 255 for k in ("source", "target"))
        self._move(source.device)
        aus = batch["aus"] if w.pair else self._unpaired(batch)
        edit = self.networks["ietafs"](source, aus, as_read(batch["aus_source"], batch["chance"]),
                                       batch["points_source"])
        drawn = applied(edit.answer, source)
        spoken = batch["spoken"].float() if w.pair else torch.zeros(len(aus), device=aus.device)
        if at.phase == "pairs" and w.pair:
            yield "ietafs", *self._generator(source, target, edit, drawn, batch)
            return
        if w.adversarial or w.cls:
            yield "critic", *self._critic(target, drawn.detach(), batch)
        if w.sync and spoken.sum() >= 2:
            yield "sync", *self._sync(target, drawn.detach(), batch["mel"], spoken)
        if at.step % self.n_critic:
            return
        loss, values = self._generator(source, target, edit, drawn, batch)
        more, judged = self._judged(source, aus, drawn, batch, spoken)
        yield "ietafs", loss + more, values | judged

    def _unpaired(self, batch) -> torch.Tensor:
        """Targets as published: Action Units of other pictures, changed by up to a tenth."""
        return (batch["aus"].roll(1, 0) + .1 * batch["chance"]).clamp(0, 1)

    def _critic(self, target, drawn, batch) -> tuple[torch.Tensor, dict]:
        critic, w = self.networks["critic"], self.weights
        true, units = critic(target)
        values = {"units_true": F.mse_loss(units, batch["aus"])}
        loss = w.cls * values["units_true"]
        if w.adversarial:
            share = (batch["chance"][:, 0] + 1) / 2
            bare = getattr(critic, "module", critic)          # Fabric's wrapper knows no gradient of a gradient
            values |= {"apart": true.mean() - critic(drawn)[0].mean(),
                       "penalty": gradient_penalty(bare, target.float(), drawn.float(), share)}
            loss = loss - values["apart"] + w.gp * values["penalty"]
        return loss, values

    def _sync(self, target, drawn, mel, spoken) -> tuple[torch.Tensor, dict]:
        """True mouths are pulled to their sound; drawn ones, and true ones of another sound, are pushed away."""
        at = spoken.nonzero()[:, 0]
        mouths, sounds = self.networks["sync"](torch.cat([target[at], drawn[at]]), torch.cat([mel[at], mel[at]]))
        true, fake = mouths.chunk(2)
        sound = sounds[:len(at)]
        yes, no = torch.ones(len(at), device=mel.device), torch.zeros(len(at), device=mel.device)
        pulled = contrastive(true, sound, yes)
        return pulled + contrastive(true, sound.roll(1, 0), no) + .5 * contrastive(fake, sound, no), {"pulled": pulled}

    def _generator(self, source, target, edit: Edit, drawn, batch) -> tuple[torch.Tensor, dict]:
        """What no other network is needed for: a calm mask, and what pairs teach."""
        w, attention = self.weights, edit.attention
        values = {"attention": self._of_face(attention),
                  "variation": (attention.diff(dim=2).abs().sum((1, 2, 3)).mean()
                                + attention.diff(dim=3).abs().sum((1, 2, 3)).mean())}
        loss = w.sat * attention.mean() + w.smooth * values["variation"]
        if not w.pair:
            return loss, values
        values["pair"] = losses.reconstruction(drawn, target, self.pixels)
        values["still"] = F.binary_cross_entropy(attention.clamp(1e-4, 1 - 1e-4), unchanged(source, target))
        loss = loss + w.pair * values["pair"] + w.still * values["still"]
        if self.network.config.flow:
            known = losses.known_flow(edit.answer, batch["flow"], self.face, self.mouth, FLOW)
            values |= {"flow": known["flow"], "trust": known["trust"], "painted": known["painted"]}
            loss = loss + w.flow * known["flow"] + w.trust * (known["trust"] + .2 * known["painted"])
        return loss, values

    def _judged(self, source, aus, drawn, batch, spoken) -> tuple[torch.Tensor, dict]:
        """What the critic, the sync networks and the way back say of drawn pictures."""
        w, loss = self.weights, drawn.new_zeros(())
        values: dict[str, torch.Tensor] = {}
        if w.adversarial or w.cls:
            fools, units = self.networks["critic"](drawn)
            if w.adversarial:
                values["fools"] = -fools.mean()
                loss = loss + w.adversarial * values["fools"]
            if w.cls:
                values["units"] = F.mse_loss(units, aus)
                loss = loss + w.cls * values["units"]
        if w.rec:
            n = max(1, len(drawn) // 2) if w.pair else len(drawn)         # half of them, where pairs say most of it
            points = batch["points"] if w.pair else batch["points_source"]        # unpaired: nobody knows better
            back = self.networks["ietafs"](drawn[:n], batch["aus_source"][:n], aus[:n], points[:n])
            values["cycle"] = (applied(back.answer, drawn[:n]) - source[:n]).abs().mean()
            loss = loss + w.rec * values["cycle"]
        if w.sync and spoken.sum() >= 2:
            at = spoken.nonzero()[:, 0]
            mouth, sound = self.networks["sync"](drawn[at], batch["mel"][at])
            values["sync"] = contrastive(mouth, sound, torch.ones(len(at), device=mouth.device))
            loss = loss + w.sync * values["sync"]
        return loss, values

    def _of_face(self, maps: torch.Tensor) -> torch.Tensor:
        """Mean over the face's oval of maps (B, 1, S, S): beyond it nothing is ever laid into a picture."""
        return (maps[:, 0] * self.face).sum((1, 2)).mean() / self.face.sum()

    def _move(self, device) -> None:
        if self.face.device != device:
            self.face, self.mouth, self.pixels = (x.to(device) for x in (self.face, self.mouth, self.pixels))

    # ---- scores and pictures ----
    def evaluate(self, at: At) -> dict[str, float]:
        """On unseen actors.  l1, psnr: of the face, and l1_still of the source itself.  units: the critic's squared
        error on drawn pictures; units_true: on true ones; units_still: on the source, held against the target's.
        attention: mean of the mask over the face's oval; attention_least, attention_most: of all pictures."""
        batch = self._unseen()
        network, critic = self.networks["ietafs"], self.networks["critic"]
        device = next(network.parameters()).device
        self._move(device)
        sums: dict[str, float] = {}
        masks = []
        for first in range(0, len(batch["aus"]), 16):
            part = {k: v[first:first + 16].to(device) for k, v in batch.items()}
            source, target = (part[k].float() / 255 for k in ("source", "target"))
            edit = network(source, part["aus"], part["aus_source"], part["points_source"])
            drawn = applied(edit.answer, source)
            masks += [float(self._of_face(one[None])) for one in edit.attention]
            square = ((drawn - target) ** 2).mean(1).mul(self.face).sum((1, 2)) / self.face.sum()
            values = {"l1": losses.reconstruction(drawn, target, self.face),
                      "psnr": (-10 * torch.log10(square + 1e-10)).mean(),
                      "l1_still": losses.reconstruction(source, target, self.face),
                      "mouth": losses.reconstruction(drawn, target, self.mouth)}
            for name, picture in (("units", drawn), ("units_true", target), ("units_still", source)):
                values[name] = F.mse_loss(critic(picture)[1], part["aus"])
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(source) / len(batch["aus"])
        return sums | {"attention": float(np.mean(masks)), "attention_least": min(masks), "attention_most": max(masks)}

    def _unseen(self) -> dict:
        if not self.shown:
            which = np.unique(np.linspace(0, len(self.unseen) - 1, self.evaluated).astype(int))
            self.shown = tensors(self.unseen.batch(0, which))
        return self.shown

    def pictures(self, at: At) -> dict[str, np.ndarray]:
        """A row for each of eight pictures: source, target, drawn, attention, colour."""
        batch, rows = self._unseen(), []
        device = next(self.networks["ietafs"].parameters()).device
        for k in np.unique(np.linspace(0, len(batch["aus"]) - 1, 8).astype(int)):
            source, target = (batch[name][k:k + 1].to(device).float() / 255 for name in ("source", "target"))
            edit = self.networks["ietafs"](source, *(batch[name][k:k + 1].to(device)
                                                      for name in ("aus", "aus_source", "points_source")))
            rows.append(torch.cat([source, target, applied(edit.answer, source), edit.attention.expand(-1, 3, -1, -1),
                                   edit.answer.colour], -1)[0])
        sheet = torch.cat(rows, 1).permute(1, 2, 0).clamp(0, 1)
        return {"edits": (sheet * 255).round().byte().cpu().numpy()}


def as_read(aus: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """(B, 17) Action Units as a reader may tell them: of half of them up to `OVERLOOKED` is missed.  chance: (B, 17) in
    [-1, 1)."""
    return torch.where(chance > 0, aus, (aus + OVERLOOKED * chance).clamp(min=0))


def unchanged(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(B, 1, S, S) in [0, 1]: 1 where a pair of pictures is alike, also around there."""
    away = (target - source).abs().amax(1, keepdim=True)
    return 1 - F.avg_pool2d(F.max_pool2d((away > .04).float(), 5, 1, 2), 3, 1, 1)


def saturated(mean: float) -> str | None:
    """What to do where the mean of the attention says that the mask is saturated; None where it is well."""
    low, high = SATURATED
    if mean > high:
        return (f"the attention's mean is {mean:.2f}: nearly everything is copied and nothing edited. Raise "
                "lambda_cls, or lambda_sat, which makes copying cost; check that the Action Units belong to their "
                "pictures.")
    if mean < low:
        return (f"the attention's mean is {mean:.2f}: nearly everything is painted anew. Lower lambda_sat, or raise "
                "lambda_rec, which holds on to the source.")
    return None


# ---- setting up -----------------------------------------------------------------------------------------------------
def train_ietafs(out, *, edits, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                 progress: bool = True, devices=None, precision: str | None = None, init=None, freeze=None,
                 flow: bool | None = None, without: str | None = None, use_virtual: bool = True,
                 pairs_first: bool = True, n_critic: int | None = None, num_epochs: int | None = None,
                 num_epochs_decay: int | None = None, g_lr: float | None = None, d_lr: float | None = None,
                 batch_size: int | None = None, image_size: int | None = None, lambda_cls: float | None = None,
                 lambda_rec: float | None = None, lambda_gp: float | None = None, lambda_sat: float | None = None,
                 lambda_smooth: float | None = None, lambda_sync: float | None = None) -> tuple[At, dict]:
    """Train on the edits of the split `train`, score on `val`. Writes what `loop.train` writes, then ietafs.safetensors
    and its card.  Returns where it ended, and the card.

    edits: folder of `tfg.systems.ietafs.gan.edits`.  flow: with the heads that copy; None: as the profile does.
    without: names of PARTS, a comma between two.  use_virtual: the cycle loss.  pairs_first: begin with the phase
    `pairs`, where the profile has one.  n_critic, g_lr, d_lr, batch_size,
    image_size: None for the profile's.  num_epochs: length of the run, instead of steps; num_epochs_decay: epochs of
    these, the last, in which the learning rate falls by a tenth each.  lambda_cls, lambda_rec, lambda_gp,
    lambda_sat, lambda_smooth, lambda_sync; None for the profile's.
    Raises InputError: unknown profile or part, no edits, edits of another size.
    """
    started = time.perf_counter()
    runs = RUNS if pairs_first else {name: replace(one, phases=one.phases[-1:]) for name, one in RUNS.items()}
    run = run_of(runs, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="ietafs")
    left_out = parts_of(without) + (() if use_virtual or "cycle" in parts_of(without) else ("cycle",))
    config = PROFILES[profile]
    config = replace(config, size=image_size or config.size, flow=config.flow if flow is None else flow)
    if batch_size is not None:
        run = replace(run, batch=batch_size)
    if run.devices != 1:
        run = replace(run, strategy="ddp")
    learned = Pairs(edits, "train", config.size, augment=Augment(), seed=seed)
    unseen = Pairs(edits, "val", config.size)
    epoch = max(1, len(learned) // run.batch)
    if num_epochs is not None:
        run = replace(run, phases=(("gan", num_epochs * epoch),))
    decay_from = None if num_epochs_decay is None else max(0, run.steps - num_epochs_decay * epoch)
    lambdas = {"cls": lambda_cls, "rec": lambda_rec, "gp": lambda_gp, "sat": lambda_sat, "smooth": lambda_smooth,
               "sync": lambda_sync}
    weights = replace(WEIGHTS[profile], **{name: value for name, value in lambdas.items() if value is not None})
    rates = RATES[profile]
    torch.manual_seed(seed)
    network = Ietafs(config)
    if config.flow and weights.pair and "pair" not in left_out:
        mean = mean_points(learned) if config.laid else None
        if mean is not None:
            network.mean.copy_(torch.from_numpy(mean))
        network.common.data = torch.from_numpy(common_fields(learned, mean, seed=seed)) / FLOW
    task = IetafsTask(network, learned, unseen, run, weights, (g_lr or rates[0], d_lr or rates[1]),
                      n_critic or N_CRITIC[profile], left_out, decay_from, profile, 6 if profile == "ci" else 192)
    at = train(task, run, out, what=f"ietafs {config} {task.weights} {task.n_critic} {task.rates} {decay_from} "
                                    f"{len(learned)} pairs", resume=resume, progress=progress)

    @torch.no_grad()
    def scores() -> dict[str, float]:
        return {name: round(value, 5) for name, value in task.evaluate(at).items()}

    card = finish(out, "ietafs", network, run, at, scores, profile=profile, losses=asdict(task.weights),
                  data={"pairs": len(learned) // 2, "actors": len(learned.actors),
                        "scored_on": f"{len(unseen.actors)} actors it never saw"},
                  without=list(left_out), n_critic=task.n_critic, seconds=round(time.perf_counter() - started, 1),
                  command=f"tfg train ietafs --edits EDITS --out DIR --profile {profile} --seed {seed} --steps "
                          f"{run.steps}" + f" --without {','.join(left_out)}" * bool(left_out)
                          + " --no-pairs-first" * (not pairs_first))
    if card["scores"] and (advice := saturated(card["scores"]["attention"])):
        import warnings

        warnings.warn(advice, UserWarning, stacklevel=2)
    return at, card


def parts_of(without: str | None) -> tuple[str, ...]:
    """Names of PARTS in a text with commas.  Raises InputError for others."""
    names = tuple(name.strip() for name in (without or "").split(",") if name.strip())
    for name in names:
        if name not in PARTS:
            raise InputError(f"a training of ietafs has no part {name!r} to leave out; there is {', '.join(PARTS)}.")
    return names
