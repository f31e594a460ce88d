"""Train the network that names the emotion of a face over time; `tfg.experts.emotion.train_judge` has its judge.

    tfg train emotion --store build/dub_people --out build/emotion

Cross entropy against the acted emotion, all six equally often. An auxiliary loss in training: each frame's code
predicts the frame's expression coefficients, which are known for virtual actors. With one label per clip alone a
network learns the actors' identities sooner than their brows; fifty-two numbers a frame prevent that. Scored on people
not trained on, clip by clip, by the mean log-probability of a clip's windows.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.corpora.windows import Windows
from tfg.errors import InputError
from tfg.experts.emotion import network as emotion
from tfg.experts.emotion.evaluate import EVERY, evaluate_emotion, rate, real_clips, score, windows_of  # noqa: F401
from tfg.experts.emotion.train_judge import fit_judge
from tfg.training.augment_pixels import AugmentPixels
from tfg.training.holdout import has_split, learn_and_choose
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of
from tfg.vocabulary import EMOTIONS, EXPRESSION

RUNS = {"ci": Run(phases=(("learn", 6),), batch=12),
        "cpu": Run(phases=(("learn", 4000),), batch=48, evaluate_every=500, average=.995, best="accuracy"),
        "gpu": Run(phases=(("learn", 35_000),), batch=64, evaluate_every=1000, average=.999, best="-loss", workers=8)}
"""Training of each profile; gpu: 300 epochs of CREMA-D, as published."""
RATE = {"ci": 3e-3, "cpu": 1e-3, "gpu": 1e-6}
DECAY = .05
"""Weight decay of AdamW."""
SMOOTH = .1
"""Smoothing of the labels, as emotions of low levels are ambiguous."""
HINT = 1.0
"""Weight of the expression's loss relative to the cross entropy."""
LEAST_STD = .05
"""Least standard deviation by which a coefficient's error is divided, for those that hardly move."""
ALL = ((0, 1, 2, 3, 4),)
LOOKS = ((2,), (0, 4), (0, 2, 4), *ALL)
"""Sets of a window's frames to train on, one drawn for each batch. Neighbouring frames add little and cost as much, and
a network trained on one to five frames accepts any number."""
AUGMENT_PIXELS = AugmentPixels(.04, .07, 5.0, .04, .25, .4)


class EmotionData:
    """Training windows for the loop; index i is a visit of a clip, all emotions equally often, with a random window."""

    visits = 8                                                     # per clip of the commonest emotion in an epoch

    def __init__(self, windows: Windows, looks: tuple[tuple[int, ...], ...] = ALL):
        clip = windows.clip_of_index()
        self.windows, self.looks = windows, looks
        self.order = np.argsort(clip, kind="stable")
        self.count = np.bincount(clip, minlength=len(windows.clips))
        self.first = np.cumsum(self.count) - self.count            # first visit of each clip, in `order`
        of = np.array([row.emotion for row in windows.clips])
        groups = [np.flatnonzero((of == name) & (self.count > 0)) for name in EMOTIONS]
        self.groups = [g for g in groups if len(g)]

    def __len__(self) -> int:
        return self.visits * len(self.groups) * max(map(len, self.groups))

    def batch(self, epoch: int, indices) -> dict:
        """Windows (B, ...) by name, with the frames drawn for this batch (see LOOKS)."""
        indices = np.asarray(indices, np.int64)
        which, turn = indices % len(self.groups), indices // len(self.groups)
        clip = np.array([self.groups[w][t % len(self.groups[w])] for w, t in zip(which, turn)])
        place = (seeded.uniform(self.windows.seed, epoch, 70, indices) * self.count[clip]).astype(np.int64)
        batch = self.windows.batch(epoch, self.order[self.first[clip] + place])
        looks = self.looks[int(seeded.whole(self.windows.seed, epoch, 71, indices[:1], len(self.looks))[0])]
        return batch | {k: batch[k][:, list(looks)] for k in ("frames", "expression")}


