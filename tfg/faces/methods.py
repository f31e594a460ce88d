"""The three ways in which `tfg.faces.measure.measure` reads expression off a tracked face.

blendshapes   the landmarker's own coefficients. Fast and tested by millions, but blind to some actions, and the weak
              ones are weakly seen.
fit           the parametric head, fitted to the 478 points (`tfg.head.fit_clip`): one identity for the clip, then
              expression and pose of each frame. It sees what moves the mesh, AU 5, 6, 9 and 15 too, but no wrinkle.
learned       a network that takes points, blendshapes and pixels (`tfg.models.extractor`), trained on actors of whom
              the truth is known. The best of the three on people whom it has not seen.

What a method cannot tell is NaN, never 0. `tools/bench/extraction.py` scores all three.
"""
from __future__ import annotations

import numpy as np

from tfg.errors import InputError
from tfg.vocabulary import index

METHODS = ("blendshapes", "fit", "learned")
UNSEEN_BLENDSHAPES = ("cheekPuff", "cheekSquint", "jawForward", "jawRight", "noseSneer", "tongueOut")
"""MediaPipe reads these as 0, whatever the face does: at most 0.001 with the coefficient drawn at 1, on each of 12
actors of the split train, half of them portraits (tongueOut it does not report at all). The next weakest, mouthDimple,
reads up to 0.01 and is left as it is."""
UNSEEN_FIT = ("cheekPuff", "eyeLookDown", "eyeLookUp", "jawLeft", "jawRight", "mouthLeft", "mouthRight",
              "mouthShrugUpper", "tongueOut")
"""r below 0.2 on val actors (eyeLookDown and Up: the landmarker's irises tell hardly more than the lids; tongueOut: no
landmark moves), or never moved by the actors that its prior knows."""


def blind(method: str) -> list[int]:
    """Columns of the 52 that blendshapes or the fit cannot tell; of the network, its card says it (`config.unread`)."""
    return index(*{"blendshapes": UNSEEN_BLENDSHAPES, "fit": UNSEEN_FIT}[method])


def check_method(method: str) -> str:
    """The method, if there is such a one. Raises InputError."""
    if method not in METHODS:
        raise InputError(f"unknown method {method!r} of measuring: choose one of {', '.join(METHODS)}.")
    return method


def read(track, method: str) -> np.ndarray:
    """(T, 52) float32, absolute, of a `tfg.faces.measure.Track`; NaN where the face was not found or cannot be told.

    method: of `METHODS`; "learned" needs a track with crops.  Raises InputError: another method, missing weights.
    """
    if check_method(method) == "learned":
        from tfg.models import extractor

        return extractor.predict(track.crops, track.points, track.expression, track.pose)
    if method == "fit":
        from tfg.head.fit_clip import fit_clip
        from tfg.head.model import Head

        out = fit_clip(Head.load(), track.points).expression
    else:
        out = np.array(track.expression, np.float32)
    out[:, blind(method)] = np.nan
    return out
