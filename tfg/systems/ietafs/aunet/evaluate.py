"""Scores of AUnet on voices that it was not trained on: units of speech and of feeling, and the emotion."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tfg.faces.aus import AUS
from tfg.metrics.lip_curves import r
from tfg.systems.ietafs.aunet.data import whole
from tfg.systems.ietafs.aunet.losses import Spread, Weights, feeling_losses, one_hot, words_losses
from tfg.systems.ietafs.aunet.network import MOST, AUNet
from tfg.systems.ietafs.aunet.takes import AuExample
from tfg.vocabulary import EMOTIONS

MOVES = .1
"""Units whose true value varies less (standard deviation of its intensity) have no r."""


@torch.no_grad()
def score(network: AUNet, examples: Sequence[AuExample], spread: Spread, weights: Weights) -> dict:
    """Scores of acted takes, each heard as a whole; the network is put in eval mode.

    speech, feeling: for each AU r (Pearson, over all frames; None where it does not move), mae, and mae_still, that of
    the constant which is best for it: the true median; feeling is that of the heard emotion.  speech_r, feeling_r:
    `mean_r`.  emotion: `emotion_scores`.
    loss: the training loss, mean of the clips.
    """
    device = next(network.eval().parameters()).device
    made, true, probable, losses = [], [], [], []
    for e in examples:
        batch = {k: torch.from_numpy(v).to(device) for k, v in whole(e).items()}
        speech, feeling, emotion = network(batch["columns"], batch["mask"])
        told, _ = network.manner(batch["columns"], batch["mask"], one_hot(batch["emotion"]))   # as in training
        each = words_losses(speech, batch, spread, weights) | feeling_losses(told, emotion, batch, spread, weights)
        losses.append(sum(float(v) for v in each.values()))
        made.append(MOST * torch.cat([speech, feeling], -1)[0].cpu().numpy())
        true.append(np.concatenate([e.speech, e.feeling], 1).astype(np.float32))
        probable.append(torch.softmax(emotion[0], -1).cpu().numpy())
    found, known = np.concatenate(made), np.concatenate(true)                 # (frames, 34)
    units = {name: {f"AU{au}": _unit(found[:, k + shift], known[:, k + shift]) for k, au in enumerate(AUS)}
             for name, shift in (("speech", 0), ("feeling", len(AUS)))}
    return {"clips": len(examples), "voices": len({e.voice for e in examples}),
            "speech_r": mean_r(units["speech"]), "feeling_r": mean_r(units["feeling"]), **units,
            "emotion": emotion_scores(np.stack(probable), examples), "loss": round(float(np.mean(losses)), 4)}


def _unit(found: np.ndarray, known: np.ndarray) -> dict:
    return {"r": round(r(found, known), 3) if known.std() >= MOVES else None,
            "mae": round(float(np.abs(found - known).mean()), 3),
            "mae_still": round(float(np.abs(known - np.median(known)).mean()), 3)}


def emotion_scores(probable: np.ndarray, examples: Sequence[AuExample]) -> dict:
    """Scores of the most probable emotion.  probable: (clips, 6).

    accuracy: mean of the voices' shares of right clips; interval: of 95 %, by drawing voices with replacement.
    by_level, by_emotion: share of right clips.  heard: rows of true, columns of heard emotions, in EMOTIONS' order,
    shares of a row.
    """
    said, asked = probable.argmax(1), np.array([e.emotion for e in examples])
    right = said == asked
    voices, levels = np.array([e.voice for e in examples]), np.array([e.level for e in examples])
    each = np.array([right[voices == v].mean() for v in sorted(set(voices))])
    drawn = np.random.default_rng(0).choice(each, (4000, len(each))).mean(1)
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    np.add.at(table, (asked, said), 1)
    table /= np.maximum(table.sum(1, keepdims=True), 1)
    return {"accuracy": round(float(each.mean()), 3), "chance": round(1 / len(EMOTIONS), 3),
            "interval": [round(float(v), 3) for v in np.percentile(drawn, (2.5, 97.5))],
            "by_level": {str(v): round(float(right[levels == v].mean()), 3) for v in sorted(set(levels))},
            "by_emotion": {e: round(float(table[k, k]), 3) for k, e in enumerate(EMOTIONS)},
            "heard": table.round(2).tolist()}


def mean_r(units: dict[str, dict]) -> float | None:
    """Mean r of the units that move, of `score`'s speech or feeling; None where none does."""
    found = [u["r"] for u in units.values() if u["r"] is not None]
    return round(float(np.mean(found)), 3) if found else None
