"""Wrong answers to the exercises of notebooks/02_faces: name -> [(answer, a word of its message)].

For test_course_check.py.
"""
from __future__ import annotations

import numpy as np

from tfg.faces import geometry
from tfg.faces.points68 import along

WRONG = {
    "resample": [(lambda line, n: along(line, n)[:, ::-1], "exchanged"),
                 (lambda line, n: along(line, n + 1)[:n], "last point"),
                 (lambda line, n: np.stack([np.interp(np.linspace(0, len(line) - 1, n), np.arange(len(line)), c)
                                            for c in line.T], 1), "point number")],
    "head_tilt": [(lambda p: np.arctan2(*(p[263, 1::-1] - p[33, 1::-1])), "radians"),
                  (lambda p: -np.degrees(np.arctan2(*(p[263, 1::-1] - p[33, 1::-1]))), "sign"),
                  (lambda p: np.degrees(np.arctan2(*(p[263, :2] - p[33, :2]))), "swapped"),
                  (lambda p: np.degrees(np.arctan2(*(p[263, 1::-1] - p[33, 1::-1]))) % 360, "0 to 360"),
                  (lambda p: np.degrees(np.arcsin((p[263, 1] - p[33, 1]) / np.linalg.norm(p[263] - p[33]))), "depth")],
    "invert_similarity": [(lambda m: np.column_stack([np.linalg.inv(m[:, :2]), -m[:, 2]]), "only negated"),
                          (lambda m: m, "is the argument `matrix`, unchanged"),
                          (lambda m: np.column_stack([m[:, :2].T, -m[:, :2].T @ m[:, 2]]), "scale")],
    "lip_gap": [(lambda p: geometry.lip_gap(p) * geometry.eye_distance(p), "pixels"),
                (lambda p: 3 * geometry.lip_gap(p), "average them"),
                (lambda p: np.linalg.norm(p[13, :2] - p[14, :2]) / geometry.eye_distance(p), "middle pair"),
                (lambda p: np.linalg.norm((p[[82, 13, 312], :2] - p[[87, 14, 317], :2]).mean(0))
                 / geometry.eye_distance(p), "mean points"),
                (lambda p: np.linalg.norm(p[[82, 13, 312]] - p[[87, 14, 317]], axis=1).mean()
                 / geometry.eye_distance(p), "depth")],
    "jitter": [(lambda t, eye: np.sqrt(((t - t.mean(0)) ** 2).sum(2).mean()), "pixels"),
               (lambda t, eye: np.sqrt(((t - t.mean(0)) ** 2).mean()) / eye, "x and y"),
               (lambda t, eye: ((t - t.mean(0)) ** 2).sum(2).mean() / eye, "root"),
               (lambda t, eye: np.sqrt(((t - t.mean(0)) ** 2).sum(2).mean() / eye), "inside the root"),
               (lambda t, eye: 100 * np.sqrt(((t - t.mean(0)) ** 2).sum(2).mean()) / eye, "per cent")],
    "moving_average": [(lambda x, w: np.convolve(x, np.ones(w) / w, "same"), "zeros"),
                       (lambda x, w: np.convolve(x, np.ones(w) / w, "valid"), "shorter"),
                       (lambda x, w: np.array([x[max(i - w // 2, 0):i + w // 2 + 1].mean() for i in range(len(x))]),
                        "cut short")],
}
