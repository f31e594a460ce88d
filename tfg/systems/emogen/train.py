"""Train EmoGen's generator: first to draw the hidden face, then in time with the sound, with feeling, and sharp.

    tfg train emogen --store build/dub_people --out build/emogen --syncnet build/syncnet_teacher --emotion build/emotion

Goyal et al. 2023 on Wav2Lip (Prajwal et al. 2020). Targets are windows of T = 5 frames whose face is hidden; the
reference shows the same person at another time, with another emotion. So sound alone tells what the lips do and the
emotion input alone what the brows do: were the reference of the same clip, nothing of that had to be learned. Losses:
L1, weighted to the mouth; a perceptual distance; the sync expert's, from the moment the lips begin to follow (its loss
on unseen actors falls below .75: before that its gradients are noise); the emotion discriminator's cross entropy; a
quality discriminator's. Experts are frozen and in eval mode; only the joint emotion discriminator (`joint`) learns on,
from true clips, as the original's does.
"""
from __future__ import annotations

import copy
import logging
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tfg import paths
from tfg.corpora.augment import Augment
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.corpora.windows import Windows
from tfg.experts import losses, quality
from tfg.experts.emotion.network import EmotionConfig, EmotionNet
from tfg.experts.syncnet.network import FRAMES, SyncNet, SyncNetConfig
from tfg.networks import checkpoint
from tfg.systems.emogen import samples as emogen_look
from tfg.systems.emogen.data import NEUTRAL, Faces, windows_of
from tfg.systems.emogen.network import (
    FLOW,
    PROFILES,
    Emogen,
    check_crops,
    compose,
    face_mask,
    hide,
    init_sound_encoder,
)
from tfg.systems.emogen.twin_data import TwinWindows
from tfg.systems.emogen.twins import is_twins
from tfg.training.holdout import learn_and_choose
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of

TEACHER = "syncnet_teacher"
"""The folder in data/ of the sync expert that ships for this."""
SYNC_FROM = .75
"""The sync loss on unseen actors below which its weight is no longer 0 (Wav2Lip's rule)."""
RUNS = {"ci": Run(phases=(("draw", 4), ("gan", 4)), batch=2, evaluate_every=4),
        "cpu": Run(phases=(("draw", 3000), ("gan", 1500)), batch=24, evaluate_every=500, average=.995),
        "gpu": Run(phases=(("draw", 60_000), ("gan", 140_000)), batch=16, evaluate_every=3000, average=.999, workers=8,
                   precision="bf16-mixed")}
RATE = {"ci": 1e-3, "cpu": 1e-3, "gpu": 1e-4}
WARM = .5
"""Factor on the rate of a run that starts from given weights."""


@dataclass(frozen=True)
class Weights:
    """What each loss weighs; L1 has the rest up to 1, beside `quality`.

    sync, sync_alone: with and without the quality discriminator, once lips follow.  mouth: weight of the mouth's pixels
    in L1, beside 1 for all of the face.  full: share of a batch's windows that are drawn whole in the phase "gan"; of
    the others, and of all in "draw", the middle frame is: more people for the same work, where no loss needs a window.
    ears: the sound encoder starts as the sync expert's.  flow, trust: of twins, whose true flow is known: the distance
    to it, and whether trust is 1 where it is known and 0 in an open mouth.  copy: trust outside of the mouth, where no
    flow is known: who can copy shall not paint.
    """

    sync: float = .03
    sync_alone: float = .01
    emotion: float = .01
    perceptual: float = .01
    quality: float = .07
    mouth: float = 0.0
    full: float = 1.0
    ears: bool = False
    flow: float = 0.0
    trust: float = 0.0
    copy: float = 0.0


WEIGHTS = {"ci": Weights(mouth=3, full=.5),
           "cpu": Weights(sync_alone=.03, emotion=.015, perceptual=.05, mouth=4, full=.25, ears=True, flow=.3,
                          trust=.02, copy=.01),
           "gpu": Weights()}
"""gpu: as published. cpu: a small network that has minutes. The mouth is a tenth of the face and all of what the sound
can teach; the experts count for more, since they have hundreds of steps to say their piece and not a hundred thousand.
"""


