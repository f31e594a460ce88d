"""Reading of a file's sound as one array, mono, resampled in time. The module is private to tfg.media.audio.

It also chooses among several sound tracks, and handles channels that cancel each other and samples at another scale,
each with a warning.
"""
from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tfg.errors import InputError
from tfg.media.decode import decoded, main_stream, opened, origin_s, playable, reason_of

GAP_S = 0.05
"""Smallest jump of time stamps that is a hole in the sound and becomes silence; smaller ones are rounding."""
SEEKABLE = {"wav", "w64", "flac", "mov", "matroska"}
"""Containers whose time stamps are exact after a seek. Others (mp3 by its table, mpeg) are read from their start."""
CANCELLED = 0.05
"""Two channels cancel each other if the power of their mean is below this share of that of half their difference."""
OVER_SCALE = 4.0
"""Float samples above this (12 dB over full scale) are integers that were written as float, not loud sound."""
INTEGER_SCALES = (2.0 ** 15, 2.0 ** 23, 2.0 ** 31)
"""Full scales of 16, 24 and 32-bit samples."""


class _Samples:
    """A float32 array that grows by reallocation, so that a long sound is in memory only once."""

    def __init__(self, expected: int, limit: int | None):
        self.data, self.n, self.limit = np.empty(max(expected, 1), np.float32), 0, limit

    @property
    def full(self) -> bool:
        """True if the limit is reached."""
        return self.limit is not None and self.n >= self.limit

    def _reserve(self, n: int) -> None:
        if n > len(self.data):
            self.data.resize(max(n, len(self.data) * 5 // 4 + (1 << 16)), refcheck=False)

    def add(self, block: np.ndarray) -> None:
        """Append samples (N,), up to the limit."""
        if self.limit is not None:
            block = block[: self.limit - self.n]
        self._reserve(self.n + len(block))
        self.data[self.n: self.n + len(block)] = block
        self.n += len(block)

    def silence_until(self, n: int) -> None:
        """Append zeros until there are n samples."""
        n = n if self.limit is None else min(n, self.limit)
        if n > self.n:
            self._reserve(n)
            self.data[self.n: n] = 0
            self.n = n

    def cut(self, n: int) -> None:
        """Drop the samples after the first n."""
        self.n = min(self.n, max(n, 0))

    def finish(self) -> np.ndarray:
        """Return the samples as an array (N,)."""
        self.data.resize(self.n, refcheck=False)
        return self.data


class _Resampler:
    """Converter of a run of frames of one format to mono float32 at `sr` without gaps.

    skip: number of output samples to drop first.  channel: number of the channel to use; None: the mean of all.
    """

    def __init__(self, frame: av.AudioFrame, sr: int, skip: int, channel: int | None = None):
        self.format, self.skip, self.n_in = _format(frame), skip, 0
        layout = frame.layout.name
        self.graph = av.filter.Graph()
        source = self.graph.add_abuffer(sample_rate=frame.sample_rate, format=frame.format.name, layout=layout,
                                        time_base=Fraction(1, frame.sample_rate))
        # rematrix_maxval: a downmix of full-scale channels stays within [-1, 1] (for float the default is to overflow)
        resample = self.graph.add("aresample", f"{sr}:rematrix_maxval=1.0")
        shape = self.graph.add("aformat", f"sample_fmts=flt:sample_rates={sr}:channel_layouts=mono")
        sink = self.graph.add("abuffersink")
        if channel is None:
            source.link_to(resample)
        else:
            alone = self.graph.add("pan", f"mono|c0=c{channel}")
            source.link_to(alone)
            alone.link_to(resample)
        resample.link_to(shape)
        shape.link_to(sink)
        self.graph.configure()

    def push(self, frame: av.AudioFrame | None, samples: _Samples) -> None:
        """Convert a frame and append it to the samples; None ends the run."""
        if frame is not None:
            frame.pts, frame.time_base = self.n_in, Fraction(1, frame.sample_rate)  # counted, which removes jitter
            self.n_in += frame.samples
        try:
            self.graph.push(frame)
            while True:
                block = self.graph.pull().to_ndarray().reshape(-1)
                samples.add(block[self.skip:])
                self.skip = max(0, self.skip - len(block))
        except (av.error.BlockingIOError, av.error.EOFError):
            pass


class _Phase:
    """Powers of the two channels of a stereo sound and of their mean, from every fourth frame."""

    def __init__(self):
        self.seen, self.products = 0, np.zeros((2, 2))

    def add(self, frame: av.AudioFrame) -> None:
        """Add the powers of a frame."""
        self.seen += 1
        if self.seen % 4 == 1 and len(frame.layout.channels) == 2:
            y = frame.to_ndarray()
            y = (y if frame.format.is_planar else y.reshape(-1, 2).T).astype(np.float32)
            y = y - 128 if frame.format.name.startswith("u8") else y
            self.products += y @ y.T

    def audible_channel(self) -> int | None:
        """Number of the louder channel if the two cancel each other, else None."""
        (left, both), (_, right) = self.products
        cancel = left + right + 2 * both < CANCELLED * (left + right - 2 * both)
        return int(right > left) if cancel else None


def _format(frame: av.AudioFrame) -> tuple:
    """Sample rate, sample format and channel layout of a frame."""
    return frame.sample_rate, frame.format.name, frame.layout.name


def read_sound(path, *, sr: int, start_s: float = 0.0, duration_s: float | None = None,
               channel: int | None = None) -> np.ndarray:
    """Read a sound as (N,) float32 at `sr`; see `tfg.media.audio.load_audio`.  channel: number of the only one to use.
    """
    if not start_s >= 0 or (duration_s is not None and not duration_s > 0):
        raise InputError(f"cannot read {duration_s} s of sound from second {start_s}; give a start of 0 or more and a "
                         "duration above 0.")
    with opened(path, "sound") as container:
        _check_whole_wav(path)
        stream = main_stream(container, "audio")
        if stream is None:
            kind = "video without a sound track" if main_stream(container, "video") else "file without sound"
            raise InputError(f"{path} is a {kind}; give a sound file or a video with sound.")
        tracks, floats = playable(container, "audio"), stream.codec_context.name.startswith("pcm_f")
        if len(tracks) > 1 and channel is None:
            number = tracks.index(stream)
            _note(f"{Path(path).name} has {len(tracks)} sound tracks; number {number + 1}{_title(stream)} is taken, as "
                  "players do")
        origin, phase = origin_s(container), _Phase()
        seconds = _declared_s(container, stream)
        limit = None if duration_s is None else round(duration_s * sr)
        expected = max(0, round((min(seconds or 60, 2 * 3600) - start_s) * sr)) + 4096
        samples = _Samples(expected if limit is None else min(expected, limit), limit)
        if start_s > 5 and container.format.name.split(",")[0] in SEEKABLE:
            container.seek(int((start_s - 1 + origin) / stream.time_base), stream=stream)  # 1 s: decoders warm up
        frames = decoded(container, stream, path, "sound")
        try:
            end_s = _fill(samples, frames, sr, Fraction(start_s) + origin, seconds, phase, channel)
        except av.error.FFmpegError as error:
            raise InputError(f"the sound of {path} cannot be mixed down to mono ({reason_of(error)}); export it "
                             "in mono or stereo.") from error
        if end_s is None:
            raise InputError(f"{path} has a sound track but no sound in it; copy it again or give another file.")
        kind = container.format.name.split(",")[0]
        if stream.duration is not None and seconds is not None and not samples.full:
            declared = (stream.start_time or 0) * stream.time_base + Fraction(seconds)
            if end_s < declared - Fraction(max(0.25, 0.02 * seconds)) and (kind in SEEKABLE or _has_mp3_table(path)):
                raise InputError(f"{path} is cut off: it announces {seconds:.1f} s of sound and ends after "
                                 f"{max(0., float(end_s - origin)):.1f} s; copy or download it again.")
            if kind == "mov" and end_s - declared < Fraction(1, 5):
                # AAC has blocks of 1024 samples: drop the padding of the last one
                samples.cut(round((declared - origin - Fraction(start_s)) * sr))
    if channel is None and (channel := phase.audible_channel()) is not None:
        _note(f"the two channels of {Path(path).name} cancel each other (one is wired the wrong way round); its "
              f"{('left', 'right')[channel]} one is taken alone")
        return read_sound(path, sr=sr, start_s=start_s, duration_s=duration_s, channel=channel)
    y = samples.finish()
    if not np.isfinite(np.dot(y, y)):  # one pass, no copy
        raise InputError(f"{path} holds samples that are not numbers (NaN or infinite); export the sound again.")
    if start_s and not len(y):
        raise InputError(f"{path} ends before second {start_s:g}; give an earlier start.")
    if floats:
        _to_full_scale(y, Path(path).name)
    np.clip(y, -1, 1, out=y)
    return y


def _to_full_scale(y: np.ndarray, name: str) -> None:
    """Divide float samples at the scale of integers by it, in place; warn of others that will be clipped.

    y: (N,).  name: the file's name for messages.  Raises InputError for samples beyond any usual scale.
    """
    peak = float(max(y.max(initial=0), -y.min(initial=0)))
    if peak > OVER_SCALE:
        scale = next((scale for scale in INTEGER_SCALES if peak <= 1.01 * scale), None)
        if scale is None:
            raise InputError(f"{name} holds samples up to {peak:.4g} where 1 is full scale; export the sound again, as "
                             "16-bit WAV if need be.")
        y /= scale
        _note(f"{name} holds samples up to {peak:.4g} where 1 is full scale; they are divided by {scale:.0f}")
    elif peak > 1 and (clipped := np.count_nonzero(np.abs(y) > 1)) > 0.001 * len(y):
        _note(f"{name} is louder than full scale (up to {peak:.2f}); {clipped / len(y):.1%} of its samples are clipped")


def _note(message: str) -> None:
    """Give a UserWarning on behalf of the caller of `load_audio`."""
    warnings.warn(message, UserWarning, stacklevel=4)


def _title(stream) -> str:
    """Language and title of a track, in brackets, if the file has them; else an empty string."""
    words = [stream.metadata.get(key, "") for key in ("language", "title")]
    words = [word for word in words if word not in ("", "und")]
    return f" ({', '.join(words)})" if words else ""


def _check_whole_wav(path) -> None:
    """Raise InputError for a WAV with fewer samples than its header announces, which FFmpeg reads without an error."""
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return
        chunk = file.read(8)
        while len(chunk) == 8 and chunk[:4] != b"data":       # the size of the whole file, before it, may be wrong
            length = int.from_bytes(chunk[4:], "little")
            file.seek(length + length % 2, os.SEEK_CUR)
            chunk = file.read(8)
        announced, there = int.from_bytes(chunk[4:], "little"), os.path.getsize(path) - file.tell()
    streamed = announced >= 0x7FFFFF00                        # written by a pipe, which did not know the length
    if len(chunk) == 8 and not streamed and there < 0.98 * announced:
        raise InputError(f"{path} is cut off: it announces {announced} bytes of sound and has {there}; copy or "
                         "download it again.")


def _has_mp3_table(path) -> bool:
    """True if an mp3 has its length in a Xing or Info header; without one, FFmpeg only estimates it."""
    with open(path, "rb") as file:
        head = file.read(1 << 19)  # a cover picture may come first
    return (head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xf3")) and (b"Xing" in head or b"Info\0" in head)


def _declared_s(container, stream) -> float | None:
    """Length of the sound in seconds in the file's header, or None."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _fill(samples: _Samples, frames: Iterator, sr: int, zero: Fraction, seconds: float | None, phase: _Phase,
          channel: int | None) -> Fraction | None:
    """Decode `frames` into `samples`, whose index 0 is the time `zero`. Returns the time at which the sound ends, or
    None without any sound.

    A frame starts a new run if the format changes or its time stamp shows a hole; a run is placed by its time.
    sr: Hz of the samples.  seconds: the sound's length in the header, or None.
    """
    run: _Resampler | None = None
    run_start = Fraction(0)
    end: Fraction | None = None
    for frame in frames:
        if not frame.samples:
            continue
        time = None if frame.pts is None else frame.pts * frame.time_base
        # a hole that is longer than the file comes from a broken time stamp
        hole = end is not None and time is not None and time - end > GAP_S and \
            (seconds is None or time - run_start <= seconds + 1)
        if run is None or hole or run.format != _format(frame):
            if run is not None and end is not None:
                run.push(None, samples)
                start = time if hole and time is not None else end
            else:
                start = zero if time is None else time
            at = round((start - zero) * sr)
            samples.silence_until(at)
            run, run_start = _Resampler(frame, sr, max(0, samples.n - at) if end is None or hole else 0,
                                         channel), start
        frame_rate = frame.sample_rate
        phase.add(frame)                                      # before the resampler takes the frame
        run.push(frame, samples)
        end = run_start + Fraction(run.n_in, frame_rate)
        if samples.full:
            return end
    if run is not None:
        run.push(None, samples)
    return end
