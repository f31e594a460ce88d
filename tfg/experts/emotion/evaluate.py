"""Scores of networks that name emotions: on people not trained on, and on real clips beside their raters.

    network, card = load_emotion("build/emotion")
    evaluate_emotion(network, Store.open("build/dub"), "test", "evaluate")["accuracy"]
    rate("build/judge_emotion", Store.open("build/dub"), judge=True)      # measure on test actors, into the card
"""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tfg.corpora.augment import Augment
from tfg.corpora.splits import TABLE, Splits, make_splits
from tfg.corpora.store import Row, Store
from tfg.corpora.windows import Windows
from tfg.errors import InputError
from tfg.experts.emotion import judge as judge_emotion
from tfg.experts.emotion import network as emotion
from tfg.experts.emotion.judge import EmotionJudge
from tfg.faces import crops
from tfg.networks import checkpoint
from tfg.training.batches import tensors
from tfg.training.holdout import Side
from tfg.vocabulary import EMOTIONS, LEVELS

FRAMES = 5
"""Frames per window, as for the generator."""
EVERY = 3
"""Step in frames between the starts of scored windows."""


def windows_of(store: Store, splits: Splits | None, split: str, size: int, *, purpose: str = "train",
               labels: tuple[str, ...] = (), augment: Augment | None = None, keep=None, stride: int = 1,
               seed: int = 0) -> Windows:
    """Windows of clips whose emotion is known.  keep: function of a row.  Raises InputError if there are none."""
    def known(row) -> bool:
        return row.emotion in EMOTIONS and (keep is None or keep(row))

    return Windows(store, splits, split, purpose=purpose, T=FRAMES, size=size, reference=None, labels=labels,
                   augment=augment, keep=known, stride=stride, seed=seed)


