"""What is dubbed: the frames of a video at their own times, or one picture, made smaller, turned and cut as asked.

Nothing is relabelled: each output frame has the time at which it is on screen, and the sound goes by that time.
"""
from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.media.audio import FPS
from tfg.systems.base import Footage

STANDARD_FPS = (24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60)
JITTER_S = 0.002
"""Time stamps this close to a constant rate are that rate (containers count in milliseconds)."""
HELD_S = 0.1
"""A frame on screen for longer is drawn again 25 times a second, or lips would stand still with it."""
KEEP_BYTES = 192 << 20
"""Frames held while a video runs backwards, which files cannot be read."""


@dataclass
class Schedule:
    """Which frame is on screen when.  order: (N,) numbers of source frames, up and down in steps of at most one.
    times: (N + 1,) seconds: k is shown from times[k] to times[k + 1].  fps: their constant rate, or None.
    turns: how often the source turns round because the sound goes on."""

    order: np.ndarray
    times: np.ndarray
    fps: float | None
    turns: int

    @property
    def middles(self) -> np.ndarray:
        """(N,) the second in the middle of each frame's time on screen: the one whose sound it shows."""
        return (self.times[:-1] + self.times[1:]) / 2


class Memory:
    """Frames in memory, read as a `tfg.media.video.FrameReader` reads a file.  frames: (T, H, W, 3) uint8 at 25 fps."""

    def __init__(self, frames: np.ndarray):
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
            raise InputError(f"footage is (T, H, W, 3) uint8 with T > 0, got {frames.shape} {frames.dtype}.")
        self.frames, self.fps = frames, float(FPS)
        self.height, self.width = frames.shape[1:3]
        self.source_times, self.end_s = np.arange(len(frames)) / FPS, len(frames) / FPS

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, k: int) -> np.ndarray:
        return self.frames[k].copy()

    def __iter__(self) -> Iterator[np.ndarray]:
        return (frame.copy() for frame in self.frames)


