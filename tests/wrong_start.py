"""Wrong answers to the exercises of notebooks/00_start_here: name -> [(answer, a word of its message)].

For test_course_check.py.
"""
from __future__ import annotations

import numpy as np

WRONG = {
    "frame_at": [(lambda t: round(t * 25), "rounded"), (lambda t: int(t * 25) + 1, "count from 0"),
                 (lambda t: int(t * 30), "30 frames"), (lambda t: t * 25, "whole"),
                 (lambda t: int(t * 25), "1.16 * 25 is 28.99999"), (lambda t: int(t / 0.04), "rounding error")],
    "at_intensity": [(lambda a, i: i * a, "clip"), (lambda a, i: np.clip(a + i, 0, 1), "scale"),
                     (lambda a, i: np.minimum(i * a, 1), "below 0"), (lambda a, i: np.maximum(i * a, 0), "above 1"),
                     (lambda a, i: i * np.clip(a, 0, 1), "scale first"), (lambda a, i: a ** i, "largest difference"),
                     (lambda a, i: np.clip(np.multiply(a, i, out=a), 0, 1), "changed its argument")],
    "mix": [(lambda a, b, w: w * a + (1 - w) * b, "swapped"), (lambda a, b, w: a + w * b, "1 - weight"),
            (lambda a, b, w: (a + b) / 2, "average")],
}
