"""Train PoseVAE, the network from sound and one of 46 styles to head motion.

    tfg train posevae --out build/posevae

Negative ELBO with a fixed noise of the motion, per number: squared error / (2 sigma^2) + KL; and an adversarial term,
by a discriminator that is updated every second step (Zhang et al. 2023: MSE 1, KL 1, GAN 0.7). The discriminator also
judges chunks drawn from the prior, together with the frames before them, as new motions consist of these.

A code can collapse: with KL at its full weight from the first step the decoder learns to ignore z, and every seed
gives the same motion. Two remedies: KL's weight rises over the first fifth of its phase (Bowman et al. 2016), and the
first `FREE` nats of each dimension are free (Kingma et al. 2016). `active` in the log counts the dimensions in use.

The sound can be ignored in the same way, as the code of a chunk contains its nods, and new motions then nod at random
times. So sound has a direct path to the head, with losses of its own (`hearing`): for the curves of stress, and for the
motion predicted from them alone. It is trained first, alone, and then beside the rest, whose losses do not reach it, as
the published sound encoder was frozen. `deaf` minus `expected` in the log measures the use of the sound.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tfg.systems.expression.posevae.data import PARTS, SIZES, Chunks, PoseClip, corpus, spread
from tfg.systems.expression.posevae.evaluate import ACTIVE, known, score
from tfg.systems.expression.posevae.losses import divergence, expectation, hearing, roughened, seam, settle
from tfg.systems.expression.posevae.network import CHUNK, STYLES, N, PoseVAE
from tfg.systems.expression.posevae.network import profile as sizes_of
from tfg.systems.expression.posevae.parts import PoseJudge
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, on_cpu, run_of

RUNS = {"ci": Run(phases=(("hear", 2), ("learn", 6)), batch=12),
        "cpu": Run(phases=(("hear", 3000), ("learn", 5000)), batch=64, evaluate_every=1000, average=.998, best="-loss",
                   channels_last=False),
        "gpu": Run(phases=(("hear", 20_000), ("learn", 200_000)), batch=64, evaluate_every=5000, average=.999,
                   best="-loss", workers=8, channels_last=False)}
"""Training of each profile: first the sound's path, then all parts.  gpu: 500 epochs of the published size and
batch."""
RATE = {"ci": 2e-3, "cpu": 1.5e-3, "gpu": 1e-4}
"""Learning rate of Adam (.9, .99); gpu as published. The discriminator's is at most 2e-4."""
SIGMA = .15
"""Noise of the motion, in standard deviations of it, below which the code need not be exact. If larger, heads that move
little get no code; if smaller, codes of new motions lie where no chunk's did."""
KL, GAN, FREE, RISE = 1.0, .7, .02, .2
EXPECT = 1.0
"""Weight of `expectation` for the middle of the prior."""
SETTLE = 8000
"""Number of chunks to whose codes the density of codes is fitted after training."""
JITTER = .02
"""Noise on the frames before a chunk, in training, as those of a new motion have errors, too."""
LICENCE = ("Weights: Apache-2.0. Trained on the sound of espeak-ng and on head motion made by rules; no recording of a "
           "person was used.")
HEARD = {"mel": "log-mel (80 x 16 a frame)",
         "speech": "speech features (768 a frame) of Whisper tiny.en's second layer"}


