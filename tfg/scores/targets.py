"""Clips to draw anew: the true film, its sound, pictures of the person for reference, and another clip's sound.

All random choices are a function of (seed, id of the clip): a table made twice is the same table, and two systems are
compared on the same references and the same false sounds.
"""
from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tfg.corpora.splits import Splits, kept_for_testing
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.media import audio
from tfg.vocabulary import EMOTIONS, INTENSITY

SOUND = 16
"""Columns of a frame's mel window."""
LEAST = 20
"""Least number of usable frames in a row of a clip; fewer leave no room for shifts of the sound."""
KINDS = ("virtual", "portrait", "real")


@dataclass(frozen=True)
class Target:
    """One clip to be drawn anew: the longest run of its usable frames.

    frames: (T, S, S, 3) uint8, the true film; a system that dubs it hides the part it draws.  wave: (640 T,)
    float32, the sound of these frames at 16 kHz.  mel: (T, 80, 16), a window of that sound for each frame, for judges.
    emotion: of EMOTIONS, None if not known.  intensity: 0 to 1, mean of the clip's curve, or its level's.
    photo: (S, S, 3) uint8, the source of a system that animates one photo.  photo_from: "neutral take" (the frame of a
    neutral take of the actor in which the face is nearest to rest), or "first frame" (of this clip, where there is no
    other neutral take).  reference: (T, S, S, 3) uint8 of another take of the same actor with another emotion, in a
    loop if it is shorter.  reference_from: "other emotion", "other clip", "same clip" (nothing better was there; then
    it is the clip half its length later).  other_wave: (640 T,), the sound of another clip, in a loop if it is shorter.
    points: (T, 478, 2) px, the store's.  kind: virtual, portrait or real.  actor: corpus/actor; unknown people are one
    for each corpus.
    """

    id: str
    actor: str
    kind: str
    emotion: str | None
    level: str | None
    intensity: float
    frames: np.ndarray
    wave: np.ndarray
    mel: np.ndarray
    photo: np.ndarray
    photo_id: str
    photo_from: str
    reference: np.ndarray
    reference_id: str
    reference_from: str
    other_wave: np.ndarray
    other_id: str
    points: np.ndarray
    dropped: int = 0

    @property
    def size(self) -> int:
        """Side of the crop, px."""
        return self.frames.shape[1]


