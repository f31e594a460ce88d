"""Scores of the mouth network's curves against the true ones, on voices that it was not trained on."""
from __future__ import annotations

import numpy as np
import torch

from tfg.media.audio import mel_windows
from tfg.metrics import lip_curves
from tfg.speech import visemes
from tfg.speech.features import normalise
from tfg.systems.graphics.data import MouthExample
from tfg.systems.graphics.losses import Weights, mouth_losses
from tfg.systems.graphics.network import MouthNet, finish

SPLITS = {"voice": "unseen espeak-ng voices", "recorded": "unseen recorded voice", "language": "unseen language"}
"""Split of examples -> name of its score."""


@torch.no_grad()
def score(network: MouthNet, examples: list[MouthExample]) -> dict:
    """Scores of clips; the network is put in eval mode.

    opening_r: Pearson's r of the opening between the lips, mean of the clips.  r: per articulator over all frames.
    closure_recall: share of p, b, m with the lips shut (opening under 0.05, 1.7 mm) in some frame of theirs.
    false_closures: share of frames well open in truth (over 0.15) that are shut.  loss: the training loss, mean of all
    frames.
    """
    device = next(network.eval().parameters()).device
    made, true, lips, losses = [], [], [], []
    for e in examples:
        target = e.target.astype(np.float32)
        windows = mel_windows(normalise(e.mel.astype(np.float32)), len(target), network.config.width)
        out, logits = network(torch.from_numpy(np.ascontiguousarray(windows, np.float32))[None].to(device))
        batch = {"target": target, "viseme": e.viseme.astype(np.int64), "mask": np.ones(len(target), np.float32)}
        each = mouth_losses(out, logits, {k: torch.from_numpy(v)[None].to(device) for k, v in batch.items()}, Weights())
        losses.append(float(sum(each.values())) * len(target))
        channels = out[0].cpu().numpy()
        lips.append((visemes.opening(finish(channels)), visemes.opening(visemes.spread(target)), e.closures))
        made.append(np.clip(channels, 0, 1))
        true.append(target)
    found, known = np.concatenate(made), np.concatenate(true)
    return {"clips": len(examples), **lip_curves.summary(lips), "loss": round(sum(losses) / len(known), 4),
            "r": {c: round(lip_curves.r(found[:, k], known[:, k]), 3) for k, c in enumerate(visemes.CHANNELS)}}


def held_out(network: MouthNet, examples: list[MouthExample]) -> dict[str, dict]:
    """`score` of each kind of voice that the network was not trained on, by the name of the kind."""
    return {f"{name} ({', '.join(sorted({e.voice for e in part})[:3])})": score(network, part)
            for split, name in SPLITS.items() if (part := [e for e in examples if e.split == split])}
