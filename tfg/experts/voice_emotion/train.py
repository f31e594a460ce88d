"""Train the network that hears the emotion of a voice, on virtual people's emotional voices.

    tfg train voice-emotion --out build/voice_emotion --takes build/voices

The statistics of the voices are made once (about 5 minutes of one core in the profile `cpu`, seconds in `ci`); a
training on them takes 10 seconds. The people of val choose the weights, the temperature of the probabilities, and the
least probability of a named feeling: so that of what is named at least `RIGHT` is right.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from tfg.experts.voice_emotion import data
from tfg.experts.voice_emotion.data import SPLITS, Voices
from tfg.experts.voice_emotion.evaluate import NEUTRAL, score
from tfg.experts.voice_emotion.network import PROFILES, VoiceEmotion, VoiceEmotionConfig
from tfg.options import StrPath
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, load_best, on_cpu, run_of
from tfg.vocabulary import EMOTIONS

RUNS = {"ci": Run(phases=(("learn", 30),), batch=12, evaluate_every=10, best="-loss", channels_last=False),
        "cpu": Run(phases=(("learn", 600),), batch=96, evaluate_every=50, average=.98, best="-loss",
                   channels_last=False),
        "gpu": Run(phases=(("learn", 4000),), batch=256, evaluate_every=200, average=.99, best="-loss",
                   channels_last=False)}
RATE = {"ci": 2e-2, "cpu": 1e-3, "gpu": 1e-3}
DECAY = .3
RIGHT, LEAST_NAMED = .6, .05
"""Share of what is named that has to be right on val, and least share of sentences for which a feeling is named."""
TEMPERATURES = np.geomspace(.25, 8, 60)
LICENCE = ("Weights: Apache-2.0. Trained on the sound of espeak-ng (its output is free of its GPL), heard through "
           "Whisper's encoder (MIT).")


class Sentences:
    """The sentences of train as the loop's data: batches of statistics (B, D) and emotion (B,), emotions alike often.
    """

    def __init__(self, voices: Voices, kinds: tuple[str, ...]):
        self.statistics, self.emotion = voices.of(kinds), voices.emotion
        self.places = [np.flatnonzero(self.emotion == e) for e in range(len(EMOTIONS)) if (self.emotion == e).any()]

    def __len__(self) -> int:
        return len(self.emotion)

    def batch(self, epoch: int, index) -> dict[str, np.ndarray]:
        """The examples with these numbers: a sentence of each emotion in turn."""
        at = []
        for i in np.asarray(index):
            places = self.places[int(i) % len(self.places)]
            at.append(places[(int(i) // len(self.places) + epoch) % len(places)])
        return {"statistics": self.statistics[at], "emotion": self.emotion[at]}


@dataclass
class VoiceEmotionTask:
    """The training as `loop.train` runs it.  learn: sentences to train on.  unseen: sentences to choose the weights."""

    network: VoiceEmotion
    learn: Voices
    unseen: Voices
    run: Run
    profile: str

    def __post_init__(self):
        self.networks = {"voice_emotion": self.network}
        self.data = Sentences(self.learn, self.network.config.kinds)
        self.optimisers = {"voice_emotion": torch.optim.AdamW(self.network.parameters(), RATE[self.profile],
                                                               weight_decay=DECAY)}

    def losses(self, batch, at: At):
        loss = F.cross_entropy(self.networks["voice_emotion"](batch["statistics"]).float(), batch["emotion"])
        yield "voice_emotion", loss, {"loss": loss}

    @torch.no_grad()
    def evaluate(self, at: At) -> dict[str, float]:
        if not len(self.unseen):
            return {}
        network = self.networks["voice_emotion"].eval()
        place = next(network.parameters()).device
        logits = network(torch.from_numpy(self.unseen.of(network.config.kinds)).to(place)).float().cpu()
        true = torch.from_numpy(self.unseen.emotion)
        return {"loss": float(F.cross_entropy(logits, true)),
                "accuracy": float((logits.argmax(1) == true).float().mean())}

    def lr(self, name: str, at: At) -> float:
        return cosine(At(step=at.phase_step), self.run, warm_up=min(50, self.run.steps // 10), floor=1e-2)


def train_voice_emotion(out, *, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                        progress: bool = True, takes: StrPath | None = None, recordings: StrPath | None = None,
                        voices: Voices | None = None, config: VoiceEmotionConfig | None = None, init=None,
                        freeze=None) -> tuple[At, dict]:
    """Train, and write what `loop.train` writes, then out/voice_emotion.safetensors and .json.

    profile: ci (seconds), cpu, gpu.  takes: folder of the file with the voices' statistics, which is made if it is
    missing; None: `out`.  recordings: folder with sounds of real people to learn from as well, named as CREMA-D's.
    voices: sentences to use instead.  config: sizes instead of the profile's.  init, freeze: see `run_of`.
    Returns the last position (`At`), and the card, whose scores are on the people of test.
    Raises InputError: unknown profile, no espeak-ng, no such recordings, a folder of another run.
    """
    run = run_of(RUNS, profile, seed=seed, steps=steps, init=init, freeze=freeze, name="voice_emotion")
    if voices is None:
        voices = data.voices_of(out if takes is None else takes, profile, seed, progress=progress)
        if recordings is not None:
            voices = both(voices, data.recordings_of(recordings, progress=progress))
    network = _new(voices, PROFILES[profile] if config is None else config, seed)
    run, at = _learn(out, network, voices, run, profile, resume, progress)
    val, test = voices.part("val"), voices.part("test")

    def scores() -> dict:
        with on_cpu(network):
            settle(network, val)
            found = {name: score(network, part) for name, part in (("val", val), ("test", test)) if len(part)}
            return found | {"temperature": round(float(network.temperature), 3), "sure": round(float(network.sure), 3)}

    return at, finish(out, "voice_emotion", network, run, at, scores, profile=profile,
                      task="statistics of a whole sound to the emotion of its voice",
                      data={split: {"sentences": len(part), "people": len(set(part.voice))} for split in SPLITS
                            if len(part := voices.part(split))},
                      scored_on="people with speakers and sentences that it did not learn from; those of val chose "
                                "weights, temperature and the least probability of what is named",
                      licence=LICENCE,
                      command=f"tfg train voice-emotion --out DIR --profile {profile} --seed {seed}"
                              + (f" --steps {run.steps}" if steps is not None else "")
                              + (" --recordings DIR" if recordings is not None else ""))


def network_of(out, voices: Voices, config: VoiceEmotionConfig, *, profile: str = "cpu", seed: int = 0) -> VoiceEmotion:
    """A trained and settled network without files of its own, for comparisons.  out: folder for the training's."""
    network = _new(voices, config, seed)
    run, _ = _learn(out, network, voices, replace(RUNS[profile], seed=seed), profile, False, False)
    load_best(out, "voice_emotion", network, run)
    settle(network, voices.part("val"))
    return network


