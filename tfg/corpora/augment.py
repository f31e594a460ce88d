"""Random changes of light, colour, camera quality and side (mirror image) of the windows that a network trains on.

A window is changed as a whole. One draw holds for its T frames *and for its reference frames*: the same light,
colours, blur, compression and flip, as if one camera had taken both. (Were each frame lit anew, a network would learn
flicker; were the reference another colour than the target, it could not know which to paint.) Only noise differs from
frame to frame, as a sensor's does, at one strength. A flip takes the labels with it: points, coefficients and pose
(`tfg.faces.mirror`).

    frames = Augment().frames(frames, draws, 0)
"""
from __future__ import annotations

import functools
from dataclasses import dataclass, fields

import numpy as np

from tfg.corpora import seeded
from tfg.errors import InputError
from tfg.faces import mirror

_STREAM = 40
_BANK, _STEPS = 1 << 18, 30


def _matrix(m: np.ndarray, size: int) -> np.ndarray:
    """Matrices (..., 2, 3) from points to a crop, changed to lead to the flipped crop."""
    out = m.copy()
    out[..., 0, :] *= -1
    out[..., 0, 2] += size - 1
    return out


MIRRORED = {"expression": lambda e, size: mirror.expression(e), "pose": lambda p, size: mirror.pose(p),
            "points": mirror.points, "matrix": _matrix, "aus": None, "intensity": None, "ok": None}
"""Array of the store -> function of its values and the frame size that mirrors it (None: it does not change)."""


@dataclass(frozen=True)
class Augment:
    """Limits of the changes to a window. All 0 is no change; the changes are drawn anew for each window and epoch.

    brightness: largest shift, of the range 0..1.  contrast: largest change of the slope about mid-grey, 0.2 is x 0.8
    to 1.2.  gamma: largest |ln gamma|.  colour: largest gain of one channel, 0.06 is x 0.94 to 1.06.  noise: largest
    standard deviation, of the range 0..1.  blur: largest standard deviation, px of a 96 px frame.  jpeg: lowest
    quality, 0 for none.  noise_p, blur_p, jpeg_p, flip_p: share of the windows that get this change, 0 to 1.
    Raises InputError for values outside these ranges.
    """

    brightness: float = 0.08
    contrast: float = 0.2
    gamma: float = 0.2
    colour: float = 0.06
    noise: float = 0.03
    noise_p: float = 0.3
    blur: float = 1.0
    blur_p: float = 0.1
    jpeg: int = 50
    jpeg_p: float = 0.1
    flip_p: float = 0.5

    def __post_init__(self):
        for f in fields(self):
            value, most = getattr(self, f.name), {"blur": 10.0, "jpeg": 100}.get(f.name, 1.0)
            if not 0 <= value <= most:
                raise InputError(f"{f.name} is {value}; give a number from 0 to {most:g}.")

    def draw(self, seed: int, epoch: int, index: np.ndarray) -> dict[str, np.ndarray]:
        """Strength of each change for these windows: (B,) per name, (B, 3) for colour.  index: (B,) int windows.

        Depends on seed, epoch and index alone.
        """
        index = np.asarray(index, np.int64).reshape(-1)

        def u(k: int) -> np.ndarray:                             # [0, 1)
            return seeded.uniform(seed, epoch, _STREAM + k, index)

        colour = np.stack([u(k) for k in (0, 1, 2)], 1)
        return {"brightness": (2 * u(3) - 1) * self.brightness, "contrast": 1 + (2 * u(4) - 1) * self.contrast,
                "gamma": np.exp((2 * u(5) - 1) * self.gamma), "colour": 1 + (2 * colour - 1) * self.colour,
                "noise": np.where(u(6) < self.noise_p, u(7) * self.noise, 0.0),
                "blur": np.where(u(8) < self.blur_p, u(9) * self.blur, 0.0),
                "jpeg": np.where((u(10) < self.jpeg_p) & (self.jpeg > 0), self.jpeg + u(11) * (95 - self.jpeg), 100.0),
                "flip": u(12) < self.flip_p,
                "grain": seeded.whole(seed, epoch, _STREAM + 13, index, _BANK)}

    def frames(self, x: np.ndarray, draws: dict, which: int = 0) -> np.ndarray:
        """Change windows.  x: (B, T, 3, S, S) uint8, changed in place.  which: 0 for the window, 1 for its reference
        (another piece of noise).  Returns x."""
        tables = self._tables(draws)
        for b, window in enumerate(x):
            if tables is not None:
                _recolour(window, tables[b])
            if (sigma := draws["blur"][b] * x.shape[-1] / 96) > 0.15:           # less cannot be seen
                _blur(window, sigma)
            if draws["noise"][b] > 0:
                _grain(window, draws["noise"][b], int(draws["grain"][b]) + 7919 * which)
            if draws["jpeg"][b] < 95:
                _compress(window, int(draws["jpeg"][b]))
            if draws["flip"][b]:
                _flip(window)
        return x

    def labels(self, item: dict, draws: dict, size: int) -> dict:
        """Mirror the labels of the flipped windows, in place.  item: arrays (B, T, ...) by name.  Returns item."""
        flipped = np.flatnonzero(draws["flip"])
        if len(flipped):
            for name, turn in MIRRORED.items():
                if name in item and turn is not None:
                    item[name][flipped] = turn(item[name][flipped], size)
        return item

    def _tables(self, draws: dict) -> np.ndarray | None:
        """New value of each value 0..255 in each channel, (B, 3, 256) uint8; None if no colour is ever changed."""
        if not (self.brightness or self.contrast or self.gamma or self.colour):
            return None
        v = np.linspace(0, 1, 256) ** draws["gamma"][:, None, None]                       # (B, 1, 256)
        v = v * draws["colour"][:, :, None]
        v = (v - 0.5) * draws["contrast"][:, None, None] + 0.5 + draws["brightness"][:, None, None]
        return np.clip(np.rint(v * 255), 0, 255).astype(np.uint8)


