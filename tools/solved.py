"""Write tfg/course/solved from solutions/: what `tfg.course.check` hands out where the learner's own is not right yet.

    python -m tools.solved          writes a module for each chapter; a test compares them with the solutions
"""
from __future__ import annotations

import ast
import json
from pathlib import Path

from tfg.course import check

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tfg" / "course" / "solved"
IMPORTS = {"itertools": "import itertools", "np": "import numpy as np", "torch": "import torch",
           "F": "import torch.nn.functional as F", "nn": "from torch import nn",
           "vocabulary": "from tfg import vocabulary",
           "audio": "from tfg.media import audio", "EMOTIONS": "from tfg.vocabulary import EMOTIONS"}
"""Names that solutions may use, as the notebooks' setup cells import them, in the order in which a module does."""
ABOUT = '"""The solved exercises, one module for each chapter: written by `python -m tools.solved`; do not edit."""\n'


def modules() -> dict[str, str]:
    """Module name, as in tfg/course/check -> its text."""
    found: dict[str, tuple[str, list[str]]] = {}
    for path in sorted((ROOT / "solutions").glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or "# BEGIN SOLUTION" not in source:
                continue
            code = "\n".join(line for line in source.splitlines()
                             if not line.lstrip().startswith(("%", "# BEGIN SOLUTION", "# END SOLUTION")))
            nodes = [node for node in ast.parse(code).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
            for name in {node.name for node in nodes} & set(check.__all__):
                texts = [ast.get_source_segment(code, node) or "" for node in nodes]
                found.setdefault(_module(name), (path.name, []))[1].extend(texts)
    return {name: _text(*of) for name, of in found.items()} | {"__init__": ABOUT}


def _module(name: str) -> str:
    return getattr(check, name).__module__.rsplit(".", 1)[1]


def _text(notebook: str, functions: list[str]) -> str:
    body = "\n\n\n".join(functions)
    names = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    used = [line for name, line in IMPORTS.items() if name in names]
    blocks = ["\n".join(line for line in used if _kind(line) == kind) for kind in ("python", "others", "tfg")]
    head = f'"""Solved exercises of solutions/{notebook}.\n\nWritten by `python -m tools.solved`; do not edit.\n"""'
    return "\n\n".join(filter(None, [f"{head}\nfrom __future__ import annotations", *blocks])) + f"\n\n\n{body}\n"


def _kind(line: str) -> str:
    """Whose module an import line is of: Python's, the package's, or others'."""
    return "python" if line == "import itertools" else "tfg" if "tfg" in line else "others"


def main() -> None:
    """Write the modules."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in modules().items():
        (FOLDER / f"{name}.py").write_text(text, encoding="utf-8")
    print(f"wrote {len(modules())} files to {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
