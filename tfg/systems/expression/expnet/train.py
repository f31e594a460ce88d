"""Train ExpNet, the network from sound to a whole face without emotion.

    tfg train expnet --out build/expnet
or `train_expnet("build/expnet")`. Two phases: a lip reader learns visemes from true lips and is frozen; then ExpNet
learns from scratch, or from given weights (init).
Losses: tfg/systems/expression/expnet/losses.py. Data: tfg/systems/expression/expnet/data.py, and measured clips of
real people beside it if they are given (tfg/systems/expression/expnet/measured.py; no shipped weights have seen any).

Profile `gpu` is as published: Wav2Lip's encoder, windows of 5 frames, batch 32, Adam at 2e-5, 300 epochs, the paper's
four losses alone.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch
import torch.nn.functional as F
from torch import nn

from tfg.corpora.splits import Splits
from tfg.errors import InputError
from tfg.speech import corpus, visemes
from tfg.systems.expression.expnet import network as expnet
from tfg.systems.expression.expnet.data import UNKNOWN, ExpNetData, FaceExample, virtual_examples
from tfg.systems.expression.expnet.evaluate import held_out
from tfg.systems.expression.expnet.losses import PAPER, LipReader, Weights, expression_losses, reading_loss, spread_of
from tfg.systems.expression.expnet.network import ExpNet
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, on_cpu, run_of

RUNS = {"ci": Run(phases=(("read", 10), ("learn", 20)), batch=4, channels_last=False),
        "cpu": Run(phases=(("read", 400), ("learn", 9600)), batch=24, average=.998, evaluate_every=2000,
                   channels_last=False),
        "gpu": Run(phases=(("read", 2000), ("learn", 1)), batch=32, evaluate_every=10_000, workers=8,
                   channels_last=False)}
"""Training of each profile; in gpu, `learn` lasts EPOCHS of the data."""
SPEECH_STEPS = {"cpu": (("read", 400), ("learn", 2000)), "gpu": (("read", 400), ("learn", 20_000))}
"""Phases of a network that hears speech features, where they are not the profile's: it has less to learn."""
MORE_STEPS = {"cpu": (("read", 100), ("learn", 700))}
"""The same of a network of mels that learns on from given weights."""
EPOCHS = {"gpu": 300}
RATE = {"ci": 3e-3, "cpu": 2e-3, "gpu": 2e-5}
READER_RATE = 2e-3
FRAMES = {"ci": 40, "cpu": 100, "gpu": 5}
"""Frames of a training crop, 25 a second."""
WEIGHTS = {"ci": Weights(), "cpu": Weights(), "gpu": PAPER}
DECAY = .02
HEARD = {"mel": "mel windows (80 x 16)", "speech": "speech features (768) of Whisper tiny.en's second layer"}
WATCHED = ("opening_r", "closure_recall", "false_closures", "r_mean")
LICENCE = ("Weights: Apache-2.0. Trained on the sound of espeak-ng (its output is free of its GPL), and of flite and "
           "festival voices (CMU, free for any use with notice) where the list of engines names them")


