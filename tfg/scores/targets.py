"""The clips to draw anew: what is hidden, what may be looked at, and with which other clip the sound is swapped.

Everything that could be drawn at random is a function of (seed, id of the clip): a table made twice is the same table,
and two systems are compared on the same references and the same false sounds.
"""
from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tfg import audio
from tfg.corpora.splits import Splits, kept_for_testing
from tfg.errors import InputError
from tfg.vocabulary import EMOTIONS

SOUND = 16
"""Columns of a frame's mel window."""
LEAST = 20
"""Usable frames in a row that a clip must have: fewer leave no room for shifts of the sound."""
KINDS = ("virtual", "portrait", "real")
LEVEL = {"LO": .25, "MD": .5, "HI": .8, "XX": .5}
"""Intensity of clips that have no curve of it, as in training (`tfg.training.emogen_data`)."""


@dataclass(frozen=True)
class Target:
    """One clip to be drawn anew: the longest run of its usable frames.

    frames: (T, S, S, 3) uint8, the truth; a system hides of it what it must draw.  mel: (T, 80, 16), a window of sound
    for each frame.  emotion: of EMOTIONS, None if not known.  intensity: 0 to 1, mean of the clip's curve, or its
    level's.  reference: (T, S, S, 3) uint8 of another take of the same actor with another emotion, in a loop if it is
    shorter.  reference_from: "other emotion", "other clip", "same clip" (nothing better was there; then it is the clip
    half its length later).  other_mel: (T, 80, 16), the sound of another clip.  points: (T, 478, 2) px, the store's.
    kind: virtual, portrait or real.  actor: corpus/actor; people nobody knows are one for each corpus.
    """

    id: str
    actor: str
    kind: str
    emotion: str | None
    level: str | None
    intensity: float
    frames: np.ndarray
    mel: np.ndarray
    reference: np.ndarray
    reference_id: str
    reference_from: str
    other_mel: np.ndarray
    other_id: str
    points: np.ndarray
    dropped: int = 0

    @property
    def size(self) -> int:
        """Side of the crop, px."""
        return self.frames.shape[1]


