"""Opening media with PyAV: one clock for picture and sound, and sound as one resampled array.

Private to tfg.audio and tfg.video. PyAV carries FFmpeg's libraries; no program `ffmpeg` is needed.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np

from tfg.errors import InputError
from tfg.files import check_file

GAP_S = 0.05
"""A jump of the time stamps by more than this is a hole in the sound and becomes silence; less is rounding."""
SEEKABLE = {"wav", "w64", "flac", "mov", "matroska"}
"""Containers whose time stamps are exact after a seek. Others (mp3 by its table, mpeg) are read from their start."""


@contextmanager
def opened(path: str | os.PathLike, what: str) -> Iterator[av.container.InputContainer]:
    """An open container. Raises InputError if the file is missing, a folder, empty, or no media that FFmpeg knows."""
    path = check_file(path, what)
    try:
        container = av.open(f"file:{path}")  # "file:" or a name with a colon in it would be read as an address
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path} is no {what} that can be read ({_reason(error)}); it is corrupt, cut off or of "
                         "another kind; copy it again or convert it.") from error
    with container:
        yield container


def _reason(error: Exception) -> str:
    """The words of an FFmpeg error, without number and path."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().rstrip(".").lower()


def is_cover(stream) -> bool:
    """Whether a video stream is a song's cover picture."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def first_stream(container, kind: str):
    """The first audio or video stream (cover pictures and unknown codecs excluded), or None."""
    for stream in container.streams:
        if stream.type == kind and stream.codec_context is not None and not (kind == "video" and is_cover(stream)):
            return stream
    return None


def origin_s(container) -> Fraction:
    """The container's time that counts as second 0: the start of its earliest sound or picture stream.

    One origin for all streams keeps sound and picture together. A start slightly before 0 is an encoder's run-in,
    which decoders drop: it counts as 0.
    """
    starts = [stream.start_time * stream.time_base
              for stream in (first_stream(container, "audio"), first_stream(container, "video"))
              if stream is not None and stream.start_time is not None]
    first = min(starts, default=Fraction(0))
    return Fraction(0) if -0.2 < first < 0 else first


class _Samples:
    """A float32 array that grows by reallocation, so that long sound is held once."""

    def __init__(self, expected: int, limit: int | None):
        self.data, self.n, self.limit = np.empty(max(expected, 1), np.float32), 0, limit

    @property
    def full(self) -> bool:
        return self.limit is not None and self.n >= self.limit

    def _reserve(self, n: int) -> None:
        if n > len(self.data):
            self.data.resize(max(n, len(self.data) * 5 // 4 + (1 << 16)), refcheck=False)

    def add(self, block: np.ndarray) -> None:
        if self.limit is not None:
            block = block[: self.limit - self.n]
        self._reserve(self.n + len(block))
        self.data[self.n: self.n + len(block)] = block
        self.n += len(block)

    def silence_until(self, n: int) -> None:
        n = n if self.limit is None else min(n, self.limit)
        if n > self.n:
            self._reserve(n)
            self.data[self.n: n] = 0
            self.n = n

    def cut(self, n: int) -> None:
        self.n = min(self.n, max(n, 0))

    def finish(self) -> np.ndarray:
        self.data.resize(self.n, refcheck=False)
        return self.data


class _Resampler:
    """A run of frames of one format -> mono float32 at `sr`, without a gap. `skip`: output samples to drop first."""

    def __init__(self, frame: av.AudioFrame, sr: int, skip: int):
        self.format, self.skip, self.n_in = _format(frame), skip, 0
        layout = frame.layout.name
        self.graph = av.filter.Graph()
        source = self.graph.add_abuffer(sample_rate=frame.sample_rate, format=frame.format.name, layout=layout,
                                        time_base=Fraction(1, frame.sample_rate))
        # rematrix_maxval: a downmix of full-scale channels stays within [-1, 1] (for float the default is to overflow)
        resample = self.graph.add("aresample", f"{sr}:rematrix_maxval=1.0")
        shape = self.graph.add("aformat", f"sample_fmts=flt:sample_rates={sr}:channel_layouts=mono")
        sink = self.graph.add("abuffersink")
        source.link_to(resample)
        resample.link_to(shape)
        shape.link_to(sink)
        self.graph.configure()

    def push(self, frame: av.AudioFrame | None, samples: _Samples) -> None:
        if frame is not None:
            frame.pts, frame.time_base = self.n_in, Fraction(1, frame.sample_rate)  # counted: jitter is not resampled
            self.n_in += frame.samples
        try:
            self.graph.push(frame)
            while True:
                block = self.graph.pull().to_ndarray().reshape(-1)
                samples.add(block[self.skip:])
                self.skip = max(0, self.skip - len(block))
        except (av.error.BlockingIOError, av.error.EOFError):
            pass


def _format(frame: av.AudioFrame) -> tuple:
    return frame.sample_rate, frame.format.name, frame.layout.name


def decoded(container, stream, path, what: str) -> Iterator:
    """Decoded frames; single broken packets are skipped. Raises InputError if more than a tenth are broken."""
    good = bad = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet, bad = None, bad + 1  # the file breaks off inside a packet
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


def read_sound(path, *, sr: int, start_s: float = 0.0, duration_s: float | None = None) -> np.ndarray:
    """See `tfg.audio.load_audio`.  Returns (N,) float32 at `sr`."""
    if not start_s >= 0 or (duration_s is not None and not duration_s > 0):
        raise InputError(f"cannot read {duration_s} s of sound from second {start_s}; give a start of 0 or more and a "
                         "duration above 0.")
    with opened(path, "sound") as container:
        _check_whole_wav(path)
        stream = first_stream(container, "audio")
        if stream is None:
            kind = "video without a sound track" if first_stream(container, "video") else "file without sound"
            raise InputError(f"{path} is a {kind}; give a sound file or a video with sound.")
        origin = origin_s(container)
        seconds = _declared_s(container, stream)
        limit = None if duration_s is None else round(duration_s * sr)
        expected = max(0, round((min(seconds or 60, 2 * 3600) - start_s) * sr)) + 4096
        samples = _Samples(expected if limit is None else min(expected, limit), limit)
        if start_s > 5 and container.format.name.split(",")[0] in SEEKABLE:
            container.seek(int((start_s - 1 + origin) / stream.time_base), stream=stream)  # 1 s: decoders warm up
        frames = decoded(container, stream, path, "sound")
        try:
            end_s = _fill(samples, frames, sr, Fraction(start_s) + origin, seconds)
        except av.error.FFmpegError as error:
            raise InputError(f"the sound of {path} cannot be mixed down to mono ({_reason(error)}); export it "
                             "in mono or stereo.") from error
        if end_s is None:
            raise InputError(f"{path} has a sound track but no sound in it; copy it again or give another file.")
        kind = container.format.name.split(",")[0]
        declared = None if stream.duration is None else (stream.start_time or 0) * stream.time_base + Fraction(seconds)
        if declared is not None and not samples.full:
            if end_s < declared - Fraction(max(0.25, 0.02 * seconds)) and (kind in SEEKABLE or _has_mp3_table(path)):
                raise InputError(f"{path} is cut off: it announces {seconds:.1f} s of sound and ends after "
                                 f"{float(max(0, end_s - origin)):.1f} s; copy or download it again.")
            if kind == "mov" and end_s - declared < Fraction(1, 5):
                # AAC comes in blocks of 1024: drop what pads the last one
                samples.cut(round((declared - origin - Fraction(start_s)) * sr))
    y = samples.finish()
    if not np.isfinite(np.dot(y, y)):  # one pass, no copy
        raise InputError(f"{path} holds samples that are not numbers (NaN or infinite); export the sound again.")
    if start_s and not len(y):
        raise InputError(f"{path} ends before second {start_s:g}; give an earlier start.")
    np.clip(y, -1, 1, out=y)
    return y


def _check_whole_wav(path) -> None:
    """InputError for a wav that is shorter than its header says: FFmpeg would silently play the rest."""
    with open(path, "rb") as file:
        head = file.read(12)
    announced, size = int.from_bytes(head[4:8], "little") + 8, os.path.getsize(path)
    streamed = announced <= 12 or announced >= 0x7FFFFF00  # written by a pipe that could not know
    if head[:4] == b"RIFF" and head[8:] == b"WAVE" and not streamed and size < 0.98 * announced:
        raise InputError(f"{path} is cut off: it announces {announced} bytes and has {size}; copy or download it "
                         "again.")


def _has_mp3_table(path) -> bool:
    """Whether an mp3 states its length (a Xing or Info header); without one FFmpeg only guesses it."""
    with open(path, "rb") as file:
        head = file.read(1 << 19)  # a cover picture may come first
    return (head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xf3")) and (b"Xing" in head or b"Info\0" in head)


def _declared_s(container, stream) -> float | None:
    """The sound's length by its header, if it says one."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _fill(samples: _Samples, frames: Iterator, sr: int, zero: Fraction, seconds: float | None) -> Fraction | None:
    """Decode `frames` into `samples`, whose index 0 is the time `zero`. Returns the time at which the sound ends.

    A frame starts a new run where the format changes or its time stamp shows a hole; a run is placed by its time.
    """
    run, run_start, end = None, Fraction(0), None
    for frame in frames:
        if not frame.samples:
            continue
        time = None if frame.pts is None else frame.pts * frame.time_base
        # a hole longer than the file itself is a broken time stamp, not silence
        hole = run is not None and time is not None and time - end > GAP_S and \
            (seconds is None or time - run_start <= seconds + 1)
        if run is None or hole or run.format != _format(frame):
            if run is not None:
                run.push(None, samples)
                start = time if hole else end
            else:
                start = zero if time is None else time
            at = round((start - zero) * sr)
            samples.silence_until(at)
            run, run_start = _Resampler(frame, sr, max(0, samples.n - at) if end is None or hole else 0), start
        frame_rate = frame.sample_rate
        run.push(frame, samples)
        end = run_start + Fraction(run.n_in, frame_rate)
        if samples.full:
            return end
    if run is not None:
        run.push(None, samples)
    return end
