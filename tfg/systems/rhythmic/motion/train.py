"""Train the network of head motion, on actors' takes, whose poses are known.

    tfg train rhythmic-motion --speeches build/speeches --out build/rhythmic_motion

The squared error is that of what sound and seed tell; of the random part it would want nothing left. That part learns
from the critic, whose answer is in the loss here, and from the spread of true poses.
"""
from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from tfg.corpora import seeded
from tfg.errors import InputError
from tfg.media.audio import SAMPLES_PER_FRAME
from tfg.systems.rhythmic import speeches as lessons
from tfg.systems.rhythmic.motion.network import PROFILES, SEED, MotionCritic, MotionNet
from tfg.systems.rhythmic.motion.roll import curves, cut, level
from tfg.training.batches import tensors
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of

RUNS = {"ci": Run(phases=(("learn", 4),), batch=4, evaluate_every=4),
        "cpu": Run(phases=(("learn", 2500),), batch=32, evaluate_every=500, average=.995),
        "gpu": Run(phases=(("learn", 60_000),), batch=64, evaluate_every=2000, average=.999, workers=4)}
RATES = {"ci": 1e-3, "cpu": 1e-3, "gpu": 3e-4}
LENGTH = {"ci": 24, "cpu": 64, "gpu": 64}
"""Frames that are moved."""
ALONE = .4
"""Share of examples in which nobody was seen before."""
_STREAM = 1300


@dataclass(frozen=True)
class Weights:
    """Of the losses.  told: squared error.  steps: that of what changes from frame to frame, where nods are.  critic:
    what the critic says, in the generator's loss.  spread: difference of the poses' standard deviations over time, mean
    over the batch."""

    told: float = 1.0
    steps: float = 2.0
    critic: float = .05
    spread: float = 1.0