@torch.no_grad()
def log_probabilities(network: nn.Module, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of all windows (N, 6), and each one's clip (N,), as in windows.clips. Sets eval mode."""
    device, parts = next(network.eval().parameters()).device, []
    for part in np.array_split(np.arange(len(windows)), -(-len(windows) // 64)):
        frames = tensors(windows.batch(0, part))["frames"].to(device).float() / 255
        parts.append(network(frames).float().log_softmax(1).cpu().numpy())
    return np.concatenate(parts), windows.clip_of_index()


def score(network: nn.Module, windows: Windows) -> dict:
    """`summary` of all clips by the mean log-probability of a clip's windows; and windows, the share of single windows
    whose emotion is named."""
    found, clip = log_probabilities(network, windows)
    clips, acted = np.unique(clip), _acted(windows.clips)
    mean = np.stack([found[clip == c].mean(0) for c in clips])                      # (C, 6)
    return {**summary(mean, [windows.clips[c] for c in clips]),
            "windows": float((found.argmax(1) == acted[clip]).mean())}


def summary(logs: np.ndarray, rows: Sequence[Row]) -> dict:
    """Accuracy of the named emotions.  logs: (C, 6) log-probabilities.  rows: of the same C clips.

    accuracy: share of clips; loss: mean cross entropy.  levels, emotions: accuracy of each level, each acted emotion.
    confusion: 6 rows of counts of clips, rows acted, columns named, in the order of EMOTIONS.  clips, actors: their
    numbers.
    """
    acted, level = _acted(rows), np.array([str(row.level) for row in rows])
    named = logs.argmax(1)
    confusion = np.zeros((len(EMOTIONS), len(EMOTIONS)), int)
    np.add.at(confusion, (acted, named), 1)

    def share(of, names) -> dict[str, float]:
        return {name: float((named == acted)[of == key].mean()) for key, name in names if (of == key).any()}

    return {"accuracy": float((named == acted).mean()), "loss": float(-logs[np.arange(len(rows)), acted].mean()),
            "levels": share(level, [(name, name) for name in LEVELS]),
            "emotions": share(acted, list(enumerate(EMOTIONS))), "confusion": confusion.tolist(),
            "clips": len(rows), "actors": len({row.actor for row in rows})}


def _acted(rows: Sequence[Row]) -> np.ndarray:
    return np.array([EMOTIONS.index(row.emotion) for row in rows])


def select(store: Store, splits: Splits | None, side: Side) -> list:
    """Rows of one side of a store whose emotion is known."""
    splits = Splits.of_store(store) if splits is None else splits.for_store(store)
    return [r for r in splits.select(store.clips, side.split, purpose=side.purpose)
            if r.emotion in EMOTIONS and (side.keep is None or side.keep(r))]


def measured(store: Store, row, every: int) -> np.ndarray:
    """Landmarks of every `every`-th frame of a clip, (T, 478, 3) px; cached beside the store."""
    return crops.kept_landmarks(store.frames(row.start, row.stop)[::every], crops.folder_for(store))


def clip_logs(network: emotion.EmotionNet | EmotionJudge, store: Store, split: str, purpose: str, *,
              splits: Splits | None = None, keep=None) -> tuple[np.ndarray, list[Row]]:
    """Log-probabilities (C, 6) of a split's clips of known emotion, and their rows; for the discriminator, means over a
    clip's windows.  Raises InputError: no such clips, a split that may not be read for this purpose."""
    if isinstance(network, EmotionJudge):
        rows = select(store, splits, Side(split, purpose, keep))
        if not rows:
            raise InputError(f"{store.path} has no clip of known emotion of the split {split!r}.")
        return np.stack([network.of_clip(measured(store, row, network.config.every)) for row in rows]), rows
    windows = windows_of(store, splits, split, network.config.size, purpose=purpose, keep=keep, stride=EVERY)
    found, clip = log_probabilities(network, windows)
    clips = np.unique(clip)
    return np.stack([found[clip == c].mean(0) for c in clips]), [windows.clips[c] for c in clips]


def evaluate_emotion(network: emotion.EmotionNet | EmotionJudge, store: Store, split: str = "test",
                     purpose: str = "evaluate", *, splits: Splits | None = None, keep=None) -> dict:
    """`score` of the discriminator, or `summary` of the judge, on a split of a store.  Raises InputError if there are
    no clips of known emotion, or the split may not be read for this purpose."""
    if isinstance(network, EmotionJudge):
        return summary(*clip_logs(network, store, split, purpose, splits=splits, keep=keep))
    return score(network, windows_of(store, splits, split, network.config.size, purpose=purpose, keep=keep,
                                     stride=EVERY))


def real_clips(network: emotion.EmotionNet | EmotionJudge, store: Store) -> dict:
    """Answers of the network for real clips beside those of raters. For the record; nothing is selected by it.

    store: clips with the raters' shares (`Row.soft`), of people that may be scored on.  Returns acted and raters:
    shares of clips whose likeliest emotion is the acted one, or the raters' first choice; people: share in which the
    raters' first choice is the acted one; clips: name, acted and named emotion, raters' first choice, probabilities and
    votes in the order of EMOTIONS of each.  Raises InputError if no clip has votes.
    """
    def voted(row) -> bool:
        return row.soft is not None and row.emotion in EMOTIONS

    if not any(map(voted, store.clips)):
        raise InputError(f"{store.path} has no clip that raters have judged; give a store of CREMA-D's clips.")
    splits = None if (Path(store.path) / TABLE).is_file() else make_splits(filter(voted, store.clips))
    logs, rows = clip_logs(network, store, "test", "evaluate", splits=splits, keep=voted)
    clips = []
    for row, mean in zip(rows, logs):
        odds, votes = np.exp(mean - mean.max()), list(row.soft or ())
        clips.append({"clip": row.id, "acted": row.emotion, "named": EMOTIONS[int(mean.argmax())],
                      "raters": EMOTIONS[int(np.argmax(votes))],
                      "probabilities": [round(float(p), 3) for p in odds / odds.sum()], "votes": votes})

    def agree(a: str, b: str) -> float:
        return float(np.mean([entry[a] == entry[b] for entry in clips]))

    return {"acted": agree("named", "acted"), "raters": agree("named", "raters"), "people": agree("raters", "acted"),
            "clips": clips}


def rate(folder, store: Store, *, judge: bool = False, real: Store | None = None) -> dict:
    """Score a trained network on the store's test actors (scores.test) and on real clips (scores.real), write both
    into its card. For judges, whose own store has no test actors.

    folder: written by train_emotion.  Returns the card.  Raises InputError: no such network, no test actors.
    """
    load = judge_emotion.load_judge_emotion if judge else emotion.load_emotion
    network, card = load(folder)
    scores = card["scores"] | {"test": evaluate_emotion(network, store)}
    if real is not None:
        scores["real"] = real_clips(network, real)
    card = card | {"scores": scores}
    checkpoint.save(network, folder, card["system"], card)
    return card
