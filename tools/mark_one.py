"""Judge the exercises of one submitted notebook; tools/mark.py runs this in a process of its own.

    python -m tools.mark_one NOTEBOOK CHAPTER [--skip FUNCTION ...]

Nothing is trained and nothing is drawn: of each code cell only imports, functions, classes and plain constants are run,
in the notebook's order, and every exercise is held against its check. Prints a line of JSON when it begins with an
exercise and one when it is done, so that the caller knows which answer never came back.
"""
from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import os
import sys
from pathlib import Path

from tools import chapters

BORROWED = ("EMOTIONS", "F", "audio", "np", "torch", "vocabulary")
"""Names that the chapters import somewhere; a submission whose import cell is gone still finds them."""


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mark_one")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("chapter")
    parser.add_argument("--skip", nargs="*", default=())
    given = parser.parse_args(words)
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)    # the one way out: what answers print is dropped
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    wanted = [its.function for its in chapters.read(chapters.ROOT / "solutions" / f"{given.chapter}.ipynb").exercises]
    for event in judged(chapters.cells(given.notebook), [name for name in wanted if name not in given.skip]):
        print(json.dumps(event, ensure_ascii=False), file=lines, flush=True)
    return 0


def judged(cells: list[dict], functions: list[str]):
    """Run the cells and judge each function at its check, or at the end where its check is gone.

    cells: as tools.chapters.cells gives them.  Yields {"begin": function}, then {"function", "mark", "message"}.
    """
    scope, broken, left = borrowed(), {}, list(functions)
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        here = [name for name in chapters.CHECK.findall(cell["source"]) if name in left]
        for name in here:
            left.remove(name)
            yield from verdict(name, scope, broken)
        if not here:
            define(cell["source"], scope, broken)
    for name in left:
        yield from verdict(name, scope, broken)


def borrowed() -> dict:
    """The namespace that a submission begins with."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    from tfg import vocabulary
    from tfg.media import audio

    return dict(zip(BORROWED, (vocabulary.EMOTIONS, F, audio, np, torch, vocabulary)))


def define(source: str, scope: dict, broken: dict) -> None:
    """Run a cell's imports, functions, classes and constants in `scope`.

    broken: gets function name -> message for a cell that Python cannot read.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    with contextlib.redirect_stderr(io.StringIO()):
        try:
            tree = ast.parse(TransformerManager().transform_cell(source))
        except SyntaxError as error:
            for line in source.splitlines():
                if line.startswith("def "):
                    name = line[4:].split("(")[0].strip()
                    broken[name] = f"the cell cannot be read: {error.msg}, line {error.lineno}"
            return
        for node in tree.body:
            if not _plain(node):
                continue
            names = [node.name] if isinstance(node, ast.FunctionDef) else []
            try:
                exec(compile(ast.Module([node], []), "<notebook>", "exec"), scope)
                for name in names:
                    broken.pop(name, None)
            except Exception as error:      # an import that fails here or a constant made of what was not run
                for name in names:
                    broken[name] = f"the cell stopped with {type(error).__name__}: {error}"


def _plain(node: ast.stmt) -> bool:
    """True for what defines something and computes nothing to speak of."""
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return True
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    return isinstance(node.value, ast.Lambda) or not any(isinstance(part, (ast.Call, ast.Await))
                                                         for part in ast.walk(node.value))


def verdict(name: str, scope: dict, broken: dict):
    """Judge one function.  Yields the line that says that it begins, and the one with mark and message."""
    from tfg.course import check

    yield {"begin": name}
    if name in broken:
        mark, message = "✗", broken[name]
    elif not callable(scope.get(name)):
        mark, message = "○", f"no function {name} in the notebook"
    else:
        with contextlib.redirect_stderr(io.StringIO()):
            mark, message = check.judge(getattr(check, name), scope[name])
    yield {"function": name, "mark": mark, "message": " ".join(str(message).split())}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