class Motions:
    """Batches of B pieces of S + T frames: wave (B, (S + T + 2 R) 640), pose (B, T, 6), seed (B, S, 6), seen (B, S)
    bool, noise (B, T, Z).

    folder: of `tfg.systems.rhythmic.speeches`.  split: train, val or test.  length: T.  noise: Z.  reach: R.
    Raises InputError: nobody of that split, no take of T frames.
    """

    def __init__(self, folder, split: str, length: int, noise: int, reach: int, *, seed: int = 0):
        every = lessons.read(folder, split)
        self.takes = [t for t in every if len(t["pose"]) >= length]
        if not self.takes:
            raise InputError(f"{folder} has no take of {length} frames in the split {split!r}; make more speeches.")
        self.waves = [level(t["wave"]) for t in self.takes]
        self.length, self.noise, self.reach, self.seed = length, noise, reach, seed

    def __len__(self) -> int:
        return 4 * len(self.takes)

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Pieces of these indices, four of each take; a function of (seed, epoch, index)."""
        i = np.asarray(indices, np.int64).reshape(-1)
        u = [seeded.uniform(self.seed, epoch, _STREAM + k, i) for k in range(3)]
        parts = [self._one(int(k) % len(self.takes), a, b, c, int(k) + 100_003 * epoch) for k, a, b, c in zip(i, *u)]
        return {name: np.stack([p[name] for p in parts]) for name in parts[0]}

    def _one(self, k: int, when: float, alone: float, before: float, noise: int) -> dict[str, np.ndarray]:
        take, T = self.takes[k], self.length
        first = int(when * (len(take["pose"]) - T + 1))
        many = 0 if alone < ALONE else int(before * min(SEED, first)) + 1
        at = np.arange(first - SEED, first)
        seen = (at >= 0) & (at >= first - many)
        return {"wave": cut(self.waves[k], first - SEED, first + T, self.reach), "pose": take["pose"][first:first + T],
                "seed": take["pose"][np.maximum(at, 0)] * seen[:, None], "seen": seen,
                "noise": curves(T, self.noise, noise)}


class MotionTask:
    """What `loop.train` needs."""

    def __init__(self, network: MotionNet, data: Motions, unseen: Motions, run: Run, rate: float,
                 weights: Weights = Weights(), evaluated: int = 64):
        self.data, self.unseen, self.run, self.weights, self.evaluated = data, unseen, run, weights, evaluated
        self.network = network
        steps = np.concatenate([np.diff(t["pose"], axis=0) for t in data.takes]).std(0)
        self.steps = torch.from_numpy(np.maximum(steps, 1e-5).astype(np.float32))
        critic = MotionCritic(network.config)
        self.networks: dict[str, Any] = {"rhythmic_motion": network, "critic": critic}
        self.optimisers = {name: torch.optim.Adam(n.parameters(), rate, betas=(.5, .999), weight_decay=2e-5)
                           for name, n in self.networks.items()}

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run)

    def losses(self, batch, at: At):
        network, critic, w = self.networks["rhythmic_motion"], self.networks["critic"], self.weights
        moved = network(batch["wave"], batch["seed"], batch["seen"], batch["noise"])
        true, told, pose = (self.scored(x) for x in (batch["pose"], moved.told, moved.pose))
        own = batch["wave"][:, batch["seen"].shape[1] * SAMPLES_PER_FRAME:]
        yes, no = critic(true, own), critic(pose.detach(), own)
        yield "critic", F.relu(1 - yes).mean() + F.relu(1 + no).mean(), {"critic_true": yes.mean(),
                                                                         "critic_drawn": no.mean()}
        values = {"told": F.mse_loss(told, true), "steps": self.step_error(moved.told, batch["pose"]),
                  "fools": -critic(pose, own).mean(),
                  "spread": (pose.std(1).mean(0) - true.std(1).mean(0)).abs().mean()}
        weights = {"told": w.told, "steps": w.steps, "fools": w.critic, "spread": w.spread}
        yield "rhythmic_motion", sum(weights[name] * value for name, value in values.items()), values

    def step_error(self, told: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """Squared error of the change from frame to frame of poses (B, T, 6); 1 for a head that stands still."""
        return ((told.diff(dim=1) - true.diff(dim=1)) / self.steps.to(told.device)).square().mean()

    def scored(self, pose: torch.Tensor) -> torch.Tensor:
        """Poses, z-scored."""
        return (pose - self.network.mean) / self.network.std

    def evaluate(self, at: At) -> dict[str, float]:
        """On unseen people.  told: squared error of what sound and seed tell, z-scored, and told_still that of a head
        at rest.  steps: that of the change from frame to frame, of which a head at rest has 1.  spread: standard
        deviation over time of the poses, of the true one, mean over the six."""
        batch = tensors(self.unseen.batch(0, np.arange(min(self.evaluated, len(self.unseen)))))
        network = self.networks["rhythmic_motion"]
        device = next(network.parameters()).device
        batch = {k: v.to(device) for k, v in batch.items()}
        moved = network(batch["wave"], batch["seed"], batch["seen"], batch["noise"])
        true = self.scored(batch["pose"])
        return {"told": float(F.mse_loss(self.scored(moved.told), true)), "told_still": float((true ** 2).mean()),
                "steps": float(self.step_error(moved.told, batch["pose"])),
                "spread": float((moved.pose.std(1).mean(0) / batch["pose"].std(1).mean(0)).mean())}


def train_motion(out, *, speeches, profile: str = "cpu", encoder: str = "mean", seed: int = 0, steps: int | None = None,
                 resume: bool = True, progress: bool = True, devices=None, precision: str | None = None, init=None,
                 freeze=None) -> tuple[At, dict]:
    """Train on the split `train`, score on `val`; writes rhythmic_motion.safetensors and its card.  Returns where it
    ended, and the card.

    speeches: folder of `tfg.systems.rhythmic.speeches`.  encoder: one of ENCODERS.  Others as the options say.
    Raises InputError: unknown profile, no such folder.
    """
    started = time.perf_counter()
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="rhythmic_motion")
    config = replace(PROFILES[profile], encoder=encoder)
    data = {split: Motions(speeches, split, LENGTH[profile], config.noise, config.reach, seed=seed)
            for split in ("train", "val")}
    torch.manual_seed(seed)
    network = MotionNet(config)
    poses = np.concatenate([t["pose"] for t in data["train"].takes])
    network.mean.copy_(torch.from_numpy(poses.mean(0)))
    network.std.copy_(torch.from_numpy(poses.std(0).clip(1e-3)))
    task = MotionTask(network, data["train"], data["val"], run, RATES[profile])
    at = train(task, run, out, what=f"rhythmic_motion {config} {len(data['train'])}", resume=resume, progress=progress)

    @torch.no_grad()
    def scores() -> dict[str, float]:
        return {name: round(value, 5) for name, value in task.evaluate(at).items()}

    command = f"tfg train rhythmic-motion --speeches SPEECHES --out DIR --profile {profile} --encoder {encoder} " \
              f"--seed {seed} --steps {run.steps}"
    return at, finish(out, "rhythmic_motion", network, run, at, scores, profile=profile, losses=asdict(task.weights),
                      data={"speeches": Path(speeches).name, "takes": len(data["train"].takes)},
                      seconds=round(time.perf_counter() - started, 1), command=command)
