"""Videos: lazy reading at 25 frames/s (`FrameReader`), `probe`, and `write_video`.

Frames are (H, W, 3) uint8 RGB in sRGB, C-contiguous, upright, with square pixels. At any rate of the file, frame i is
the picture on screen in the middle of its 25th of a second: rates are converted by time, never by relabelling.
Second 0 is the same as in `tfg.media.audio.load_audio`, so that frame i belongs to the samples [640 i, 640 (i + 1)).
"""
from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tfg.errors import InputError
from tfg.media import display
from tfg.media.animation import animation_frames, animation_index
from tfg.media.audio import FPS
from tfg.media.colour import is_plain, to_srgb
from tfg.media.decode import ONE_THREAD, decoded, main_stream, opened
from tfg.media.encode import AI_TAG, write_video
from tfg.media.film_index import film_index, moves, schedule
from tfg.media.image import MAX_PIXELS, MAX_SIDE, is_image, read_image, smaller
from tfg.media.picture_file import picture_kind

__all__ = ["AI_TAG", "FrameReader", "is_image", "is_video", "probe", "read_image", "write_video"]

CACHE_BYTES = 64 << 20


class FrameReader:
    """The frames of a video file at 25 frames/s, decoded when they are read.

    path: any video that FFmpeg reads, also with a variable frame rate or rotated, and animations (GIF, APNG, WebP,
    AVIF).  fps: another rate; None: the file's own frames, each once, at `source_times` (T,) seconds, the last of them
    until `end_s` (dubbing keeps a video's rate).  resize_factor: factor by which the sides of frames are divided.
    Wide colours and high dynamic range are converted to sRGB, pixels made square, and the display matrix is applied.
    `len(reader)` is the number of frames; `for frame in reader` decodes them in one pass; `reader[i]` seeks to the last
    key frame in MP4 and Matroska files, decodes forward in others, and caches the last frames in up to 64 MB;
    `reader[a:b]` is an array. Only time stamps are in memory for the whole file. A reader can be pickled, but threads
    must not share one.
    Raises InputError if the file is missing, corrupt, cut off, a still picture, has no pictures, or is too large after
    resize_factor (limits as in `read_image`).
    """

    def __init__(self, path: str | os.PathLike, *, fps: float | None = FPS, resize_factor: int = 1):
        self.path, self._own, self.resize_factor = Path(path), fps is None, resize_factor
        self.fps = 0.0 if fps is None else fps                # None: set by _read_index
        self._pixel_aspect: Fraction | None = None
        self._read_index()
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        self._cursor: Iterator[tuple[int, av.VideoFrame]] | None = None
        self._cursor_at = -1

    def _read_index(self) -> None:
        """Read the time stamps of all source frames, from the packets if they have them, and the size of the first."""
        kind = picture_kind(self.path)
        if kind == "photo":
            raise InputError(f"{self.path} is a still picture, not a video; give a video file.")
        self._animated = kind == "animation"
        index = animation_index(self.path) if self._animated else film_index(self.path)
        tick, origin, rate, self._pixel_aspect = index.tick, index.origin, index.rate, index.pixel_aspect
        stamps, keys = index.stamps, index.keys
        self._counted = keys is None
        if stamps is None:  # packets of old containers have stamps in decoding order only, so decode them
            decoded_stamps = [(frame.pts, frame.duration) for frame in self._frames()]
            stamps = [(pts, duration) for pts, duration in decoded_stamps if pts is not None]
            if len(stamps) < len(decoded_stamps):
                step = 1 / (rate * tick)
                stamps = [(round(i * step + origin / tick), 0) for i in range(len(decoded_stamps))]
        if not stamps:
            raise InputError(f"{self.path} holds a video track without a single picture; copy it again.")
        stamps.sort()
        self._pts = np.unique([pts for pts, _ in stamps])
        self._keys = np.zeros(1, int)
        if keys is not None:
            self._keys = np.union1d(self._keys, np.searchsorted(self._pts, keys))  # 0 too: trimmed films start anywhere
        self._seekable = len(self._keys) > 1
        self.source_times = (self._pts * float(tick) - float(origin))
        last = stamps[-1][1] or 1 / (rate * tick)
        self.source_fps = float(rate) if len(self._pts) < 2 else \
            float((len(self._pts) - 1) / max(self.source_times[-1] - self.source_times[0], 1e-6))
        self.end_s = float(self.source_times[-1]) + float(last * tick)
        self.fps = self.source_fps if self._own else self.fps
        self._source = np.arange(len(self._pts)) if self._own else \
            schedule(self.source_times, float(last * tick), self.fps)
        first = next(self._frames(), None)
        if first is not None:
            self._check_size(first)
        self.height, self.width = self._rgb(first).shape[:2]

    def _check_size(self, frame: av.VideoFrame) -> None:
        """Raise InputError if frames are too large after resize_factor."""
        size = [round(side / self.resize_factor) for side in (frame.width, frame.height)]
        if max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS:
            factor = 2 * self.resize_factor
            while max(size) * self.resize_factor > MAX_SIDE * factor:
                factor *= 2
            raise InputError(f"{self.path} is {frame.width} x {frame.height} pixels; the limit is {MAX_SIDE} on the "
                             f"long side and {MAX_PIXELS // 10**6} megapixels: make it smaller, or give "
                             f"--resize-factor {factor} where the command has it.")

    def __len__(self) -> int:
        return len(self._source)

    @property
    def timestamps(self) -> np.ndarray:
        """Seconds at which each frame begins, (T,): i / fps, or those of the file with fps=None."""
        return self.source_times if self._own else np.arange(len(self)) / self.fps

    @property
    def duration_s(self) -> float:
        """Duration of the frames in seconds."""
        return len(self) / self.fps

    def __iter__(self) -> Iterator[np.ndarray]:
        i, T, frame = 0, len(self), None
        for at, frame in self._numbered(0):
            if self._source[i] > at:
                continue  # no output frame shows this source frame, so it is not converted
            rgb = self._rgb(frame)
            while i < T and self._source[i] <= at:
                again = i + 1 < T and self._source[i + 1] <= at
                yield rgb.copy() if again else rgb  # a caller may draw on a frame, but not on its repetition
                i += 1
            if i == T:
                return
        for _ in range(i, T):  # the last packets were broken: repeat the last picture
            yield self._rgb(frame)

    def __getitem__(self, i):
        if isinstance(i, slice):
            chosen = range(*i.indices(len(self)))
            if not chosen:
                return np.empty((0, self.height, self.width, 3), np.uint8)
            return np.stack([self[k] for k in chosen])
        i = int(i)
        if not -len(self) <= i < len(self):
            raise IndexError(f"frame {i} of a video of {len(self)} frames")
        at = int(self._source[i])
        if at not in self._cache:
            self._cache[at] = self._fetch(at)
            while len(self._cache) > max(2, CACHE_BYTES // self._cache[at].nbytes):
                self._cache.popitem(last=False)
        self._cache.move_to_end(at)
        return self._cache[at].copy()

    def _fetch(self, at: int) -> np.ndarray:
        """Decode source frame number `at`, onwards from the last decoded one or from the key frame before it."""
        key = self._keys[np.searchsorted(self._keys, at, side="right") - 1]
        if self._cursor is None or self._cursor_at >= at or (self._seekable and key > self._cursor_at + 1):
            self._cursor = self._numbered(at)
        frame = None
        for number, frame in self._cursor:
            self._cursor_at = number
            if number >= at:
                return self._rgb(frame)
        self._cursor, self._cursor_at = None, -1
        if frame is not None:
            return self._rgb(frame)  # frame `at` is broken: return the last one before it
        raise InputError(f"frame {at} of {self.path} cannot be decoded; copy the file again.")

    def _numbered(self, at: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, frame) of the source frames in order; the first has a number of at most `at`."""
        if self._counted:
            yield from enumerate(self._frames())
            return
        key = int(self._keys[np.searchsorted(self._keys, at, side="right") - 1]) if self._seekable else 0
        frames = self._frames(int(self._pts[key]) if key else None)
        first = next(frames, None)
        if key and (first is None or first.pts is None or first.pts > self._pts[at]):
            frames = self._frames()  # the seek ended behind frame `at`: start from the beginning
            first = next(frames, None)
        while first is not None:
            yield int(np.searchsorted(self._pts, first.pts or 0, side="right")) - 1, first
            first = next(frames, None)

    def _frames(self, seek_pts: int | None = None) -> Iterator[av.VideoFrame]:
        """Yield the decoded source frames, from the time stamp seek_pts or from the start."""
        if self._animated:
            for rgb, *_ in animation_frames(self.path):
                yield av.VideoFrame.from_ndarray(rgb, format="rgb24")
            return
        with opened(self.path, "video") as container:
            stream = main_stream(container, "video")
            stream.codec_context.thread_count = 2
            stream.codec_context.thread_type = "AUTO"
            if seek_pts is not None:
                container.seek(seek_pts, stream=stream)
            yield from decoded(container, stream, self.path, "video")

    def _rgb(self, frame: av.VideoFrame | None) -> np.ndarray:
        """Convert a frame for display: (H, W, 3) uint8, square pixels, sRGB, upright, divided by resize_factor."""
        if frame is None:
            raise InputError(f"{self.path} is a video of which no picture can be decoded; copy it again.")
        matrix = display.display_matrix(frame)
        size = display.square_size(frame.height, frame.width, self._pixel_aspect)
        size = size[::-1] if display.turns(matrix) else size
        if not hasattr(self, "_shown"):
            self._shown = size                                # size of all frames, even if it changes within the file
        height, width = self._shown[::-1] if display.turns(matrix) else self._shown
        transfer, primaries = frame.color_trc, frame.color_primaries
        plain = is_plain(transfer, primaries)
        if (height, width) != (frame.height, frame.width):
            frame = frame.reformat(width, height, interpolation="BICUBIC", **ONE_THREAD)
        rgb = frame.to_ndarray(format="rgb24" if plain else "rgb48le", **ONE_THREAD)
        if not plain:
            rgb = to_srgb(rgb, transfer, primaries)
        rgb = smaller(display.upright(rgb, matrix), self.resize_factor)
        return np.ascontiguousarray(rgb)  # MediaPipe misreads strided arrays

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_cache": OrderedDict(), "_cursor": None, "_cursor_at": -1}

    def __repr__(self) -> str:
        return f"FrameReader({str(self.path)!r}: {len(self)} frames, {self.height} x {self.width})"


def is_video(path: str | os.PathLike) -> bool:
    """True if the file's content is a video or an animation; False for missing files."""
    kind = picture_kind(path)
    if kind is not None:
        return kind == "animation"
    try:
        with opened(path, "video") as container:
            return moves(container) and main_stream(container, "video") is not None
    except InputError:
        return False


def probe(path: str | os.PathLike) -> dict:
    """Properties of a video file as a dict: width, height (upright, px), fps (its own), n_frames and duration_s (at 25
    frames/s), has_audio, rotation (degrees counterclockwise that turn it upright), metadata (a dict of strings and JSON
    values).

    All packets of the file are read, and one frame is decoded.  Raises InputError as FrameReader does.
    """
    reader = FrameReader(path)
    with opened(path, "video") as container:
        tags = dict(container.metadata)
        has_audio = main_stream(container, "audio") is not None
    try:
        more = json.loads(tags.get("description", ""))
    except ValueError:
        more = None
    if isinstance(more, dict):
        del tags["description"]
        tags = more | tags
    return {"width": reader.width, "height": reader.height, "fps": reader.source_fps, "duration_s": reader.duration_s,
            "n_frames": len(reader), "has_audio": has_audio,
            "rotation": display.rotation_deg(display.display_matrix(next(reader._frames()))), "metadata": tags}