def _new(voices: Voices, config: VoiceEmotionConfig, seed: int) -> VoiceEmotion:
    """A network before training, which knows the mean and deviation of the statistics of train."""
    torch.manual_seed(seed)
    network, seen = VoiceEmotion(config), voices.part("train").of(config.kinds)
    network.centre.copy_(torch.from_numpy(seen.mean(0)))
    network.scale.copy_(torch.from_numpy(1 / np.maximum(seen.std(0), 1e-3)))
    return network


def _learn(out, network: VoiceEmotion, voices: Voices, run: Run, profile: str, resume: bool,
           progress: bool) -> tuple[Run, At]:
    learn, val = voices.part("train"), voices.part("val")
    if not len(val):
        run = replace(run, best=None)
    what = f"voice_emotion {network.config} {len(learn)} sentences {float(learn.of(network.config.kinds).sum()):.6g}"
    task = VoiceEmotionTask(network, learn, val, run, profile)
    return run, train(task, run, out, what=what, resume=resume, progress=progress)


@torch.no_grad()
def settle(network: VoiceEmotion, val: Voices) -> None:
    """Choose the temperature with the highest likelihood on val, and the least probability of what is named, in place.
    Without val, everything is named."""
    network.eval()
    network.temperature.fill_(1.0)
    if not len(val):
        return
    logits, true = network(torch.from_numpy(val.of(network.config.kinds))), torch.from_numpy(val.emotion)
    network.temperature.fill_(min(TEMPERATURES, key=lambda t: float(F.cross_entropy(logits / t, true))))
    network.sure.fill_(least_sure((logits / network.temperature).softmax(1).numpy(), val.emotion))


def least_sure(probable: np.ndarray, true: np.ndarray) -> float:
    """The smallest probability above which at least `RIGHT` of the named feelings are right, at every larger one, too,
    as long as `LEAST_NAMED` of the sentences are named; where there is none, the one with the largest share of right
    ones.  probable: (N, 6).  true: (N,)."""
    best, p = probable.argmax(1), probable.max(1)
    steps = np.arange(.2, .96, .01)
    named = [(best != NEUTRAL) & (p >= t) for t in steps]
    right = np.array([(best == true)[n].mean() if n.any() else 0.0 for n in named])
    enough = np.array([n.mean() >= LEAST_NAMED for n in named])
    fine = enough & np.minimum.accumulate(((right >= RIGHT) | ~enough)[::-1])[::-1]
    if fine.any():
        return float(steps[fine.argmax()])
    return float(steps[np.where(enough, right, -1).argmax()]) if enough.any() else float(steps[-1])


def both(a: Voices, b: Voices) -> Voices:
    """All sentences of two sets."""
    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(a, name), getattr(b, name)])

    return Voices({kind: np.concatenate([a.stats[kind], b.stats[kind]]) for kind in a.stats},
                  *(joined(name) for name in ("emotion", "intensity", "level", "voice", "split")))