@dataclass
class Targets(Sequence):
    """Clips of a store, read when they are asked for.  clips: rows, in order.  left_out: (id, reason) of the others."""

    store: object
    splits: Splits
    clips: list
    pool: dict
    seed: int = 0
    left_out: list = field(default_factory=list)

    def __post_init__(self):
        self.who = {(p.corpus, p.actor): p.who for p in self.splits.people}

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, i: int) -> Target:
        row = self.clips[i]
        start, stop = run_of(self.store, row)
        n = stop - start
        reference, why = self.reference(row)
        a, b = run_of(self.store, reference)
        places = a + (np.arange(n) + (n // 2 if why == "same clip" else 0)) % (b - a)
        other = self.other(row)
        return Target(
            row.id, actor_of(row), self.kind(row), row.emotion if row.emotion in EMOTIONS else None, row.level,
            self.intensity(row, start, stop), self.store.frames(start, stop), self.sound(row)[start - row.start:][:n],
            np.stack([self.store.frame(int(k)) for k in places]), reference.id, why,
            _looped(self.sound(other), n), other.id, self.store.arrays["points"][start:stop, :, :2].astype(np.float32),
            row.n_frames - n)

    def kind(self, row) -> str:
        """What its actor is. Virtual actors without a known face count as built ones."""
        if row.labels != "true":
            return "real"
        who = self.who.get((row.corpus, row.actor))
        return "virtual" if who is None or who.startswith("seed/") else "portrait"

    def intensity(self, row, start: int, stop: int) -> float:
        """Mean of the clip's curve, or that of its level, 0 for neutral ones: what training gives the network."""
        if row.emotion == "NEU" or row.emotion not in EMOTIONS:
            return 0.0
        curve = self.store.arrays["intensity"][start:stop].astype(float) if "intensity" in self.store.arrays else []
        known = np.isfinite(curve)
        return float(np.mean(curve[known])) if np.any(known) else LEVEL.get(row.level or "XX", LEVEL["XX"])

    def sound(self, row) -> np.ndarray:
        """(n_frames, 80, 16) float32."""
        mel = np.asarray(self.store.mel[row.mel_start:row.mel_stop], np.float32).T
        return audio.mel_windows(mel, row.n_frames, SOUND)

    def reference(self, row) -> tuple:
        """Another take of the actor, and how other it is."""
        mine = [r for r in self.pool.get(person_of(row), ()) if r.id != row.id]
        moods = [r for r in mine if None not in (r.emotion, row.emotion) and r.emotion != row.emotion]
        for rows, why in ((moods, "other emotion"), (mine, "other clip")):
            if rows:
                return rows[self._draw(row, 1, len(rows))], why
        return row, "same clip"

    def other(self, row):
        """The clip whose sound a shuffled pair has: another sentence of the same actor where there is one, long enough
        if there is one; else of anybody in the store; else its own, which `Scores` tells."""
        mine = [r for r in self.pool.get(person_of(row), ()) if r.id != row.id]
        rows = [r for r in mine if r.sentence != row.sentence or r.sentence is None] or mine
        rows = rows or [r for rs in self.pool.values() for r in rs if r.id != row.id and r.corpus == row.corpus]
        rows = [r for r in rows if r.n_frames >= row.n_frames] or rows or [row]
        return rows[self._draw(row, 2, len(rows))]

    def _draw(self, row, stream: int, n: int) -> int:
        return int(np.random.default_rng([self.seed, stream, zlib.crc32(row.id.encode())]).integers(n))


def targets(store, split: str = "test", *, splits: Splits | None = None, clips: int | None = None,
            seed: int = 0) -> Targets:
    """The clips of a split, for scoring.

    clips: at most so many of each actor, of as many emotions as there are.  Raises InputError: a split that may not be
    read to evaluate (judges have learned from it), no usable clip.
    """
    splits = _splits(store) if splits is None else splits.for_store(store)
    rows = splits.select(store.clips, split, purpose="evaluate")
    splits.check(rows, purpose="evaluate")
    good, bad = [], []
    for row in rows:
        a, b = run_of(store, row)
        if b - a >= LEAST:
            good.append(row)
        else:
            bad.append((row.id, f"has {b - a} usable frames in a row, {LEAST} are needed"))
    pool: dict = {}
    for row in sorted(good, key=lambda r: r.id):
        pool.setdefault(person_of(row), []).append(row)
    chosen = [row for rows in pool.values() for row in _some(rows, clips, seed)]
    if not chosen:
        raise InputError(f"{store.path} has no clip of {LEAST} usable frames in the split {split!r} to be scored; "
                         "prepare more, or choose another split.")
    return Targets(store, splits, chosen, pool, seed, bad)


def run_of(store, row) -> tuple[int, int]:
    """First frame, and one past the last, of the longest run of usable frames of a clip (frames of the store)."""
    ok = np.asarray(store.arrays["ok"][row.start:row.stop]) if "ok" in store.arrays else np.ones(row.n_frames, bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ok.astype(np.int8), [0]])))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return row.start, row.start
    k = int(np.argmax(stops - starts))
    return row.start + int(starts[k]), row.start + int(stops[k])


def actor_of(row) -> str:
    """Whose scores are averaged first. Unknown people of one corpus could be one person: they count as one."""
    return f"{row.corpus}/{row.actor if row.actor is not None else 'unknown'}"


def person_of(row) -> tuple:
    """Who surely is one person: a clip of an unknown one stands alone."""
    return (row.corpus, row.actor) if row.actor is not None else (row.corpus, None, row.id)


def _splits(store) -> Splits:
    """The store's table; real clips that are kept for testing need none."""
    if all(kept_for_testing(r.corpus, r.actor) for r in store.clips):
        return Splits(())
    return Splits.of_store(store)


def _some(rows: list, n: int | None, seed: int) -> list:
    """n clips of an actor, another emotion each time as long as there is one; in the order of their names."""
    if n is None or n >= len(rows):
        return rows
    if n < 1:
        raise InputError(f"{n} clips per actor leave nothing to score; give 1 or more.")
    seen: dict = {}
    turn = {}
    for row in sorted(rows, key=lambda r: zlib.crc32(f"{seed}/{r.id}".encode())):
        turn[row.id] = seen[row.emotion] = seen.get(row.emotion, -1) + 1
    mixed = sorted(rows, key=lambda r: (turn[r.id], zlib.crc32(f"{seed}/{r.id}".encode())))
    return sorted(mixed[:n], key=lambda r: r.id)


def _looped(windows: np.ndarray, n: int) -> np.ndarray:
    return windows[np.arange(n) % len(windows)]
