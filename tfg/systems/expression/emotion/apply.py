"""Add an emotion to a face that speaks calmly: `add` for vectors, `add_to_motion` for Motions.

    result = source + alpha * change,        change = model(window, emotion, intensity, time)

computed on unclipped offsets from the person's neutral; only rendering clips. The number of frames stays.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from tfg.acting.emotion import check_emotion
from tfg.errors import InputError
from tfg.media.audio import FPS
from tfg.media.motion import Motion
from tfg.vocabulary import EMOTIONS, EXPRESSION

MODELS = ("linear", "transformer", "automl")
MOST = 2.0
"""Largest |alpha|; beyond it faces fall apart."""


def add(offsets: np.ndarray, emotion: str, intensity: float = 1.0, *, alpha: float = 1.0, ortho: bool = False,
        model: str = "linear", folder=None, fps: float = FPS, when: np.ndarray | None = None) -> np.ndarray:
    """The same speech with an emotion: (T, 52) float32 offsets from neutral in and out, neither clipped.

    offsets: 0 is this person at rest; NaN was not measured, stays NaN, and counts as rest for the others.
    emotion: a code such as HAP.  intensity: 0..1, strength of the emotion.  alpha: weight of the change, -2..2; a
    negative one subtracts it.  ortho: add only what is orthogonal to the source, frame by frame (`orthogonal`).
    model: linear, transformer or automl.  folder: folder of the trained model; None for the one that ships.
    when: (T, 10) the frames' times as `features.times` gives them, if these are no clip of T frames.
    NEU, intensity 0 and alpha 0 give the source exactly.
    Raises InputError: other shapes, unknown emotion or model, numbers out of range, no such model.
    """
    source = np.asarray(offsets, np.float32)
    code = _check(source, emotion, intensity, alpha, model)
    if code == "NEU" or intensity == 0 or alpha == 0 or not len(source):
        return source.copy()
    delta = change(source, code, float(intensity), model=model, folder=folder, fps=fps, when=when)
    if ortho:
        delta = orthogonal(delta, source)
    return (source + np.float32(alpha) * delta).astype(np.float32)


def change(source: np.ndarray, emotion: str, intensity: float, *, model: str = "linear", folder=None,
           fps: float = FPS, when: np.ndarray | None = None) -> np.ndarray:
    """Change that a model predicts for each frame, before alpha and ortho: (T, 52) float32, without NaN.

    source: (T, 52).  emotion: a code other than NEU.  when: as `add`.
    """
    from tfg.systems.expression.emotion.features import times

    known = np.nan_to_num(source, nan=0.0)
    when = times(len(known), fps) if when is None else when
    if model == "linear":
        from tfg.systems.expression.emotion import linear
        from tfg.systems.expression.emotion.files import load_arrays

        arrays = load_arrays("linear", folder, shapes={"weight": linear.SHAPE})[0]
        return linear.change(arrays, known, emotion, intensity, when)
    if model == "transformer":
        from tfg.systems.expression.emotion import transformer

        return transformer.change(transformer.load(folder)[0], known, emotion, intensity, when)
    from tfg.systems.expression.emotion import automl

    return automl.change(automl.load(folder)[0], known, emotion, intensity, when)


def orthogonal(delta: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Part of `delta` that is orthogonal to `source`, vector by vector: delta - (delta . source / |source|^2) source.

    delta, source: (..., 52); the fork projected *onto* the source and divided by its norm instead of the square. A
    source of zeros takes nothing away. Unmeasured coefficients (NaN) count in neither.
    """
    known = np.isfinite(source) & np.isfinite(delta)
    s, d = np.where(known, source, 0).astype(np.float64), np.where(known, delta, 0).astype(np.float64)
    along, square = (d * s).sum(-1, keepdims=True), (s * s).sum(-1, keepdims=True)
    share = np.divide(along, square, out=np.zeros_like(along), where=square > 1e-12)
    return (delta - share * s).astype(np.float32)


def all_emotions(offsets: np.ndarray, intensity: float = 1.0, **options) -> dict[str, np.ndarray]:
    """The same speech in all six emotions: code -> (T, 52). options: keyword arguments of `add`."""
    return {code: add(offsets, code, intensity, **options) for code in EMOTIONS}


def add_to_motion(motion: Motion, emotion: str, intensity: float = 1.0, **options) -> Motion:
    """The motion with an emotion; pose and length are kept. options: keyword arguments of `add`.

    The face at rest of a measured motion (`tfg.faces.geometry.rest_of`) is subtracted first and added back afterwards.
    """
    from tfg.faces.geometry import rest_of

    expression, rest = motion.expression, rest_of(motion)
    offsets = (expression - rest) / (1 - rest)
    settings = {"emotion": str(emotion).upper(), "intensity": float(intensity), **options}
    added = add(offsets, emotion, intensity, fps=motion.fps, **options)
    done = np.array_equal(added, offsets, equal_nan=True)
    return replace(motion, expression=expression.copy() if done else rest + (1 - rest) * added,
                   meta={**motion.meta, "added": settings})


def _check(source: np.ndarray, emotion: str, intensity: float, alpha: float, model: str) -> str:
    if source.ndim != 2 or source.shape[1] != len(EXPRESSION):
        raise InputError(f"offsets of shape {source.shape} were given; an emotion is added to (T, {len(EXPRESSION)}).")
    if np.isinf(source).any():
        raise InputError("the offsets hold an infinite number; give finite ones, or NaN where nothing was measured.")
    code = check_emotion(emotion, intensity)
    if not isinstance(alpha, (int, float, np.floating, np.integer)) or not -MOST <= alpha <= MOST:
        raise InputError(f"alpha is {alpha!r}, but it must be a number from {-MOST:g} to {MOST:g}.")
    if model not in MODELS:
        raise InputError(f"unknown model {model!r}; choose one of {', '.join(MODELS)}.")
    return code
