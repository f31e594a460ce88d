"""The exercises of notebooks/ as learners find them: not done, and no obstacle to *Run all*.

All other cells are those of solutions/ (tests/test_notebooks.py), which papermill runs; what an open exercise leaves to
later cells is the solution's function, so a chapter with open exercises runs as the solved one does. The gate runs some
chapters of notebooks/ whole besides, and the weekly job all of them.
"""
from __future__ import annotations

import re

import numpy as np
import pytest

from notebook_tools import NAMES, cells
from tfg.course import check
from tfg.course.check import solution


@pytest.mark.parametrize("name", NAMES)
def test_open_exercises_are_not_done_and_hand_out_the_solution(name, capsys, monkeypatch):
    import torch
    import torch.nn.functional as F
    from torch import nn

    from tfg import vocabulary
    from tfg.media import audio

    monkeypatch.delenv("TFG_STRICT", raising=False)
    all_cells = cells(name, "notebooks")
    calls = [k for k, c in enumerate(all_cells) if c["cell_type"] == "code"
             and re.match(r"(?:\w+ = )?check\.\w+\(", c["source"])]
    assert calls
    for k in calls:
        wanted = re.match(r"(?:\w+ = )?check\.(\w+)\(", all_cells[k]["source"])[1]
        scope = {"np": np, "torch": torch, "F": F, "nn": nn, "audio": audio, "vocabulary": vocabulary, "check": check,
                 "EMOTIONS": vocabulary.EMOTIONS}
        source = all_cells[k - 1]["source"]
        exec(compile(source, f"{name}.ipynb:{wanted}", "exec"), scope)
        exec(compile(all_cells[k]["source"].replace(f"check.{wanted}({wanted})", f"given = check.{wanted}({wanted})")
                     if "=" not in all_cells[k]["source"] else f"{all_cells[k]['source']}\ngiven = {wanted}",
                     f"{name}.ipynb:{wanted}", "exec"), scope)
        assert capsys.readouterr().out == f"○ {wanted}: not done\n"
        assert scope["given"].__wrapped__ is solution(getattr(check, wanted))
