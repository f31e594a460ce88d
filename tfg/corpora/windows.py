"""Training windows: T consecutive frames, the sound of their middle, and another moment of the same person.

    windows = Windows(Store.open("build/store"), split="train", T=5, size=96)
    windows.at(epoch, i), windows[i], windows.batch(epoch, indices), len(windows)

Index i is a place: the i-th start of T usable frames in the split, always the same T frames. What is drawn at random
(reference, augmentation, negative) is a function of (seed, epoch, i) alone. So batches can be made by any number of
workers in any order, and a resumed run sees what the killed one would have seen.

Errors of the course's forerunners, each prevented by a test: their index was ignored and every item drawn from
the whole list, so that train and validation were the same clips; the reference came from the same clip, with the same
emotion and often the same frames, so that nothing had to be learned about emotion; training read the sound of frame
i - 1 and inference that of frame i; SyncNet's negatives could overlap its positives.

    frames          (B, T, 3, S, S) uint8 RGB        never with a frame whose `ok` is False
    mel             (B, 80, width) float32           `tfg.media.audio.mel_window` of the middle frame, as at inference
    mels            (B, T, 80, width) float32        mel windows of every frame, if per_frame_mel
    reference       (B, T, 3, S, S) uint8            T consecutive frames of another take with another emotion
    expression, aus, pose, intensity, points ...     (B, T, ...) float32, the store's arrays by name; points, matrix for
                                                     frames of S px, and of the mirror image where a window is flipped
    emotion, level  (B,) int64                       in vocabulary.EMOTIONS, LEVELS; -1 where not known
    soft            (B, 6) float32                   raters' shares of the emotions; one-hot if not rated, NaN if not
    known actor, clip     (B,) int64                       in windows.actors, windows.clips
    start           (B,) int64                       first frame, counted in the clip
    reference_clip, reference_start                  clip and start of the reference, likewise
    sync_mel, label, shift                           SyncNet's sound: with label 1 it is `mel`, with 0 that of a window
                                                     `shift` frames away in the same clip which shares no column with it
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tfg.corpora import seeded
from tfg.corpora.augment import MIRRORED, Augment
from tfg.corpora.frame_cache import Pixels
from tfg.corpora.splits import Splits
from tfg.corpora.store_format import check_mel
from tfg.corpora.window_index import WindowIndex
from tfg.errors import InputError
from tfg.media import audio
from tfg.vocabulary import EMOTIONS, LEVELS

LABELS = ("expression", "aus", "pose", "intensity")
REFERENCES = ("other_emotion", "other_clip", None)


class Windows:
    """Windows of one split of a store.

    splits: None for the store's own (splits.json), which no other table may contradict.  purpose: "train",
    "judge" or "evaluate" (`splits.ALLOWED`).  size: px, None for the store's.  mel_width: columns.
    reference: "other_emotion", "other_clip" (another clip of the actor, whatever its emotion), None.  Where an actor
    has no such clip: another clip, else another moment of the same one; `fallbacks` counts the clips concerned.
    negative: True or the share of negatives (True: a half).  labels: names of the store's arrays.  augment: `Augment`,
    None for none.  stride: starts per index (1: every start is an index).  keep: function of a row, to leave clips out.
    cache: as `frame_cache.Pixels`.
    Raises InputError: nothing to read in the split, a split that the purpose may not read, impossible numbers.
    """

    def __init__(self, store, splits: Splits | None = None, split: str = "train", *, purpose: str = "train", T: int = 5,
                 size: int | None = None, mel_width: int = 16, reference: str | None = "other_emotion",
                 negative: bool | float = False, per_frame_mel: bool = False, labels: Sequence[str] = LABELS,
                 augment: Augment | None = None, stride: int = 1, keep: Callable | None = None,
                 cache: bool | str = "auto", seed: int = 0):
        _check(T, mel_width, stride, seed, negative, reference, labels, augment, store)
        splits = Splits.of_store(store) if splits is None else splits.for_store(store)
        rows = splits.select(store.clips, split, purpose=purpose)
        rows = [row for row in rows if keep is None or keep(row)]
        splits.check(rows, purpose=purpose)
        self.store, self.split, self.T, self.seed, self.epoch = store, split, T, seed, 0
        self.mel_width, self.reference, self.per_frame_mel, self.augment = mel_width, reference, per_frame_mel, augment
        self.negative = 0.5 if negative is True else float(negative)
        self.labels = tuple(labels)
        self.places = WindowIndex(store, rows, T, mel_width=mel_width, reference=reference, negative=self.negative > 0)
        check_mel(store, self.places.clips)
        self.clips, self.fallbacks, self.dropped = self.places.clips, self.places.fallbacks, self.places.dropped
        self._index = self.places.usable[::stride]
        if not len(self._index):
            raise InputError(f"{store.path} has no window of {T} usable frames in the split {split!r} ({len(rows)} "
                             "clips); choose another split, a smaller T, or prepare more clips.")
        self.pixels = Pixels(store, size, cache=cache)
        self.size = self.pixels.size
        self.actors = sorted({f"{r.corpus}/{r.actor}" for r in self.clips})
        self._of_clip = _clip_labels(self.clips, self.actors)

    def __len__(self) -> int:
        """Number of windows, each with a start of its own."""
        return len(self._index)

    def clip_of_index(self) -> np.ndarray:
        """Number in `clips` of the clip of each index, (len,) int64."""
        return self.places.clip[self._index]

    def indices_of(self, clip: int) -> np.ndarray:
        """Indices that lie in `clips[clip]`, in the order of time."""
        return np.flatnonzero(self.clip_of_index() == clip)

    def set_epoch(self, epoch: int) -> None:
        """The epoch of `windows[i]`. Workers of a DataLoader copy it when they start: with persistent_workers ask for
        keys instead, `windows[epoch, i]`."""
        self.epoch = int(epoch)

    def __getitem__(self, key) -> dict:
        epoch, i = key if isinstance(key, tuple) else (self.epoch, key)
        return self.at(epoch, i)

    def __getitems__(self, keys) -> list[dict]:
        """Several windows at once, for torch's DataLoader: a list that `collate` turns into one batch without
        copying."""
        keys = [key if isinstance(key, tuple) else (self.epoch, key) for key in keys]
        epochs = {epoch for epoch, _ in keys}
        if len(epochs) != 1:
            return [self.at(*key) for key in keys]
        return _Items(self.batch(epochs.pop(), [i for _, i in keys]))

    def at(self, epoch: int, i: int) -> dict:
        """One window, without the leading B; single numbers are NumPy scalars.  Raises IndexError."""
        return {name: value[0] for name, value in self.batch(epoch, [i]).items()}

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Windows of these indices, in any order and with repetitions, as arrays by name (see the module).  Raises
        IndexError."""
        indices = np.asarray(indices, np.int64).reshape(-1)
        indices = np.where(indices < 0, indices + len(self), indices)
        if len(indices) and (indices.min() < 0 or indices.max() >= len(self)):
            raise IndexError(f"index {indices.max()} of {len(self)} windows")
        place = self._index[indices]
        clip, start = self.places.clip[place], self.places.start[place]           # start: frame of the store
        out = {"frames": self.pixels.read(start, self.T),
               "mel": self._mel(clip, start + self.T // 2)}
        if self.per_frame_mel:
            out["mels"] = self._mel(clip[:, None], start[:, None] + np.arange(self.T))
        frames = start[:, None] + np.arange(self.T)
        for name in self.labels:
            out[name] = self.store.arrays[name][frames].astype(np.float32)
        k = self.size / self.store.size                                           # pixel centres lie at whole numbers
        if "points" in out:
            out["points"] *= np.float32(k)
            out["points"][..., :2] += np.float32(0.5 * k - 0.5)
        if "matrix" in out:
            out["matrix"] *= np.float32(k)
            out["matrix"][..., 2] += np.float32(0.5 * k - 0.5)
        out |= {name: values[clip] for name, values in self._of_clip.items()}
        out |= {"clip": clip, "start": start - self.places.first_frame[clip], "index": indices}
        if self.reference is not None:
            other = self.places.reference(place, lambda k: seeded.uniform(self.seed, epoch, 10 + k, indices))
            out["reference"] = self.pixels.read(self.places.start[other], self.T)
            out["reference_clip"] = self.places.clip[other]
            out["reference_start"] = self.places.start[other] - self.places.first_frame[self.places.clip[other]]
        if self.negative:
            wrong = seeded.uniform(self.seed, epoch, 20, indices) < self.negative
            shift = self.places.shift(place, seeded.uniform(self.seed, epoch, 21, indices)) * wrong
            out |= {"sync_mel": self._mel(clip, start + shift + self.T // 2), "shift": shift,
                    "label": (~wrong).astype(np.float32)}
        if self.augment is not None:
            draws = self.augment.draw(self.seed, epoch, indices)
            self.augment.frames(out["frames"], draws, 0)
            if "reference" in out:
                self.augment.frames(out["reference"], draws, 1)
            self.augment.labels(out, draws, self.size)
        return out

    def shifted(self, indices, shifts) -> tuple[np.ndarray, np.ndarray]:
        """The sound of windows moved by known numbers of frames, for measuring offsets.

        shifts: (K,) frames, > 0 for later sound.  Returns mel (B, K, 80, width) and whole (B, K) bool: False where the
        window would reach beyond the clip's sound (drop these; padding would deflate the scores of short clips).
        """
        place = self._index[np.asarray(indices, np.int64).reshape(-1)]
        clip = self.places.clip[place][:, None]
        frame = self.places.start[place][:, None] + self.T // 2 + np.asarray(shifts, np.int64)
        first = audio.mel_start(frame - self.places.first_frame[clip], self.mel_width)
        return self._mel(clip, frame), (first >= 0) & (first + self.mel_width <= self.places.n_mel[clip])

    def _mel(self, clip: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """Mel windows of frames of the store, (..., 80, width) float32; the mel floor beyond the ends of the sound."""
        clip, frame = np.broadcast_arrays(clip, frame)
        first = audio.mel_start(frame - self.places.first_frame[clip], self.mel_width)
        column = first[..., None] + np.arange(self.mel_width)                     # (..., width), counted in the clip
        n = self.places.n_mel[clip][..., None]
        inside = (column >= 0) & (column < n)
        column = np.where(inside, column + self.places.mel_start[clip][..., None], 0)
        mel = self.store.mel[column].astype(np.float32)                           # (..., width, 80)
        mel[~inside] = audio.MEL_FLOOR
        return np.ascontiguousarray(np.swapaxes(mel, -1, -2))


class _Items(list):
    """List of a batch's windows; `batch` is the same data as one dict of arrays."""

    def __init__(self, batch: dict):
        self.batch = batch
        super().__init__({k: v[b] for k, v in batch.items()} for b in range(len(batch["index"])))


def collate(items) -> dict:
    """Join windows into one dict of tensors; the collate_fn of torch's DataLoader."""
    import torch

    batch = items.batch if isinstance(items, _Items) else {k: np.stack([i[k] for i in items]) for k in items[0]}
    return {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in batch.items()}


def _clip_labels(clips, actors: list[str]) -> dict[str, np.ndarray]:
    """Labels of each clip, by name: emotion, level, actor (C,) int64 and soft (C, 6) float32."""
    def places(names, values):
        return np.array([names.index(v) if v in names else -1 for v in values], np.int64)

    emotion = places(EMOTIONS, [r.emotion for r in clips])
    soft = np.full((len(clips), len(EMOTIONS)), np.nan, np.float32)
    for c, row in enumerate(clips):
        if row.soft is not None:
            soft[c] = row.soft
        elif emotion[c] >= 0:
            soft[c] = np.arange(len(EMOTIONS)) == emotion[c]
    number = {name: k for k, name in enumerate(actors)}
    return {"emotion": emotion, "level": places(LEVELS, [r.level for r in clips]), "soft": soft,
            "actor": np.array([number[f"{r.corpus}/{r.actor}"] for r in clips], np.int64)}


def _check(T, mel_width, stride, seed, negative, reference, labels, augment, store) -> None:
    for name, value, least in (("T", T, 1), ("mel_width", mel_width, 1), ("stride", stride, 1), ("seed", seed, 0)):
        if int(value) != value or value < least:
            raise InputError(f"{name} is {value}; give a whole number, {least} or more.")
    if not 0 <= float(negative) <= 1:
        raise InputError(f"negative is {negative}; give True, False, or the share of negatives from 0 to 1.")
    if reference not in REFERENCES:
        raise InputError(f"there is no reference {reference!r}; choose 'other_emotion', 'other_clip' or None.")
    for name in labels:
        if name not in store.arrays:
            raise InputError(f"the store {store.path} has no array {name!r}; it has {', '.join(store.arrays)}.")
        if augment is not None and augment.flip_p and name not in MIRRORED:
            raise InputError(f"{name!r} cannot be mirrored; leave it out of the labels, or set "
                             "the augmentation's flip_p to 0.")
