"""What a SyncNet gains by hearing speech features instead of a mel: the same lips, steps and seeds.

    python -m tools.bench.sync_hearing [--real build/real ...] [--steps 400] [--seeds 2]

Twelve actors of the course (`tfg.course.clips`) to learn from, those of its split test and the stores of real clips to
be scored on; nobody in these was learned from. *pairs*: share of windows whose own sound fits better than the one half
a clip away (chance .5). *shifts*: share of seven known shifts of each clip found within a frame. Small networks
of minutes: the rows compare with each other, not with the networks that ship.
"""
from __future__ import annotations

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg import metrics
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.course import clips as played
from tfg.experts.syncnet import network as models
from tfg.experts.syncnet import train as training
from tfg.networks.hearing import features
from tools.bench.common import table

HEARINGS, CLIPS = ("mel", "speech"), 8
SMALL = models.SyncNetConfig((8, 16, 24, 32), repeat=0, embedding=64, size=48, grey=(8, 16, 24, 32))


class Listener(nn.Module):
    """Lips (B, 15, 24, 48) and sound to unit vectors (B, 64) each.  hearing: of sound, mels (B, 1, 80, 16) or speech
    features (B, 768, 5)."""

    def __init__(self, hearing: str):
        super().__init__()
        network = models.SyncNet(SMALL)
        self.face, self.sound = network.face, network.sound
        if hearing == "speech":
            self.sound = nn.Sequential(nn.Conv1d(768, 96, 1), nn.BatchNorm1d(96), nn.ReLU(), nn.Dropout(.2),
                                       nn.Conv1d(96, 96, 3), nn.BatchNorm1d(96), nn.ReLU(),
                                       nn.Conv1d(96, SMALL.embedding, 3), nn.ReLU(), nn.Flatten())

    def forward(self, lips, sound):
        return F.normalize(self.face(lips), dim=1), F.normalize(self.sound(sound), dim=1)


class Clips:
    """Windows of a store's split, and what is heard of each clip; both kinds of sound are as they were recorded."""

    def __init__(self, store: Store, split: str, purpose: str, splits: Splits | None = None):
        self.windows = training.windows_of(store, splits, split, SMALL.size, purpose=purpose)
        self.heard = [features(store.wave(row)) for row in self.windows.clips]
        self.count = [len(self.windows.indices_of(k)) for k in range(len(self.heard))]

    def part(self, clip: int, places, hearing: str, scale):
        """Frames (n, 5, 3, S, S) in [0, 1] and sounds of some windows of a clip."""
        batch = self.windows.batch(0, self.windows.indices_of(clip)[places])
        if hearing == "mel":
            sound = torch.tensor(batch["mel"])[:, None]
        else:
            rows = np.stack([self.heard[clip][s:s + models.FRAMES].T for s in batch["start"]])      # (n, 768, 5)
            sound = torch.tensor((rows - scale[0]) / scale[1]).float()
        return torch.tensor(batch["frames"]).float() / 255, sound


def learned(clips: Clips, hearing: str, steps: int, seed: int, scale) -> Listener:
    """A network trained from scratch: a choice among eight windows of a clip, and pairs."""
    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), Listener(hearing)
    optimiser = torch.optim.AdamW(network.parameters(), betas=(.5, .999), weight_decay=training.DECAY)
    long_ones = [k for k, n in enumerate(clips.count) if n >= models.FRAMES * training.MOMENTS]
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 1e-3 * (1 + np.cos(np.pi * step / steps))
        several = [clips.part(k, ((np.arange(training.MOMENTS) + rng.random()) / training.MOMENTS
                                  * clips.count[k]).astype(int), hearing, scale) for k in rng.choice(long_ones, CLIPS)]
        frames, sounds = (torch.cat(x) for x in zip(*several))
        v, a = network.train()(models.lower_half(training.AUGMENT_PIXELS(frames)), sounds)
        fit = v.unflatten(0, (CLIPS, -1)) @ a.unflatten(0, (CLIPS, -1)).transpose(1, 2)
        loss = training.choice_loss(fit) + training.PAIRS * training.pair_loss(fit)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimiser.step()
    return network.eval()


@torch.no_grad()
def scored(network: Listener, clips: Clips, hearing: str, scale) -> tuple[float, float]:
    """Shares of pairs and of shifts."""
    right, hits = [], []
    for k in range(len(clips.count)):
        frames, sounds = clips.part(k, slice(None), hearing, scale)
        v, a = (x.numpy() for x in network(models.lower_half(frames), sounds))
        n = len(v)
        own, other = (v * a).sum(1), (v * np.roll(a, -(n // 2), 0)).sum(1)
        right += (own > other).tolist()
        for shift in range(-9, 10, 3):
            early, late = max(0, -shift), max(0, shift)
            hits.append(abs(metrics.sync_scores(v[late:n - early], a[early:n - late]).offset - shift) <= 1)
    return float(np.mean(right)), float(np.mean(hits))


def run(real=(), steps: int = 400, seeds: int = 2) -> dict:
    """Train, score and print.  Returns {row: {column: text}}."""
    torch.set_num_threads(1)
    store = played.store(12, 12, portraits=4)
    clips = Clips(store, "train", "train")
    tests = {"test actors": Clips(store, "test", "evaluate")}
    tests |= {Store.open(folder).clips[0].corpus: Clips(Store.open(folder), "test", "evaluate", Splits(()))
              for folder in real}
    every = np.concatenate(clips.heard)
    scale = every.mean(0)[:, None], every.std(0)[:, None]                                     # (768, 1) each
    rows = {}
    for hearing in HEARINGS:
        for seed in range(seeds):
            network = learned(clips, hearing, steps, seed, scale)
            found = {who: scored(network, its, hearing, scale) for who, its in tests.items()}
            rows[f"{hearing}, seed {seed}"] = {f"{who}: pairs, shifts": f"{p:.2f}, {s:.2f}"
                                               for who, (p, s) in found.items()}
            print(hearing, seed, rows[f"{hearing}, seed {seed}"], flush=True)
    table(f"SyncNet by what it hears: {steps} steps", rows)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.sync_hearing", description=__doc__.split("\n")[0])
    parser.add_argument("--real", nargs="*", default=[], help="stores of real clips, as tfg corpora prepare wrote them")
    for name, default in (("steps", 400), ("seeds", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    run(**vars(parser.parse_args()))
