"""Action Units read off a film or a photo: 17 intensities from 0 to 5 for each frame, by any reader of the face.

`tfg.faces.readers` reads 52 coefficients in three ways; the AUs are a function of these (`tfg.faces.aus`). The method
`best` takes each AU from the reader that reads it best on unknown people: `BEST`, which `python -m tools.bench.aus`
found on actors of the split val and scores on the split test (docs/measured.md).
"""
from __future__ import annotations

import numpy as np

from tfg.errors import InputError
from tfg.faces.aus import AUS, MOST, UNSEEN, action_units
from tfg.faces.measure import Track, track
from tfg.faces.readers import METHODS, read
from tfg.faces.smooth import smooth_points

AU_METHODS = ("best", *METHODS)
BEST: dict[int, str] = {au: "learned" for au in AUS}
"""AU -> the reader that reads it best. On films of val actors that is the learned one for each of the 17; in photos the
fit reads AU 2 better there, but not on test actors."""


def check_au_method(method: str) -> str:
    """Return the method if it is one of `AU_METHODS`. Raises InputError for another."""
    if method not in AU_METHODS:
        raise InputError(f"unknown method {method!r} of reading Action Units: choose one of {', '.join(AU_METHODS)}.")
    return method


def sources(method: str = "best", *, fill: bool = True) -> dict[int, str]:
    """AU -> the reader that it is taken from.  method, fill: as in `measure_aus`.  Raises InputError."""
    check_au_method(method)
    out = dict(BEST) if method == "best" else {au: method for au in AUS}
    if method == "blendshapes" and fill:
        out |= {au: "learned" for au in UNSEEN}
    return out


def needs_crops(method: str = "best", *, fill: bool = True) -> bool:
    """Whether a method needs a track with crops, as the learned reader looks at pixels."""
    return "learned" in sources(method, fill=fill).values()


def measure_aus(video, method: str = "best", *, fill: bool = True, smooth: int = 0, face: int | None = None,
                progress=None) -> np.ndarray:
    """Action Units of each frame: (T, 17) float32 from 0 to 5, in the order of `tfg.faces.aus.AUS`.

    video: path of a film or photo, Clip, frames (T, H, W, 3) uint8, one picture (H, W, 3), or a
    `tfg.faces.measure.Track`.  method: best, blendshapes, fit or learned.  fill: with blendshapes, AU 5, 6, 9 and 15,
    which they do not show, are the learned reader's; False: they are NaN.  smooth: window in frames of a filter without
    delay.  face, progress, errors: as in `tfg.faces.measure.track`.
    The values are absolute: they contain the person's face at rest. Frames without a face are NaN.
    Raises ValueError for a Track without crops where the learned reader is needed.
    """
    chosen = sources(method, fill=fill)
    looks = needs_crops(method, fill=fill)
    followed = video if isinstance(video, Track) else track(video, face=face, progress=progress, crops=looks)
    if looks and followed.crops is None:
        raise ValueError("this Track has no crops, which the learned reader needs: make it with track(..., crops=True)")
    by = {m: action_units(read(followed, m), measured=m == "blendshapes") for m in dict.fromkeys(chosen.values())}
    out = np.stack([by[m][:, k] for k, m in enumerate(chosen[au] for au in AUS)], 1)
    return np.clip(smooth_points(out, smooth, fps=followed.fps), 0, MOST)            # a filter may overshoot