@dataclass
class EmogenTask:
    """What `loop.train` needs.  experts: frozen SyncNet and EmotionNet, None to do without.  judge: a discriminator
    that is trained, too (networks["quality"]).  joint: the emotion discriminator learns on."""

    network: Emogen
    windows: Windows
    unseen: Windows
    run: Run
    rate: float
    weights: Weights
    syncnet: Any = None                                   # a SyncNet
    emotion: Any = None                                   # an EmotionNet
    perceptual: Any = None                                # a losses.Perceptual
    quality: quality.QualityNet | None = None
    joint: bool = False
    evaluated: int = 96
    shown: dict = field(default_factory=dict)

    def __post_init__(self):
        size = self.network.config.size
        for part in (self.network, self.quality, self.perceptual):
            if part is not None:
                part.to(memory_format=torch.channels_last)                # two thirds of the time on a CPU
        self.data = self.windows if isinstance(self.windows, TwinWindows) else Faces(
            self.windows, hearing=self.network.config.hearing)
        self.networks = {"emogen": self.network}
        adam = {"lr": self.rate, "betas": (.5, .999)}
        self.optimisers = {"emogen": torch.optim.Adam(self.network.parameters(), **adam)}
        if self.quality is not None:
            self.networks["quality"] = self.quality
            self.optimisers["quality"] = torch.optim.Adam(self.quality.parameters(), **adam)
        if self.joint:
            self.networks["emotion"] = copy.deepcopy(self.emotion).requires_grad_(True)
            self.optimisers["emotion"] = torch.optim.Adam(self.networks["emotion"].parameters(), self.rate * .01,
                                                          betas=(.5, .999))
        self.mask = torch.from_numpy(face_mask(size, self.network.config.mask))
        self.mouth = torch.from_numpy(losses.mouth_area(size)) * self.mask
        self.pixels = self.mask * (1 + self.weights.mouth * self.mouth)

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run)

    # ---- learning ----
    def losses(self, batch, at: At):
        self._move(batch["frames"].device)
        gan, w = at.phase == "gan", self.weights
        full = max(1, round(w.full * len(batch["mel"]))) if gan else 0
        drawn, target, answer = self._draw(batch, full)
        sync_on = gan and self.syncnet is not None and at.state.get("sync", False)
        w_sync = (w.sync_alone if self.quality is None else w.sync) if sync_on else 0.0
        w_emotion = w.emotion if gan and self.emotion is not None else 0.0
        w_perceptual = w.perceptual if self.perceptual is not None else 0.0
        l1 = losses.reconstruction(drawn, target, self.pixels)
        loss, values = (1 - w_sync - w_emotion - w_perceptual) * l1, {"l1": l1}
        if w_perceptual:
            values["perceptual"] = self.perceptual(drawn, target)
            loss = loss + w_perceptual * values["perceptual"]
        if self.network.config.copy and "flow" in batch:
            more = losses.known_flow(answer, _picked(batch["flow"], full), self.mask, self.mouth, FLOW)
            values |= more
            loss = loss + w.flow * more["flow"] + w.trust * more["trust"] + w.copy * more["painted"]
        windows = drawn[:full * FRAMES].unflatten(0, (full, FRAMES)) if full else None
        if w_sync:
            values["sync"] = losses.sync(self.syncnet, windows, batch["mel"][:full])
            loss = loss + w_sync * values["sync"]
        label = batch["emotion"][:full]
        felt = torch.where(label == NEUTRAL, 1.0, batch["strength"][:full])
        if w_emotion:
            discriminator = self.networks["emotion"] if self.joint else self.emotion
            values["emotion_ce"] = losses.emotion(discriminator, windows, label, felt)
            loss = loss + w_emotion * values["emotion_ce"]
        if gan and self.quality is not None:
            values["fools"] = losses.looks_true(self.networks["quality"](drawn * self.mask), 1.0)
            loss = loss + w.quality * values["fools"]
        yield "emogen", loss, values
        if gan and self.quality is not None:
            seen = self.networks["quality"](torch.cat([target, drawn.detach()]) * self.mask)
            real = losses.looks_true(seen[:len(target)], 1.0)
            fake = losses.looks_true(seen[len(target):], 0.0)
            yield "quality", (real + fake) / 2, {"real": real, "fake": fake}
        if gan and self.joint:
            true = batch["frames"][:full].float() / 255
            yield "emotion", losses.emotion(self.networks["emotion"], true, label, felt), {}

    def _draw(self, batch, full: int) -> tuple:
        """The first `full` windows whole, of the others the middle frame: drawn (composed) and true, (N, 3, S, S), and
        the parts of what was drawn."""
        target, reference = (_picked(batch[k], full).float() / 255 for k in ("frames", "reference"))
        feeling = torch.cat([batch["feeling"][:full].repeat_interleave(FRAMES, 0), batch["feeling"][full:]])
        hidden = hide(target[:, None], self.mask)
        faces, answer = self.networks["emogen"](_picked(batch["mels"], full)[:, None], feeling, hidden,
                                                reference[:, None], apart=True)
        return compose(faces[:, 0].float(), target, self.mask), target, answer

    def compose(self, network, mels, feeling, target, reference) -> torch.Tensor:
        """Hide, draw and put into place: all (B, T, 3, S, S) in [0, 1]."""
        return compose(network(mels, feeling, hide(target, self.mask), reference).float(), target, self.mask)

    def _move(self, device) -> None:
        """Experts and masks follow the data: the loop knows nothing of them."""
        if self.mask.device != device:
            self.mask, self.mouth, self.pixels = (x.to(device) for x in (self.mask, self.mouth, self.pixels))
        for expert in (self.syncnet, self.emotion, self.perceptual):
            if expert is not None and next(expert.parameters()).device != device:
                expert.to(device)

    # ---- scores and pictures ----
    def evaluate(self, at: At) -> dict[str, float]:
        """See `emogen_look.scores`. From here on the sync loss counts, if lips follow."""
        self._move(next(self.networks["emogen"].parameters()).device)
        scores = emogen_look.scores(self, emogen_look.windows(self))
        if scores.get("sync_loss", 9.0) < SYNC_FROM:
            at.state["sync"] = True
        return scores

    def pictures(self, at: At) -> dict[str, np.ndarray]:
        """See `emogen_look.sheet`."""
        return {"faces": emogen_look.sheet(self, emogen_look.windows(self))}


