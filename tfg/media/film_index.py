"""Index of a film: the time of each of its frames, and the choice of the frame that each output frame shows.

The module is private to tfg.media.video.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tfg.errors import InputError
from tfg.media.decode import main_stream, opened, origin_s

SEEKS = ("mov", "matroska")
"""Containers in which a seek to a key frame is exact."""


@dataclass
class Index:
    """Time stamps of a film's frames.

    stamps: (time stamp, duration) of each frame in ticks, in any order; None if only decoding shows them.  keys: time
    stamps of key frames, or None if frames can only be counted from the start.  tick: seconds of a tick.  origin: the
    time in seconds that counts as second 0.  rate: frames per second in the header.  pixel_aspect: width over height of
    a pixel, or None.
    """

    stamps: list[tuple[float, float]] | None
    keys: list[int] | None
    tick: Fraction
    origin: Fraction
    rate: Fraction | float
    pixel_aspect: Fraction | None = None


def film_index(path: Path) -> Index:
    """Make the index of a film from its packets, without decoding them.

    Raises InputError if the file is missing, corrupt, cut off, a still picture, or has no pictures.
    """
    with opened(path, "video") as container:
        name = container.format.name.split(",")[0]
        stream = main_stream(container, "video")
        if stream is None:
            raise InputError(f"{path} holds no pictures; give a video file.")
        if not moves(container):
            raise InputError(f"{path} is a still picture, not a video; give a video file.")
        packets = [p for p in _packets(container, stream) if p[3]]
        announced = stream.frames if name == "mov" else 0
        out = Index(None, None, stream.time_base, origin_s(container), stream.average_rate or 25,
                    stream.sample_aspect_ratio)
    if len(packets) < 0.9 * announced:                        # an edit list hides frames, or the file is cut off
        stored = _n_stored(path)
        if stored < 0.9 * announced:
            raise InputError(f"{path} is cut off: it announces {announced} frames and holds {stored}; copy or download "
                             "it again.")
    if packets and all(pts is not None for pts, *_ in packets):
        out.stamps = [(pts, duration) for pts, duration, *_ in packets]
        out.keys = [pts for pts, _, key, _ in packets if key and name in SEEKS]
    return out


def _n_stored(path) -> int:
    """Number of frames that an MP4 holds, with those that its edit list hides: a trimmed film keeps earlier frames."""
    with opened(path, "video", ignore_editlist="1") as container:
        return sum(size > 0 for *_, size in _packets(container, main_stream(container, "video"), hidden=True))


def _packets(container, stream, hidden: bool = False) -> Iterator[tuple]:
    """Yield (pts, duration, is key frame, size) of each packet that is shown; hidden: True yields the others too."""
    try:
        for packet in container.demux(stream):
            if hidden or not packet.is_discard:
                yield packet.pts, packet.duration or 0, packet.is_keyframe, packet.size
    except av.error.FFmpegError:
        return  # the file is cut off; the packets before count


def schedule(times: np.ndarray, last_s: float, fps: float) -> np.ndarray:
    """Number of the source frame that each output frame shows: (T,) int, not falling.

    times: (n,) rising seconds at which source frames begin.  last_s: duration of the last one.  fps: output rate.
    Output frame i shows the source frame on screen at its middle. The middle is taken 2 ms early: at rates with a
    boundary there (50/s), the rounding of time stamps would else change the choice from frame to frame.
    """
    step, n = 1 / fps, len(times)
    ideal = times[0] + step * np.arange(n)
    if n > 1 and np.abs(times - ideal).max() < 0.1 * step:  # already at this rate: one to one, at any phase
        shift = round(times[0] * fps)
        return np.clip(np.arange(max(1, n + shift)) - shift, 0, n - 1)
    T = max(1, round((times[-1] + last_s) * fps))
    middles = (np.arange(T) + 0.5) * step - 0.002
    return np.clip(np.searchsorted(times, middles, side="right") - 1, 0, n - 1)


def moves(container) -> bool:
    """True if FFmpeg reads the container as a video, not as a still picture or a text file, which it opens too."""
    name = container.format.name
    return not (name.startswith("image2") or name.endswith("_pipe") or name in ("tty", "ico", "iff", "fits"))
