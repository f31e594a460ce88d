"""The two records that everything passes on: `Motion` (curves) and `Clip` (pictures, sound, and what is known of them)."""
from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tfg.audio import FPS
from tfg.errors import InputError
from tfg.vocabulary import EXPRESSION, POSE, index

VERSION = 1


@dataclass
class Motion:
    """Expression (T, 52) in `vocabulary.EXPRESSION` order and pose (T, 6) as `vocabulary.POSE`, at 25 frames/s.

    Expression is in [0, 1] when rendered (offsets may leave it), NaN where not measured. identity: (K,) coefficients of
    the head where known. meta: anything JSON can hold.
    """

    expression: np.ndarray
    pose: np.ndarray | None = None
    fps: float = float(FPS)
    identity: np.ndarray | None = None
    meta: dict = field(default_factory=dict)

    def __post_init__(self):
        self.expression = np.asarray(self.expression, np.float32)
        t = len(self.expression)
        self.pose = np.zeros((t, len(POSE)), np.float32) if self.pose is None else np.asarray(self.pose, np.float32)
        if self.expression.shape != (t, len(EXPRESSION)) or self.pose.shape != (t, len(POSE)):
            raise ValueError(f"Motion needs expression (T, {len(EXPRESSION)}) and pose (T, {len(POSE)}), got "
                             f"{self.expression.shape} and {self.pose.shape}")

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, at: slice) -> "Motion":
        return replace(self, expression=self.expression[at], pose=self.pose[at])

    @staticmethod
    def still(n: int) -> "Motion":
        """n frames of a relaxed face."""
        return Motion(np.zeros((n, len(EXPRESSION)), np.float32))

    def curve(self, name: str) -> np.ndarray:
        """(T,) of a coefficient ("mouthSmile" is the mean of both sides) or of a pose component."""
        if name in POSE:
            return self.pose[:, POSE.index(name)]
        return self.expression[:, index(name)].mean(1)

    def override(self, **curves) -> "Motion":
        """A copy with some curves replaced: numbers or (T,) arrays, by coefficient or pose name (no side: both)."""
        expression, pose = self.expression.copy(), self.pose.copy()
        for name, value in curves.items():
            if name in POSE:
                pose[:, POSE.index(name)] = value
            else:
                expression[:, index(name)] = np.broadcast_to(np.asarray(value, np.float32), (len(self),))[:, None]
        return replace(self, expression=expression, pose=pose)

    def mix(self, other: "Motion", weight: float | np.ndarray) -> "Motion":
        """(1 - weight) self + weight other; weight is a number or (T,)."""
        if len(other) != len(self):
            raise ValueError(f"motions of {len(self)} and {len(other)} frames cannot be mixed; cut them to one length")
        w = np.broadcast_to(np.asarray(weight, np.float32), (len(self),))[:, None]
        return replace(self, expression=(1 - w) * self.expression + w * other.expression,
                       pose=(1 - w) * self.pose + w * other.pose)

    def smooth(self, window: int = 5) -> "Motion":
        """Zero-phase Savitzky-Golay (quadratic) over `window` frames; unmeasured frames stay NaN and are bridged."""
        return replace(self, expression=_smooth(self.expression, window), pose=_smooth(self.pose, window))

    def save(self, path: str | Path) -> Path:
        """Write .npz (atomically): curves, names, rate, identity, meta, version."""
        path = Path(path)
        part = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
        try:
            np.savez_compressed(part, version=VERSION, expression=self.expression, expression_names=np.array(EXPRESSION),
                                pose=self.pose, pose_names=np.array(POSE), fps=np.float64(self.fps),
                                identity=np.zeros(0, np.float32) if self.identity is None else self.identity,
                                meta=np.array(json.dumps(self.meta)))
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path

    @staticmethod
    def load(path: str | Path) -> "Motion":
        """Read what `save` wrote. Raises InputError for a missing, damaged or foreign file."""
        path = Path(path)
        if not path.is_file():
            raise InputError(f"There is no motion file {str(path)!r}; make one with `tfg measure VIDEO --out M.npz`.")
        try:
            with np.load(path, allow_pickle=False) as f:
                if int(f["version"]) > VERSION:
                    raise InputError(f"{path.name} was written by a newer tfg (version {int(f['version'])}); update tfg.")
                if tuple(f["expression_names"]) != EXPRESSION or tuple(f["pose_names"]) != POSE:
                    raise InputError(f"{path.name} holds other coefficients than tfg's 52; measure the video again.")
                identity = f["identity"] if len(f["identity"]) else None
                return Motion(f["expression"], f["pose"], float(f["fps"]), identity, json.loads(str(f["meta"])))
        except InputError:
            raise
        except Exception as e:                                            # zip, key, dtype, json: all mean one thing
            raise InputError(f"{path.name} is no motion file of tfg ({type(e).__name__}: {e}); make one with `tfg measure` "
                             "or --save-motion.")


def _smooth(x: np.ndarray, window: int) -> np.ndarray:
    from scipy.signal import savgol_filter

    window = min(window, len(x)) // 2 * 2 + 1
    window = window - 2 if window > len(x) else window
    if window < 3:
        return x.copy()
    out = x.copy()
    t = np.arange(len(x))
    for k in range(x.shape[1]):
        ok = np.isfinite(x[:, k])
        if ok.sum() >= window:
            filled = np.interp(t, t[ok], x[ok, k])
            out[:, k] = np.where(ok, savgol_filter(filled, window, min(2, window - 1)), np.nan)
    return out


@dataclass
class Clip:
    """Pictures at 25 frames/s and sound at 16 kHz, with what is known of them.

    frames: a sequence of (H, W, 3) uint8, lazy and path-backed when the clip comes from a file. audio: (N,) float32.
    """

    frames: Sequence
    audio: np.ndarray | None = None
    fps: float = float(FPS)
    path: Path | None = None
    actor: str | None = None
    sentence: str | None = None
    emotion: str | None = None
    level: str | None = None
    motion: Motion | None = None
    landmarks: np.ndarray | None = None
    meta: dict = field(default_factory=dict)

    @staticmethod
    def open(path: str | Path) -> "Clip":
        """A video file as a clip: frames are decoded when asked for, sound is read now; a .npz and a .wav beside it
        (same stem) bring motion and exact sound. CREMA-D style names fill actor, sentence, emotion and level."""
        from tfg.audio import load_audio
        from tfg.video import FrameReader, probe

        path = Path(path)
        has_audio = probe(path)["has_audio"]
        wav, npz = path.with_suffix(".wav"), path.with_suffix(".npz")
        audio = load_audio(wav) if wav.is_file() else load_audio(path) if has_audio else None
        words = path.stem.split("_")
        names = dict(zip(("actor", "sentence", "emotion", "level"), words)) if len(words) == 4 else {}
        return Clip(FrameReader(path), audio, path=path, motion=Motion.load(npz) if npz.is_file() else None, **names)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return len(self.frames) / self.fps

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write mp4, and beside it wav (if there is sound) and npz (if there is motion). Returns the mp4's path."""
        from tfg.audio import write_wav
        from tfg.video import check_output, write_video

        path = check_output(Path(path).with_suffix(".mp4"), overwrite=overwrite)
        write_video(path, iter(self.frames), self.audio, fps=self.fps)
        if self.audio is not None:
            write_wav(path.with_suffix(".wav"), self.audio)
        if self.motion is not None:
            self.motion.save(path.with_suffix(".npz"))
        return path
