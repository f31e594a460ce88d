"""Train SyncNet, the expert that measures whether lips and sound belong together.

    tfg train syncnet --store build/dub_people --out build/syncnet
    tfg train syncnet --teacher --store build/dub_people --out build/syncnet_teacher
    tfg train syncnet --judge --store build/dub_judges --out build/judge_sync

A batch has clips, and `MOMENTS` windows without overlap of each clip. Every picture of a clip is compared with every
sound of that clip: eight choices, one of them right. Other clips' sounds are no negatives, as the voice would give them
away. Two losses: the choice (cross entropy of the cosines, Radford et al. 2021's symmetric form), which falls at once
where pairs alone stay at ln 2 for a long time, and the pairs' binary cross entropy, which scales the cosine as the
generator's loss needs it. Scored on people not trained on: share of pairs separated, and of known shifts of the sound
found.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.corpora.windows import Windows
from tfg.errors import InputError
from tfg.experts.syncnet.judge import PROFILES as JUDGES
from tfg.experts.syncnet.judge import SyncJudge
from tfg.experts.syncnet.network import FRAMES, MEL_WIDTH, PROFILES, TEACHERS, SyncNet, agreement, lower_half, sync_loss
from tfg.metrics import sync_scores
from tfg.training.augment_pixels import AugmentPixels
from tfg.training.augment_sound import FLOOR, augment_sound
from tfg.training.batches import tensors
from tfg.training.holdout import has_split, learn_and_choose
from tfg.training.loop import At, Run, cosine, train
from tfg.training.setup import finish, run_of

MOMENTS = 8
TEMPERATURE = .07
PAIRS = 1.0
"""Weight of the pairs' loss relative to that of the choice."""
RUNS = {"ci": Run(phases=(("learn", 6),), batch=2, evaluate_every=6),
        "cpu": Run(phases=(("learn", 7000),), batch=12, evaluate_every=500, average=.99, best="accuracy"),
        "gpu": Run(phases=(("learn", 100_000),), batch=32, evaluate_every=2000, average=.999, best="accuracy",
                   workers=8, precision="bf16-mixed")}
"""Training of each profile; `batch` counts clips, each with MOMENTS windows."""
DECAY = .02
LEAD = 4
"""Largest random shift between lips and sound in training, in mel columns of 12.5 ms. Virtual people are exactly in
sync and real ones are not; an expert without these shifts fails on real ones."""
AUGMENT_PIXELS = AugmentPixels(hide=0.0, grey=.7, coarse=.2)
"""Random changes of the pictures, for other poses of the head and worse cameras."""
RATE = {"ci": 1e-3, "cpu": 1e-3, "gpu": 2e-4}
SHIFTS = (-9, -4, 0, 3, 7)
"""Shifts in frames of an unseen clip's sound that the score tries to find."""


class Moments:
    """Training windows for the loop; index i is a visit of a clip, with MOMENTS of its windows, evenly spread from a
    random start, so that none overlaps another. Clips that are too short for that are left out."""

    visits = 4                                                     # per clip in an epoch

    def __init__(self, windows: Windows, *, disturbed: bool = True, lead: int = 0):
        if windows.mel_width != MEL_WIDTH + 2 * lead:
            raise ValueError(f"windows of {windows.mel_width} columns hold no {MEL_WIDTH} that may move by {lead}")
        clip = windows.clip_of_index()
        self.windows, self.order, self.disturbed = windows, np.argsort(clip, kind="stable"), disturbed
        self.lead = lead
        self.count = np.bincount(clip, minlength=len(windows.clips))
        self.first = np.cumsum(self.count) - self.count            # first window of each clip, in `order`
        self.clips = np.flatnonzero(self.count >= FRAMES * MOMENTS)
        if not len(self.clips):
            raise InputError(f"no clip has {FRAMES * MOMENTS} usable windows to train on; prepare longer clips.")

    def __len__(self) -> int:
        return self.visits * len(self.clips)

    def batch(self, epoch: int, indices) -> dict:
        """Windows (B * MOMENTS, ...) by name, those of a clip one after the other. Their sound is augmented, equally
        within a clip, and shifted by up to `lead` columns."""
        indices = np.asarray(indices, np.int64)
        clip = self.clips[indices % len(self.clips)]
        start = seeded.uniform(self.windows.seed, epoch, 60, indices)[:, None]
        place = ((np.arange(MOMENTS) + start) / MOMENTS * self.count[clip][:, None]).astype(np.int64)
        batch = self.windows.batch(epoch, self.order[self.first[clip][:, None] + place].ravel())
        clips = batch["mel"].reshape(-1, MOMENTS, *batch["mel"].shape[1:])         # (B, K, 80, 16 + 2 lead), a view
        if self.disturbed:
            for k, index in enumerate(indices):
                rng = np.random.default_rng([self.windows.seed, 61, epoch, int(index)])
                clips[k] = another_line(clips[k], rng)
        if self.lead:
            batch["mel"] = np.concatenate([
                out_of_step(mels, self.lead, np.random.default_rng([self.windows.seed, 63, epoch, int(index)]))
                for mels, index in zip(clips, indices)])                           # (B K, 80, 16)
        return batch