def _picked(x: torch.Tensor, full: int) -> torch.Tensor:
    """(B, T, ...) -> (N, ...): the first `full` windows whole, of the others the middle frame."""
    return torch.cat([x[:full].flatten(0, 1), x[full:, FRAMES // 2]])


# ---- setting up -----------------------------------------------------------------------------------------------------
def train_emogen(store, out, *, profile: str = "cpu", syncnet=None, emotion=None, encoder=None,
                 perceptual: str = "auto", quality: bool | None = None, joint: bool | None = None, seed: int = 0,
                 steps: int | None = None, resume: bool = True, progress: bool = True, splits: Splits | None = None,
                 devices: int | str | None = None, precision: str | None = None, init=None, freeze=None,
                 hearing: str = "mel") -> tuple[At, dict]:
    """Train on the store's split `train`, score on `val`. Writes what `loop.train` writes, then emogen.safetensors and
    emogen.json (the card).  Returns where it ended, and the card.

    store: folder or Store, of crops with the margins `tfg.systems.emogen.network.MARGIN`; or a folder of twins
    (`tfg.systems.emogen.twins`).  profile: ci, cpu, gpu.
    syncnet,
    emotion, encoder: folders of experts, None for the ones that ship, "none" to do without.  perceptual: see
    `losses.perceptual`; "auto" is the encoder in the profiles ci and cpu, for there VGG19 takes ten times as long as
    all the rest.  quality: with the quality discriminator.  joint: the emotion discriminator learns on; both None for
    the profile's (gpu: yes).
    hearing: what the generator hears, of `network.HEARINGS`.
    steps: of all phases together, shared out as the profile does.  init, freeze: see `run_of`.
    Raises InputError: unknown profile, no such store, no windows, no expert.
    """
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="emogen")
    config = replace(PROFILES[profile], hearing=hearing)
    if run.devices != 1:
        run = replace(run, strategy="ddp")
    started = time.perf_counter()
    learned, unseen = _windows(store, splits, config.size, seed, hearing)
    large, syncnet = profile == "gpu", paths.data(TEACHER) if syncnet is None else syncnet
    expert = {"syncnet": _expert("syncnet", SyncNet, SyncNetConfig, syncnet),
              "emotion": _expert("emotion", EmotionNet, EmotionConfig, emotion)}
    if perceptual == "auto" and not large:
        perceptual = "encoder"
    seen = losses.perceptual(perceptual, encoder)
    torch.manual_seed(seed)
    quality, joint = (large if asked is None else asked for asked in (quality, joint))
    network = Emogen(config)
    ears = WEIGHTS[profile].ears and hearing == "mel" and expert["syncnet"] is not None
    heard = init_sound_encoder(network, expert["syncnet"]) if ears else 0
    rate = RATE[profile] * (1 if run.init is None else WARM)
    task = EmogenTask(network, learned, unseen, run, rate, WEIGHTS[profile], **expert, perceptual=seen,
                      quality=_quality(profile) if quality else None, joint=joint,
                      evaluated=4 if profile == "ci" else 96)
    used: dict[str, Any] = {"perceptual": seen.name if seen else "none", "quality": quality, "joint": joint,
                            "ears": heard > 0}
    logging.getLogger("tfg").info("perceptual loss: %s", used["perceptual"])
    at = train(task, run, out, what=f"emogen {config} {task.weights} {used} {len(task.windows)} windows",
               resume=resume, progress=progress)
    data = {"twins" if isinstance(learned, TwinWindows) else "store": _folder(store).name, "windows": len(task.windows),
            "actors": len(task.windows.actors),
            "scored_on": f"{len(task.unseen.actors)} actors it never saw"}
    asked = encoder if used["perceptual"] == "encoder" else "none"
    folders = {"syncnet": syncnet, "emotion": emotion, "encoder": asked}
    experts = {name: checkpoint.checksum(name, folder) for name, folder in folders.items() if folder != "none"}

    @torch.no_grad()
    def scores() -> dict[str, float]:
        return {name: round(value, 4) for name, value in task.evaluate(at).items()}

    return at, finish(out, "emogen", network, run, at, scores, profile=profile, data=data, phases=dict(run.phases),
                      weights=asdict(task.weights), **used, experts=experts, sync_weighed=bool(at.state.get("sync")),
                      seconds=round(time.perf_counter() - started, 1),
                      command=f"tfg train emogen --store STORE --out DIR --profile {profile} --seed {seed} --steps "
                              f"{run.steps}" + (f" --hearing {hearing}" if hearing != "mel" else ""))


def _folder(store) -> Path:
    return Path(store.path) if isinstance(store, Store) else Path(store)


def _windows(store, splits: Splits | None, size: int, seed: int, hearing: str) -> tuple:
    """What is learned from, and what it is scored on, of people that it never sees: windows of a store, or twins."""
    if not isinstance(store, Store) and is_twins(store):
        return (TwinWindows(store, "train", size, augment=Augment(), seed=seed, hearing=hearing),
                TwinWindows(store, "val", size, disturbed=False, hearing=hearing))
    store = store if isinstance(store, Store) else Store.open(Path(store))
    check_crops(store)
    if hearing == "speech":
        store.need_sound()
    taught, chosen = (side.split for side in learn_and_choose(store, splits, False))
    return (windows_of(store, splits, taught, size, augment=Augment(), seed=seed),
            windows_of(store, splits, chosen, size))


def _expert(name: str, network_class, config_class, folder):
    """None for "none". A copy of its own: the cached one stays where it is when this one moves to a GPU."""
    if folder == "none":
        return None
    return copy.deepcopy(checkpoint.load(name, network_class, config_class, folder)[0])


def _quality(profile: str):
    return quality.QualityNet(quality.PROFILES[profile])
