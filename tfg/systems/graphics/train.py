"""Train the mouth network on synthetic speech whose phone times are known.

    tfg train mouth --out build/mouth --profile cpu
or `train_mouth("build/mouth")`. The targets are the coarticulated curves of tfg/speech/visemes.py, made from the
phones; the network gets the sound alone. Losses: tfg/systems/graphics/losses.py. Data:
tfg/systems/graphics/data.py.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch

from tfg.speech import corpus, visemes
from tfg.systems.graphics.data import Crops, MouthExample, build_corpus
from tfg.systems.graphics.evaluate import SPLITS, held_out, score
from tfg.systems.graphics.losses import Weights, mouth_losses
from tfg.systems.graphics.network import MouthConfig, MouthNet
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of

RUNS = {"ci": Run(phases=(("learn", 30),), batch=4, evaluate_every=15, average=.998, best="-loss", channels_last=False),
        "cpu": Run(phases=(("learn", 9000),), batch=24, evaluate_every=1000, average=.998, best="-loss",
                   channels_last=False),
        "gpu": Run(phases=(("learn", 30_000),), batch=64, evaluate_every=3000, average=.998, best="-loss", workers=8,
                   channels_last=False)}
FRAMES = {"ci": 50, "cpu": 100, "gpu": 100}
"""Frames of a training crop, 25 a second."""
RATE = 2e-3
DECAY = .02
WATCHED = ("opening_r", "closure_recall", "false_closures")
"""Scores of each kind of unseen voice that the log shows."""
LICENCE = ("Weights: Apache-2.0. Trained on the sound of espeak-ng (its output is free of its GPL), and of flite and "
           "festival voices (CMU, free for any use with notice) where the list of engines names them. No recordings of "
           "real clips were used.")


@dataclass
class MouthTask:
    """The training as `loop.train` runs it.  learn: clips to train on.  unseen: clips to score on.  chosen: splits of
    these whose loss selects the best weights."""

    network: MouthNet
    learn: list[MouthExample]
    unseen: list[MouthExample]
    chosen: tuple[str, ...]
    run: Run
    frames: int
    weights: Weights

    def __post_init__(self):
        self.networks = {"mouth": self.network}
        self.data = Crops(self.learn, self.frames, self.network.config.width, self.run.seed)
        self.optimisers = {"mouth": torch.optim.AdamW(self.network.parameters(), RATE, weight_decay=DECAY)}

    def losses(self, batch, at: At):
        out, logits = self.networks["mouth"](batch["windows"])
        found = mouth_losses(out.float(), logits.float(), batch, self.weights)
        yield "mouth", sum(found.values()), found

    def evaluate(self, at: At) -> dict[str, float]:
        found = {split: score(self.network, part) for split in SPLITS
                 if (part := [e for e in self.unseen if e.split == split])}
        chosen = [found[split]["loss"] for split in self.chosen]
        return ({"loss": sum(chosen) / len(chosen)} if chosen else {}) | {
            f"{name} {split}": value[name] for split, value in found.items() for name in WATCHED
            if value[name] is not None}

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run, warm_up=min(200, self.run.steps // 10), floor=5e-4)


def train_mouth(out, *, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                progress: bool = True, use: tuple[str, ...] | None = None, config: MouthConfig | None = None,
                examples: list[MouthExample] | None = None, devices=None, precision: str | None = None, init=None,
                freeze=None) -> tuple[At, dict]:
    """Train, and write what `loop.train` writes, then out/mouth.safetensors and .json, the weights with the least loss
    on voices of espeak-ng that it is not trained on (or on other unseen clips, where there are none of these).

    profile: ci (seconds), cpu (20 minutes on one core), gpu.  use: speech engines; None: those installed.
    config: sizes of the network.  examples: clips to use instead of making speech.  devices, precision: instead of the
    profile's.  init, freeze: see `run_of`.
    Returns the last position (`At`), and the card, whose scores are on voices and a language not trained on.
    Raises InputError: unknown profile, no speech engine, a folder of another run.
    """
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="mouth")
    use = corpus.engines() if use is None else tuple(use)
    examples = build_corpus(profile, seed, use, progress) if examples is None else examples
    learn, unseen = ([e for e in examples if (e.split == "train") == taught] for taught in (True, False))
    splits = {e.split for e in unseen}
    chosen = tuple(s for s in SPLITS if s in splits and (s == "voice" or "voice" not in splits))
    if not chosen:
        run = replace(run, best=None)
    torch.manual_seed(seed)
    network, weights = MouthNet(config), Weights()
    task = MouthTask(network, learn, unseen, chosen, run, FRAMES[profile], weights)
    at = train(task, run, out, what=f"mouth {network.config} {len(learn)} clips {use} {weights} {task.frames} frames",
               resume=resume, progress=progress)
    return at, finish(out, "mouth", network, run, at, lambda: held_out(network, unseen), profile=profile,
                      task="log-mel (80 x 80/s) to articulators of jaw and lips at 25/s",
                      channels=list(visemes.CHANNELS), data=_data(learn, use), losses=asdict(weights),
                      scored_on="voices and a language that it did not learn from"
                                + (f"; the least loss on the {' and '.join(SPLITS[s] for s in chosen)} chose its "
                                   "weights" if chosen else ""),
                      licence=LICENCE,
                      command=f"tfg train mouth --out DIR --profile {profile} --seed {seed} --steps {run.steps}")


def _data(learn: list[MouthExample], use: tuple[str, ...]) -> dict:
    voices = sorted({e.voice for e in learn})
    return {"engines": list(use), "clips": len(learn), "voices": len(voices),
            "hours": round(sum(len(e.target) for e in learn) / 25 / 3600, 2),
            "languages": sorted({v.split(":")[1].split("+")[0] for v in voices if v.startswith("espeak:")})}
