"""Pictures and moving pictures: reading photos and videos of any kind, 25 frames/s by time, writing H.264 that plays.

A source video keeps its own timestamps; whatever its rate, `FrameReader` picks the frame that is on screen at each
instant k / 25 s. Frames are contiguous (H, W, 3) uint8 RGB.
"""
from __future__ import annotations

import os
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import numpy as np

from tfg.audio import FPS, SR
from tfg.errors import InputError

MAX_SIDE_PX = 6000
"""Larger photos are refused: a face needs far less."""
TAG = "AI-generated (tfg)"
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm"}


def is_image(path: str | Path) -> bool:
    """Whether Pillow can open the file as a picture (an animation counts: `read_image` explains)."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path):
            return True
    except (UnidentifiedImageError, OSError, ValueError):
        return Path(path).suffix.lower() in IMAGE_SUFFIXES
    except Image.DecompressionBombError:
        return True


def read_image(path: str | Path) -> np.ndarray:
    """A photo as (H, W, 3) uint8 RGB, turned upright (EXIF), transparency over white, 16 bit brought to 8.

    Raises InputError: missing, not a picture, truncated, an animation, or a side over 6000 px.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no picture {str(path)!r}; give the path of a photo or a video.")
    try:
        with Image.open(path) as im:
            if getattr(im, "n_frames", 1) > 1 and getattr(im, "is_animated", False):
                raise InputError(f"{path.name} is an animation of {im.n_frames} frames; save one frame as PNG or JPEG, or "
                                 "give a video file.")
            if max(im.size) > MAX_SIDE_PX:
                raise InputError(f"{path.name} is {im.size[0]} x {im.size[1]} px; the limit is {MAX_SIDE_PX} px a side, so "
                                 "make it smaller (a face needs a few hundred pixels).")
            im.load()
            im = ImageOps.exif_transpose(im)
            if im.mode.startswith("I;16") or im.mode in ("I", "F"):
                grey = np.asarray(im).astype(np.float64)
                top = 255.0 if grey.max() <= 255 else 65535.0
                im = Image.fromarray(np.round(np.clip(grey / top, 0, 1) * 255).astype(np.uint8))
            if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
                im = im.convert("RGBA")
                white = Image.new("RGBA", im.size, (255, 255, 255, 255))
                im = Image.alpha_composite(white, im)
            return np.ascontiguousarray(im.convert("RGB"))
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(f"{path.name} is larger than {MAX_SIDE_PX} px a side; make it smaller.")
    except UnidentifiedImageError:
        raise InputError(f"{path.name} is no picture that can be read; give a JPEG, PNG, WebP or a video.")
    except (OSError, ValueError, SyntaxError) as e:
        raise InputError(f"{path.name} cannot be read as a picture ({e}); the file seems cut off or damaged.")


def _open(path: str | Path):
    import av

    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r}; give the path of a video.")
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as e:
        raise InputError(f"{path.name} cannot be read as a video ({e}); is the file complete?")
    if not container.streams.video:
        container.close()
        raise InputError(f"{path.name} has no pictures, only sound; give a photo or a video.")
    return container


def probe(path: str | Path) -> dict:
    """width, height (upright), fps (average), duration_s, n_frames at 25/s, has_audio, rotation of a video."""
    import av

    with _open(path) as container:
        stream = container.streams.video[0]
        duration = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / av.time_base
        rotation = 0
        for frame in container.decode(stream):
            rotation = _rotation(frame)
            break
        width, height = stream.codec_context.width, stream.codec_context.height
        if rotation % 180:
            width, height = height, width
        return {"width": width, "height": height, "fps": float(stream.average_rate or 0), "duration_s": duration,
                "n_frames": max(1, round(duration * FPS)), "has_audio": bool(container.streams.audio),
                "rotation": rotation}


def _rotation(frame) -> int:
    """Degrees that the decoded frame must be turned clockwise to stand upright."""
    return int(-(getattr(frame, "rotation", 0) or 0)) % 360


