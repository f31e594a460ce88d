"""The metric lab: scores that are measured themselves, on virtual actors of whom one thing is broken by a known amount.

    from tfg.scores.lab import lab
    found = lab("build/lab")
    print(found.cell("aperture_r", "lips_small").word, found.marked("aperture_r"))

`tfg lab` is the same from the command line. What is broken is in `tfg.scores.lab.defects`, what each score should see
in `tfg.scores.lab.columns`, how it is judged in `tfg.scores.lab.matrix`.
"""
from __future__ import annotations

from tfg.scores.lab.columns import LAB_SCORES
from tfg.scores.lab.defects import DEFECTS
from tfg.scores.lab.matrix import Cell, Lab
from tfg.scores.lab.run import lab

__all__ = ["DEFECTS", "LAB_SCORES", "Cell", "Lab", "lab"]
