"""Train the face encoder on the true labels of virtual actors, and the judge's encoder on other actors.

    tfg train encoder --store build/dub_people --out build/encoder
    tfg train encoder --judge --store build/dub_judges --out build/judge_encoder

Four tasks at once: the true expression; the true pose; the landmarks, which helps the others (its head is dropped in
the end); and the actor's identity, by a cosine softmax with a margin (Wang et al. 2018, CosFace, eq. 4): the unit
vector of a picture must be nearer to its actor's than to any other's, whatever the emotion. An actor's clips share
hair, clothes and background, which would give the identity away; so half of the pictures get another actor's
surroundings. Scored on people not trained on.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.corpora.augment import Augment
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.corpora.windows import Windows
from tfg.experts.encoder.network import JUDGES, PROFILES, FaceEncoder
from tfg.training.batches import tensors
from tfg.training.holdout import has_split, learn_and_choose
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of
from tfg.vocabulary import index

RUNS = {"ci": Run(phases=(("learn", 6),), batch=8, evaluate_every=1000),
        "cpu": Run(phases=(("learn", 4000),), batch=32, evaluate_every=1000, average=.99, best="r"),
        "gpu": Run(phases=(("learn", 40_000),), batch=128, evaluate_every=2000, average=.999, best="r", workers=8,
                   precision="bf16-mixed")}
RATE = {"ci": 3e-3, "cpu": 2e-3, "gpu": 5e-4}
POSE, POINTS, WHO = .5, .5, .05
"""Weights of the losses relative to that of the expression."""
POINT_UNIT = .02
"""Unit of landmark errors, as a share of the crop's side."""
MARGIN, SCALE = .2, 16.0
LEAST_STD = .05
"""Least standard deviation by which a coefficient's error is divided, for those that hardly move."""
SHIFT, ZOOM = .05, .07
"""Largest random changes of a crop's place and size, as shares of its side."""
FACE = (.5, .54, .30, .40)
"""Centre and radii (x, y) of an oval around a face without hair and background, in sides of the crop."""
KEYS = {"smile": ("mouthSmile",), "frown": ("mouthFrown",), "jaw": ("jawOpen",), "pucker": ("mouthPucker",),
        "brows_up": ("browInnerUp",), "brows_down": ("browDown",), "blink": ("eyeBlink",)}
"""Coefficients scored, left and right averaged."""
N_POINTS = 478


@dataclass
class EncoderTask:
    """The training as `loop.train` runs it.  windows: to train on.  unseen: to score on."""

    network: FaceEncoder
    windows: Windows
    unseen: Windows
    run: Run
    rate: float

    def __post_init__(self):
        config, arrays, rows = self.network.config, self.windows.store.arrays, self.windows.clips
        seen = np.concatenate([arrays["expression"][r.start:r.stop] for r in rows])
        self.weight = torch.from_numpy((1 / (seen.std(0) + LEAST_STD) ** 2).astype(np.float32))
        points = nn.Linear(config.code, 2 * N_POINTS)
        with torch.no_grad():                          # starts from the mean face: constant values need no steps
            self.network.expression.bias.copy_(torch.logit(torch.from_numpy(seen.mean(0)), 1e-3))
            self.network.expression.weight.mul_(.1)
            mean = np.concatenate([arrays["points"][r.start:r.stop:8, :, :2] for r in rows]).astype(np.float32).mean(0)
            points.bias.copy_(torch.from_numpy((mean + .5).ravel() * 2 / self.windows.store.size - 1))
            points.weight.mul_(.1)
        people = nn.Linear(config.identity, len(self.windows.actors), bias=False)
        self.networks = {"encoder": self.network, "people": people, "points": points}
        self.data = self.windows
        decayed = [p for n in self.networks.values() for p in n.parameters() if p.ndim > 1]
        plain = [p for n in self.networks.values() for p in n.parameters() if p.ndim == 1]
        self.optimisers = {"encoder": torch.optim.AdamW([{"params": decayed, "weight_decay": .02},
                                                         {"params": plain, "weight_decay": 0.0}], self.rate)}

    def losses(self, batch, at: At):
        x = batch["frames"][:, 0].float() / 255
        swap = torch.rand(len(x)).to(x.device) < .5
        matrix = jitters(len(x)).to(x.device)
        x = jittered(torch.where(swap[:, None, None, None], elsewhere(x), x), matrix)
        found = self.networks["encoder"](x.contiguous(memory_format=torch.channels_last))
        where = (batch["points"][:, 0, :, :2] + .5) * 2 / x.shape[-1] - 1                  # (B, 478, 2) in [-1, 1]
        where = (where - matrix[:, None, :, 2]) / matrix[:, 0, 0, None, None]
        points = self.networks["points"](found["code"]).float().unflatten(1, (N_POINTS, 2))
        points = F.smooth_l1_loss(points / (2 * POINT_UNIT), where / (2 * POINT_UNIT))
        off = found["expression"].float() - batch["expression"][:, 0]
        expression = (off ** 2 * self.weight.to(off.device)).mean()
        scale = self.network.pose_scale
        pose = F.smooth_l1_loss(found["pose"].float() / scale, batch["pose"][:, 0] / scale)
        who = self._who(found["identity"].float(), batch["actor"])
        loss = expression + POSE * pose + POINTS * points + WHO * who
        yield "encoder", loss, {"expression": expression, "pose": pose, "points": points, "who": who}

    def _who(self, identity: torch.Tensor, actor: torch.Tensor) -> torch.Tensor:
        """CosFace: cross entropy of SCALE (cos theta_j - MARGIN [j is the actor])."""
        people = self.networks["people"]
        cos = people(identity) / people.weight.norm(dim=1)
        return F.cross_entropy(SCALE * (cos.float() - MARGIN * F.one_hot(actor, cos.shape[1])), actor)

    def evaluate(self, at: At) -> dict[str, float]:
        return score_encoder(self.networks["encoder"], self.unseen)

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run, warm_up=100)


