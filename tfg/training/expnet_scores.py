"""How near ExpNet's faces come to the truth, on voices that it never heard: lips, closures, coefficients, blinks."""
from __future__ import annotations

import numpy as np
import torch

from tfg.actors import visemes
from tfg.models.expnet import ExpNet, finish, frame_windows
from tfg.models.mouth import speech_mean
from tfg.training import lip_scores
from tfg.training.expnet_data import SPLITS, Example
from tfg.vocabulary import EXPRESSION, index

LEAST_STD = .005
"""A coefficient that moves less than this in truth has no r."""


@torch.no_grad()
def offsets_of(network: ExpNet, e: Example) -> np.ndarray:
    """(T, 52) offsets from rest, lips finished, as `tfg.models.expnet.predict` gives them of the clip's sound."""
    mel = e.mel.astype(np.float32)
    windows = torch.from_numpy(frame_windows(mel, speech_mean(mel), len(e.asked)))
    out = network(windows[None], torch.from_numpy(e.neutral)[None], torch.from_numpy(e.lids.astype(np.float32))[None])
    return finish((out[0].numpy() - e.neutral) / (1 - e.neutral))


def score(network: ExpNet, examples: list[Example]) -> dict:
    """opening_r: Pearson's r of the opening between the lips, mean of the clips.  closure_recall: share of p, b, m with
    the lips shut on some frame of theirs.  false_closures: share of frames well open in truth that are shut.  r: per
    coefficient over all frames, those that move; r_mean: their mean without gaze.  error: mean absolute error of all.
    blink_r: of the lids."""
    network.eval()
    made, true, opening_r, hits, shut, wide = [], [], [], [], 0, 0
    for e in examples:
        offsets, asked = offsets_of(network, e), e.asked.astype(np.float32)
        gap, gap_true = (visemes.opening(np.clip(np.nan_to_num(x), 0, 1)) for x in (offsets, asked))
        opening_r.append(lip_scores.r(gap, gap_true))
        hits += lip_scores.closed(gap, e.closures)
        wrongly, of = lip_scores.mistaken(gap, gap_true)
        shut, wide = shut + wrongly, wide + of
        made.append(np.clip(offsets, 0, 1))
        true.append(asked)
    made, true = np.concatenate(made), np.concatenate(true)
    r = {}
    for k, name in enumerate(EXPRESSION):
        known = np.isfinite(true[:, k])
        if known.any() and true[known, k].std() > LEAST_STD:
            r[name] = round(lip_scores.r(made[known, k], true[known, k]), 3)
    plain = [v for k, v in r.items() if not k.startswith("eyeLook")]
    return {"clips": len(examples), "opening_r": round(float(np.mean(opening_r)), 3),
            "closure_recall": round(float(np.mean(hits)), 3) if hits else None,
            "false_closures": round(shut / max(wide, 1), 4),
            "blink_r": round(float(np.mean([r.get(EXPRESSION[k], 0.0) for k in index("eyeBlink")])), 3),
            "r_mean": round(float(np.mean(plain)), 3) if plain else None,
            "error": round(float(np.nanmean(np.abs(made - true))), 4), "r": r}


def held_out(network: ExpNet, examples: list[Example]) -> dict:
    """Scores by what was unseen. English stands beside the held-out language, by the same kind of voices; the recorded
    voice is made from a person of whom nothing was heard in training."""
    return {name: score(network, part) for split, name in SPLITS.items()
            if split != "train" and (part := [e for e in examples if e.split == split])}
