"""How well a network names emotions: on people that it never saw, and on real clips beside their raters.

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
from tfg.models import checkpoint, emotion, judge_emotion
from tfg.models.judge_emotion import EmotionJudge
from tfg.training.feed import tensors
from tfg.training.people import Side
from tfg.vocabulary import EMOTIONS, LEVELS

FRAMES = 5
"""Of a window: what the generator is given."""
EVERY = 3
"""Starts of windows that are scored: every so many."""


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
    """(N, 6) of all windows, and (N,) the clip of each, as in windows.clips. The network is put in eval mode."""
    device, parts = next(network.eval().parameters()).device, []
    for part in np.array_split(np.arange(len(windows)), -(-len(windows) // 64)):
        frames = tensors(windows.batch(0, part))["frames"].to(device).float() / 255
        parts.append(network(frames).float().log_softmax(1).cpu().numpy())
    return np.concatenate(parts), windows.clip_of_index()


def score(network: nn.Module, windows: Windows) -> dict:
    """`summary` of all clips, where the mean log-probability of a clip's windows decides, and windows: the share of
    single windows whose emotion is named."""
    found, clip = log_probabilities(network, windows)
    clips, acted = np.unique(clip), _acted(windows.clips)
    mean = np.stack([found[clip == c].mean(0) for c in clips])                      # (C, 6)
    return {**summary(mean, [windows.clips[c] for c in clips]),
            "windows": float((found.argmax(1) == acted[clip]).mean())}


def summary(logs: np.ndarray, rows: Sequence[Row]) -> dict:
    """How often the acted emotion is named.  logs: (C, 6) log-probabilities.  rows: of the same C clips.

    accuracy: share of clips; loss: mean cross entropy.  levels, emotions: accuracy of each level, each acted emotion.
    confusion: 6 rows of counts of clips, rows acted, columns named, in the order of EMOTIONS.  clips, actors: how many.
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


def clip_logs(network: nn.Module, store: Store, split: str, purpose: str, *, splits: Splits | None = None, keep=None
              ) -> tuple[np.ndarray, list[Row]]:
    """(C, 6) log-probabilities of a split's clips of known emotion, and their rows; of the discriminator, the mean of a
    clip's windows.  Raises InputError: no such clips, a split that may not be read for this purpose."""
    if isinstance(network, EmotionJudge):
        from tfg.training.judge_emotion import measured, select

        rows = select(store, splits, Side(split, purpose, keep))
        if not rows:
            raise InputError(f"{store.path} has no clip of known emotion of the split {split!r}.")
        return np.stack([network.of_clip(measured(store, row, network.config.every)) for row in rows]), rows
    windows = windows_of(store, splits, split, network.config.size, purpose=purpose, keep=keep, stride=EVERY)
    found, clip = log_probabilities(network, windows)
    clips = np.unique(clip)
    return np.stack([found[clip == c].mean(0) for c in clips]), [windows.clips[c] for c in clips]


def evaluate_emotion(network: nn.Module, store: Store, split: str = "test", purpose: str = "evaluate", *,
                     splits: Splits | None = None, keep=None) -> dict:
    """`score`, or of the judge `summary`, on a split of a store.  Raises InputError if it has no clips of known
    emotion, or for another's split."""
    if isinstance(network, EmotionJudge):
        return summary(*clip_logs(network, store, split, purpose, splits=splits, keep=keep))
    return score(network, windows_of(store, splits, split, network.config.size, purpose=purpose, keep=keep,
                                     stride=EVERY))


def real_clips(network: nn.Module, store: Store) -> dict:
    """What the network says of real clips, beside what people said who saw them. For reading; nothing is chosen by it.

    store: clips with the raters' shares (`Row.soft`), of people that may be scored on.  Returns acted and raters: how
    often the likeliest emotion is the acted one, and the raters' first choice; people: how often the raters' first
    choice is the acted one; clips: of each its name, what was acted, named and the raters' first choice, probabilities
    and votes in the order of EMOTIONS.  Raises InputError if nobody voted.
    """
    def voted(row) -> bool:
        return row.soft is not None and row.emotion in EMOTIONS

    if not any(map(voted, store.clips)):
        raise InputError(f"{store.path} has no clip that raters have judged; give a store of CREMA-D's clips.")
    splits = None if (Path(store.path) / TABLE).is_file() else make_splits(filter(voted, store.clips))
    logs, rows = clip_logs(network, store, "test", "evaluate", splits=splits, keep=voted)
    clips = []
    for row, mean in zip(rows, logs):
        odds = np.exp(mean - mean.max())
        clips.append({"clip": row.id, "acted": row.emotion, "named": EMOTIONS[int(mean.argmax())],
                      "raters": EMOTIONS[int(np.argmax(row.soft))],
                      "probabilities": [round(float(p), 3) for p in odds / odds.sum()], "votes": list(row.soft)})

    def agree(a: str, b: str) -> float:
        return float(np.mean([entry[a] == entry[b] for entry in clips]))

    return {"acted": agree("named", "acted"), "raters": agree("named", "raters"), "people": agree("raters", "acted"),
            "clips": clips}


def rate(folder, store: Store, *, judge: bool = False, real: Store | None = None) -> dict:
    """Measure a trained network on the store's test actors (scores.test) and on real clips (scores.real), write both
    into its card. For judges, whose own store has no test actors.

    folder: where train_emotion wrote it.  Returns the card.  Raises InputError: no such network, no test actors.
    """
    load = judge_emotion.load_judge_emotion if judge else emotion.load_emotion
    network, card = load(folder)
    scores = card["scores"] | {"test": evaluate_emotion(network, store)}
    if real is not None:
        scores["real"] = real_clips(network, real)
    card = card | {"scores": scores}
    checkpoint.save(network, folder, card["system"], card)
    return card
