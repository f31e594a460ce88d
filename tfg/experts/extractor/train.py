"""Train the extractor, the network that measures expression: the third method of `tfg measure`.

    tfg train extractor --sets build/cpu build/train --out build/extractor

It predicts the truth of virtual and portrait actors from the landmarker's measurements of their pictures, its inputs in
use: true landmarks would be cleaner than measured ones. So the clips are measured first (once; OUT/readings, see
`tfg.experts.extractor.data`), which takes longer than the training. The split `val` selects the weights, the split
`test` is only scored.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.experts.extractor import data
from tfg.experts.extractor import network as extractor
from tfg.experts.extractor.data import Readings
from tfg.experts.extractor.evaluate import listed, score, summary
from tfg.faces import mirror
from tfg.faces.face_crop import in_head
from tfg.files import make_folder
from tfg.head.fit_clip import Prior
from tfg.training.augment_pixels import AugmentPixels
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, on_cpu, run_of
from tfg.vocabulary import EXPRESSION

RUNS = {"ci": Run(phases=(("learn", 6),), batch=4),
        "cpu": Run(phases=(("learn", 3000),), batch=16, evaluate_every=500, average=.995, best="r"),
        "gpu": Run(phases=(("learn", 20_000),), batch=48, evaluate_every=1000, average=.999, best="r", workers=4)}
RATE = {"ci": 3e-3, "cpu": 2e-3, "gpu": 1e-3}
DECAY = .02
FRAMES = 6
"""Frames of a clip in a batch, enough to estimate the clip's mean."""
ALONE = 10
"""Step interval at which each frame is a clip of its own, so that a single picture can be read, too."""
LEAST_STD = .005
"""Least standard deviation of a coefficient in the training data; one below it is not learned."""
LEAST_R = .3
"""Least r of a coefficient on val actors, of the better kind; one below it is not predicted at all."""
AUGMENT = Augment(brightness=.1, contrast=.25, gamma=.25, colour=.1, noise=.02, noise_p=.2, blur_p=.2, jpeg_p=.1)
AUGMENT_PIXELS = AugmentPixels(shift=.03, zoom=.04, turn=2.0, squeeze=0.0, hide=.1, grey=.3, coarse=.3, least=.5)


class ExtractorData:
    """Training clips for the loop; index i is a visit of a clip, with FRAMES of its frames drawn at random."""

    def __init__(self, readings: Readings, *, seed: int = 0, visits: int = 4, augment: Augment = AUGMENT):
        self.readings, self.seed, self.visits, self.augment = readings, seed, visits, augment
        self.head = in_head(readings.arrays["points"])
        self.first = np.searchsorted(readings.clip, np.arange(len(readings.clips) + 1))

    def __len__(self) -> int:
        return self.visits * len(self.readings.clips)

    def batch(self, epoch: int, indices) -> dict:
        """One batch: crops (B, T, 3, S, S) uint8, points (B, T, 478, 3) cm, blendshapes, expression (B, T, 52), angles
        (B, T, 3) degrees."""
        indices = np.asarray(indices, np.int64)
        clip = indices % len(self.readings.clips)
        n = self.first[clip + 1] - self.first[clip]
        rows = np.stack([self.first[clip] + self._draw(epoch, indices, k, n) for k in range(FRAMES)], 1)
        a = self.readings.arrays
        crops = np.ascontiguousarray(a["crops"][rows].transpose(0, 1, 4, 2, 3))
        out = {"crops": crops, "points": self.head[rows], "expression": a["expression"][rows],
               "blendshapes": np.nan_to_num(a["blendshapes"][rows]), "angles": a["pose"][rows][..., :3]}
        draws = self.augment.draw(self.seed, epoch, indices)
        self.augment.frames(out["crops"], draws)
        flip = draws["flip"]
        for name in ("expression", "blendshapes"):
            out[name][flip] = mirror.expression(out[name][flip])
        out["points"][flip] = out["points"][flip][:, :, mirror.POINTS] * np.array([-1, 1, 1], np.float32)
        out["angles"][flip] *= mirror.POSE_SIGNS[:3]
        return out

    def _draw(self, epoch, indices, k: int, n: np.ndarray) -> np.ndarray:
        """Number of a random frame in the k-th of FRAMES equal parts of n frames, so that they spread over the clip."""
        u = seeded.uniform(self.seed, epoch, 80 + k, indices)
        return np.minimum(((k + u) / FRAMES * n).astype(np.int64), n - 1)


