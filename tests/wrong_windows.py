"""Wrong answers to the exercises of notebooks/06_from_raw_video_to_windows: name -> [(answer, a word of its message)].

For test_course_check.py.
"""
from __future__ import annotations

import numpy as np

from tfg.faces import align


def _screen(n, fps, middle, early):
    i = np.arange(max(1, round(n / fps * 25)))
    return np.clip(np.floor(((i + middle) / 25 - early) * fps + 1e-9), 0, n - 1).astype(int)


def _square(box, n, into, out):
    s = n / (box[2] - box[0])
    return np.array([[s, 0, (into - box[0]) * s - out], [0, s, (into - box[1]) * s - out]])


def _away(n, first, least):
    starts = np.arange(n)
    return starts[np.abs(starts - first) >= least]


def _pairs(train, test, what):
    return [(a["clip"], b["clip"]) for a in train for b in test if a[what] == b[what]]


def _people(train, test):
    return sorted({*_pairs(train, test, "actor"), *_pairs([r for r in train if r["photo"]], test, "photo")})


WRONG = {
    "source_frames": [(lambda n, fps: np.arange(n), "slow motion"),
                      (lambda n, fps: _screen(n, fps, 0, 0), "beginning"),
                      (lambda n, fps: _screen(n, fps, .5, 0), "2 ms"),
                      (lambda n, fps: _screen(n, fps, 0, .002), "just before the beginning"),
                      (lambda n, fps: _screen(n, fps, 1, .002), "just before the end"),
                      (lambda n, fps: _screen(10 ** 6, fps, .5, .002)[:max(1, round(n / fps * 25))], "lies beyond"),
                      (lambda n, fps: _screen(n, fps, .5, .002)[:round(n / fps * 25)], "gives no frame"),
                      (lambda n, fps: _screen(n, fps, .5, .002)[:-1], "shape")],
    "crop_matrix": [(lambda box, n: _square(box, n, 0, 0), "half pixel"),
                    (lambda box, n: _square(box, n, 0, .5), "half"),
                    (lambda box, n: _square(box, n, .5, 0), "half"),
                    (lambda box, n: align.invert(align.box_matrix(box, n)), "other way"),
                    (lambda box, n: align.box_matrix(box, n).T, "transposed")],
    "negative_starts": [(lambda n, f, T: np.delete(np.arange(n - T + 1), f), "only the window itself"),
                        (lambda n, f, T: _away(n - T + 1, f, T + 1), "T frames away is enough"),
                        (lambda n, f, T: _away(n, f, T), "beyond the clip"),
                        (lambda n, f, T: np.arange(f + T, n - T + 1), "earlier ones"),
                        (lambda n, f, T: _away(n - T, f, T), "last possible start")],
    "leaks": [(lambda a, b: _pairs(a, b, "actor"), "not people"), (lambda a, b: _pairs(a, b, "photo"), "None"),
              (lambda a, b: [p[::-1] for p in _pairs(a, b, "actor")], "turned round"), (lambda a, b: [], "missing"),
              (lambda a, b: [(x["clip"], y["clip"]) for x in a for y in b], "None"),
              (lambda a, b: _pairs(a, b, "actor") + _pairs([r for r in a if r["photo"]], b, "photo"), "twice"),
              (lambda a, b: list({p[0]: p for p in _people(a, b)[::-1]}.values()), "do not stop"),
              (lambda a, b: _pairs([r for r in a if r["photo"]], b, "photo"), "only photos"),
              (lambda a, b: [r["clip"] for r in a], "pairs")],
}