def another_line(mels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mel windows (K, 80, W) of one clip as from another vocal tract, through another microphone, in noise."""
    count, bands, width = mels.shape
    joined = augment_sound(mels.transpose(1, 0, 2).reshape(bands, -1), rng)
    knots = np.interp(np.linspace(0, 1, bands), np.linspace(0, 1, 6), rng.normal(0, .3, 6))      # 3.8 dB
    joined = np.clip(joined + knots[:, None], FLOOR, -FLOOR)
    return joined.reshape(bands, count, width).transpose(1, 0, 2)


def out_of_step(mels: np.ndarray, lead: int, rng: np.random.Generator) -> np.ndarray:
    """Mel windows (K, 80, W + 2 lead) of one clip cut to (K, 80, W) at shifted places: half of the shift is equal in
    all, as a person's habit, and half is each window's own."""
    half, width = lead // 2, mels.shape[-1] - 2 * lead
    first = lead + rng.integers(-half, half + 1) + rng.integers(-half, half + 1, len(mels))
    return np.stack([mel[:, a:a + width] for mel, a in zip(mels, first)])


@dataclass
class SyncTask:
    """The training as `loop.train` runs it.  windows: to train on.  unseen: to score on.  lead: see LEAD."""

    network: SyncNet | SyncJudge
    windows: Windows
    unseen: Windows
    run: Run
    rate: float
    lead: int = 0

    def __post_init__(self):
        self.networks, self.data = {"syncnet": self.network}, Moments(self.windows, lead=self.lead)
        self.optimisers = {"syncnet": torch.optim.AdamW(self.network.parameters(), self.rate, betas=(.5, .999),
                                                        weight_decay=DECAY)}

    def losses(self, batch, at: At):
        frames = AUGMENT_PIXELS(batch["frames"].float() / 255)
        faces, sound = self.networks["syncnet"](lower_half(frames), batch["mel"][:, None])
        fit = faces.unflatten(0, (-1, MOMENTS)) @ sound.unflatten(0, (-1, MOMENTS)).transpose(1, 2)     # (B, K, K)
        choice, pair = choice_loss(fit), pair_loss(fit)
        right = (fit.argmax(2) == torch.arange(MOMENTS, device=fit.device)).float().mean()
        yield "syncnet", choice + PAIRS * pair, {"choice": choice, "pair": pair, "right": right}

    def evaluate(self, at: At) -> dict[str, float]:
        network = self.networks["syncnet"]
        return pairs(network, self.unseen) | offsets(network, self.unseen, clips=24)

    def lr(self, name: str, at: At) -> float:
        return cosine(at, self.run)


def choice_loss(fit: torch.Tensor) -> torch.Tensor:
    """Cross entropy of choosing each picture's sound among a clip's sounds, and each sound's picture. fit: (B, K, K)
    cosines, true pairs on the diagonal."""
    target = torch.arange(fit.shape[1], device=fit.device).expand(len(fit), -1)
    scaled = fit.float() / TEMPERATURE
    return (F.cross_entropy(scaled.transpose(1, 2), target) + F.cross_entropy(scaled, target)) / 2


def pair_loss(fit: torch.Tensor) -> torch.Tensor:
    """Binary cross entropy of all pairs of fit (B, K, K) cosines; true and false ones have the same total weight."""
    true = torch.eye(fit.shape[1], device=fit.device).expand_as(fit)
    weight = true * (fit.shape[1] - 1) / 2 + (1 - true) / 2
    each = F.binary_cross_entropy(fit.float().clamp(1e-5, 1 - 1e-5), true, reduction="none")
    return (each * weight).sum() / weight.sum()


def windows_of(store: Store, splits: Splits | None, split: str, size: int, *, purpose: str = "train", keep=None,
               augment: Augment | None = None, seed: int = 0, lead: int = 0) -> Windows:
    """Windows of frames and sound without labels.  lead: extra mel columns on either side, see LEAD."""
    return Windows(store, splits, split, purpose=purpose, keep=keep, T=FRAMES, size=size,
                   mel_width=MEL_WIDTH + 2 * lead, reference=None, negative=True, labels=(), augment=augment, seed=seed)


@torch.no_grad()
def pairs(network: SyncNet, windows: Windows, n: int = 2048) -> dict[str, float]:
    """Loss and share of pairs classified rightly (threshold one half) on about n windows, half of them false."""
    indices, losses, right = np.arange(0, len(windows), max(1, len(windows) // n)), [], []
    device = next(network.parameters()).device
    for part in np.array_split(indices, max(1, len(indices) // 128)):
        batch = {k: v.to(device) for k, v in tensors(windows.batch(0, part)).items()}
        faces, sound = network(lower_half(batch["frames"].float() / 255), batch["sync_mel"][:, None])
        losses.append(float(sync_loss(faces, sound, batch["label"])) * len(part))
        right += ((agreement(faces, sound) > .5) == (batch["label"] > .5)).tolist()
    return {"loss": sum(losses) / len(indices), "accuracy": float(np.mean(right))}


@torch.no_grad()
def embed(network: SyncNet, windows: Windows, clip: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of a clip's windows, stride 1, and of the sound at the same places: (N, E) each."""
    places = windows.indices_of(clip)
    faces, sounds, device = [], [], next(network.parameters()).device
    for part in np.array_split(places, max(1, len(places) // 64)):
        batch = {k: v.to(device) for k, v in tensors(windows.batch(0, part)).items()}
        faces.append(network.embed_faces(lower_half(batch["frames"].float() / 255)).cpu().numpy())
        sounds.append(network.embed_sound(batch["mel"][:, None]).cpu().numpy())
    return np.concatenate(faces), np.concatenate(sounds)


def offsets(network: SyncNet, windows: Windows, *, clips: int | None = None, within: int = 1) -> dict[str, float]:
    """Share of clips whose shift of the sound, by each of SHIFTS, is found within `within` frames.

    clips: their number, evenly chosen; None is all.  Returns offset_1 (the share), and lse_d, lse_c of the unmoved
    sound.
    """
    chosen = np.unique(np.linspace(0, len(windows.clips) - 1, clips or len(windows.clips)).astype(int))
    hits, still = [], []
    for clip in chosen:
        picture, sound = embed(network, windows, clip)
        for shift in SHIFTS:
            keep = slice(max(0, shift), len(sound) + min(0, shift))
            moved = slice(max(0, -shift), len(sound) + min(0, -shift))
            if keep.stop - keep.start < 20:                        # too few windows to compare
                continue
            found = sync_scores(picture[keep], sound[moved])       # sound i is that of frame i - shift: late by shift
            hits.append(abs(found.offset - shift) <= within)
        still.append(sync_scores(picture, sound))
    return {f"offset_{within}": float(np.mean(hits)), "lse_d": float(np.mean([s.lse_d for s in still])),
            "lse_c": float(np.mean([s.lse_c for s in still]))}


def score_syncnet(network, windows: Windows) -> dict[str, float]:
    """Scores of an expert, or a judge, on people it was not trained on: loss and accuracy of pairs, offset_1 of all
    clips, lse_d, lse_c, and the numbers of clips and actors."""
    return pairs(network, windows, 4096) | offsets(network, windows) | {"clips": len(windows.clips),
                                                                        "actors": len(windows.actors)}


def train_syncnet(store, out, *, judge: bool = False, teacher: bool = False, profile: str = "cpu", seed: int = 0,
                  steps: int | None = None, resume: bool = True, progress: bool = True, splits: Splits | None = None,
                  devices=None, precision: str | None = None, init=None, freeze=None) -> tuple[At, dict]:
    """Train the expert on the store's split `train` and select by `val`; teacher: the one that generators are trained
    with (`tfg.experts.syncnet.network.TEACHERS`); judge: `tfg.experts.syncnet.judge` on the split `judge`, see
    `tfg.training.holdout.learn_and_choose`. Writes what `loop.train` writes, then out/syncnet.safetensors and .json
    (judge_sync).

    store: folder or Store.  profile: ci, cpu, gpu.  devices, precision: instead of the profile's.  init, freeze: see
    `run_of`.
    Returns the last position (`At`) and the card.  Raises InputError: unknown profile, no such store, no windows,
    judge and teacher at once.
    """
    if judge and teacher:
        raise InputError("use --judge or --teacher, not both: they are two networks.")
    name = "judge_sync" if judge else "syncnet"
    run = run_of(RUNS, profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name=name)
    store = store if isinstance(store, Store) else Store.open(Path(store))
    torch.manual_seed(seed)
    network = SyncJudge(JUDGES[profile]) if judge else SyncNet((TEACHERS if teacher else PROFILES)[profile])
    size, lead = network.config.size, 0 if judge or teacher else LEAD      # judge and teacher ship without
    taught, chosen = (side.windows() for side in learn_and_choose(store, splits, judge))
    learn = windows_of(store, splits, taught.pop("split"), size, augment=Augment(), seed=seed, lead=lead, **taught)
    unseen = windows_of(store, splits, chosen.pop("split"), size, **chosen)
    task = SyncTask(network, learn, unseen, run, RATE[profile], lead)
    at = train(task, run, out, what=f"{name} {network.config} {len(learn)} windows", resume=resume, progress=progress)

    def scores() -> dict:
        found = {"val": score_syncnet(network, unseen)}
        if has_split(store, splits, "test"):
            found["test"] = score_syncnet(network, windows_of(store, splits, "test", size, purpose="evaluate"))
        return found

    return at, finish(out, name, network, run, at, scores, part="syncnet", profile=profile,
                      data=f"{len(learn.clips)} clips of {len(learn.actors)} actors, split {learn.split}",
                      command=f"tfg train syncnet{' --judge' * judge}{' --teacher' * teacher} --store STORE --out DIR "
                              f"--profile {profile} --seed {seed} --steps {run.steps}")