@dataclass
class ExtractorTask:
    """The training of the extractor as `loop.train` runs it."""

    network: extractor.Extractor
    data: ExtractorData
    unseen: Readings
    run: Run
    rate: float

    def __post_init__(self):
        self.networks = {"extractor": self.network}
        self.network.know(self.data.head, self.data.readings.arrays["expression"])
        parameters = list(self.network.parameters())
        groups = [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": DECAY},
                  {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0}]
        self.optimisers = {"extractor": torch.optim.AdamW(groups, self.rate, betas=(.9, .99))}
        self.weight = 1 / self.network.scale

    def losses(self, batch, at: At):
        crops = AUGMENT_PIXELS(batch["crops"].float() / 255)
        given = [crops, batch["points"], batch["blendshapes"], batch["angles"]]
        true = batch["expression"]
        if at.step % ALONE == ALONE - 1:
            *given, true = (x.flatten(0, 1)[:, None] for x in (*given, true))
        found = self.networks["extractor"](*given).float()
        weight = self.weight.to(found.device)
        loss = F.smooth_l1_loss(found * weight, true * weight, beta=.5)
        yield "extractor", loss, {"error": (found.detach() - true).abs().mean()}

    def evaluate(self, at: At) -> dict[str, float]:
        return summary(score(self.unseen, read_all(self.network, self.unseen)))

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run, warm_up=min(200, self.run.steps // 10))


def read_all(network: extractor.Extractor, readings: Readings) -> np.ndarray:
    """Expression of all measured frames, (N, 52), clip by clip; NaN for coefficients that are not predicted."""
    a, parts = readings.arrays, []
    with on_cpu(network):
        for k in range(len(readings.clips)):
            rows = readings.rows(k)
            parts.append(extractor.predict(a["crops"][rows], a["points"][rows], a["blendshapes"][rows],
                                           a["pose"][rows], network=network))
    return np.concatenate(parts)


def unread(scores: dict[str, dict], still: tuple[str, ...]) -> tuple[str, ...]:
    """Names of coefficients not to predict: `still`, and those with an r below LEAST_R on val actors of every kind."""
    best = {n: max((s["r"][n] for s in scores.values() if s["r"][n] is not None), default=1.0) for n in EXPRESSION}
    return tuple(n for n in EXPRESSION if n in still or best[n] < LEAST_R)


def train_extractor(sets, out, *, readings=None, profile: str = "cpu", seed: int = 0, steps: int | None = None,
                    resume: bool = True, progress: bool = True, every: dict[str, int] | None = None, devices=None,
                    precision: str | None = None, init=None, freeze=None) -> tuple[At, dict]:
    """Measure clips not measured yet, train on the split `train`, select the weights by `val`, score `test`.

    sets: folders that `tfg actors make` wrote.  readings: folder of the measurements (None: out/readings).  every: step
    between measured frames, by split (None: `data.EVERY`).  Writes out/expression_prior.npz, the prior of `fit`, what
    `loop.train` writes, then out/extractor.safetensors and .json.  init, freeze: see `run_of`. Returns the last
    position (`At`), and the card. Raises InputError: unknown profile, no such set, nobody to train on, a folder of
    another run.
    """
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="extractor")
    clips = data.sources(sets)
    folder = Path(out) / "readings" if readings is None else Path(readings)
    by = {split: [c for c in clips if c.split == split] for split in ("train", "val", "test")}
    for split in ("train", "val"):
        if not by[split]:
            raise InputError(f"none of the {len({c.actor for c in clips})} actors is in the split {split}, which a "
                             "training needs: make more of them, such as: tfg actors make --actors 12 --clips 2 --out "
                             "DIR")
    data.read_all(by["train"] + by["val"], folder, every=every, progress=progress)
    learn, unseen = (data.load(by[split], folder, every=every) for split in ("train", "val"))
    Prior.of(learn.arrays["expression"]).save(make_folder(out))
    torch.manual_seed(seed)
    still = learn.arrays["expression"].std(0) < LEAST_STD
    config = replace(extractor.PROFILES[profile], unread=tuple(np.array(EXPRESSION)[still].tolist()))
    network = extractor.Extractor(config)
    task = ExtractorTask(network, ExtractorData(learn, seed=seed), unseen, run, RATE[profile])
    at = train(task, run, out, what=f"extractor {config} {len(learn)} frames", resume=resume, progress=progress)

    def scores() -> dict:
        of = score(unseen, read_all(network, unseen))
        network.config = replace(config, unread=unread(of, config.unread))
        found: dict[str, dict] = {"val": summary(of)}
        if by["test"]:
            data.read_all(by["test"], folder, every=every, progress=progress)
            test = data.load(by["test"], folder, every=every)
            of = score(test, read_all(network, test))
            found["test"] = summary(of) | {"each": listed(of)}
        return found

    return at, finish(out, "extractor", network, run, at, scores, profile=profile, split="train", actors=learn.actors,
                      use="measure", data=f"{len(learn)} frames of {len(learn.clips)} clips of {len(learn.actors)} "
                                          "actors, as MediaPipe's landmarker measures them, against their truth",
                      scored_on=f"val: {len(unseen.actors)} actors that it did not learn from, who chose its weights; "
                                "test: the split test; r is the mean over actors of Pearson's r over all frames of an "
                                "actor, then over coefficients",
                      command=f"tfg train extractor --sets {' '.join('SET' for _ in sets)} --out DIR "
                              f"--profile {profile} --seed {seed} --steps {run.steps}")
