"""Checks of notebooks/00_start_here."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import exercise, same


@exercise
def frame_at(answer):
    """frame_at(time_s) -> int: the frame on screen at that time, 25 per second."""
    times = ((60.01, 1500), (0.039, 0), (0.0, 0), (0.05, 1), (0.99, 24), (1.0, 25), (2.33, 58), (1.16, 29), (2.28, 57))
    for time_s, want in times:
        same(answer(time_s), want, what=f"frame_at({time_s})", atol=0, rtol=0, mistakes={
            "you rounded to the nearest frame: a frame stays on screen until the next one begins":
            round(time_s * 25 + 1e-9),
            "frames count from 0: at the very beginning it is frame 0": want + 1,
            "you used 30 frames per second; here it is 25": int(time_s * 30),
            f"you cut off a rounding error: {time_s} * 25 is {time_s * 25!r} in floats, a hair below {want}, and int() "
            "makes that one frame less; add 1e-9 before you cut": want - 1 if time_s in (1.16, 2.28) else np.nan,
            "you forgot to round down: frames are whole": time_s * 25,
            "time is in seconds, not in milliseconds": int(time_s * 25 / 1000)})


@exercise
def at_intensity(answer):
    """at_intensity(actions (52,), intensity) -> (52,), scaled, within [0, 1]."""
    rng = np.random.default_rng(1)
    for intensity, lowest in ((2.5, 0), (0.3, 0), (1.0, -0.1), (2.0, -0.1), (0.0, 0)):      # curves may dip below 0
        actions = rng.uniform(lowest, 1, 52)
        scaled = intensity * actions
        same(answer(actions, intensity), np.clip(scaled, 0, 1), what=f"at_intensity(actions, {intensity})", mistakes={
            "values below 0 are left: clip to [0, 1], at both limits": np.minimum(scaled, 1),
            "values above 1 are left: scale first, then clip to [0, 1]: muscles have a limit": np.maximum(scaled, 0),
            "the intensity is added; it should scale": np.clip(actions + intensity, 0, 1),
            "you limited the intensity first: 2.5 should still push weak actions further":
            min(intensity, 1) * actions,
            "you normalised the result: its largest value need not be 1": scaled / max(1, scaled.max())})


@exercise
def mix(answer):
    """mix(a (52,), b (52,), weight) -> (52,): a at weight 0, b at weight 1."""
    rng = np.random.default_rng(2)
    for weight in (0.25, 0.0, 0.5, 0.9, 1.0):
        a, b = rng.uniform(0, 1, (2, 52))
        same(answer(a, b, weight), (1 - weight) * a + weight * b, what=f"mix(a, b, {weight})", mistakes={
            "a and b are swapped: weight 0 must give a": weight * a + (1 - weight) * b,
            "a is not weakened while b is added: use 1 - weight for a": a + weight * b,
            "the weight is ignored: that is the average": (a + b) / 2,
            "you took the larger of the two": np.maximum((1 - weight) * a, weight * b)})