@dataclass
class EmotionTask:
    """The training as `loop.train` runs it.  windows: to train on.  unseen: to score on."""

    network: nn.Module
    windows: Windows
    unseen: Windows
    run: Run
    rate: float
    published: bool = False

    def __post_init__(self):
        hint = nn.Linear(self.network.dim, len(EXPRESSION))
        self.networks = {"emotion": self.network, "hint": hint}
        self.data = EmotionData(self.windows, ALL if self.published else LOOKS)
        labels = self.windows.store.arrays["expression"]
        seen = np.concatenate([labels[row.start:row.stop] for row in self.windows.clips])
        self.mean = torch.from_numpy(seen.mean(0, dtype=np.float32))
        self.scale = torch.from_numpy(seen.std(0, dtype=np.float32) + LEAST_STD)
        parameters = [p for n in self.networks.values() for p in n.parameters()]
        groups = [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.0 if self.published else DECAY},
                  {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0}]
        self.optimisers = {"emotion": torch.optim.AdamW(groups, self.rate, betas=(.9, .99))}

    def losses(self, batch, at: At):
        frames = AUGMENT_PIXELS(batch["frames"].float() / 255)
        logits, codes = self.networks["emotion"](frames, codes=True)
        target = batch["emotion"]
        named = F.cross_entropy(logits.float(), target, label_smoothing=SMOOTH)
        true = (batch["expression"] - self.mean.to(frames.device)) / self.scale.to(frames.device)
        hint = F.smooth_l1_loss(self.networks["hint"](codes).float(), true)
        right = (logits.argmax(1) == target).float().mean()
        yield "emotion", named + HINT * hint, {"named": named, "hint": hint, "right": right}

    def evaluate(self, at: At) -> dict[str, float]:
        found = score(self.networks["emotion"], self.unseen)
        return {"accuracy": found["accuracy"], "loss": found["loss"], "windows": found["windows"]} | {
            f"accuracy_{level}": value for level, value in found["levels"].items()}

    def lr(self, name: str, at: At) -> float:
        """Factor on the learning rate; published: a tenth from the middle on (StepLR, 150 of 300 epochs)."""
        return .1 ** (2 * at.step // self.run.steps) if self.published else cosine(
            at, self.run, warm_up=min(200, self.run.steps // 10))


def train_emotion(store, out, *, judge: bool = False, profile: str = "cpu", seed: int = 0, steps: int | None = None,
                  resume: bool = True, progress: bool = True, splits: Splits | None = None, devices=None,
                  precision: str | None = None, init=None, freeze=None) -> tuple[At | None, dict]:
    """Train on the store's split `train`, select the weights by `val`; judge: `train_judge.fit_judge` instead, which
    has no seed, steps, resume, devices and precision; init and freeze: see `run_of`.

    Writes what `loop.train` writes, then out/emotion.safetensors and .json (judge: judge_emotion).  store: folder or
    Store.  profile: ci, cpu, gpu.  devices, precision: instead of the profile's.  Returns the last position (`At`;
    judge: None), and the card; its scores are `val` and, if the store has test actors, `test`.
    Raises InputError: unknown profile, no such store, nobody to train on, a folder of another run.
    """
    if judge:
        if init is not None or freeze is not None:
            raise InputError("the emotion judge is computed and not trained in steps: leave out --init and --freeze.")
        store = store if isinstance(store, Store) else Store.open(Path(store))
        return None, fit_judge(store, out, profile=profile, progress=progress, splits=splits)
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="emotion")
    store = store if isinstance(store, Store) else Store.open(Path(store))
    torch.manual_seed(seed)
    network = emotion.EmotionNet(emotion.PROFILES[profile])
    size, (taught, chosen) = network.config.size, learn_and_choose(store, splits, False)
    learn = windows_of(store, splits, size=size, labels=("expression",), augment=Augment(), seed=seed,
                       **taught.windows())
    unseen = windows_of(store, splits, size=size, stride=EVERY, **chosen.windows())
    task = EmotionTask(network, learn, unseen, run, RATE[profile], published=profile == "gpu")
    at = train(task, run, out, what=f"emotion {network.config} {len(learn)} windows", resume=resume, progress=progress)

    def scores() -> dict:
        found = {"val": score(network, unseen)}
        return found | ({"test": evaluate_emotion(network, store, splits=splits)}
                        if has_split(store, splits, "test") else {})

    return at, finish(out, "emotion", network, run, at, scores, profile=profile, split=learn.split,
                      actors=learn.actors, use="losses",
                      data=f"{len(learn.clips)} clips of {len(learn.actors)} actors, split {learn.split}",
                      scored_on=f"val: {len(unseen.actors)} actors of the split {unseen.split} that it did not learn "
                                "from, who chose its weights; test: the split test, where there is one",
                      command=f"tfg train emotion --store STORE --out DIR --profile {profile} --seed {seed} --steps "
                              f"{run.steps}")
