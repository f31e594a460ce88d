"""Scores of ExpNet's faces on voices that it was not trained on: lips, closures, coefficients, blinks."""
from __future__ import annotations

import numpy as np
import torch

from tfg.metrics import lip_curves
from tfg.speech import visemes
from tfg.speech.features import speech_mean
from tfg.systems.expression.expnet.data import SPLITS, FaceExample, heard_of
from tfg.systems.expression.expnet.network import ExpNet, finish, frame_windows
from tfg.vocabulary import EXPRESSION, index

LEAST_STD = .005
"""Least standard deviation of a true coefficient for which r is computed."""


@torch.no_grad()
def offsets_of(network: ExpNet, e: FaceExample) -> np.ndarray:
    """Offsets from rest of a clip, (T, 52), as `tfg.systems.expression.expnet.network.predict` computes them from its
    sound, with closed lips shut fully."""
    mel = e.mel.astype(np.float32)
    windows = torch.from_numpy(heard_of(e) if network.config.hearing == "speech" else
                               frame_windows(mel, speech_mean(mel), len(e.asked)))
    out = network(windows[None], torch.from_numpy(e.neutral)[None], torch.from_numpy(e.lids.astype(np.float32))[None])
    return finish((out[0].numpy() - e.neutral) / (1 - e.neutral))


def score(network: ExpNet, examples: list[FaceExample]) -> dict:
    """Scores of the network on clips, by name.

    opening_r: Pearson's r of the opening between the lips, mean of the clips.  closure_recall: share of p, b, m with
    the lips shut in some frame of theirs.  false_closures: share of frames well open in truth that are shut.  r: per
    coefficient over all frames, those that move; r_mean: their mean without gaze.  error: mean absolute error of all.
    blink_r: Pearson's r of the lids.
    """
    network.eval()
    drawn, wanted, lips = [], [], []
    for e in examples:
        offsets, asked = offsets_of(network, e), e.asked.astype(np.float32)
        gap, gap_true = (visemes.opening(np.clip(np.nan_to_num(x), 0, 1)) for x in (offsets, asked))
        lips.append((gap, gap_true, e.closures))
        drawn.append(np.clip(offsets, 0, 1))
        wanted.append(asked)
    made, true = np.concatenate(drawn), np.concatenate(wanted)
    r = {}
    for k, name in enumerate(EXPRESSION):
        known = np.isfinite(true[:, k])
        if known.any() and true[known, k].std() > LEAST_STD:
            r[name] = round(lip_curves.r(made[known, k], true[known, k]), 3)
    plain = [v for k, v in r.items() if not k.startswith("eyeLook")]
    return {"clips": len(examples), **lip_curves.summary(lips),
            "blink_r": round(float(np.mean([r.get(EXPRESSION[k], 0.0) for k in index("eyeBlink")])), 3),
            "r_mean": round(float(np.mean(plain)), 3) if plain else None,
            "error": round(float(np.nanmean(np.abs(made - true))), 4), "r": r}


def held_out(network: ExpNet, examples: list[FaceExample]) -> dict:
    """Scores by the kind of unseen speech. English stands beside the held-out language, with the same kind of voices;
    the recorded voice is made from a person whose voice was not in training."""
    return {name: score(network, part) for split, name in SPLITS.items()
            if split != "train" and (part := [e for e in examples if e.split == split])}
