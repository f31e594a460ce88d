"""Train the network of canonical landmarks, on speech that nobody draws.

    tfg train rhythmic-points --speeches build/speeches --out build/rhythmic_points
"""
from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from tfg.corpora import seeded
from tfg.errors import InputError
from tfg.faces.points68 import GROUPS
from tfg.systems.rhythmic import speeches as lessons
from tfg.systems.rhythmic.points.network import PROFILES, PointsNet, components, feeling_of, windows
from tfg.training.batches import tensors
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of

RUNS = {"ci": Run(phases=(("learn", 4),), batch=4, evaluate_every=4),
        "cpu": Run(phases=(("learn", 4000),), batch=24, evaluate_every=500, average=.995),
        "gpu": Run(phases=(("learn", 60_000),), batch=64, evaluate_every=2000, average=.999, workers=4)}
RATES = {"ci": 1e-3, "cpu": 1e-3, "gpu": 3e-4}
LENGTH = {"ci": 20, "cpu": 48, "gpu": 75}
COUNTS = {"jaw": 1.0, "brows": 1.5, "nose": .5, "eyes": .5, "mouth": 4.0}
"""How much a landmark counts, by its group; blinks are no matter of the sound."""
INNER = (62, 66)
"""Middles of the inner lips, upper and lower."""
_STREAM = 1400


def counts() -> np.ndarray:
    """(68,) float32, how much each landmark counts."""
    out = np.ones(68, np.float32)
    for name, count in COUNTS.items():
        out[list(GROUPS[name])] = count
    return out


class Points:
    """Batches of B pieces of T frames: mel (B, T, 80, width), feeling (B, T, 6), rest (B, 68, 3), offset
    (B, T, 68, 3) cm.

    Arguments as `tfg.systems.rhythmic.motion.train.Motions`; vary: whether loudness differs from epoch to epoch.
    """

    def __init__(self, folder, split: str, length: int, width: int, *, vary: bool = False, seed: int = 0):
        self.takes = [t for t in lessons.read(folder, split) if len(t["pose"]) >= length]
        if not self.takes:
            raise InputError(f"{folder} has no take of {length} frames in the split {split!r}; make more speeches.")
        self.mels = [windows(t["wave"] / lessons.FULL, len(t["pose"]), width).astype(np.float16) for t in self.takes]
        self.length, self.vary, self.seed = length, vary, seed

    def __len__(self) -> int:
        return 4 * len(self.takes)

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Pieces of these indices, four of each take; a function of (seed, epoch, index)."""
        i = np.asarray(indices, np.int64).reshape(-1)
        when, loud = (seeded.uniform(self.seed, epoch, _STREAM + k, i) for k in (0, 1))
        parts = []
        for k, at, gain in zip(i % len(self.takes), when, loud):
            take = self.takes[k]
            first = int(at * (len(take["pose"]) - self.length + 1))
            part = slice(first, first + self.length)
            mel = self.mels[k][part].astype(np.float32) + np.float32(.6 * (gain - .5) * self.vary)
            parts.append({"mel": mel, "feeling": feeling_of(int(take["emotion"]), take["curve"][part]),
                          "rest": take["rest"], "offset": take["offset"][part]})
        return {name: np.stack([p[name] for p in parts]) for name in parts[0]}


class PointsTask:
    """What `loop.train` needs."""

    def __init__(self, network: PointsNet, data: Points, unseen: Points, run: Run, rate: float, evaluated: int = 64):
        self.network, self.data, self.unseen, self.run, self.evaluated = network, data, unseen, run, evaluated
        self.networks: dict[str, Any] = {"rhythmic_points": network}
        self.optimisers = {"rhythmic_points": torch.optim.Adam(network.parameters(), rate)}
        self.counts = torch.from_numpy(counts() / counts().mean())[:, None]

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run)

    def losses(self, batch, at: At):
        counts = self.counts = self.counts.to(batch["rest"].device)
        points = self.networks["rhythmic_points"](batch["mel"], batch["feeling"], batch["rest"])
        away = points - batch["rest"][:, None] - batch["offset"]
        step = away[:, 1:] - away[:, :-1]
        small = self.network.projected(away, self.counts)
        values = {"points": (away.abs() * counts).mean(), "steps": (step.abs() * counts).mean(),
                  "weights": (F.smooth_l1_loss(small, torch.zeros_like(small), reduction="none")
                              * self.network.shares(self.counts)).sum(-1).mean()}
        yield "rhythmic_points", values["points"] + .3 * values["steps"] + values["weights"], values

    def evaluate(self, at: At) -> dict[str, float]:
        """On unseen people, cm.  mouth: mean distance of the mouth's points, and mouth_still that of a face at rest.
        r: correlation over time of the lips' opening with the true one, mean over pieces."""
        batch = tensors(self.unseen.batch(0, np.arange(min(self.evaluated, len(self.unseen)))))
        network = self.networks["rhythmic_points"]
        device = next(network.parameters()).device
        batch = {k: v.to(device) for k, v in batch.items()}
        offset = network(batch["mel"], batch["feeling"], batch["rest"]) - batch["rest"][:, None]
        lips = list(GROUPS["mouth"])
        far = (offset - batch["offset"])[:, :, lips].norm(dim=-1).mean()
        gaps = [x[:, :, INNER[1], 1] - x[:, :, INNER[0], 1] for x in (offset, batch["offset"])]
        a, b = (g - g.mean(1, keepdim=True) for g in gaps)
        r = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-6)
        return {"mouth": float(far), "mouth_still": float(batch["offset"][:, :, lips].norm(dim=-1).mean()),
                "r": float(r.mean())}


def train_points(out, *, speeches, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                 progress: bool = True, devices=None, precision: str | None = None, init=None, freeze=None
                 ) -> tuple[At, dict]:
    """Train on the split `train`, score on `val`; writes rhythmic_points.safetensors and its card.  Returns where it
    ended, and the card.

    speeches: folder of `tfg.systems.rhythmic.speeches`.  Others as the options say.
    Raises InputError: unknown profile, no such folder.
    """
    started = time.perf_counter()
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="rhythmic_points")
    config = PROFILES[profile]
    data = {split: Points(speeches, split, LENGTH[profile], config.width, vary=split == "train", seed=seed)
            for split in ("train", "val")}
    torch.manual_seed(seed)
    network = PointsNet(config)
    network.basis.copy_(torch.from_numpy(components(np.concatenate([t["offset"] for t in data["train"].takes]),
                                                    config.fields, counts())))
    network.mean.copy_(torch.from_numpy(np.mean([t["rest"] for t in data["train"].takes], 0)))
    task = PointsTask(network, data["train"], data["val"], run, RATES[profile])
    at = train(task, run, out, what=f"rhythmic_points {config} {len(data['train'])}", resume=resume, progress=progress)

    @torch.no_grad()
    def scores() -> dict[str, float]:
        return {name: round(value, 5) for name, value in task.evaluate(at).items()}

    command = f"tfg train rhythmic-points --speeches SPEECHES --out DIR --profile {profile} --seed {seed} --steps " \
              f"{run.steps}"
    return at, finish(out, "rhythmic_points", network, run, at, scores, profile=profile,
                      data={"speeches": Path(speeches).name, "takes": len(data["train"].takes)},
                      seconds=round(time.perf_counter() - started, 1), command=command)
