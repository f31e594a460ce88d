"""Train AUnet, the network from sound to Action Units, on acted takes whose emotion is known.

    tfg train aunet --out build/aunet --takes build/takes
or `train_aunet("build/aunet", takes="build/takes")`. Targets: tfg/systems/ietafs/aunet/takes.py. Losses:
tfg/systems/ietafs/aunet/losses.py.

Profile `gpu`: the published sizes, 300 windows a step (3 crops of 100 frames) and 300 epochs; Adam and its weight decay
of 1e-4 are those of the published joint training, whose rate of 1e-5 starts from a pretrained AUnet (the pretraining's
own file is missing), so ours is 1e-4.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import torch

from tfg.options import StrPath
from tfg.speech import corpus
from tfg.systems.ietafs.aunet import network as aunet
from tfg.systems.ietafs.aunet.data import AuCrops
from tfg.systems.ietafs.aunet.evaluate import score
from tfg.systems.ietafs.aunet.losses import Spread, Weights, feeling_losses, one_hot, words_losses
from tfg.systems.ietafs.aunet.network import AUNet, AUNetConfig
from tfg.systems.ietafs.aunet.takes import SPLITS, UNKNOWN, AuExample, examples_of
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, on_cpu, run_of

RUNS = {"ci": Run(phases=(("words", 12), ("feeling", 8)), batch=4, evaluate_every=10, average=.99, best="-loss",
                  channels_last=False),
        "cpu": Run(phases=(("words", 1900), ("feeling", 4000)), batch=12, evaluate_every=200, average=.995,
                   best="-loss"),
        "gpu": Run(phases=(("words", 1), ("feeling", 20_000)), batch=3, evaluate_every=10_000, average=.998,
                   best="-loss", workers=8)}
"""Training of each profile; in gpu, `words` lasts EPOCHS of the data.
The feeling is learned second, apart from the words: a step is faster, and its loss disturbs no other."""
EPOCHS = {"gpu": 300}
FRAMES = {"ci": 50, "cpu": 100, "gpu": 100}
"""Frames of a training crop, 25 a second."""
RATE = {"ci": 2e-3, "cpu": 2e-3, "gpu": 1e-4}
DECAY = {"ci": .02, "cpu": .02, "gpu": 1e-4}
FEELING_RATE, FEELING_DECAY = 2e-3, .3
CONTEXT = (1, 2, 4, 8, 10)
"""Dilations of the blocks where `context` is asked for and the profile has none."""
LICENCE = ("Weights: Apache-2.0. Trained on the sound of espeak-ng (its output is free of its GPL), and of flite and "
           "festival voices (CMU, free for any use with notice) where the list of engines names them. No recordings "
           "of real people were used.")


@dataclass
class AUNetTask:
    """The training as `loop.train` runs it.  learn: clips to train on.  unseen: acted takes to choose the weights."""

    network: AUNet
    learn: list[AuExample]
    unseen: list[AuExample]
    run: Run
    profile: str
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self):
        self.networks = {"aunet": self.network}
        self.data = AuCrops(self.learn, FRAMES[self.profile], self.run.seed)
        self.spread = Spread.of(self.learn)
        kind = torch.optim.Adam if self.profile in EPOCHS else torch.optim.AdamW
        self.optimisers = {
            "words": kind([p for n, p in self.network.named_parameters() if not n.startswith("manner.")],
                          RATE[self.profile], weight_decay=DECAY[self.profile]),
            "feeling": torch.optim.AdamW(self.network.manner.parameters(), FEELING_RATE, weight_decay=FEELING_DECAY)}

    def losses(self, batch, at: At):
        felt = one_hot(batch["emotion"])
        made = [x.float() for x in self.networks["aunet"](batch["columns"], batch["mask"], at.phase, felt)]
        if at.phase == "words":
            found = words_losses(made[0], batch, self.spread, self.weights)
        else:
            found = feeling_losses(made[0], made[1], batch, self.spread, self.weights)
        yield at.phase, sum(found.values()), found

    def evaluate(self, at: At) -> dict[str, float]:
        if not self.unseen:
            return {}
        found = score(self.networks["aunet"], self.unseen, self.spread, self.weights)
        watched = {"loss": found["loss"], "speech r": found["speech_r"], "feeling r": found["feeling_r"],
                   "emotion": found["emotion"]["accuracy"]}
        return {name: value for name, value in watched.items() if value is not None}

    def lr(self, name: str, at: At) -> float:
        phase = replace(self.run, phases=((at.phase, dict(self.run.phases)[at.phase]),))
        return cosine(At(step=at.phase_step), phase, warm_up=min(100, phase.steps // 10), floor=1e-3)


def config_of(profile: str, context: bool | None = None) -> AUNetConfig:
    """Sizes of a profile.  context: with blocks over time, or without; None: as the profile."""
    config = aunet.PROFILES[profile]
    if context is None or context == bool(config.context):
        return config
    return replace(config, context=CONTEXT if context else ())


def train_aunet(out, *, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                progress: bool = True, takes: StrPath | None = None, context: bool | None = None,
                examples: Sequence[AuExample] | None = None, config: AUNetConfig | None = None, devices=None,
                precision: str | None = None, init=None, freeze=None) -> tuple[At, dict]:
    """Train, and write what `loop.train` writes, then out/aunet.safetensors and .json, the weights with the least loss
    on the people of val.

    profile: ci (seconds), cpu (25 minutes on one core, once the takes are made), gpu.  takes: folder of the file with
    the acted takes, which are made if it is missing; None: `out`.  context: see `config_of`.  examples: clips to use
    instead.  config: sizes instead of the profile's.  devices, precision: instead of the profile's.  init, freeze: see
    `run_of`.
    Returns the last position (`At`), and the card, whose scores are on the people of test.
    Raises InputError: unknown profile, no espeak-ng, a folder of another run.
    """
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="aunet")
    if examples is None:
        examples = examples_of(out if takes is None else takes, profile, seed, progress=progress)
    learn, val, test = ([e for e in examples if e.split == split] for split in SPLITS)
    if not val:
        run = replace(run, best=None)
    torch.manual_seed(seed)
    network = AUNet(config_of(profile, context) if config is None else config)
    task = AUNetTask(network, learn, val, run, profile)
    if profile in EPOCHS and steps is None:
        n = EPOCHS[profile] * max(len(task.data) // run.batch, 1)
        task.run = run = replace(run, phases=(("words", n), *run.phases[1:]))
    at = train(task, run, out, what=f"aunet {network.config} {len(learn)} clips {task.spread} {task.weights} "
                                    f"{FRAMES[profile]} frames", resume=resume, progress=progress)

    def scores() -> dict:
        with on_cpu(network):
            return score(network, test, task.spread, task.weights) if test else {}

    return at, finish(out, "aunet", network, run, at, scores, profile=profile,
                      task="log-mel (128 bands x 32 columns, 0.4 s around each frame) to 17 Action Units at 25/s: what "
                           "the words do, what the emotion adds, and which emotion",
                      data=_data(learn), losses=asdict(task.weights), spread=asdict(task.spread),
                      scored_on="people with speakers and sentences that it did not learn from; the least loss on "
                                "those of val chose its weights",
                      licence=LICENCE,
                      command=f"tfg train aunet --out DIR --profile {profile} --seed {seed}"
                              + (f" --steps {run.steps}" if steps is not None else "")
                              + ("" if context is None else " --context" if context else " --no-context"))


def _data(learn: Sequence[AuExample]) -> dict:
    acted, other = ([e for e in learn if (e.emotion == UNKNOWN) == plain] for plain in (False, True))
    return {"engines": list(corpus.engines()), "acted_takes": len(acted), "people": len({e.voice for e in acted}),
            "acted_hours": round(sum(len(e.speech) for e in acted) / 25 / 3600, 2), "other_clips": len(other),
            "other_hours": round(sum(len(e.speech) for e in other) / 25 / 3600, 2)}
