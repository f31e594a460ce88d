"""The actors that a network is trained on, and those that select its weights: one rule for networks and judges."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.errors import InputError

HELD_OUT = 6
"""One in this many judge actors is held out from a judge's training, to select its weights."""


@dataclass(frozen=True)
class Side:
    """Arguments of `Windows` for one side: the split, its purpose, and a function that selects its rows (None: all)."""

    split: str
    purpose: str
    keep: Callable | None = None

    def windows(self) -> dict:
        """The arguments as keywords of `Windows`."""
        return dict(split=self.split, purpose=self.purpose, keep=self.keep)


def learn_and_choose(store: Store, splits: Splits | None, judge: bool) -> tuple[Side, Side]:
    """The side to train on and the side that selects weights. For a system's networks: `train` and `val`. For a judge:
    the split `judge` without one actor in HELD_OUT by sorted name, and these.  Raises InputError if one of the splits
    is empty, or if there are fewer than three judge actors."""
    if not judge:
        for split, use in (("train", "to learn from"), ("val", "to choose the best weights by")):
            if not has_split(store, splits, split):
                raise InputError(f"{store.path} has nobody in the split {split!r}, {use}; prepare a set of 6 actors "
                                 "or more (tfg actors make --profile ci --actors 6 --out DIR), or deal real people "
                                 "anew (tfg.corpora.splits.make_splits).")
        return Side("train", "train"), Side("val", "evaluate")
    unseen = held_out(store, splits)
    return (Side("judge", "judge", lambda row: f"{row.corpus}/{row.actor}" not in unseen),
            Side("judge", "judge", lambda row: f"{row.corpus}/{row.actor}" in unseen))


def held_out(store: Store, splits: Splits | None) -> frozenset[str]:
    """Names corpus/actor of the judge actors that a judge is not trained on."""
    splits = Splits.of_store(store) if splits is None else splits.for_store(store)
    people = sorted({f"{r.corpus}/{r.actor}" for r in splits.select(store.clips, "judge", purpose="judge")})
    if len(people) < 3:
        raise InputError(f"{store.path} has {len(people)} judge actors; a judge needs at least 3: two to learn from "
                         "and one to choose by. Make some: tfg actors make --actors 240 --portraits 96 --only "
                         "judge --out DIR")
    return frozenset(people[HELD_OUT - 1::HELD_OUT] or people[-1:])


def has_split(store: Store, splits: Splits | None, split: str) -> bool:
    """Whether the store has people in this split."""
    splits = Splits.of_store(store) if splits is None else splits.for_store(store)
    return bool(splits.select(store.clips, split, purpose="evaluate"))