@dataclass
class PoseTask:
    """The training as `loop.train` runs it.  clips: to train on.  unseen: to score on."""

    network: PoseVAE
    clips: list[PoseClip]
    unseen: list[PoseClip]
    run: Run
    rate: float
    kl: float = KL
    gan: float = GAN
    expect: float = EXPECT

    def __post_init__(self):
        config, scale = self.network.config, self.network.scale.numpy()
        judge = PoseJudge(config.judge)
        self.networks = {"posevae": self.network, "judge": judge}
        self.data = Chunks(self.clips, config.context, scale, self.run.seed, hearing=config.hearing)
        chunks = Chunks(self.unseen, config.context, scale, 7, hearing=config.hearing)
        self.unseen_batch = chunks.batch(0, np.linspace(0, len(chunks) - 1, min(len(chunks), 512)).astype(int))
        self.optimisers = {"posevae": torch.optim.Adam(self.network.parameters(), self.rate, betas=(.9, .99)),
                           "judge": torch.optim.Adam(judge.parameters(), min(self.rate, 2e-4), betas=(.9, .99))}

    def losses(self, batch, at: At):
        network, judge = self.networks["posevae"], self.networks["judge"]
        before, chunk = batch["before"], batch["chunk"]
        windows = roughened(batch["windows"])
        if at.phase == "hear":
            stress, answer = network(windows, batch["style"])
            heard = hearing(stress, answer, batch)
            yield "posevae", sum(heard.values()), heard
            return
        before = before + JITTER * torch.randn_like(before)
        chunk = chunk + (batch["before"][:, -1:] - before[:, -1:])          # the same poses, relative to there
        stress, answer, drawn, new, middle, mean, logvar = network(windows, batch["style"], before, chunk)
        error = (drawn - chunk).square().mean()
        kl = divergence(mean, logvar).mean(0)                                # (latent,)
        rise = min(1.0, (at.phase_step + 1) / (RISE * dict(self.run.phases)["learn"]))
        seen = seam(before, chunk), seam(before, drawn), seam(before, new)
        fooled = sum((judge(x) - 1).square().mean() for x in seen[1:]) / 2   # least squares (Mao et al. 2017)
        expected, heard = expectation(middle, chunk), hearing(stress, answer, batch)
        loss = error / (2 * SIGMA**2) + rise * self.kl * kl.clamp(min=FREE).sum() / (CHUNK * N) + self.gan * fooled \
            + self.expect * expected + sum(heard.values())
        yield "posevae", loss, {"mse": error, "kl": kl.sum(), "active": (kl > ACTIVE).sum().float(), "fooled": fooled,
                                "expected": expected, **heard}
        if at.step % 2:
            true, fakes = judge(seen[0]), [judge(x.detach()) for x in seen[1:]]
            wrong = sum(x.square().mean() for x in fakes) / 2
            yield "judge", (true - 1).square().mean() + wrong, {"true": true.mean()}

    def evaluate(self, at: At) -> dict[str, float]:
        with on_cpu(self.network):
            found = known(self.network, self.unseen_batch)
        loss = found["mse"] / (2 * SIGMA**2) + found["kl"] / (CHUNK * N)
        return {"loss": loss, **found}

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run, warm_up=min(200, self.run.steps // 10))


def train_posevae(out, *, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                  progress: bool = True, devices=None, precision: str | None = None,
                  kl: float = KL, gan: float = GAN, expect: float = EXPECT, init=None, freeze=None,
                  hearing: str = "mel", clips: dict[str, list[PoseClip]] | None = None) -> tuple[At, dict]:
    """Make the speech and the motion, train, select the weights on val, score on test.

    Writes what `loop.train` writes, then out/posevae.safetensors and .json.  profile: ci, cpu, gpu.  devices,
    precision: instead of the profile's.  kl, gan, expect: weights of these losses.  init, freeze: see `run_of`.
    hearing: mel or speech, what the network hears.  clips: part (train, val, test) -> clips to use instead of making
    them.
    Returns the last position (`At`), and the card.
    Raises InputError: unknown profile or hearing, a folder of another run, no espeak-ng.
    """
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="posevae")
    config = sizes_of(profile, hearing)

    def part_of(part: str) -> list[PoseClip]:
        return clips[part] if clips else corpus(profile, seed, part, progress=progress, hearing=hearing)

    learn, unseen = part_of("train"), part_of("val")
    torch.manual_seed(seed)
    network = PoseVAE(config)
    scale, reach = spread(learn)
    network.scale.copy_(torch.from_numpy(scale))
    network.reach.copy_(torch.from_numpy(reach))
    task = PoseTask(network, learn, unseen, run, RATE[profile], kl, gan, expect)
    size = dict(voices=tuple(len(clips[part]) for part in PARTS)) if clips else SIZES[profile]
    losses = f"kl {kl} gan {gan} expect {expect} sigma {SIGMA} free {FREE}"
    at = train(task, run, Path(out), what=f"posevae {network.config} {size} {losses}", resume=resume, progress=progress)

    def scores() -> dict:
        network.cpu()
        picked = np.linspace(0, len(task.data) - 1, min(len(task.data), SETTLE)).astype(int)
        settle(network, [{k: torch.from_numpy(v) for k, v in task.data.batch(0, part).items()}
                         for part in np.array_split(picked, -(-len(picked) // 512))])
        found = {"val": known(network, task.unseen_batch)}
        return found | {"test": score(network, part_of("test"))}

    hours = sum(len(c.poses) * c.poses.shape[1] for c in learn) / 25 / 3600
    changed = "".join(f"; {name} {value}" for name, value, usual in
                      (("kl", kl, KL), ("gan", gan, GAN), ("expect", expect, EXPECT)) if value != usual)
    return at, finish(out, "posevae", network, run, at, scores, profile=profile,
                      task=f"{HEARD[hearing]} and a style to head pose (yaw, pitch, roll in degrees, "
                           "tx, ty, tz in head widths) at 25/s",
                      data=f"{len(learn)} voices, {hours:.1f} h of motion in {STYLES} styles, made by rules",
                      losses=f"MSE / (2 {SIGMA}^2) + KL (weight rising over {RISE:.0%} of the phase, {FREE} nats of "
                             f"each dimension free) + {GAN} GAN + {EXPECT} expectation{changed}; hearing apart",
                      scored_on=f"val: {len(unseen)} voices that it did not learn from, who chose its weights; test: "
                                f"{size['voices'][2]} other voices saying CREMA-D's sentences, all {STYLES} styles; "
                                "made: new motions, true: the rules', still: no motion, wrong: the rules' beside "
                                "another clip's sound",
                      command=f"tfg train posevae --out DIR --profile {profile} --seed {seed} --steps {run.steps}"
                              + (f" --hearing {hearing}" if hearing != "mel" else ""),
                      licence=LICENCE + (" It hears through Whisper tiny.en (MIT)." if hearing == "speech" else ""))