def _picture(frame) -> np.ndarray:
    image = frame.to_ndarray(format="rgb24")
    turn = _rotation(frame)
    return np.ascontiguousarray(np.rot90(image, -(turn // 90)) if turn else image)


class FrameReader:
    """The frames of a video at 25/s, by time: a lazy sequence that never holds more than a few frames.

    len(r), r[i], r[a:b] (a list) and iteration; `timestamps`: seconds of each. Going forward decodes on; going back seeks.
    """

    def __init__(self, path: str | Path, *, cache: int = 32):
        self.path = Path(path)
        info = probe(path)
        self.size = (info["height"], info["width"])
        self._n = info["n_frames"] if info["duration_s"] else sum(1 for _ in self._walk(0))
        self._keep: OrderedDict[int, np.ndarray] = OrderedDict()
        self._cache = cache
        self._stream, self._at = None, 0

    def __len__(self) -> int:
        return self._n

    @property
    def timestamps(self) -> np.ndarray:
        """(T,) seconds."""
        return np.arange(self._n) / FPS

    def __iter__(self):
        for i, frame in enumerate(self._walk(0)):
            if i >= self._n:
                return
            yield frame
        # a container may promise more than it holds: the last picture stays
        for _ in range(i + 1, self._n):
            yield frame

    def __getitem__(self, i):
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(self._n))]
        i = int(i)
        i = i + self._n if i < 0 else i
        if not 0 <= i < self._n:
            raise IndexError(f"frame {i} of {self._n}")
        if i in self._keep:
            self._keep.move_to_end(i)
            return self._keep[i]
        if self._stream is None or i < self._at or i > self._at + 250:
            self._stream, self._at = self._walk(i), i
        frame = None
        while self._at <= i:
            frame = next(self._stream, None)
            if frame is None:                                            # past the last picture: it stays
                last = max(self._keep, default=None)
                self._stream = None
                return self._keep[last] if last is not None else self[i - 1]
            self._keep[self._at] = frame
            self._at += 1
            while len(self._keep) > self._cache:
                self._keep.popitem(last=False)
        return frame

    def _walk(self, start: int):
        """Frames from index `start` on: for each instant the picture that is on screen then."""
        import av

        with _open(self.path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            origin = float((stream.start_time or 0) * stream.time_base)
            if start:
                container.seek(int((start / FPS + origin) / stream.time_base), stream=stream)
            k, held, frames = start, None, container.decode(stream)
            try:
                for frame in frames:
                    t = float(frame.pts * frame.time_base) - origin if frame.pts is not None else None
                    if t is None:
                        t = 0.0 if held is None else held[0] + 1 / float(stream.average_rate or FPS)
                    while held is not None and k / FPS + 1e-4 < t:       # the held picture is shown until t
                        yield held[1] if isinstance(held[1], np.ndarray) else _picture(held[1])
                        k += 1
                    held = (t, frame)
                if held is not None:
                    last = held[0] + 1 / float(stream.average_rate or FPS)
                    picture = _picture(held[1])
                    while k / FPS + 1e-4 < last:
                        yield picture
                        k += 1
            except av.FFmpegError as e:
                raise InputError(f"{self.path.name} breaks off after {k / FPS:.1f} s ({e}); give a complete file.")


def check_output(path: str | Path, *, overwrite: bool = False) -> Path:
    """Raise InputError if a file cannot be written there: folder missing or locked, or the file exists already."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; give a file name such as {path / 'out.mp4'}.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {str(path.parent)!r} does not exist; make it, or write somewhere else.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {str(path.parent)!r} is not writable; write somewhere else.")
    if path.exists() and not overwrite:
        raise InputError(f"{str(path)!r} exists already; add --overwrite (overwrite=True) or choose another name.")
    return path


def write_video(path: str | Path, frames, audio: np.ndarray | None = None, *, fps: int | Fraction = FPS,
                metadata: dict | None = None, crf: int = 18, sr: int = SR, progress=None) -> Path:
    """Write frames, and sound if any, as MP4: H.264 yuv420p with even sides, AAC 48 kHz, playable while it loads.

    frames: an iterable of (H, W, 3) uint8, never held together.  audio: (N,) at `sr`.  crf: quality, lower is better.
    metadata: more tags than the "AI-generated" comment.  progress: called with the number of frames written.
    Written beside and renamed; nothing is left behind on an error.
    """
    import av

    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"The folder {str(path.parent)!r} does not exist; make it, or write somewhere else.")
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
    rate = Fraction(fps).limit_denominator(1001)
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            container.metadata.update({"comment": TAG, **(metadata or {})})
            video = sound = None
            n = 0
            for frame in frames:
                frame = np.ascontiguousarray(frame)
                if video is None:
                    height, width = frame.shape[0] & ~1, frame.shape[1] & ~1
                    video = container.add_stream("libx264", rate=rate)
                    video.width, video.height, video.pix_fmt = width, height, "yuv420p"
                    video.options = {"crf": str(crf), "preset": "veryfast"}
                    video.codec_context.thread_count = 1 if width * height < 500_000 else 2
                    if audio is not None:
                        sound = container.add_stream("aac", rate=48000)
                        sound.layout, sound.bit_rate = "mono", 128_000
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="rgb24")
                picture.pts, picture.time_base = n, 1 / rate
                container.mux(video.encode(picture))
                n += 1
                if progress is not None:
                    progress(n)
            if video is None:
                raise InputError(f"No frames were given for {path.name}.")
            container.mux(video.encode(None))
            if sound is not None:
                for packet in _encode_sound(sound, np.asarray(audio, np.float32), sr):
                    container.mux(packet)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _encode_sound(stream, y: np.ndarray, sr: int):
    import av

    resampler = av.AudioResampler(format="fltp", layout="mono", rate=48000, frame_size=1024)
    for at in range(0, len(y), sr):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(np.clip(y[at:at + sr], -1, 1))[None], format="flt",
                                           layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = sr, at, Fraction(1, sr)
        for out in resampler.resample(frame):
            yield from stream.encode(out)
    for out in resampler.resample(None):
        yield from stream.encode(out)
    yield from stream.encode(None)
