"""The two records that everything passes on: `Motion` (curves) and `Clip` (pictures, sound, and what is known of them)."""
from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tfg.audio import FPS
from tfg.errors import InputError
from tfg.files import atomic, check_file, check_writable
from tfg.vocabulary import EMOTIONS, EXPRESSION, LEVELS, POSE, index

VERSION = 1
"""Of the .npz files of both records; a higher one in a file means that a newer tfg wrote it."""
LABELS = ("actor", "sentence", "emotion", "level")
CREMA_NAME = re.compile(rf"([A-Za-z0-9]+)_([A-Z]{{3}})_({'|'.join(EMOTIONS)})_({'|'.join(LEVELS)})")


@dataclass
class Motion:
    """What a face does: expression (T, 52) in `vocabulary.EXPRESSION` order, pose (T, 6) as `vocabulary.POSE`.

    Both become float32. Expression is in [0, 1] when rendered (offsets may leave it), NaN where it was not measured;
    a missing pose is zeros. identity: (K,) coefficients of the head, where known.  meta: anything that JSON can hold.
    Methods return new Motions; none changes its own.  Raises ValueError for other shapes.
    """

    expression: np.ndarray
    pose: np.ndarray | None = None
    fps: float = float(FPS)
    identity: np.ndarray | None = None
    meta: dict = field(default_factory=dict)

    def __post_init__(self):
        self.expression = np.asarray(self.expression, np.float32)
        T = len(self.expression)
        self.pose = np.zeros((T, len(POSE)), np.float32) if self.pose is None else np.asarray(self.pose, np.float32)
        if self.expression.shape != (T, len(EXPRESSION)) or self.pose.shape != (T, len(POSE)):
            raise ValueError(f"Motion needs expression (T, {len(EXPRESSION)}) and pose (T, {len(POSE)}), got "
                             f"{self.expression.shape} and {self.pose.shape}")

    @staticmethod
    def still(T: int) -> Motion:
        """T frames of a relaxed face that looks ahead."""
        return Motion(np.zeros((T, len(EXPRESSION)), np.float32))

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, at: int | slice) -> Motion:
        """The frames of a slice, or one frame, as a Motion."""
        if not isinstance(at, slice):
            at = range(len(self))[at]  # IndexError beyond the ends
            at = slice(at, at + 1)
        return replace(self, expression=self.expression[at], pose=self.pose[at])

    def curve(self, name: str) -> np.ndarray:
        """(T,) of a pose component or a coefficient; "mouthSmile", without a side, is the mean of both sides."""
        if name in POSE:
            return self.pose[:, POSE.index(name)]
        return self.expression[:, index(name)].mean(1)

    def override(self, **curves) -> Motion:
        """Replace curves, each by a number or (T,), under its coefficient or pose name (without a side: both sides)."""
        expression, pose = self.expression.copy(), self.pose.copy()
        for name, value in curves.items():
            value = np.asarray(value, np.float32)
            if value.shape not in ((), (len(self),)):
                raise ValueError(f"the curve {name} must be a number or ({len(self)},), got {value.shape}")
            columns, target = ([POSE.index(name)], pose) if name in POSE else (index(name), expression)
            target[:, columns] = value if value.ndim == 0 else value[:, None]
        return replace(self, expression=expression, pose=pose)

    def mix(self, other: Motion, w: float | np.ndarray) -> Motion:
        """(1 - w) self + w other; w is a number or (T,). What only one of the two has measured is taken from that one."""
        if len(other) != len(self):
            raise ValueError(f"motions of {len(self)} and {len(other)} frames cannot be mixed; cut them to one length")
        w = np.broadcast_to(np.asarray(w, np.float32), (len(self),))[:, None]
        return replace(self, expression=_mixed(self.expression, other.expression, w),
                       pose=_mixed(self.pose, other.pose, w))

    def smooth(self, window: int = 5) -> Motion:
        """Savitzky-Golay (a parabola over `window` frames) without delay: peaks and lip closures stay where they are.

        Unmeasured frames are bridged and stay NaN. A window of 1 changes nothing; an even one is one frame longer.
        """
        return replace(self, expression=_smoothed(self.expression, window), pose=_smoothed(self.pose, window))

    def arrays(self) -> dict[str, np.ndarray]:
        """What an .npz holds of it."""
        identity = np.zeros(0, np.float32) if self.identity is None else np.asarray(self.identity, np.float32)
        return {"expression": self.expression, "expression_names": np.array(EXPRESSION), "pose": self.pose,
                "pose_names": np.array(POSE), "identity": identity, "motion_fps": np.float64(self.fps),
                "motion_meta": np.array(json.dumps(self.meta, default=str))}

    def save(self, path: str | os.PathLike) -> Path:
        """Write an .npz (atomically) with the names of the columns. Returns the path.

        Raises InputError if the name does not end in .npz, or the folder is missing or not writable.
        """
        path = Path(path)
        if path.suffix != ".npz":
            raise InputError(f"cannot write {path.name}: motions are written as .npz; give a name that ends in it.")
        with atomic(path) as part:
            np.savez_compressed(part, version=VERSION, **self.arrays())
        return path

    @staticmethod
    def load(path: str | os.PathLike) -> Motion:
        """Read what `save` wrote, or the motion of a saved Clip. Raises InputError: missing, damaged or foreign."""
        held = _read_npz(path, "motion")
        if "expression" not in held:
            raise InputError(f"{path} holds no motion; make one with `tfg measure VIDEO --out M.npz` or --save-motion.")
        return _motion(held, path)