@dataclass
class Targets:
    """Clips of a store, read on access.  clips: rows, in order.  left_out: (id, reason) of the others."""

    store: Store
    splits: Splits
    clips: list
    pool: dict
    seed: int = 0
    left_out: list = field(default_factory=list)

    def __post_init__(self):
        self.who = {(p.corpus, p.actor): p.who for p in self.splits.people}

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Target]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Target:
        row = self.clips[i]
        start, stop = run_of(self.store, row)
        n = stop - start
        reference, why = self.reference(row)
        a, b = run_of(self.store, reference)
        places = a + (np.arange(n) + (n // 2 if why == "same clip" else 0)) % (b - a)
        other, (photo, shown, photo_from) = self.other(row), self.photo(row)
        first, last = audio.frame_to_samples(start - row.start)[0], audio.frame_to_samples(stop - row.start)[0]
        wave = self.store.wave(row)[first:last]
        return Target(
            row.id, actor_of(row), self.kind(row), row.emotion if row.emotion in EMOTIONS else None, row.level,
            self.intensity(row, start, stop), self.store.frames(start, stop),
            np.pad(wave, (0, last - first - len(wave))), self.sound(row)[start - row.start:][:n],
            self.store.frame(shown), photo.id, photo_from,
            np.stack([self.store.frame(int(k)) for k in places]), reference.id, why,
            np.resize(self.store.wave(other), last - first), other.id,
            self.store.arrays["points"][start:stop, :, :2].astype(np.float32), row.n_frames - n)

    def other_film(self, i: int) -> np.ndarray:
        """The film that belongs to a clip's false sound, (T, S, S, 3) uint8, in a loop if it is shorter: a person who
        speaks well, but says something else."""
        start, stop = run_of(self.store, self.clips[i])
        a, b = run_of(self.store, self.other(self.clips[i]))
        return np.stack([self.store.frame(a + k % (b - a)) for k in range(stop - start)])

    def kind(self, row) -> str:
        """Kind of a clip: virtual, portrait or real. Virtual actors without a known face count as built ones
        (virtual)."""
        if row.labels != "true":
            return "real"
        who = self.who.get((row.corpus, row.actor))
        return "virtual" if who is None or who.startswith("seed/") else "portrait"

    def intensity(self, row, start: int, stop: int) -> float:
        """Intensity of a clip as in training: the mean of its curve, or that of its level; 0 for neutral clips."""
        if row.emotion == "NEU" or row.emotion not in EMOTIONS:
            return 0.0
        known_here = "intensity" in self.store.arrays
        curve = self.store.arrays["intensity"][start:stop].astype(float) if known_here else np.zeros(0)
        known = np.isfinite(curve)
        return float(np.mean(curve[known])) if np.any(known) else INTENSITY.get(row.level or "XX", INTENSITY["XX"])

    def sound(self, row) -> np.ndarray:
        """Mel windows of a clip's frames, (n_frames, 80, 16) float32."""
        mel = np.asarray(self.store.mel[row.mel_start:row.mel_stop], np.float32).T
        return audio.mel_windows(mel, row.n_frames, SOUND)

    def photo(self, row) -> tuple:
        """Source of the photo: the clip, the frame of the store, and "neutral take" or "first frame", see `Target`."""
        mine = [r for r in self.pool.get(person_of(row), ()) if r.id != row.id and r.emotion == "NEU"]
        if not mine:
            return row, run_of(self.store, row)[0], "first frame"
        chosen = mine[self._draw(row, 3, len(mine))]
        return chosen, rest_frame(self.store, chosen), "neutral take"

    def reference(self, row) -> tuple:
        """Another take of the actor, and its kind, `Target.reference_from`."""
        mine = [r for r in self.pool.get(person_of(row), ()) if r.id != row.id]
        moods = [r for r in mine if None not in (r.emotion, row.emotion) and r.emotion != row.emotion]
        for rows, why in ((moods, "other emotion"), (mine, "other clip")):
            if rows:
                return rows[self._draw(row, 1, len(rows))], why
        return row, "same clip"

    def other(self, row):
        """The clip whose sound a shuffled pair has: another sentence of the same actor where there is one, long enough
        if there is one; else of anybody in the store; else its own, which the tables count."""
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

    clips: most clips of each actor, of as many emotions as there are.  Raises InputError: a store without sound, a
    split that may not be read to evaluate (judges were trained on it), no usable clip.
    """
    store.need_sound()
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


def rest_frame(store, row) -> int:
    """The usable frame of a clip (a number of the store's) whose face is nearest to rest, by the least sum of
    coefficients. The first one in stores without coefficients."""
    start, stop = run_of(store, row)
    if "expression" not in store.arrays:
        return start
    return start + int(np.argmin(np.abs(np.nan_to_num(store.arrays["expression"][start:stop])).sum(1)))


def actor_of(row) -> str:
    """Name of a clip's actor, over whose clips scores are averaged first. Unknown people of one corpus count as one."""
    return f"{row.corpus}/{row.actor if row.actor is not None else 'unknown'}"


def person_of(row) -> tuple:
    """Key of a clip's person; a clip of an unknown person has a key of its own."""
    return (row.corpus, row.actor) if row.actor is not None else (row.corpus, None, row.id)


def _splits(store) -> Splits:
    """The store's table; real clips that are kept for testing need none."""
    if all(kept_for_testing(r.corpus, r.actor) for r in store.clips):
        return Splits(())
    return Splits.of_store(store)


def _some(rows: list, n: int | None, seed: int) -> list:
    """n clips of an actor, of different emotions as far as possible; in the order of their names."""
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

