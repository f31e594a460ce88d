"""Fixtures and helpers of all tests: real clips where they are available, and small media made on the spot."""
from __future__ import annotations

import os
import signal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import offline.sitecustomize  # noqa: F401  (from here on the web is refused, to what the tests start as well)

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent / "offline"),
                                                         os.environ.get("PYTHONPATH")]))
SHARED = Path(os.environ.get("TFG_SHARED") or Path(__file__).resolve().parents[1].parent / "shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips, for testing only; tests that need it skip where it is absent."""
    if not (SHARED / "crema_d").is_dir():
        pytest.skip(f"no real clips in {SHARED}; set TFG_SHARED to their folder")
    return SHARED


@pytest.fixture(scope="session")
def crema_d(shared) -> list[Path]:
    """Six CREMA-D videos of actor 1001, one per emotion; 30 frames/s, 44.1 kHz."""
    return sorted((shared / "crema_d" / "VideoFlash").glob("*.flv"))


@pytest.fixture(scope="session")
def grid(shared) -> list[Path]:
    """Four GRID videos; 25 frames/s, MPEG-1."""
    return sorted((shared / "grid").glob("*.mpg"))


@pytest.fixture(scope="module")
def astronaut():
    """(512, 512, 3) uint8: a portrait, in the public domain."""
    return pytest.importorskip("skimage.data").astronaut()


@pytest.fixture
def one_thread():
    """torch computes with one thread, so that tests side by side do not wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def ctrl_c():
    """SIGINT interrupts, also where the tests run in a shell's background, which starts them with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def swelling_noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise that swells and fades, which a network takes for speech: (N,) float32 at 16 kHz."""
    rng = np.random.default_rng(seed)
    n = int(seconds * 16000)
    return (rng.normal(0, .1, n) * (.5 + .5 * np.sin(np.arange(n) / 16000 * 9)) ** 2).astype(np.float32)


def tone(seconds: float = 1.0, sr: int = 16000, hz: float = 440.0, channels: int = 1) -> np.ndarray:
    """A tone that swells, so that it has a recognisable shape in time: (channels, N) float32."""
    t = np.arange(round(seconds * sr)) / sr
    y = 0.5 * np.sin(2 * np.pi * hz * t) * (0.3 + 0.7 * np.sin(np.pi * t / seconds) ** 2)
    return np.repeat(y[None].astype(np.float32), channels, axis=0)


def write_sound(path: Path, y: np.ndarray, sr: int, codec: str, layout: str = "mono", *, start_s: float = 0.0,
                format: str | None = None) -> Path:
    """Write sound (channels, N) with any codec; the suffix gives the container."""
    import av

    with av.open(str(path), "w", format=format) as out:
        stream = out.add_stream(codec, rate=sr, layout=layout)
        encoder = stream.codec_context
        wanted = encoder.format.name
        resampler = av.AudioResampler(format=wanted, layout=layout, rate=sr)
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = sr, 0, Fraction(1, sr)
        for piece in resampler.resample(frame) + resampler.resample(None):
            fifo.write(piece)
        size = encoder.frame_size or 1024
        at = round(start_s * sr)
        while fifo.samples:
            piece = fifo.read(min(size, fifo.samples))
            piece.pts, piece.time_base = at, Fraction(1, sr)
            at += piece.samples
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return path


def numbered(n: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """n frames that show their own number: each is a flat grey with the number in 12 large black and white bars."""
    frames = []
    for k in range(n):
        bits = [(k >> b) & 1 for b in range(12)]
        row = np.repeat(np.array(bits, np.uint8) * 200 + 28, -(-width // 12))[:width]
        frames.append(np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3))))
    return frames


def number(frame: np.ndarray) -> int:
    """The number that `numbered` wrote into a frame, after any codec."""
    width = frame.shape[1]
    bar = -(-width // 12)
    return sum(int(frame[:, b * bar + bar // 3: b * bar + bar // 3 + 1].mean() > 128) << b
               for b in range(12) if b * bar + bar // 3 < width)


def write_frames(path: Path, frames: list[np.ndarray], times_s: list[float], codec: str = "libx264", *,
                 rotation: int = 0) -> Path:
    """A video whose frames carry the given time stamps."""
    import av

    ticks = 90000
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=30)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        stream.options = {"g": "12"}
        stream.codec_context.time_base = Fraction(1, ticks) if codec == "libx264" else Fraction(1, 30)
        if rotation:
            if not hasattr(stream, "set_display_rotation"):
                pytest.skip("this PyAV reads rotated videos but cannot write one")
            stream.set_display_rotation(rotation)
        base = stream.codec_context.time_base
        for array, time in zip(frames, times_s):
            picture = av.VideoFrame.from_ndarray(array, format="rgb24")
            picture.pts, picture.time_base = round(time / base), base
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path