def _mixed(a: np.ndarray, b: np.ndarray, w: np.ndarray) -> np.ndarray:
    a, b = np.where(np.isnan(a), b, a), np.where(np.isnan(b), a, b)
    return (1 - w) * a + w * b


def _smoothed(x: np.ndarray, window: int) -> np.ndarray:
    """x: (T, C), NaN where not measured.  Each column on its own, as its gaps are its own."""
    from scipy.signal import savgol_filter

    window = min(int(window) // 2 * 2 + 1, (len(x) - 1) // 2 * 2 + 1)
    if window < 3:
        return x.copy()
    out, t = x.copy(), np.arange(len(x))
    for k in range(x.shape[1]):
        known = np.isfinite(x[:, k])
        if known.any():
            bridged = np.interp(t, t[known], x[known, k])
            out[known, k] = savgol_filter(bridged, window, min(2, window - 1), mode="interp")[known]
    return out


def _read_npz(path: str | os.PathLike, what: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz of ours; nothing is unpickled."""
    path = check_file(path, what)
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        version = int(held["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no {what} file of tfg, or it is damaged ({type(error).__name__}); make it again, for "
                         "instance with `tfg measure VIDEO --out M.npz`.") from error
    except Exception as error:  # zlib and struct errors of damaged archives have no common base
        raise InputError(f"{path} is a damaged {what} file ({type(error).__name__}); make or copy it again.") from error
    if version > VERSION:
        raise InputError(f"{path} was written by a newer tfg (format {version}, this one reads {VERSION}); update tfg.")
    return held


def _motion(held: dict[str, np.ndarray], path) -> Motion:
    """A Motion of an .npz's arrays; columns are put into our order by their names."""
    try:
        expression = _by_name(held["expression"], held["expression_names"], EXPRESSION, path)
        pose = _by_name(held["pose"], held["pose_names"], POSE, path)
        identity = held["identity"].astype(np.float32) if held["identity"].size else None
        return Motion(expression, pose, float(held["motion_fps"]), identity, json.loads(str(held["motion_meta"])))
    except InputError:
        raise
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise InputError(f"{path} holds a motion that is not complete ({error}); make it again.") from error


def _by_name(values: np.ndarray, names: np.ndarray, wanted: tuple[str, ...], path) -> np.ndarray:
    names = [str(n) for n in names]
    if sorted(names) != sorted(wanted) or values.ndim != 2 or values.shape[1] != len(wanted):
        odd = sorted(set(names) ^ set(wanted))
        raise InputError(f"{path} holds {values.shape[-1]} columns where tfg has {len(wanted)} by other names "
                         f"({', '.join(odd[:3]) or 'some twice'}); measure the video again with this tfg.")
    return values[:, [names.index(n) for n in wanted]]


@dataclass
class Clip:
    """Pictures at 25 frames/s and sound at 16 kHz, with what is known of them.

    frames: a sequence of (H, W, 3) uint8 RGB; lazy (`video.FrameReader`) where it comes from a file.  audio: (N,)
    float32 in [-1, 1], sample 0 at frame 0; None where there is no sound.  actor, sentence, emotion, level: CREMA-D's
    words.  landmarks: (T, K, 2 or 3) px.  meta: anything that JSON can hold.
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
    def open(path: str | os.PathLike) -> Clip:
        """A video file, or a folder that `save` filled, as a clip. Frames are decoded when asked for, sound is read now.

        The .npz that `save` wrote beside it brings labels and motion, the .wav the exact sound. Without one, a name
        like 1001_DFA_HAP_XX fills the labels.  Raises InputError as `video.FrameReader` does.
        """
        from tfg.audio import load_audio
        from tfg.video import FrameReader, probe

        path = _video_in(Path(path))
        info = probe(path)
        npz, wav = path.with_suffix(".npz"), path.with_suffix(".wav")
        held = _read_npz(npz, "clip") if npz.is_file() else {}
        if "clip" in held:  # otherwise the .wav beside it may be anybody's
            audio = load_audio(wav) if wav.is_file() else None
            labels, meta = (json.loads(str(held[k])) for k in ("clip", "clip_meta"))
        else:
            audio = load_audio(path) if info["has_audio"] else None
            match = CREMA_NAME.fullmatch(path.stem)
            labels, meta = dict(zip(LABELS, match.groups())) if match else {}, {}
        if audio is not None and not len(audio):
            audio = None
        return Clip(FrameReader(path), audio, path=path, motion=_motion(held, npz) if "expression" in held else None,
                    landmarks=held.get("landmarks"), meta=meta, **{k: labels.get(k) for k in LABELS})

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def duration_s(self) -> float:
        """Seconds of picture."""
        return len(self.frames) / self.fps

    def save(self, path: str | os.PathLike, *, overwrite: bool = False) -> Path:
        """Write NAME.mp4, NAME.wav (if there is sound) and NAME.npz (all else). Returns the path of the mp4.

        path: a name that ends in .mp4, or a folder (made if its parent is there), in which NAME is the labels as in
        V001_DFA_HAP_HI, else "clip". The three appear together, after all are written.
        Raises InputError: folder missing or not writable, a file exists and overwrite is False.
        """
        from tfg.audio import write_wav
        from tfg.video import AI_TAG, FrameReader, probe, write_video

        mp4 = self._place(Path(path))
        places = [mp4, mp4.with_suffix(".wav"), mp4.with_suffix(".npz")]
        there = [p.name for p in places if p.exists()]
        if there and not overwrite:
            raise InputError(f"{mp4.parent} already holds {', '.join(there)}; choose another name or pass overwrite=True.")
        labels = {k: getattr(self, k) for k in LABELS}
        recorded = isinstance(self.frames, FrameReader) and \
            AI_TAG not in probe(self.frames.path)["metadata"].get("comment", "")
        arrays = self.motion.arrays() if self.motion is not None else {}
        if self.landmarks is not None:
            arrays["landmarks"] = np.asarray(self.landmarks, np.float32)
        with ExitStack() as stack:
            video, sound, rest = (stack.enter_context(atomic(p)) for p in places)
            write_video(video, self.frames, self.audio, fps=self.fps, metadata=labels, generated=not recorded)
            write_wav(sound, self.audio if self.audio is not None else np.zeros(0, np.float32))
            np.savez_compressed(rest, version=VERSION, clip=np.array(json.dumps(labels)),
                                clip_meta=np.array(json.dumps(self.meta, default=str)), **arrays)
        if self.audio is None:
            places[1].unlink()
        return mp4

    def _place(self, path: Path) -> Path:
        """The mp4 to write."""
        if path.suffix.lower() == ".mp4":
            return check_writable(path)
        if path.suffix and not path.is_dir():
            raise InputError(f"cannot write {path.name}: clips are written as MP4; give a name that ends in .mp4, or a "
                             "folder.")
        if not path.is_dir():
            check_writable(path).mkdir()
        labels = [getattr(self, k) for k in LABELS]
        return check_writable(path / ("_".join(labels) + ".mp4" if all(labels) else "clip.mp4"))


def _video_in(path: Path) -> Path:
    """The path itself, or the one mp4 in that folder."""
    if not path.is_dir():
        return path
    found = sorted(p for p in path.glob("*.mp4") if not p.name.startswith("."))
    if len(found) != 1:
        raise InputError(f"{path} is a folder with {len(found)} mp4 files; give the name of one video.")
    return found[0]
