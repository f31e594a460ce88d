"""Writing videos with PyAV, frame by frame. Private to tfg.video, which offers `write_video`."""
from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from tfg.audio import FPS, SR
from tfg.errors import InputError
from tfg.files import atomic

AI_TAG = "AI-generated (tfg)"
"""The comment in the metadata of each file that tfg makes."""
_ONE_THREAD = {"threads": 1} if "threads" in (VideoReformatter.reformat.__doc__ or "") else {}
"""For a small picture, waiting for a second thread costs more than it brings (older PyAV has no such choice)."""
TICK = Fraction(1, 90000)
"""Seconds that the time stamps of frames at a variable rate are counted in."""
STANDARD_TAGS = {"title", "artist", "album", "date", "description", "copyright", "genre", "comment"}
"""What MP4 can name; anything else goes into the description, as JSON."""


def write_video(path: str | os.PathLike, frames: Iterable[np.ndarray], audio: np.ndarray | None = None, *,
                fps: float = FPS, times: np.ndarray | None = None, metadata: dict | None = None, crf: int = 18,
                generated: bool = True, progress: Callable[[int], None] | None = None) -> Path:
    """Write an MP4 that browsers play: H.264, yuv420p, AAC, index first. Returns its path.

    frames: any iterable of (H, W, 3) uint8 RGB, at least one; taken one by one, never held. Odd sizes gain a row or
    column (the edge repeated), as yuv420p needs even ones.  audio: (N,) float32 at 16 kHz, sample 0 at frame 0.
    times: (T,) rising seconds from 0 at which the frames begin, where they do not come at a constant rate `fps`.
    metadata: shown by players where MP4 has a name for it (title, artist, date, ...), else JSON in the description.
    generated: False leaves out the comment "AI-generated (tfg)"; only for unchanged recordings.
    crf: 0 (lossless) .. 51.  progress: called with the number of frames written so far.
    Atomic: on any error, one in `frames` too, nothing is left behind. Raises InputError if the folder is missing or not
    writable, the name does not end in .mp4, or there are no frames.
    """
    path = Path(path)
    if path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise InputError(f"cannot write {path.name}: videos are written as MP4; give a name that ends in .mp4.")
    if audio is not None:
        audio = np.asarray(audio, dtype=np.float32)
        if audio.ndim != 1 or not np.isfinite(np.dot(audio, audio)):
            raise InputError(f"the sound for {path} has the shape {audio.shape} or holds NaN; give (N,) finite "
                             "samples.")
    with atomic(path) as part, av.open(f"file:{part}", "w", format="mp4", options={"movflags": "+faststart"}) as out:
        out.metadata.update(_tags(metadata or {}, generated))
        iterator = iter(frames)
        first = next(iterator, None)
        if first is None:
            raise InputError(f"there are no frames to write to {path}; give at least one.")
        video = _video_stream(out, _checked(first, None).shape, fps, crf)
        sound = _Sound(out, audio) if audio is not None and len(audio) else None
        to_yuv = VideoReformatter()  # one for all frames: setting it up costs as much as a frame
        step = TICK if times is not None else 1 / Fraction(fps).limit_denominator(1001)
        if times is not None:
            video.codec_context.time_base = step
            times = np.maximum.accumulate(np.rint(np.asarray(times) / float(TICK)).astype(np.int64))
        n, frame = 0, first
        while frame is not None:
            picture = av.VideoFrame.from_ndarray(_even(_checked(frame, first.shape)), format="rgb24")
            picture.pts, picture.time_base = n if times is None else int(times[n]), step
            out.mux(video.encode(to_yuv.reformat(picture, format="yuv420p", dst_colorspace="ITU601", **_ONE_THREAD)))
            n += 1
            if sound is not None:
                sound.write_until(float((n if times is None else times[min(n, len(times) - 1)]) * step))
            if progress is not None:
                progress(n)
            frame = next(iterator, None)
        out.mux(video.encode(None))
        if sound is not None:
            sound.finish()
    return path


def _tags(metadata: dict, generated: bool) -> dict[str, str]:
    tags = {k: str(v) for k, v in metadata.items() if k in STANDARD_TAGS}
    rest = {k: v for k, v in metadata.items() if k not in STANDARD_TAGS and v is not None}
    if rest:
        tags["description"] = json.dumps(rest, default=str)
    if generated:
        tags["comment"] = f"{AI_TAG}; {tags['comment']}" if tags.get("comment", AI_TAG) != AI_TAG else AI_TAG
    return tags


def _video_stream(out, shape: tuple, fps: float, crf: int):
    stream = out.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
    stream.height, stream.width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
    stream.pix_fmt = "yuv420p"
    # A key frame every 2 s: seeking stays quick. With its macroblock tree x264 (core 165) now and then writes the same
    # frames otherwise, by up to 10 of 255 in a corner: one in 25 small films, and none of 390 without it. The same
    # seed is to give the same bytes; that costs files a sixth of their size.
    stream.options = {"crf": str(crf), "preset": "veryfast", "g": "50", "x264-params": "mbtree=0"}
    context = stream.codec_context
    context.thread_count = 1  # faster than two at this size, and it leaves a core for drawing
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = 6, 1, 6, 6  # BT.601, limited
    return stream


def _checked(frame: np.ndarray, shape: tuple | None) -> np.ndarray:
    frame = np.asarray(frame)
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"frames must be (H, W, 3) uint8, got {frame.shape} {frame.dtype}")
    if shape is not None and frame.shape != shape:
        raise ValueError(f"all frames must have the size of the first, {shape}, got {frame.shape}")
    return frame


def _even(frame: np.ndarray) -> np.ndarray:
    h, w = frame.shape[:2]
    if h % 2 or w % 2:
        frame = np.pad(frame, ((0, h % 2), (0, w % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)


class _Sound:
    """The AAC track beside the frames. The encoder's run-in of 1024 samples is marked in the file and skipped by
    readers, so sample 0 plays with frame 0 (tested by a click)."""

    RATE = 48000  # three times 16 kHz; browsers and players know it

    def __init__(self, out, audio: np.ndarray):
        self.out, self.audio, self.at = out, audio, 0
        self.stream = out.add_stream("aac", rate=self.RATE, layout="mono")
        self.stream.bit_rate = 128_000
        self.resampler = av.AudioResampler(format="fltp", layout="mono", rate=self.RATE, frame_size=1024)

    def write_until(self, seconds: float) -> None:
        stop = min(len(self.audio), round(seconds * SR))
        if stop > self.at:
            frame = av.AudioFrame.from_ndarray(self.audio[None, self.at: stop], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SR, self.at, Fraction(1, SR)
            self._encode(frame)
            self.at = stop

    def _encode(self, frame) -> None:
        for resampled in self.resampler.resample(frame):
            self.out.mux(self.stream.encode(resampled))

    def finish(self) -> None:
        while self.at < len(self.audio):  # sound that outlasts the pictures, a second at a time
            self.write_until(self.at / SR + 1)
        self._encode(None)
        self.out.mux(self.stream.encode(None))