# ---- changes to one window, (T, 3, S, S) uint8, in place ------------------------------------------------------------
def _recolour(x: np.ndarray, tables: np.ndarray) -> None:
    import cv2

    T, _, S, _ = x.shape
    for c in range(3):
        for t in range(T):
            cv2.LUT(x[t, c], tables[c], dst=x[t, c])


def _blur(x: np.ndarray, sigma: float) -> None:
    import cv2

    for plane in x.reshape(-1, *x.shape[2:]):
        cv2.GaussianBlur(plane, (0, 0), sigma, dst=plane, borderType=cv2.BORDER_REFLECT_101)


def _grain(x: np.ndarray, sigma: float, at: int) -> None:
    """Add normal noise from a bank that is made once; each frame starts at another place of it."""
    import cv2

    bank, n, k = _bank(), x[0].size, sigma * 255 / _STEPS
    for t, frame in enumerate(x):
        start = (at + t * 104_729) % _BANK
        noise = bank[start:start + n] if n <= _BANK else np.resize(bank[start:], n)
        rows = frame.reshape(-1, frame.shape[-1])
        cv2.addWeighted(rows, 1.0, noise.reshape(rows.shape), k, -128 * k, dst=rows)      # rounds and saturates


@functools.lru_cache(maxsize=1)
def _bank() -> np.ndarray:
    """Noise, (2 * _BANK,) uint8: 128 + 30 x normal numbers of a fixed seed, repeated so that no slice has to wrap."""
    noise = np.random.default_rng([0, _STREAM]).standard_normal(_BANK, np.float32) * _STEPS
    return np.tile(np.clip(np.rint(128 + noise), 1, 255).astype(np.uint8), 2)


def _compress(x: np.ndarray, quality: int) -> None:
    """Encode each frame as JPEG and decode it again, as a web video has been."""
    import cv2

    for frame in x:
        data = cv2.imencode(".jpg", cv2.merge(frame[::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        frame[::-1] = cv2.split(cv2.imdecode(data, cv2.IMREAD_COLOR))


def _flip(x: np.ndarray) -> None:
    import cv2

    rows = x.reshape(-1, x.shape[-1])
    cv2.flip(rows, 1, dst=rows)
