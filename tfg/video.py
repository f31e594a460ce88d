"""Pictures in time: lazy reading at 25 frames/s, and writing files that every browser plays.

Frames are (H, W, 3) uint8 RGB, C-contiguous, upright. Whatever the file's own rate, frame i is the picture on screen in
the middle of its 25th of a second: rates are converted by time, never by relabelling. Second 0 is the same as in
`tfg.audio.load_audio`, so that frame i belongs to the samples [640 i, 640 (i + 1)).
"""
from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from tfg._decode import decoded, first_stream, opened, origin_s
from tfg._encode import AI_TAG, write_video
from tfg.audio import FPS
from tfg.errors import InputError
from tfg.image import is_image, read_image

__all__ = ["AI_TAG", "FrameReader", "is_image", "is_video", "probe", "read_image", "write_video"]

CACHE_BYTES = 64 << 20


class FrameReader:
    """The frames of a video file at 25 frames/s, decoded when asked for.

    path: anything FFmpeg reads, variable frame rate and rotated phone videos too.  fps: another rate; None: the file's
    own frames, each once, at `source_times` (T,), the last of them until `end_s` (dubbing keeps a video's rate).
    `len(reader)`, `for frame in reader` (one pass, no seeking), `reader[i]` (seeks to the last key frame in MP4 and
    Matroska files, decodes forward in others, and keeps the last frames in up to 64 MB), `reader[a:b]` (an
    array).  Only time stamps are held for the whole file. Can be pickled; not to be shared by threads.
    Raises InputError if the file is missing, corrupt, cut off, a still picture, or has no pictures.
    """

    def __init__(self, path: str | os.PathLike, *, fps: float | None = FPS):
        self.path, self.fps, self._own = Path(path), fps, fps is None
        self._read_index()
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        self._cursor, self._cursor_at = None, -1

    def _read_index(self) -> None:
        """Time stamps of all source frames, from the packets alone (nothing is decoded unless they lack them)."""
        with opened(self.path, "video") as container:
            name = container.format.name.split(",")[0]
            stream = first_stream(container, "video")
            if stream is None:
                raise InputError(f"{self.path} holds no pictures; give a video file.")
            if not _moves(container):
                raise InputError(f"{self.path} is a still picture, not a video; give a video file.")
            packets = [p for p in _packets(container, stream) if p[3]]
            if name == "mov" and len(packets) < 0.9 * stream.frames:
                raise InputError(f"{self.path} is cut off: it announces {stream.frames} frames and holds "
                                 f"{len(packets)}; copy or download it again.")
            tick, origin, rate = stream.time_base, origin_s(container), stream.average_rate or 25
        self._counted = not packets or any(pts is None for pts, *_ in packets)
        if self._counted:  # old containers stamp packets in decoding order only: the decoder knows better
            stamps = [(frame.pts, frame.duration) for frame in self._frames()]
            if any(pts is None for pts, _ in stamps):
                step = 1 / (rate * tick)
                stamps = [(round(i * step + origin / tick), 0) for i in range(len(stamps))]
            keys = [0]
        else:
            stamps = [(pts, duration) for pts, duration, *_ in packets]
            keys = [pts for pts, _, key, _ in packets if key]
        if not stamps:
            raise InputError(f"{self.path} holds a video track without a single picture; copy it again.")
        stamps.sort()
        self._pts = np.unique([pts for pts, _ in stamps])
        self._keys = np.unique(np.searchsorted(self._pts, keys)) if name in ("mov", "matroska") else np.zeros(1, int)
        self._seekable = len(self._keys) > 1 and not self._counted
        self.source_times = (self._pts * float(tick) - float(origin))
        last = stamps[-1][1] or 1 / (rate * tick)
        self.source_fps = float(rate) if len(self._pts) < 2 else \
            float((len(self._pts) - 1) / max(self.source_times[-1] - self.source_times[0], 1e-6))
        self.end_s = float(self.source_times[-1]) + float(last * tick)
        self.fps = self.source_fps if self._own else self.fps
        self._source = np.arange(len(self._pts)) if self._own else \
            _schedule(self.source_times, float(last * tick), self.fps)
        first = self._rgb(next(self._frames(), None))
        self.height, self.width = first.shape[:2]

    def __len__(self) -> int:
        return len(self._source)

    @property
    def timestamps(self) -> np.ndarray:
        """(T,) seconds at which each frame begins: i / 25, or as the file says if its own frames were asked for."""
        return self.source_times if self._own else np.arange(len(self)) / self.fps

    @property
    def duration_s(self) -> float:
        return len(self) / self.fps

    def __iter__(self) -> Iterator[np.ndarray]:
        i, T, frame = 0, len(self), None
        for at, frame in self._numbered(0):
            if self._source[i] > at:
                continue  # a source frame that no output frame shows is not even converted
            rgb = self._rgb(frame)
            while i < T and self._source[i] <= at:
                again = i + 1 < T and self._source[i + 1] <= at
                yield rgb.copy() if again else rgb  # whoever draws on one frame must not draw on its repetition
                i += 1
            if i == T:
                return
        for _ in range(i, T):  # the last packets were broken: hold the last picture
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
        """Source frame number `at`: by decoding on from the last one asked for, or from the key frame before it."""
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
            return self._rgb(frame)  # the wanted one is broken: the last one before it
        raise InputError(f"frame {at} of {self.path} cannot be decoded; copy the file again.")

    def _numbered(self, at: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """(number, frame) of the source frames in order, from at or before number `at`."""
        if self._counted:
            yield from enumerate(self._frames())
            return
        key = int(self._keys[np.searchsorted(self._keys, at, side="right") - 1]) if self._seekable else 0
        frames = self._frames(int(self._pts[key]) if key else None)
        first = next(frames, None)
        if key and (first is None or first.pts is None or first.pts > self._pts[at]):
            frames = self._frames()  # the seek went astray
            first = next(frames, None)
        while first is not None:
            yield int(np.searchsorted(self._pts, first.pts, side="right")) - 1, first
            first = next(frames, None)

    def _frames(self, seek_pts: int | None = None) -> Iterator[av.VideoFrame]:
        with opened(self.path, "video") as container:
            stream = first_stream(container, "video")
            stream.codec_context.thread_count = 2
            stream.codec_context.thread_type = "AUTO"
            if seek_pts is not None:
                container.seek(seek_pts, stream=stream)
            yield from decoded(container, stream, self.path, "video")

    def _rgb(self, frame: av.VideoFrame | None) -> np.ndarray:
        if frame is None:
            raise InputError(f"{self.path} is a video of which no picture can be decoded; copy it again.")
        rgb = frame.to_ndarray(format="rgb24")
        turns = round(frame.rotation / 90) % 4  # the display matrix, counterclockwise, as np.rot90
        rgb = np.rot90(rgb, turns)
        if hasattr(self, "height") and rgb.shape[:2] != (self.height, self.width):  # the size changes within the file
            wide = (self.height, self.width) if turns % 2 else (self.width, self.height)
            rgb = np.rot90(frame.reformat(*wide, format="rgb24").to_ndarray(), turns)
        return np.ascontiguousarray(rgb)  # landmarkers read garbage from strided memory

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_cache": OrderedDict(), "_cursor": None, "_cursor_at": -1}

    def __repr__(self) -> str:
        return f"FrameReader({str(self.path)!r}: {len(self)} frames, {self.height} x {self.width})"


def _packets(container, stream) -> Iterator[tuple]:
    """(pts, duration, is key frame, size) of each packet that will be shown."""
    try:
        for packet in container.demux(stream):
            if not packet.is_discard:
                yield packet.pts, packet.duration or 0, packet.is_keyframe, packet.size
    except av.error.FFmpegError:
        return  # the file breaks off: what came before counts


def _schedule(times: np.ndarray, last_s: float, fps: float) -> np.ndarray:
    """Which source frame each output frame shows.  times: (n,) seconds, rising.  Returns (T,) int, not falling.

    Output frame i shows what is on screen at its middle. The middle is taken 2 ms early, so that rates of which it is a
    boundary (50/s) do not flicker between two choices by the rounding of time stamps.
    """
    step, n = 1 / fps, len(times)
    ideal = times[0] + step * np.arange(n)
    if n > 1 and np.abs(times - ideal).max() < 0.1 * step:  # already at this rate: one to one, whatever its phase
        shift = round(times[0] * fps)
        return np.clip(np.arange(max(1, n + shift)) - shift, 0, n - 1)
    T = max(1, round((times[-1] + last_s) * fps))
    middles = (np.arange(T) + 0.5) * step - 0.002
    return np.clip(np.searchsorted(times, middles, side="right") - 1, 0, n - 1)


def _moves(container) -> bool:
    """Whether FFmpeg's reader is one of videos: it also opens stills, and draws text files as terminals."""
    name = container.format.name
    return not (name.startswith("image2") or name.endswith("_pipe") or name == "tty")


def is_video(path: str | os.PathLike) -> bool:
    """Whether the file is a video or an animation, judged by its content.  Missing files are none."""
    try:
        with opened(path, "video") as container:
            return _moves(container) and first_stream(container, "video") is not None and not is_image(path)
    except InputError:
        return False


def probe(path: str | os.PathLike) -> dict:
    """What a video file is: width, height (upright, px), fps (its own), n_frames and duration_s (at 25 frames/s),
    has_audio, rotation (degrees counterclockwise that upright needs), metadata (a dict of strings and JSON values).

    Reads the whole file's packets, decodes one frame.  Raises InputError as FrameReader does.
    """
    reader = FrameReader(path)
    with opened(path, "video") as container:
        tags = dict(container.metadata)
        has_audio = first_stream(container, "audio") is not None
    try:
        more = json.loads(tags.get("description", ""))
    except ValueError:
        more = None
    if isinstance(more, dict):
        del tags["description"]
        tags = more | tags
    return {"width": reader.width, "height": reader.height, "fps": reader.source_fps, "duration_s": reader.duration_s,
            "n_frames": len(reader), "has_audio": has_audio,
            "rotation": round(next(reader._frames()).rotation), "metadata": tags}
