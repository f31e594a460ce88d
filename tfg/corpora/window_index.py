"""Index of the places of windows in a store, and of those that may be reference or negative: arrays, read per batch.

A *place* is a start of T consecutive usable frames of one clip. Places are sorted by person, emotion and clip, so that
"the same actor in another emotion" is one range of places without a range inside it, and no search is needed.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfg.media import audio


class WindowIndex:
    """All places of some clips.

    clips: (C) rows, sorted.  start, clip: (P,) int64, the frame of the store and the clip of each place.  usable: (U,)
    the places with a reference and a negative, where asked for, in the order of the store.  first_frame, n_frames,
    mel_start, n_mel: (C,) of each clip.  fallbacks: source of the reference -> number of clips.  dropped: reason ->
    number of starts that are not usable.
    """

    def __init__(self, store, rows, T: int, *, mel_width: int, reference: str | None, negative: bool):
        self.clips = sorted(rows, key=lambda r: (r.corpus, r.actor or "", r.id if r.actor is None else "",
                                                 r.emotion or "", r.id))
        self.T = T
        self.first_frame, self.n_frames, self.mel_start, self.n_mel = np.array(
            [[r.start, r.n_frames, r.mel_start, r.n_mel] for r in self.clips], np.int64).reshape(-1, 4).T
        ok = np.asarray(store.arrays["ok"]) if "ok" in store.arrays else np.ones(store.n_frames, bool)
        bad = np.concatenate([[0], np.cumsum(~ok)])
        starts = [np.arange(r.start, r.stop - T + 1) for r in self.clips]
        good = [s[bad[s + T] == bad[s]] for s in starts]
        self.dropped = {"a bad frame": sum(map(len, starts)) - sum(map(len, good))}
        many = np.array([len(s) for s in good], np.int64)
        self.start = np.concatenate(good) if good else np.zeros(0, np.int64)
        self.clip = np.repeat(np.arange(len(good)), many)
        self.first = np.concatenate([[0], np.cumsum(many)])                 # (C + 1,) first place of each clip
        self._sound(mel_width)
        self._ranges(reference)
        self.usable = self._usable(reference, negative)

    # ---- references ----
    def _ranges(self, reference: str | None) -> None:
        """Per clip: the places `lo` to `hi` of its person, and in them `skip` to `skip_hi` that are not to be drawn."""
        person = [(r.corpus, r.actor) if r.actor is not None else (r.corpus, None, r.id) for r in self.clips]
        mood = [(p, r.emotion or r.id) for p, r in zip(person, self.clips)]
        own = self.first[:-1], self.first[1:]
        lo, hi = self._runs(person)
        skip, skip_hi = self._runs(mood) if reference == "other_emotion" else own
        known = np.array([r.emotion is not None for r in self.clips], bool)
        self.kind = np.full(len(self.clips), "other emotion" if reference == "other_emotion" else "other clip", object)
        none = (hi - lo) == (skip_hi - skip)                                # the person has no other emotion
        self.kind[none | ~known & (reference == "other_emotion")] = "other clip"
        skip, skip_hi = np.where(none, own[0], skip), np.where(none, own[1], skip_hi)
        self.kind[(hi - lo) == (skip_hi - skip)] = "same clip"
        self.lo, self.hi, self.skip, self.skip_hi = lo, hi, skip, skip_hi
        referring = (self.first[1:] > self.first[:-1]) & (reference is not None)
        self.fallbacks = {kind: int((referring & (self.kind == kind)).sum()) for kind in ("other clip", "same clip")
                          if kind != ("other clip" if reference == "other_clip" else "")}

    def _runs(self, keys: list) -> tuple[np.ndarray, np.ndarray]:
        """First place, and one past the last, of the run of clips with the same key that each clip is in."""
        new = np.array([k == 0 or keys[k] != keys[k - 1] for k in range(len(keys))], bool)
        run = np.cumsum(new) - 1
        first = self.first[np.flatnonzero(new)] if len(keys) else np.zeros(0, np.int64)
        last = np.append(first[1:], self.first[-1])
        return first[run], last[run]

    def _near(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Range of the places of the same clip that share a frame with each place: first, and one past the last."""
        clip, key = self.clip[place], self._key(self.clip, self.start)
        lo = np.searchsorted(key, self._key(clip, self.start[place] - self.T), "right")
        hi = np.searchsorted(key, self._key(clip, self.start[place] + self.T), "left")
        return np.maximum(lo, self.first[clip]), np.minimum(hi, self.first[clip + 1])

    def _key(self, clip, start):
        """Sort key that rises along the places, clip after clip."""
        return clip * (1 << 40) + start + (1 << 20)

    def reference(self, place: np.ndarray, uniform: Callable[[int], np.ndarray]) -> np.ndarray:
        """A place of the same person for each place, drawn by one uniform number each.  Returns (B,) places."""
        clip = self.clip[place]
        lo, hi, skip, skip_hi = (a[clip].copy() for a in (self.lo, self.hi, self.skip, self.skip_hi))
        same = self.kind[clip] == "same clip"
        if same.any():
            lo[same], hi[same] = self.first[clip[same]], self.first[clip[same] + 1]
            skip[same], skip_hi[same] = self._near(place[same])
        out = lo + np.floor(uniform(0) * (hi - lo - (skip_hi - skip))).astype(np.int64)
        return np.where(out >= skip, out + skip_hi - skip, out)

    # ---- sound ----
    def _sound(self, width: int) -> None:
        """Per clip: the starts (frames of the clip) whose mel window lies wholly in its sound; and how far apart two
        windows must be to share neither a frame nor a column."""
        self.apart = max(self.T, -(-width * 10 // 32))
        most = int(self.n_frames.max(initial=0)) + 1
        first = audio.mel_start(np.arange(most) + self.T // 2, width)
        self.sound_lo = np.full(len(self.clips), np.searchsorted(first, 0))
        last = np.searchsorted(first, self.n_mel - width, "right") - 1
        self.sound_hi = np.minimum(last, self.n_frames - self.T) + 1

    def _shifts(self, place: np.ndarray) -> tuple[np.ndarray, ...]:
        """Numbers of windows of the same clip without overlap, before and after each place; and the place's own
        start."""
        clip = self.clip[place]
        own = self.start[place] - self.first_frame[clip]
        before = np.maximum(0, own - self.apart + 1 - self.sound_lo[clip])
        after = np.maximum(0, self.sound_hi[clip] - (own + self.apart))
        return before, after, own

    def shift(self, place: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Frames to a window of the same clip that overlaps neither in frames nor in sound.  Returns (B,) int64."""
        before, after, own = self._shifts(place)
        k = np.floor(uniform * (before + after)).astype(np.int64)
        return np.where(k < before, self.sound_lo[self.clip[place]] + k - own, k - before + self.apart)

    # ---- usable places ----
    def _usable(self, reference: str | None, negative: bool) -> np.ndarray:
        place = np.arange(len(self.start))
        keep = np.ones(len(place), bool)
        own = self.start - self.first_frame[self.clip]
        middle = audio.mel_start(own + self.T // 2, 1)
        self._drop(keep, middle < self.n_mel[self.clip], "no sound")
        if reference is not None:
            same = np.flatnonzero(self.kind[self.clip] == "same clip")
            lo, hi = self._near(same)
            clip = self.clip[same]
            alone = np.ones(len(place), bool)
            alone[same] = hi - lo < self.first[clip + 1] - self.first[clip]
            self._drop(keep, alone, "no other moment to refer to")
        if negative:
            before, after, _ = self._shifts(place)
            whole = (own >= self.sound_lo[self.clip]) & (own < self.sound_hi[self.clip])
            self._drop(keep, whole & (before + after > 0), "no other sound in the clip")
        keep = np.flatnonzero(keep)
        return keep[np.argsort(self.start[keep], kind="stable")]

    def _drop(self, keep: np.ndarray, good: np.ndarray, reason: str) -> None:
        self.dropped[reason] = int((keep & ~good).sum())
        keep &= good