@dataclass
class ExpNetTask:
    """The training as `loop.train` runs it.  learn: clips to train on.  unseen: clips to score on.  hint: length of the
    codes from which visemes are classified, or 0 for none."""

    network: ExpNet
    learn: list[FaceExample]
    unseen: list[FaceExample]
    run: Run
    rate: float
    weights: Weights
    frames: int
    published: bool = False

    def __post_init__(self):
        self.networks = {"expnet": self.network, "reader": LipReader(),
                         "hint": nn.Linear(self.network.config.hidden, len(visemes.VISEMES))}
        self.data = ExpNetData(self.learn, self.frames, self.run.seed, self.network.config.hearing)
        self.spread, self.count = spread_of(self.learn)
        own = [*self.network.parameters(), *self.networks["hint"].parameters()]
        optimiser = torch.optim.Adam(own, self.rate) if self.published else torch.optim.AdamW(own, self.rate,
                                                                                              weight_decay=DECAY)
        self.optimisers = {"reader": torch.optim.Adam(self.networks["reader"].parameters(), READER_RATE),
                           "expnet": optimiser}

    def losses(self, batch, at: At):
        if at.phase == "read":
            yield "reader", reading_loss(self.networks["reader"], batch), {}
            return
        out, codes = self.networks["expnet"](batch["windows"], batch["neutral"], batch["blink"], codes=True)
        found = expression_losses(out.float(), batch, self.networks["reader"], self.spread, self.count, self.weights)
        if self.weights.viseme:
            known = (batch["viseme"] != UNKNOWN).sum().clamp(min=1)
            logits = self.networks["hint"](codes).float()
            found["viseme"] = self.weights.viseme / known * F.cross_entropy(
                logits.flatten(0, 1), batch["viseme"].flatten(), ignore_index=UNKNOWN, reduction="sum",
                label_smoothing=.05)
        yield "expnet", sum(found.values()), found

    def evaluate(self, at: At) -> dict[str, float]:
        if at.phase == "read":
            return {}
        with on_cpu(self.network):
            scores = held_out(self.network, self.unseen)
        return {f"{key} {name}": value[key] for name, value in scores.items() for key in WATCHED
                if value[key] is not None}

    def lr(self, name: str, at: At) -> float:
        """Learning rate: constant as published; else a rise and half a cosine over the phase."""
        steps = dict(self.run.phases).get("learn", 0)
        if self.published or name == "reader" or not steps:
            return 1.0
        return cosine(At(step=at.phase_step), replace(self.run, phases=(("learn", steps),)),
                      warm_up=min(200, steps // 10))


def train_expnet(out, *, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                 progress: bool = True, use: tuple[str, ...] | None = None, measured=None, splits: Splits | None = None,
                 examples: list[FaceExample] | None = None, devices=None, precision: str | None = None, init=None,
                 freeze=None, hearing: str = "mel", recorded=None, teacher=None) -> tuple[At, dict]:
    """Train, and write what `loop.train` writes, then out/expnet.safetensors and .json. Nothing is chosen by a score:
    the last weights are kept (profile `cpu`: their moving average).

    profile: ci, cpu, gpu.  use: speech engines; None: those installed.  measured: a folder of measured clips to train
    on besides (`measured.read`).  splits: their table of splits.  examples: clips to use instead of making speech.
    devices, precision: instead of the profile's.  init, freeze: see `run_of`; a network of mels that learns on gets
    fewer sentences and steps.  recorded: folder of recordings to train on besides; teacher: folder of an ExpNet whose
    faces they get, see `expnet.recorded`. Returns the last position (`At`), and the card, whose scores are on voices
    and a language not trained on. Raises InputError: unknown profile, no speech engine, measured clips that may not be
    trained on or do not fit their sound, a folder of another run, a teacher without recordings.
    """
    more = hearing == "mel" and init is not None
    less = {name: replace(RUNS[name], phases=phases) for name, phases in MORE_STEPS.items() if more}
    run = run_of(RUNS | less, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init,
                 freeze=freeze, name="expnet")
    if hearing == "speech" and steps is None and profile in SPEECH_STEPS:
        run = replace(run, phases=SPEECH_STEPS[profile])
    use = corpus.engines() if use is None else tuple(use)
    config = expnet.profile(profile, hearing)
    examples = virtual_examples(profile, seed, use, progress, hearing, more) if examples is None else list(examples)
    if teacher is not None and (recorded is None or hearing != "mel"):
        raise InputError("a teacher gives faces to recordings for a network of mels: give --recorded DIR besides, and "
                         "no --hearing speech.")
    if recorded is not None:
        from tfg.systems.expression.expnet import recorded as real_speech

        examples += real_speech.recorded_examples(recorded, seed, hearing, progress) if teacher is None else \
            real_speech.taught_examples(recorded, seed, teacher, progress)
    if measured is not None:
        from tfg.systems.expression.expnet.measured import read

        examples += read(measured, splits=splits)
    learn, unseen = ([e for e in examples if (e.split == "train") == taught] for taught in (True, False))
    torch.manual_seed(seed)
    network = ExpNet(config)
    published = profile in EPOCHS and hearing == "mel"
    task = ExpNetTask(network, learn, unseen, run, RATE[profile], WEIGHTS[profile], FRAMES[profile], published)
    if published and steps is None:
        n = EPOCHS[profile] * max(len(task.data) // run.batch, 1)
        task.run = run = replace(run, phases=(run.phases[0], ("learn", n)))
    at = train(task, run, out, what=f"expnet {network.config} {len(learn)} clips {use} {measured is not None} "
                                    f"{task.weights}", resume=resume, progress=progress)
    real = sorted({e.voice for e in learn if e.voice.startswith("measured:")})
    readers = sorted({e.voice for e in learn if e.voice.startswith("read:")})

    def scores() -> dict:
        with on_cpu(network):
            return held_out(network, unseen)

    return at, finish(out, "expnet", network, run, at, scores, profile=profile,
                      task=f"{HEARD[hearing]}, the speaker's rest and the lids to 52 absolute coefficients at 25/s",
                      data=_data(learn, use), losses=asdict(task.weights),
                      scored_on="voices and a language that it never heard; nothing was chosen by them but the "
                                "network's sizes",
                      licence=_licence(hearing, len(real), len(readers)),
                      command=f"tfg train expnet --out DIR --profile {profile} --seed {seed}"
                              + (f" --steps {run.steps}" if steps is not None else "")
                              + (f" --hearing {hearing}" if hearing != "mel" else "")
                              + (" --recorded DIR" if recorded is not None else "")
                              + (" --teacher DIR" if teacher is not None else "")
                              + (" --measured DIR" if measured is not None else ""))


def _licence(hearing: str, real: int, readers: int) -> str:
    """The licence of the weights, with what they learned from. real, readers: numbers of people."""
    out = LICENCE + "; how far lips open for a viseme was learned from clips of CREMA-D and GRID (data/articulation)"
    if hearing == "speech":
        out += "; it hears through Whisper tiny.en (MIT)"
    if readers:
        out += f"; of recordings of {readers} people who read (LibriSpeech, CC BY 4.0)"
    if real:
        return out + f"; and on measured clips of {real} people, whose licence counts too."
    return out + ("." if readers else ". No recordings of real clips were used.")


def _data(learn: list[FaceExample], use: tuple[str, ...]) -> dict:
    voices = sorted({e.voice for e in learn})
    return {"engines": list(use), "clips": len(learn), "voices": len(voices),
            "hours": round(sum(len(e.asked) for e in learn) / 25 / 3600, 2),
            "languages": sorted({v.split(":")[1].split("+")[0] for v in voices if v.startswith("espeak:")})}
