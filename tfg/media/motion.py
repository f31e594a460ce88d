"""`Motion`: curves of a face's expression and pose; reading, writing and editing them."""
from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic
from tfg.media.audio import FPS
from tfg.media.npz import VERSION, read_npz
from tfg.vocabulary import EXPRESSION, POSE, index

STORED = ("expression", "expression_names", "pose", "pose_names", "identity", "motion_fps", "motion_meta")
"""Names of the arrays of a motion in an .npz."""
MOST_FRAMES = 25 * 3600 * 12
"""Most frames of a motion that is read: twelve hours."""
RATES = 1.0, 1000.0
"""Lowest and highest frame rate of a motion, per second."""
MOST = {"expression": 100.0, "angles": 3600.0, "places": 100.0}
"""Largest absolute values of coefficients, of angles in degrees, and of translations in head widths."""


_ZEROS: Any = None
"""Default of `Motion.pose`, which becomes zeros."""


@dataclass(repr=False)
class Motion:
    """Motion of a face: expression (T, 52) in `vocabulary.EXPRESSION` order, pose (T, 6) as `vocabulary.POSE`.

    Both become float32. Expression is in [0, 1] when rendered (offsets may leave it); values that were not measured are
    NaN; a missing pose is zeros.  identity: (K,) coefficients of the head, if known.  meta: a dict for JSON.
    landmarks: (T, 478, 3) px if `tfg.measure` made the motion, else None; files and methods do not keep them.
    Methods return new Motions and leave their own unchanged.  Raises ValueError for other shapes.
    """

    expression: np.ndarray
    pose: np.ndarray = _ZEROS
    fps: float = float(FPS)
    identity: np.ndarray | None = None
    meta: dict = field(default_factory=dict)
    landmarks: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self):
        if np.iscomplexobj(self.expression) or np.iscomplexobj(self.pose):
            raise ValueError("Motion needs real numbers, got complex ones")
        self.expression = np.asarray(self.expression, np.float32)
        T = len(self.expression)
        self.pose = np.zeros((T, len(POSE)), np.float32) if self.pose is None else np.asarray(self.pose, np.float32)
        if self.expression.shape != (T, len(EXPRESSION)) or self.pose.shape != (T, len(POSE)):
            raise ValueError(f"Motion needs expression (T, {len(EXPRESSION)}) and pose (T, {len(POSE)}), got "
                             f"{self.expression.shape} and {self.pose.shape}")

    @staticmethod
    def still(T: int) -> Motion:
        """A motion of T frames of a relaxed face that looks ahead: all values are 0."""
        return Motion(np.zeros((T, len(EXPRESSION)), np.float32))

    def __repr__(self) -> str:
        return f"Motion({len(self)} frames, {len(self) / self.fps:.2f} s)"

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, at: int | slice) -> Motion:
        """A slice of the frames, or one frame, as a Motion."""
        if not isinstance(at, slice):
            at = range(len(self))[at]  # IndexError beyond the ends
            at = slice(at, at + 1)
        return replace(self, expression=self.expression[at], pose=self.pose[at])

    def curve(self, name: str) -> np.ndarray:
        """One curve (T,): a pose component or a coefficient by name. "mouthSmile", without a side, is the mean of both
        sides."""
        if name in POSE:
            return self.pose[:, POSE.index(name)]
        return self.expression[:, index(name)].mean(1)

    def override(self, **curves) -> Motion:
        """Replace curves by numbers or arrays (T,), named as coefficients or pose components (without a side: both).

        Raises ValueError for another shape, KeyError for an unknown name.
        """
        expression, pose = self.expression.copy(), self.pose.copy()
        for name, value in curves.items():
            value = np.asarray(value, np.float32)
            if value.shape not in ((), (len(self),)):
                raise ValueError(f"the curve {name} must be a number or ({len(self)},), got {value.shape}")
            columns, target = ([POSE.index(name)], pose) if name in POSE else (index(name), expression)
            target[:, columns] = value if value.ndim == 0 else value[:, None]
        return replace(self, expression=expression, pose=pose)

    def mix(self, other: Motion, w: float | np.ndarray) -> Motion:
        """Mix two motions of T frames: (1 - w) self + w other; w is a number or (T,).

        A value that is NaN in one motion is taken from the other.  Raises ValueError for different lengths.
        """
        if len(other) != len(self):
            raise ValueError(f"motions of {len(self)} and {len(other)} frames cannot be mixed; cut them to one length")
        w = np.broadcast_to(np.asarray(w, np.float32), (len(self),))[:, None]
        return replace(self, expression=_mixed(self.expression, other.expression, w),
                       pose=_mixed(self.pose, other.pose, w))

    def smooth(self, window: int = 5) -> Motion:
        """Smooth without delay by a Savitzky-Golay filter (a parabola over `window` frames), which keeps the times of
        peaks and lip closures.

        Values that are NaN stay NaN. A window of 1 changes nothing; an even one is made one frame longer.
        """
        return replace(self, expression=_smoothed(self.expression, window), pose=_smoothed(self.pose, window))

    def arrays(self) -> dict[str, Any]:
        """Arrays that are written to the .npz, by name."""
        identity = np.zeros(0, np.float32) if self.identity is None else np.asarray(self.identity, np.float32)
        return {"expression": self.expression, "expression_names": np.array(EXPRESSION), "pose": self.pose,
                "pose_names": np.array(POSE), "identity": identity, "motion_fps": np.array(self.fps, np.float64),
                "motion_meta": np.array(json.dumps(self.meta, default=str))}

    def save(self, path: str | os.PathLike) -> Path:
        """Write the motion and the names of its columns to an .npz (atomically). Returns the path.

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
        """Read a file of `save`, or the motion in the .npz of a saved Clip.

        Raises InputError if it is missing, damaged, or no file of tfg.
        """
        data = read_npz(path, "motion", STORED, most_bytes=MOST_FRAMES * 8 * (len(EXPRESSION) + len(POSE)))
        if "expression" not in data:
            raise InputError(f"{path} holds no motion; make one with `tfg measure VIDEO --out M.npz` or --save-motion.")
        return motion_of(data, path)


def _mixed(a: np.ndarray, b: np.ndarray, w: np.ndarray) -> np.ndarray:
    """(1 - w) a + w b, with NaN in one replaced by the other."""
    a, b = np.where(np.isnan(a), b, a), np.where(np.isnan(b), a, b)
    return (1 - w) * a + w * b


def _smoothed(x: np.ndarray, window: int) -> np.ndarray:
    """Smooth each column of x (T, C) by itself; NaN are interpolated for the filter and stay NaN."""
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


def motion_of(data: dict[str, np.ndarray], path) -> Motion:
    """Make a Motion from the arrays of an .npz; columns are ordered by their names.

    path: the file's name for messages.  Raises InputError for missing or unsuitable arrays.
    """
    try:
        for name in ("expression", "pose", "identity", "motion_fps"):
            if data[name].dtype.kind not in "biuf":
                raise InputError(f"{path} holds {name} as {data[name].dtype}, where a motion has real numbers; make it "
                                 "again.")
        expression = _by_name(data["expression"], data["expression_names"], EXPRESSION, path)
        pose = _by_name(data["pose"], data["pose_names"], POSE, path)
        identity = data["identity"].astype(np.float32) if data["identity"].size else None
        fps, meta = float(data["motion_fps"]), json.loads(str(data["motion_meta"]))
        if not isinstance(meta, dict):
            raise ValueError(f"meta is a {type(meta).__name__}, not a dict")
        return check(Motion(expression, pose, fps, identity, meta), path)
    except InputError:
        raise
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise InputError(f"{path} holds a motion that is not complete ({error}); make it again.") from error


def check(motion: Motion, name="the motion") -> Motion:
    """Return the motion after a check that a face can play it.  name: the file's name for messages.

    Raises InputError for more frames than `MOST_FRAMES`, a frame rate outside `RATES`, and values beyond `MOST`,
    infinities too (NaN is allowed: not measured).
    """
    low, high = RATES
    if len(motion) > MOST_FRAMES:
        raise InputError(f"{name} has {len(motion)} frames; cut it into parts of at most {MOST_FRAMES}.")
    if not low <= motion.fps <= high:                         # also NaN
        raise InputError(f"{name} runs at {motion.fps:g} frames/s; give {low:g} to {high:g}.")
    parts = {"expression": motion.expression, "angles": motion.pose[:, :3], "places": motion.pose[:, 3:]}
    for part, values in parts.items():
        size = np.abs(values)
        if (size > MOST[part]).any():                         # NaN compares as False
            raise InputError(f"{name} holds {part} up to {np.nanmax(size):.3g}, where {MOST[part]:g} is far beyond any "
                             "face; measure the video again, or scale them.")
    return motion


def _by_name(values: np.ndarray, names: np.ndarray, wanted: tuple[str, ...], path) -> np.ndarray:
    """Columns of values (T, C), which are called `names`, in the order `wanted`. Raises InputError for other names."""
    found = [str(n) for n in names]
    if sorted(found) != sorted(wanted) or values.ndim != 2 or values.shape[1] != len(wanted):
        odd = sorted(set(names) ^ set(wanted))
        raise InputError(f"{path} holds {values.shape[-1]} columns where tfg has {len(wanted)} by other names "
                         f"({', '.join(odd[:3]) or 'some twice'}); measure the video again with this tfg.")
    return values[:, [found.index(n) for n in wanted]]
