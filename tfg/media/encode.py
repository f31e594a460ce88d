"""Writing of videos with PyAV, frame by frame. The module is private to tfg.media.video, which exports `write_video`.
"""
from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from tfg.errors import InputError
from tfg.files import atomic
from tfg.media.audio import FPS, SR
from tfg.media.decode import ONE_THREAD
from tfg.media.film_names import MP4_SUFFIXES, WEBM_SUFFIX

AI_TAG = "AI-generated (tfg)"
"""Comment in the metadata of each film that tfg generates."""
TICK = Fraction(1, 90000)
"""Unit in seconds of the time stamps of frames at a variable rate."""
BLOCK = 16
"""Side in px of H.264's macroblocks, by which its levels limit the size of frames."""
MAX_BLOCKS, MAX_SIDE_BLOCKS = 139_264, 1055
"""Most macroblocks of a frame, and along a side, in H.264's highest level, 6.2; no player shows larger films."""
SHOWN_BLOCKS = 36_864
"""Most macroblocks of a frame in level 5.2 (4096 x 2304), the highest that most devices show."""
STANDARD_TAGS = {"title", "artist", "album", "date", "description", "copyright", "genre", "comment"}
"""Names of metadata that MP4 has; other entries are written into the description, as JSON."""


def n_blocks(height: int, width: int) -> int:
    """Number of macroblocks of a frame of that size in px."""
    return -(-height // BLOCK) * -(-width // BLOCK)


def check_size(height: int, width: int, name: str) -> None:
    """Raise InputError if a frame is too large for H.264.  height, width: px.  name: the film's name in the message."""
    if n_blocks(height, width) > MAX_BLOCKS or max(height, width) > BLOCK * MAX_SIDE_BLOCKS:
        raise InputError(f"{name} would be {width} x {height} pixels, more than H.264 films can have ({MAX_BLOCKS} "
                         "blocks of 16 x 16, as in 8192 x 4352): make it smaller, with --resize-factor 2 where the "
                         "command has it.")


def write_video(path: str | os.PathLike, frames: Iterable[np.ndarray], audio: np.ndarray | None = None, *,
                fps: float = FPS, times: np.ndarray | None = None, metadata: dict | None = None, crf: int = 18,
                generated: bool = True, progress: Callable[[int], None] | None = None) -> Path:
    """Write an MP4 that browsers play: H.264, yuv420p, AAC, index first. Returns its path. A name that ends in .webm
    gives VP9, which keeps transparency, and Opus.

    frames: iterable of (H, W, 3) uint8 RGB, at least one; only one is in memory at a time. For a .webm also (H, W, 4),
    the fourth channel the opacity. Odd sizes gain a row or column (the edge is repeated), as yuv420p needs even ones.
    audio: (N,) float32 at 16 kHz, sample 0 at frame 0.
    fps: frames per second.  times: (T,) rising seconds from 0 at which the frames begin, if their rate is not constant.
    metadata: entries for which MP4 has a name (title, artist, date, ...) are shown by players; the others are written
    as JSON into the description.  generated: False leaves out the comment "AI-generated (tfg)"; only for unchanged
    recordings.  crf: quality, 0 (lossless) .. 51, as H.264 counts it.  progress: function that receives the number of
    frames written.
    After any error, also one in `frames`, no file is left behind. Raises InputError if the folder is missing or not
    writable, the name does not end in .mp4 or .webm, there are no frames, they are too large for H.264, or they are
    transparent and the file is no .webm.
    """
    path = Path(path)
    kind = _kind(path)
    if audio is not None:
        audio = np.asarray(audio, dtype=np.float32)
        if audio.ndim != 1 or not np.isfinite(np.dot(audio, audio)):
            raise InputError(f"the sound for {path} has the shape {audio.shape} or holds NaN; give (N,) finite "
                             "samples.")
    with atomic(path) as part, av.open(f"file:{part}", "w", format=kind.format, options=kind.options) as out:
        out.metadata.update(_tags(metadata or {}, generated))
        iterator = iter(frames)
        first = next(iterator, None)
        if first is None:
            raise InputError(f"there are no frames to write to {path}; give at least one.")
        height, width, channels = _checked(first, None).shape
        if channels == 4 and kind is MP4:
            raise InputError(f"{path.name} cannot keep transparent pictures; give a name that ends in {WEBM_SUFFIX}.")
        check_size(height, width, path.name)
        video = kind.stream(out, first.shape, fps, crf)
        sound = _Sound(out, audio, kind.sound) if audio is not None and len(audio) else None
        to_yuv = VideoReformatter()  # shared by all frames, for its setup takes as long as a frame
        step = TICK if times is not None else 1 / Fraction(fps).limit_denominator(1001)
        if times is not None:
            video.codec_context.time_base = step
            times = np.maximum.accumulate(np.rint(np.asarray(times) / float(TICK)).astype(np.int64))
        n = 0
        for frame in chain([first], iterator):
            picture = av.VideoFrame.from_ndarray(_even(_checked(frame, first.shape)),
                                               format="rgb24" if channels == 3 else "rgba")
            picture.pts, picture.time_base = n if times is None else int(times[n]), step
            yuv = to_yuv.reformat(picture, format=video.pix_fmt, dst_colorspace=Colorspace.ITU601, **ONE_THREAD)
            out.mux(video.encode(yuv))
            n += 1
            if sound is not None:
                sound.write_until(float((n if times is None else times[min(n, len(times) - 1)]) * step))
            if progress is not None:
                progress(n)
        out.mux(video.encode(None))
        if sound is not None:
            sound.finish()
    return path


def _tags(metadata: dict, generated: bool) -> dict[str, str]:
    """The metadata of the MP4: names that it has, and the others as JSON in the description."""
    tags = {k: str(v) for k, v in metadata.items() if k in STANDARD_TAGS}
    rest = {k: v for k, v in metadata.items() if k not in STANDARD_TAGS and v is not None}
    if rest:
        tags["description"] = json.dumps(rest, default=str)
    if generated:
        tags["comment"] = f"{AI_TAG}; {tags['comment']}" if tags.get("comment", AI_TAG) != AI_TAG else AI_TAG
    return tags


def _video_stream(out, shape: tuple, fps: float, crf: int):
    """Add an H.264 stream to the container `out`.  shape: (H, W, 3) of the frames."""
    stream = out.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
    stream.height, stream.width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
    stream.pix_fmt = "yuv420p"
    # A key frame every 2 s keeps seeking fast. With its macroblock tree, x264 (core 165) sometimes encodes the same
    # frames differently, by up to 10 of 255 in a corner: in one of 25 small films, and in none of 390 without it. It is
    # off so that the same seed gives the same bytes, which makes files a sixth larger.
    stream.options = {"crf": str(crf), "preset": "veryfast", "g": "50", "x264-params": "mbtree=0"}
    context = stream.codec_context
    context.thread_count = 1  # faster than two at this size, and it leaves a core for drawing
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = 6, 1, 6, 6  # BT.601, limited
    return stream


def _webm_stream(out, shape: tuple, fps: float, crf: int):
    """Add a VP9 stream to the container `out`, with an opacity if the frames have four channels."""
    stream = out.add_stream("libvpx-vp9", rate=Fraction(fps).limit_denominator(1001))
    stream.height, stream.width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
    stream.pix_fmt = "yuva420p" if shape[2] == 4 else "yuv420p"
    # VP9 counts quality from 0 to 63. Frames that are never shown (alt-ref) are not allowed beside an opacity.
    stream.options = {"crf": str(round(crf * 63 / 51)), "b": "0", "g": "50", "deadline": "realtime", "cpu-used": "5",
                      "auto-alt-ref": "0", "lag-in-frames": "0", "row-mt": "0"}
    stream.codec_context.thread_count = 1                 # the same bytes on every machine
    context = stream.codec_context
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = 6, 1, 6, 6  # BT.601, limited
    return stream


@dataclass(frozen=True)
class _Kind:
    """A kind of file: container, its options, the function that adds its pictures, the encoder of its sound."""

    format: str
    options: dict[str, str]
    stream: Callable
    sound: str


MP4 = _Kind("mp4", {"movflags": "+faststart"}, _video_stream, "aac")
WEBM = _Kind("webm", {"fflags": "+bitexact"}, _webm_stream, "libopus")       # else it holds a number drawn by chance


def _kind(path: Path) -> _Kind:
    """The kind of a file by its name.  Raises InputError."""
    suffix = path.suffix.lower()
    if suffix not in (*MP4_SUFFIXES, WEBM_SUFFIX):
        raise InputError(f"cannot write {path.name}: videos are written as MP4 or WebM; give a name that ends in .mp4 "
                         f"or {WEBM_SUFFIX}.")
    return WEBM if suffix == WEBM_SUFFIX else MP4


def _checked(frame: np.ndarray, shape: tuple | None) -> np.ndarray:
    """Return the frame as an array. Raises ValueError unless it is (H, W, 3 or 4) uint8, and of `shape` if that is
    given."""
    frame = np.asarray(frame)
    if frame.ndim != 3 or frame.shape[2] not in (3, 4) or frame.dtype != np.uint8:
        raise ValueError(f"frames must be (H, W, 3) uint8, or (H, W, 4) with their opacity, got {frame.shape} "
                         f"{frame.dtype}")
    if shape is not None and frame.shape != shape:
        raise ValueError(f"all frames must have the size of the first, {shape}, got {frame.shape}")
    return frame


def _even(frame: np.ndarray) -> np.ndarray:
    """Repeat the last row or column of a frame with an odd height or width."""
    h, w = frame.shape[:2]
    if h % 2 or w % 2:
        frame = np.pad(frame, ((0, h % 2), (0, w % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)


class _Sound:
    """The AAC or Opus track beside the frames. The encoder's run-in is marked in the file and skipped by readers, so
    that sample 0 plays with frame 0 (tested by a click)."""

    RATE = 48000  # three times 16 kHz, and supported by all browsers and players

    def __init__(self, out, audio: np.ndarray, codec: str):
        self.out, self.audio, self.at = out, audio, 0
        self.stream = out.add_stream(codec, rate=self.RATE, layout="mono")
        self.stream.bit_rate = 128_000
        self.resampler = av.AudioResampler(format="fltp", layout="mono", rate=self.RATE,
                                           frame_size=960 if codec == "libopus" else 1024)

    def write_until(self, seconds: float) -> None:
        """Encode the sound up to that time."""
        stop = min(len(self.audio), round(seconds * SR))
        if stop > self.at:
            frame = av.AudioFrame.from_ndarray(self.audio[None, self.at: stop], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SR, self.at, Fraction(1, SR)
            self._encode(frame)
            self.at = stop

    def _encode(self, frame) -> None:
        """Resample, encode and write an av.AudioFrame; None writes the rest."""
        for resampled in self.resampler.resample(frame):
            self.out.mux(self.stream.encode(resampled))

    def finish(self) -> None:
        """Encode the rest of the sound and close the track."""
        while self.at < len(self.audio):  # sound that is longer than the pictures, a second at a time
            self.write_until(self.at / SR + 1)
        self._encode(None)
        self.out.mux(self.stream.encode(None))