def jitters(count: int) -> torch.Tensor:
    """Random small shifts and zooms, (B, 2, 3) matrices; drawn on the CPU, so that they are equal on all devices."""
    draw = 2 * torch.rand(count, 3) - 1
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1 + ZOOM * draw[:, 0]
    matrix[:, :, 2] = 2 * SHIFT * draw[:, 1:]
    return matrix


def jittered(x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Pictures (B, 3, S, S) resampled: the pixel at matrix @ (x, y, 1), in [-1, 1], moves to (x, y)."""
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def elsewhere(x: torch.Tensor) -> torch.Tensor:
    """Pictures (B, 3, S, S) of each face with the hair and background of the picture before it, with a soft edge."""
    size = x.shape[-1]
    at = (torch.arange(size, device=x.device) + .5) / size
    away = ((at[None] - FACE[0]) / FACE[2]) ** 2 + ((at[:, None] - FACE[1]) / FACE[3]) ** 2
    face = ((1.2 - away.sqrt()) / .2).clamp(0, 1)                     # 1 inside, 0 from 1.2 radii on
    return face * x + (1 - face) * x.roll(1, 0)


@torch.no_grad()
def look(network: FaceEncoder, windows: Windows, frames: int, *, swap: bool = False) -> dict[str, np.ndarray]:
    """Outputs of the network (by its names) for about `frames` frames, evenly chosen, and the truth as true_expression,
    true_pose, clip.  swap: give each face the surroundings of another one, drawn from all people."""
    indices = np.unique(np.linspace(0, len(windows) - 1, min(frames, len(windows))).astype(int))
    indices = np.random.default_rng(0).permutation(indices)
    device, parts = next(network.parameters()).device, []
    for part in np.array_split(indices, -(-len(indices) // 128)):
        batch = tensors(windows.batch(0, part))
        x = batch["frames"][:, 0].to(device).float() / 255
        found = network(elsewhere(x) if swap else x)
        parts.append({k: v.float().cpu().numpy() for k, v in found.items()}
                     | {"true_expression": batch["expression"][:, 0].numpy(), "true_pose": batch["pose"][:, 0].numpy(),
                        "clip": batch["clip"].numpy()})
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def score_encoder(network: FaceEncoder, windows: Windows, frames: int = 2000) -> dict[str, float]:
    """Scores on people that the network was not trained on; windows with T = 1.

    r_smile ...: Pearson's r of each of KEYS over all frames of all people, so that resting faces count, too;
    r is their mean.  pose_deg: mean error of yaw, pitch and roll.  auc: share of cases in which two clips of one person
    in different emotions are more similar than two clips of two people in different emotions (chance .5; left out for
    one person); auc_face is the same for faces in others' surroundings.  Constant coefficients are left out.
    """
    from tfg.metrics import correlation

    seen = look(network, windows, frames)
    out = {}
    for name, names in KEYS.items():
        columns = index(*names)
        r = correlation(seen["expression"][:, columns].mean(1), seen["true_expression"][:, columns].mean(1))
        if np.isfinite(r):
            out[f"r_{name}"] = r
    out["r"] = float(np.mean(list(out.values()))) if out else 0.0
    out["pose_deg"] = float(np.abs(seen["pose"] - seen["true_pose"])[:, :3].mean())
    moved = look(network, windows, frames, swap=True)
    for name, pictures in (("auc", seen), ("auc_face", moved)):
        auc = same_person(pictures["identity"], pictures["clip"], windows)
        out |= {name: auc} if np.isfinite(auc) else {}
    return out


def same_person(identity: np.ndarray, clip: np.ndarray, windows: Windows) -> float:
    """Area under the ROC curve of classifying pairs of clips as one person or two; only pairs of different emotions.
    identity: (N, E) of frames, clip: (N,) in windows.clips. NaN without pairs of both kinds."""
    from scipy.stats import rankdata

    clips = np.unique(clip)
    mean = np.stack([identity[clip == c].mean(0) for c in clips])
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    person = np.array([f"{windows.clips[c].corpus}/{windows.clips[c].actor}" for c in clips])
    emotion = np.array([str(windows.clips[c].emotion) for c in clips])
    i, j = np.triu_indices(len(clips), 1)
    i, j = i[emotion[i] != emotion[j]], j[emotion[i] != emotion[j]]
    same = person[i] == person[j]
    if not same.any() or same.all():
        return float("nan")
    rank = rankdata((mean[i] * mean[j]).sum(1))                                    # Mann & Whitney's U
    return float((rank[same].mean() - (same.sum() + 1) / 2) / (~same).sum())


def windows_of(store: Store, splits: Splits | None, split: str, size: int, *, purpose: str = "train",
               augment: Augment | None = None, keep=None, seed: int = 0) -> Windows:
    """Single frames with their true expression, pose and landmarks."""
    return Windows(store, splits, split, purpose=purpose, T=1, size=size, reference=None,
                   labels=("expression", "pose", "points"), augment=augment, keep=keep, seed=seed)


def train_encoder(store, out, *, judge: bool = False, profile: str = "cpu", seed: int = 0, steps: int | None = None,
                  resume: bool = True, progress: bool = True, splits: Splits | None = None, devices=None,
                  precision: str | None = None, init=None, freeze=None) -> tuple[At, dict]:
    """Train on the store's split `train`, score on `val` (judge: see `tfg.training.holdout.learn_and_choose`), then on
    `test`.

    Writes what `loop.train` writes, then out/encoder.safetensors and .json (judge: judge_encoder), the weights with the
    best score.  store: folder or Store.  profile: ci, cpu, gpu.  devices, precision: instead of the profile's.  init,
    freeze: see `run_of`.
    Returns the last position (`At`) and the card.  Raises InputError: unknown profile, no such store, nobody to train
    on.
    """
    name = "judge_encoder" if judge else "encoder"
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name=name)
    store = store if isinstance(store, Store) else Store.open(Path(store))
    config = (JUDGES if judge else PROFILES)[profile]
    torch.manual_seed(seed)
    taught, chosen = (side.windows() for side in learn_and_choose(store, splits, judge))
    learn = windows_of(store, splits, size=config.size, augment=Augment(), seed=seed, **taught)
    unseen = windows_of(store, splits, size=config.size, **chosen)
    network = FaceEncoder(config).to(memory_format=torch.channels_last)
    task = EncoderTask(network, learn, unseen, run, RATE[profile])
    at = train(task, run, out, what=f"{name} {config} {len(learn)} windows", resume=resume, progress=progress)

    def scores() -> dict:
        found = {"val": score_encoder(network, unseen, 4000)}
        if has_split(store, splits, "test"):
            test = windows_of(store, splits, "test", config.size, purpose="evaluate")
            found["test"] = score_encoder(network, test, 4000)
        return found

    return at, finish(out, name, network, run, at, scores, part="encoder", profile=profile, split=learn.split,
                      actors=learn.actors, use="scores only, never a loss" if judge else "losses",
                      data=f"{len(learn.clips)} clips of {len(learn.actors)} actors, {len(learn)} frames, "
                           f"split {learn.split}",
                      scored_on=f"val: {len(unseen.clips)} clips of {len(unseen.actors)} unseen actors, split "
                                f"{unseen.split}; test: the split test, where there is one",
                      command=f"tfg train encoder{' --judge' * judge} --store STORE --out DIR --profile {profile} "
                              f"--seed {seed} --steps {run.steps}")
