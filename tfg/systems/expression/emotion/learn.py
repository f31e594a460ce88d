"""Training of the transformer: windows of aligned pairs through the one loop (tfg.training.loop)."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tfg.systems.expression.emotion.features import AHEAD, FELT, FRAMES, times
from tfg.systems.expression.emotion.pairs import Pair
from tfg.systems.expression.emotion.transformer import PROFILES, EmotionTransformer, change
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import load_best, on_cpu

RUNS = {"ci": Run(phases=(("learn", 12),), batch=64),
        "cpu": Run(phases=(("learn", 4000),), batch=256, evaluate_every=500, average=.998, best="-rmse"),
        "gpu": Run(phases=(("learn", 400_000),), batch=512, evaluate_every=5000, average=.999, best="-rmse",
                   workers=8)}
"""gpu: about 100 epochs of its pairs, as published."""
RATE = {"ci": 3e-3, "cpu": 1.5e-3, "gpu": 5e-4}
NOISE = .02
"""Standard deviation of the noise added to the sources in training, as measured ones are noisy."""
DEAD = .12
"""Chance that a coefficient is missing in a training example, as in measured sources."""


class Windows:
    """Data for the loop: example i is a window of a source, one of its replays, and that frame's change."""

    def __init__(self, pairs: Sequence[Pair], seed: int = 0):
        pad = AHEAD, FRAMES - 1 - AHEAD
        self.source = np.concatenate([np.pad(p.source, ((pad[1], pad[0]), (0, 0)), mode="edge") for p in pairs])
        self.times = np.concatenate([times(len(p.source)) for p in pairs])
        starts = np.cumsum([0, *(len(p.source) + FRAMES - 1 for p in pairs)])[:-1]
        self.first = np.concatenate([s + np.arange(len(p.source)) for s, p in zip(starts, pairs)])
        self.take = np.repeat(np.arange(len(pairs)), [len(p.source) for p in pairs])
        self.emotion = np.array([[FELT.index(q.emotion) for q in p.played] for p in pairs])          # (P, K)
        self.intensity = np.array([[q.intensity for q in p.played] for p in pairs], np.float32)
        self.change = np.concatenate([np.stack([q.target - p.source for q in p.played], 1) for p in pairs]) \
            .astype(np.float16)                                                                     # (F, K, 52)
        self.seed = seed

    def __len__(self) -> int:
        return self.change.shape[0] * self.change.shape[1]

    def batch(self, epoch: int, indices) -> dict:
        """window (B, 5, 52) with noise and missing coefficients, times (B, 10), emotion, intensity (B,), change."""
        indices = np.asarray(indices, np.int64)
        frame, k = np.divmod(indices, self.change.shape[1])
        window = self.source[self.first[frame][:, None] + np.arange(FRAMES)]
        rng = np.random.default_rng([self.seed, 81, epoch, *map(int, indices[:2])])
        window = window + NOISE * rng.standard_normal(window.shape, np.float32)
        window *= rng.random((len(indices), 1, window.shape[2])) >= DEAD * (rng.random((len(indices), 1, 1)) < .5)
        return {"window": window.astype(np.float32), "times": self.times[frame],
                "emotion": self.emotion[self.take[frame], k], "intensity": self.intensity[self.take[frame], k],
                "change": self.change[frame, k].astype(np.float32)}


class Task:
    """The training of the transformer as `loop.train` runs it."""

    def __init__(self, network: EmotionTransformer, pairs: Sequence[Pair], unseen: Sequence[Pair], run: Run,
                 rate: float):
        self.network, self.unseen, self.run = network, unseen, run
        self.networks = {"transformer": network}
        self.data = Windows(pairs, run.seed)
        self.optimisers = {"transformer": torch.optim.AdamW(network.parameters(), rate, weight_decay=.01)}

    def losses(self, batch, at: At):
        found = self.networks["transformer"](batch["window"], batch["emotion"], batch["intensity"], batch["times"])
        loss = F.mse_loss(found, batch["change"])
        yield "transformer", 1000 * loss, {"rmse": loss.detach().sqrt()}

    def evaluate(self, at: At) -> dict[str, float]:
        with on_cpu(self.network):
            square = [np.mean((change(self.network, p.source, q.emotion, q.intensity) - (q.target - p.source)) ** 2)
                      for p in self.unseen for q in p.played]
        return {"rmse": float(np.sqrt(np.mean(square)))}

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run, warm_up=min(200, self.run.steps // 10 + 1))


def fit(pairs: Sequence[Pair], unseen: Sequence[Pair], out, run: Run, *, profile: str = "cpu", resume: bool = True,
        progress: bool = True) -> tuple[EmotionTransformer, At]:
    """Train on `pairs`, choose the weights on `unseen`; `loop.train` writes into out/transformer.  run: of `RUNS`, by
    `tfg.training.setup.run_of`.  Returns the network with its best weights and the last position (`At`)."""
    torch.manual_seed(run.seed)
    network = EmotionTransformer(PROFILES[profile])
    task, state = Task(network, pairs, unseen, run, RATE[profile]), Path(out) / "transformer"
    at = train(task, run, state, what=f"transformer {network.config} {len(task.data)} frames", resume=resume,
               progress=progress)
    load_best(state, "transformer", network, run)
    return network, at
