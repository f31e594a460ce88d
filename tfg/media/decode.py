"""Decoding of media with PyAV: the choice of streams, one clock for picture and sound, decoded frames.

The module is private to tfg.media. PyAV contains FFmpeg's libraries; the program `ffmpeg` is not needed.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
from av.video.reformatter import VideoReformatter

from tfg.errors import InputError
from tfg.files import check_file

ONE_THREAD: dict[str, Any] = {"threads": 1} if "threads" in (VideoReformatter.reformat.__doc__ or "") else {}
"""Keyword that keeps colour conversion on one thread; older PyAV lacks it. That is faster for small pictures, and a
converter without threads can be freed in a forked process, where one with threads would wait for them forever."""


@contextmanager
def opened(path: str | os.PathLike, what: str, **options: str) -> Iterator[av.container.InputContainer]:
    """Open a media file; yields PyAV's container and closes it.

    what: kind of file for messages, "video" or "sound".  options: FFmpeg's, for its reader of this kind of file.
    Raises InputError if the file is missing, a folder, empty, or no media that FFmpeg can read.
    """
    path = check_file(path, what)
    try:
        # without "file:", a name with a colon would be read as an address
        container = av.open(f"file:{path}", options=options)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path} is no {what} that can be read ({reason_of(error)}); it is corrupt, cut off or of "
                         "another kind; copy it again or convert it.") from error
    with container:
        yield container


def reason_of(error: Exception) -> str:
    """The text of an FFmpeg error, without number and path."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().rstrip(".").lower()


def _marked(stream, *marks: str) -> bool:
    """True if the file marks a stream as one of these (`av.stream.Disposition`)."""
    return any(stream.disposition & getattr(av.stream.Disposition, mark, 0) for mark in marks)


def playable(container, kind: str) -> list:
    """The streams of a kind ("audio" or "video") that a player offers, without cover pictures, thumbnails and unknown
    codecs."""
    return [stream for stream in container.streams if stream.type == kind and stream.codec_context is not None
            and not (kind == "video" and _marked(stream, "attached_pic", "timed_thumbnails", "still_image"))]


def main_stream(container, kind: str):
    """The stream of a kind ("audio" or "video") that players choose, or None.

    It is the first that the file marks as its default; if none is marked, the first that is no commentary and not made
    for people with impaired sight or hearing.
    """
    streams = playable(container, kind)
    aside = ("comment", "hearing_impaired", "visual_impaired")
    return min(streams, default=None, key=lambda stream: (not _marked(stream, "default"), _marked(stream, *aside)))


def origin_s(container) -> Fraction:
    """The container's time that counts as second 0: the start of the earlier of its sound and picture streams.

    One origin for both keeps sound and picture together. A start slightly before 0 is an encoder's run-in, which
    decoders drop, so it counts as 0.
    """
    starts = [stream.start_time * stream.time_base
              for stream in (main_stream(container, "audio"), main_stream(container, "video"))
              if stream is not None and stream.start_time is not None]
    first = min(starts, default=Fraction(0))
    return Fraction(0) if -0.2 < first < 0 else first


def decoded(container, stream, path, what: str) -> Iterator:
    """Yield a stream's decoded frames; broken packets are skipped.

    what: "sound" or "video", for messages.  Raises InputError if more than a tenth of the packets are broken.
    """
    good = bad = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet, bad = None, bad + 1  # the file ends inside a packet
        if packet is None:
            break
        try:
            frames = packet.decode()
            good += 1
        except av.error.FFmpegError:
            bad += 1
            continue
        yield from frames
    if bad > 0.1 * (good + bad):
        raise InputError(f"{path} is corrupt: {bad} of {good + bad} pieces of its {what} cannot be decoded; "
                         "copy it again or convert it.")
