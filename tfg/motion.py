"""`Motion`: what a face does, as curves. tfg.clip offers it beside `Clip`."""
from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tfg.audio import FPS
from tfg.errors import InputError
from tfg.files import atomic, check_file
from tfg.vocabulary import EXPRESSION, POSE, index

VERSION = 1
"""Of the .npz files of both records; a higher one in a file means that a newer tfg wrote it."""


@dataclass(repr=False)
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

    def __repr__(self) -> str:
        return f"Motion({len(self)} frames, {len(self) / self.fps:.2f} s)"

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
        """(1 - w) self + w other; w is a number or (T,). What only one of the two measured is taken from that one."""
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
        held = read_npz(path, "motion")
        if "expression" not in held:
            raise InputError(f"{path} holds no motion; make one with `tfg measure VIDEO --out M.npz` or --save-motion.")
        return motion_of(held, path)


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


def read_npz(path: str | os.PathLike, what: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz of ours; nothing is unpickled."""
    path = check_file(path, what)
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        version = int(held["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no {what} file of tfg, or it is damaged ({type(error).__name__}); make it again, "
                         "for instance with `tfg measure VIDEO --out M.npz`.") from error
    except Exception as error:  # zlib and struct errors of damaged archives have no common base
        raise InputError(f"{path} is a damaged {what} file ({type(error).__name__}); make or copy it again.") from error
    if version > VERSION:
        raise InputError(f"{path} was written by a newer tfg (format {version}, this one reads {VERSION}); update tfg.")
    return held


def motion_of(held: dict[str, np.ndarray], path) -> Motion:
    """A Motion of an .npz's arrays; columns are put into our order by their names."""
    try:
        expression = _by_name(held["expression"], held["expression_names"], EXPRESSION, path)
        pose = _by_name(held["pose"], held["pose_names"], POSE, path)
        identity = held["identity"].astype(np.float32) if held["identity"].size else None
        fps, meta = float(held["motion_fps"]), json.loads(str(held["motion_meta"]))
        if not 0 < fps < float("inf") or not isinstance(meta, dict):
            raise ValueError(f"{fps} frames per second, notes of type {type(meta).__name__}")
        return Motion(expression, pose, fps, identity, meta)
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
