"""Films spoiled by a known amount: blur, shift, brightness, delay, flicker, the codec, another mouth.

All functions take frames (T, S, S, 3) uint8 and return as many, and change nothing where the amount is none. What is
broken in the acting, and so must be drawn anew, is in `tfg.scores.lab.stage`.
"""
from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MOUTH = (.5, .75)
"""Place of the mouth in a crop for dubbing (x, y), in crop sides; fixed, as the crop is placed by the skull."""
CRF = 18
"""Quality at which the package writes films; a film in which nothing is broken has gone through it, too."""


def blurred(frames, sigma: float, other=None) -> np.ndarray:
    """Frames with a Gaussian blur of sigma px.  frames: (T, S, S, 3) uint8, as in all functions of this file."""
    import cv2

    return np.stack([cv2.GaussianBlur(f, (0, 0), sigma) for f in frames]) if sigma else np.array(frames)


def shifted(frames, px: int, other=None) -> np.ndarray:
    """Frames moved to the right by `px`; their left edge is repeated."""
    return np.asarray(frames)[:, :, np.maximum(np.arange(np.shape(frames)[2]) - px, 0)]


def brighter(frames, grey: int, other=None) -> np.ndarray:
    """Frames with `grey` (of 255) added to each value; negative makes them darker."""
    return np.clip(np.asarray(frames, np.int16) + grey, 0, 255).astype(np.uint8)


def late(frames, n: int, other=None) -> np.ndarray:
    """Frames delayed by n against the sound; the first one is repeated."""
    return np.asarray(frames)[np.maximum(np.arange(len(frames)) - n, 0)]


def held(frames, n: int, other=None) -> np.ndarray:
    """Only each n-th frame, repeated until the next one; the picture stands still if n reaches the clip's length."""
    return np.asarray(frames)[np.arange(len(frames)) // n * n]


def other_mouth(frames, share: float, other) -> np.ndarray:
    """Frames with another person's mouth in a soft oval, matched in colour; share: 0 is none, 1 is mouth and chin.

    other: (n, S, S, 3) uint8 of another person's clip, in a loop if it is shorter.
    """
    frames, size = np.asarray(frames), np.shape(frames)[1]
    if not share:
        return frames.copy()
    at = (np.arange(size) + .5) / size
    away = np.hypot((at[None] - MOUTH[0]) / (.28 * share), (at[:, None] - MOUTH[1]) / (.17 * share))
    weight = np.clip((1 - away) / .3, 0, 1)[..., None]
    theirs = np.asarray(other, np.float32)[np.arange(len(frames)) % len(other)]
    colour = [(x * weight).sum((0, 1, 2)) / weight.sum() / len(x) for x in (frames.astype(np.float32), theirs)]
    theirs = np.clip(theirs + colour[0] - colour[1], 0, 255)
    return np.round(frames + weight * (theirs - frames)).astype(np.uint8)


def flickering(frames, grey: float, seed: int = 0) -> np.ndarray:
    """Frames whose brightness changes from one to the next by chance: each has its own number added, normal with a
    standard deviation of `grey` of 255. The same seed gives the same changes, times `grey`."""
    added = np.random.default_rng([seed, 47]).normal(size=len(frames))[:, None, None, None] * grey
    return np.clip(np.round(np.asarray(frames, np.float32) + added), 0, 255).astype(np.uint8)


def coded(frames, crf: int = CRF) -> np.ndarray:
    """Frames after the package's own H.264, written to a file at this `crf` (0 lossless .. 51) and read again."""
    from tfg.media.encode import write_video
    from tfg.media.video import FrameReader

    with tempfile.TemporaryDirectory(prefix="tfg-lab-") as folder:
        path = write_video(Path(folder, "film.mp4"), iter(frames), crf=crf)
        out = np.stack(list(FrameReader(path)))
    return np.ascontiguousarray(out[:, :np.shape(frames)[1], :np.shape(frames)[2]])


# ---- five strengths each, for figures ----------------------------------------------------------------------------
@dataclass(frozen=True)
class Spoil:
    """A way to spoil a film.  do: (frames, strength, other) -> frames.  strengths: five, from none to strong.  said:
    text of a strength, with {} for its number."""

    do: Callable
    strengths: tuple
    said: str


SPOILS = {
    "blur": Spoil(blurred, (0, .5, 1, 2, 3), "sigma {} px"), "shift": Spoil(shifted, (0, 1, 2, 4, 8), "{} px"),
    "brighter": Spoil(brighter, (0, 5, 10, 20, 40), "by {} of 255"),
    "late": Spoil(late, (0, 1, 2, 4, 8), "{} frames"), "held": Spoil(held, (1, 2, 4, 12, 999), "{} frames each"),
    "other mouth": Spoil(other_mouth, (0, .25, .5, .75, 1), "size {}")}
"""Ways to spoil a film, at five strengths each: two change the picture, two the time, one the person."""
