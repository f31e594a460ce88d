"""Helpers of the notebook tests: read cells, and run single functions out of a notebook."""
from __future__ import annotations

import ast
import itertools
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(p.stem for p in (ROOT / "solutions").glob("*.ipynb"))
DRAFTS = sorted(f"drafts/{p.stem}" for p in (ROOT / "solutions" / "drafts").glob("*.ipynb"))
"""Chapters whose system is not there yet: no notebook is made of them, but their exercises are held to their checks."""


def cells(name: str, folder: str = "solutions") -> list[dict]:
    """The cells of a notebook; `source` is one string."""
    notebook = json.loads((ROOT / folder / f"{name}.ipynb").read_text(encoding="utf-8"))
    return [cell | {"source": "".join(cell["source"])} for cell in notebook["cells"]]


def function(name: str, wanted: str, **given):
    """The function, or class, `wanted` as notebook `name` defines it, with itertools, NumPy, torch and tfg in reach.

    given: more names that the function uses. Other functions of its cell and of those before it come along.
    """
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn

    from tfg import vocabulary
    from tfg.media import audio

    scope = {"itertools": itertools, "np": np, "torch": torch, "F": F, "nn": nn, "audio": audio,
             "vocabulary": vocabulary, "EMOTIONS": vocabulary.EMOTIONS} | given
    for cell in cells(name):
        if cell["cell_type"] != "code" or not re.search(r"^(def|class) ", cell["source"], re.M):
            continue
        tree = ast.parse("\n".join(line for line in cell["source"].splitlines() if not line.lstrip().startswith("%")))
        defined = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        for node in defined:
            tree.body = [node]
            try:
                exec(compile(tree, f"{name}.ipynb:{wanted}", "exec"), scope)
            except NameError:                                 # a default that the notebook's setup gives
                if node.name == wanted:
                    raise
        scope |= given                                        # what the test gives goes before
        if any(node.name == wanted for node in defined):
            return scope[wanted]
    raise LookupError(f"solutions/{name}.ipynb defines no {wanted}()")


def exercises(names: list[str] = NAMES) -> list[tuple[str, str]]:
    """(notebook, function) of every exercise, read from the cells that call `check.<function>`."""
    found = []
    for name in names:
        for cell in cells(name):
            call = re.match(r"(?:\w+ = )?check\.(\w+)\(", cell["source"])
            if cell["cell_type"] == "code" and call:
                found.append((name, call.group(1)))
    return found
