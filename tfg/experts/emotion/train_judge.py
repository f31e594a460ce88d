"""Fit the emotion judge: measure the judge actors' clips, then compute a linear discriminant, in minutes.

    tfg train emotion --judge --store build/dub_judges --out build/judge_emotion
"""
from __future__ import annotations

import json

import numpy as np
import torch

from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.experts.emotion.evaluate import evaluate_emotion, measured, select, summary
from tfg.experts.emotion.judge import PROFILES, EmotionJudge, describe
from tfg.networks import checkpoint
from tfg.training.holdout import learn_and_choose
from tfg.vocabulary import EMOTIONS

TEMPERATURES = np.geomspace(.5, 50, 60)


def fit_judge(store: Store, out, *, profile: str = "cpu", progress: bool = True, splits: Splits | None = None) -> dict:
    """Fit on five in six judge actors, and calibrate on the others (`tfg.training.holdout.learn_and_choose`). Writes
    out/judge_emotion.safetensors and .json; landmarks are cached beside the store.  Returns the card.

    Raises InputError: unknown profile, too few judge actors, an emotion of which no face was found.
    """
    if profile not in PROFILES:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(PROFILES)}")
    network = EmotionJudge(PROFILES[profile])
    taught, unseen = (select(store, splits, side) for side in learn_and_choose(store, splits, True))
    bar = _bar(len(taught) + len(unseen), progress)
    points = {row.id: bar(measured(store, row, network.config.every)) for row in taught + unseen}
    known = [(d, EMOTIONS.index(row.emotion)) for row in taught if (d := describe(points[row.id])) is not None]
    missing = set(range(len(EMOTIONS))) - {label for _, label in known}
    if missing:
        raise InputError(f"{store.path} has no clip of judge actors that shows a face for "
                         f"{', '.join(EMOTIONS[k] for k in missing)}; "
                         "the judge needs all emotions of at least two people.")
    fit(network, np.stack([d for d, _ in known]), np.array([label for _, label in known]))
    calibrate(network, np.stack([network.of_clip(points[r.id]) for r in unseen]),
         np.array([EMOTIONS.index(r.emotion) for r in unseen]))
    scores = {"val": summary(np.stack([network.of_clip(points[r.id]) for r in unseen]), unseen)}
    try:
        scores["test"] = evaluate_emotion(network, store, splits=splits)
    except InputError:                                             # a judge's store has no test actors
        pass
    actors = sorted({f"{r.corpus}/{r.actor}" for r in taught})
    card = {"data": f"{len(known)} clips of {len(actors)} actors, split judge", "split": "judge", "actors": actors,
            "parameters": sum(b.numel() for b in network.buffers()), "profile": profile,
            "use": "scores only: it has no gradient", "scores": scores,
            "scored_on": f"val: {len({r.actor for r in unseen})} judge actors that it did not learn from, who set how "
                         "sure it is; test: the split test, where there is one",
            "command": f"tfg train emotion --judge --store STORE --out DIR --profile {profile}"}
    return json.loads(checkpoint.save(network, out, "judge_emotion", card).read_text(encoding="utf-8"))


def fit(network: EmotionJudge, described: np.ndarray, labels: np.ndarray) -> None:
    """Compute the discriminant, in place. described: (N, 6 * 478).  labels: (N,) places in EMOTIONS. Prior
    probabilities are equal, whatever the number of clips of each emotion."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    centre, scale = described.mean(0), described.std(0)
    scale = 1 / np.where(scale > 1e-6, scale, np.inf)              # constant values get weight 0
    solved = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=network.config.shrink,
                                        priors=np.full(len(EMOTIONS), 1 / len(EMOTIONS)))
    solved.fit((described - centre) * scale, labels)
    for name, value in (("centre", centre), ("scale", scale), ("weight", solved.coef_), ("bias", solved.intercept_)):
        getattr(network, name).copy_(torch.from_numpy(np.asarray(value, np.float32)))


def calibrate(network: EmotionJudge, logs: np.ndarray, labels: np.ndarray) -> None:
    """Divide the network's logits by the temperature with the highest likelihood on held-out people (Guo et al. 2017),
    as a discriminant of thousands of inputs from hundreds of clips is overconfident. No decision changes.

    logs: (N, 6) log-probabilities of held-out clips.  labels: (N,) places in EMOTIONS.
    """
    def loss(temperature: float) -> float:
        soft = torch.from_numpy(logs / temperature).log_softmax(1).numpy()
        return float(-soft[np.arange(len(labels)), labels].mean())

    best = float(min(TEMPERATURES, key=loss))
    network.weight /= best
    network.bias /= best


def _bar(total: int, progress: bool):
    """A function that returns its argument and advances a progress bar."""
    from tqdm.auto import tqdm

    bar = tqdm(total=total, desc="judge actors", unit="clip", disable=not progress)

    def step(value):
        bar.update()
        return value
    return step