class Source:
    """A video or a picture to be dubbed.

    source: path, (H, W, 3) uint8 RGB, or a `tfg.systems.base.Footage`.  resize_factor, rotate, crop_box, static, fps:
    as `tfg.animate`.  n: frames there are.  size: height, width of those frames.
    Raises InputError: no such picture or video, fps for a
    moving one, a region that is not in the picture, frames that are too small, or larger than films can be.
    """

    def __init__(self, source, *, resize_factor: int = 1, rotate: bool = False, crop_box=None, static: bool = False,
                 fps: float | None = None):
        from tfg.faces.landmarks import check_image
        from tfg.media.encode import check_size
        from tfg.media.image import read_image, smaller
        from tfg.media.video import FrameReader, is_video

        self.still: np.ndarray | None = None
        self.reader: Any = None                                # a FrameReader or a Memory, None for a still
        if isinstance(source, Footage):
            self.reader = Memory(np.stack([smaller(frame, resize_factor) for frame in source.frames]))
            self.name = "the footage"
        elif isinstance(source, np.ndarray):
            self.still, self.name = smaller(check_image(source), resize_factor), "the picture"
        elif is_video(source):
            self.name = Path(os.fspath(source)).name
            self.reader = FrameReader(source, fps=None, resize_factor=resize_factor)
            if static:
                self.still, self.reader = next(iter(self.reader)), None
        else:
            self.still, self.name = smaller(read_image(source), resize_factor), Path(os.fspath(source)).name
        if fps is not None and self.still is None:
            raise InputError(f"{self.name} is a video and keeps its own {self.reader.fps:.4g} frames/s; leave out "
                             "--fps, or add --static to use its first frame as a photo.")
        self.given_fps = float(fps or FPS)
        self.rotate = rotate
        h, w = self.still.shape[:2] if self.still is not None else (self.reader.height, self.reader.width)
        h, w = (w, h) if rotate else (h, w)
        self.region = _region(crop_box, h, w)
        self.size = (self.region[1] - self.region[0], self.region[3] - self.region[2])
        if min(self.size) < 32:
            raise InputError(f"{self.name} would be {self.size[1]} x {self.size[0]} px when made smaller and cut; at "
                             "least 32 x 32 are needed: choose a smaller --resize-factor or a larger --crop-box.")
        check_size(*self.size, f"the dubbed {self.name.removeprefix('the ')}")
        if self.still is not None:
            self.still = self._shaped(self.still)
        self.n = 1 if self.still is not None else len(self.reader)
        self.fps = self.given_fps if self.reader is None else self.reader.fps

    def _shaped(self, frame: np.ndarray) -> np.ndarray:
        """Turned, then cut, after it was made smaller: Wav2Lip's order, so that boxes mean the same."""
        if self.rotate:
            frame = np.rot90(frame, -1)                       # clockwise
        top, bottom, left, right = self.region
        return np.ascontiguousarray(frame[top:bottom, left:right])

    def forward(self) -> Iterator[np.ndarray]:
        """All frames once, each a new array."""
        if self.still is not None:
            yield self.still.copy()
            return
        for frame in self.reader:
            yield self._shaped(frame)

    def _backward(self) -> Iterator[np.ndarray]:
        """The frames n - 2 ... 1, read in pieces: a file can only be decoded forwards."""
        many = max(8, KEEP_BYTES // (self.reader.height * self.reader.width * 3))
        stop = self.n - 1
        while stop > 1:
            start = max(1, stop - many)
            piece = [self._shaped(self.reader[k]) for k in range(start, stop)]
            while piece:
                yield piece.pop()
            stop = start

    def shown(self, schedule: Schedule) -> Iterator[np.ndarray]:
        """The frames of `schedule.order`, each a new array, made when asked for."""
        runs = _runs(schedule.order)
        if self.n == 1:
            only = next(self.forward())
            frames: Iterator[np.ndarray] = itertools.repeat(only)
        else:
            frames = itertools.chain.from_iterable(f() for f in itertools.cycle((self.forward, self._backward)))
        for times, frame in zip(runs, frames):
            yield from (frame.copy() for _ in range(times - 1))
            yield frame.copy() if self.n == 1 else frame

    def schedule(self, seconds: float) -> Schedule:
        """Frames for so many seconds of sound: no longer than it, to and fro if there are fewer."""
        if self.reader is None:
            N = max(1, int(np.ceil(seconds * self.given_fps - 1e-6)))
            return Schedule(np.zeros(N, np.int64), np.arange(N + 1) / self.given_fps, self.given_fps, 0)
        begin = np.array(self.reader.source_times, float)
        fps = constant_rate(begin, self.reader.fps)
        if fps is not None:
            ahead = max(0, round(begin[0] * fps))             # the sound begins before the picture
            again = 1 if 1 / fps <= HELD_S else int(np.ceil(FPS / fps))
            order = np.repeat(_to_and_fro(self.n, int(np.ceil(seconds * fps)) + 1), again)
            order = np.concatenate([np.zeros(ahead * again, np.int64), order])
            fps *= again
            N = max(1, int(np.ceil(seconds * fps - 1e-6)))
            return Schedule(order[:N], np.arange(N + 1) / fps, fps, _turns(order[:N]))
        begin[0] = 0
        lasts = np.maximum(np.diff(np.append(begin, max(self.reader.end_s, begin[-1] + 1e-3))), 1e-3)
        rounds = int(np.ceil(seconds / max(lasts.sum(), 1e-3))) + 1
        order = _to_and_fro(self.n, rounds * self.n + 1)
        repeats = np.where(lasts > HELD_S, np.ceil(lasts * FPS), 1).astype(np.int64)
        order = np.repeat(order, repeats[order])
        times = np.concatenate([[0], np.cumsum((lasts / repeats)[order])])
        N = max(1, int(np.searchsorted(times, seconds - 1e-6)))
        return Schedule(order[:N], times[:N + 1], None, _turns(order[:N]))


def constant_rate(times: np.ndarray, fps: float) -> float | None:
    """The frames per second of these time stamps, a usual rate if one fits, or None if they come irregularly.

    times: (n,) seconds.  fps: their mean rate.
    """
    if len(times) < 2:
        return float(fps)
    k = np.arange(len(times))
    best: tuple[float, float | None] = (JITTER_S, None)
    for rate in (*STANDARD_FPS, float(round(fps)), fps):
        if rate > 0:
            away = times - k / rate
            best = min(best, (float(np.ptp(away)) / 2, rate), key=lambda pair: pair[0])
    return None if best[1] is None else float(best[1])


def _to_and_fro(n: int, N: int) -> np.ndarray:
    """(N,) 0 1 ... n - 1 ... 1 0 1 ..."""
    if n == 1:
        return np.zeros(N, np.int64)
    k = np.arange(N) % (2 * n - 2)
    return np.minimum(k, 2 * n - 2 - k)


def _turns(order: np.ndarray) -> int:
    steps = np.diff(order)
    return int(np.count_nonzero(np.diff(steps[steps != 0])))


def _runs(order: np.ndarray) -> Iterator[int]:
    """How often each frame is shown in a row."""
    edges = np.flatnonzero(np.diff(order)) + 1
    yield from np.diff(np.concatenate([[0], edges, [len(order)]])).tolist()


def _region(crop_box, h: int, w: int) -> tuple[int, int, int, int]:
    """top, bottom, left, right px; -1 at the bottom or right is the picture's edge, at the top or left 0."""
    top, bottom, left, right = (0, -1, 0, -1) if crop_box is None else crop_box
    region = (max(top, 0), h if bottom == -1 else bottom, max(left, 0), w if right == -1 else right)
    if not (region[0] < region[1] <= h and region[2] < region[3] <= w):
        raise InputError(f"the crop box {' '.join(map(str, crop_box))} (top bottom left right) is not within the "
                         f"picture, which is {h} px high and {w} px wide after --resize-factor and --rotate; -1 stands "
                         "for its edge.")
    return region
