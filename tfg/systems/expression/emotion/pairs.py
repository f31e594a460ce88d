"""Aligned pairs for training: a calm take of a virtual actor, and the same take with each emotion.

The fork trains on clips that were recorded separately: its neutral and its angry frame k say different sounds, and its
test windows overlap training windows. Here `tfg.actors.take.replay` plays the *same* take again, so that frames k
match, and the people of training, validation and test are different. No picture is drawn. Needs the extra `voice`.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfg.actors.cast import LEVELS, Member, members, varied
from tfg.systems.expression.emotion.features import FELT

CASTS = {"ci": dict(actors=18), "cpu": dict(actors=900), "gpu": dict(actors=999)}
"""Profile -> size of the cast, without portraits, whose people are used. The test people of `members("cpu")` are in the
split test of each cast, as a person's seed depends on split and number alone."""


@dataclass(frozen=True)
class Played:
    """A replay of the take with an emotion.  target: (T, 52) float32 expression (0 is relaxed).  intensity: 0..1."""

    emotion: str
    level: str
    intensity: float
    target: np.ndarray


@dataclass(frozen=True)
class Pair:
    """One calm take and its replays.  source: (T, 52) float32 expression, 0 is relaxed.  played: one per emotion and
    level. closures: (start, stop) frames of each p, b and m."""

    actor: str
    text: str
    source: np.ndarray
    played: tuple[Played, ...]
    closures: tuple[tuple[int, int], ...]

    def of(self, emotion: str) -> tuple[Played, ...]:
        """The replays in one emotion."""
        return tuple(p for p in self.played if p.emotion == emotion)


def people(profile: str, split: str, most: int | None = None) -> list[Member]:
    """Members of a split: train and val from the cast of `CASTS`; test from the profile's own cast (cpu: the 14 people
    that every part of the course is tested on).  most: number of the first ones to take, None for all."""
    cast = members(profile if profile != "gpu" else "cpu") if split == "test" and profile != "ci" else \
        members("cpu", actors=CASTS[profile]["actors"], portraits=0)
    return [m for m in cast if m.split == split][:most]


def make_pairs(who: Sequence[Member], takes: int, *, levels: Sequence[str] = LEVELS, seed: int = 0) -> list[Pair]:
    """Pairs of these people: `takes` calm takes each, all of different sentences, each in five emotions at `levels`.

    About 70 ms a take of 15 replays.  Raises InputError without the extra `voice`.
    """
    return list(iterate(who, takes, levels=levels, seed=seed))


def iterate(who: Sequence[Member], takes: int, *, levels: Sequence[str] = LEVELS, seed: int = 0) -> Iterator[Pair]:
    """The pairs of `make_pairs`, one after the other."""
    texts = iter(varied(len(who) * takes, seed=seed))
    for member in who:
        for _ in range(takes):
            yield make_pair(member, next(texts), levels=levels)


def make_pair(member: Member, text: str, *, levels: Sequence[str] = LEVELS) -> Pair:
    """The pair of one person and one sentence, with every emotion at every level."""
    from tfg.actors.take import make_take, replay

    take = make_take(member.name, member.seed, text=text, emotion="NEU")
    played = []
    for emotion in FELT:
        for level in levels:
            again = replay(take, emotion, level)
            played.append(Played(emotion, level, float(again.intensity), again.motion.expression))
    fps, T = take.motion.fps, len(take.motion)
    closures = tuple((int(p.start_s * fps), min(int(np.ceil(p.stop_s * fps)), T)) for p in take.phones
                     if p.viseme == "PP" and p.start_s * fps < T)
    return Pair(member.name, text, take.motion.expression, tuple(played), closures)
