"""The three methods by which `tfg.faces.measure.measure` computes expression from a tracked face.

blendshapes   the landmarker's own coefficients. The method is fast and widely used, but it does not measure some
              coefficients at all, and weak actions hardly.
fit           the parametric head, fitted to the 478 points (`tfg.head.fit_clip`): one identity for the clip, then
              expression and pose of each frame. It measures all that moves the mesh, AU 5, 6, 9 and 15 too, but no
              wrinkles.
learned       a network that takes points, blendshapes and pixels (`tfg.experts.extractor.network`), trained on virtual
              actors, whose truth is known. It is the best of the three on people on whom it was not trained.

Coefficients that a method cannot measure are NaN, never 0. `tools/bench/extraction.py` scores all three.
"""
from __future__ import annotations

import numpy as np

from tfg import registry
from tfg.errors import InputError
from tfg.vocabulary import index

METHODS = tuple(registry.READERS)
UNSEEN_BLENDSHAPES = ("cheekPuff", "cheekSquint", "jawForward", "jawRight", "noseSneer", "tongueOut")
"""Coefficients that MediaPipe measures as 0 in every expression: at most 0.001 where the coefficient is drawn at 1, on
each of 12 actors of the split train, half of them portraits (it does not report tongueOut at all). The next weakest,
mouthDimple, reaches 0.01 and is kept."""
UNSEEN_FIT = ("cheekPuff", "eyeLookDown", "eyeLookUp", "jawLeft", "jawRight", "mouthLeft", "mouthRight",
              "mouthShrugUpper", "tongueOut")
"""Coefficients whose r on val actors is below 0.2 with the fit (eyeLookDown and Up: the landmarker's irises follow the
lids; tongueOut moves no landmark), or that are constant in the training actors of its prior."""


def blind(method: str) -> list[int]:
    """Numbers of the coefficients that the method "blendshapes" or "fit" cannot measure. (Those of the method "learned"
    are in its network's card, `config.unread`.)"""
    return index(*{"blendshapes": UNSEEN_BLENDSHAPES, "fit": UNSEEN_FIT}[method])


def check_method(method: str) -> str:
    """Return the method if it is one of `METHODS`. Raises InputError for another."""
    if method not in METHODS:
        raise InputError(f"unknown method {method!r} of measuring: choose one of {', '.join(METHODS)}.")
    return method


def read(track, method: str) -> np.ndarray:
    """Absolute expression of a `tfg.faces.measure.Track` by a method: (T, 52) float32.

    Frames without a face and coefficients that the method cannot measure are NaN.  method: of `METHODS`; "learned"
    needs a track with crops.  Raises InputError for another method or missing weights.
    """
    return registry.function(registry.READERS[check_method(method)])(track)


def read_blendshapes(track) -> np.ndarray:
    """The landmarker's own coefficients: (T, 52) float32, NaN for those that it cannot measure (`blind`)."""
    out = np.array(track.expression, np.float32)
    out[:, blind("blendshapes")] = np.nan
    return out
