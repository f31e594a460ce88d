"""The structure walks downward: rooms in order, no file circles, no system that imports another."""
from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import tfg
from tfg import registry

ROOT = Path(tfg.__file__).parent
BASE = {"cancel", "errors", "files", "jit", "options", "paths", "plot_style", "registry", "seeding", "signals",
        "vocabulary", "workers"}
ROOMS = ("media", "faces", "head", "compose", "speech", "acting", "corpora", "actors", "networks", "training",
         "metrics", "experts", "systems", "scores", "course")
"""From the bottom to the top: a room uses those before it, and the files in BASE."""
TOP = {"", "cli", "demo", "app"}


def modules(root: Path = ROOT, name: str = "tfg") -> dict[str, Path]:
    """Modules of the package: dotted name -> file."""
    out = {}
    for path in root.rglob("*.py"):
        dotted = ".".join((name, *path.relative_to(root).with_suffix("").parts))
        out[dotted.removesuffix(".__init__")] = path
    return out


def imports(path: Path, known) -> set[str]:
    """Modules of the package that a file imports, also inside functions; imports for type checkers alone are left
    out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    skipped = {id(inner) for node in guards for inner in ast.walk(node)}
    out = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            out |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for a in node.names:
                full = f"{node.module}.{a.name}"
                out.add(full if full in known else node.module)
    return {name for name in out if name in known}


def level(module: str) -> int:
    """Level of a module: 0 for the base, then the rooms in order, then the top."""
    room = (module.split(".") + [""])[1]
    if room in BASE:
        return 0
    return len(ROOMS) + 1 if room in TOP else 1 + ROOMS.index(room)


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    found = modules()
    return {name: imports(path, found) - {name, "tfg"} for name, path in found.items()}


def test_every_file_has_its_room():
    for name in modules():
        room = (name.split(".") + [""])[1]
        assert room in BASE | set(ROOMS) | TOP, f"{name}: add its room to this list, or move it"


def test_rooms_use_only_rooms_below(graph):
    wrong = [f"{a} imports {b}" for a, uses in graph.items() for b in uses if level(b) > level(a)]
    assert not wrong, "\n".join(wrong)


def test_no_system_imports_another(graph):
    def system(module: str) -> str:
        return next((m for m in registry.SYSTEMS.values() if module == m or module.startswith(m + ".")), "")

    wrong = [f"{a} imports {b}" for a, uses in graph.items() for b in uses
             if a.startswith("tfg.systems") and system(b) and system(a) != system(b)]
    assert not wrong, "\n".join(wrong)


def test_below_the_systems_nobody_names_one(graph):
    """Scores, the command line and what lies under the systems read the registry."""
    wrong = [f"{a} imports {b}" for a, uses in graph.items() for b in uses
             if a.startswith(("tfg.scores", "tfg.training", "tfg.experts")) and b.startswith(tuple(
                 m for m in registry.SYSTEMS.values()))]
    assert not wrong, "\n".join(wrong)


def test_no_circles(graph):
    """No strongly connected part of the graph of imports has more than one file (Tarjan 1972)."""
    sys.setrecursionlimit(10_000)
    number, low, stack, circles = {}, {}, [], []

    def visit(name):
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in graph[name]:
            if other not in number:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == number[name]:
            part = stack[stack.index(name):]
            del stack[stack.index(name):]
            if len(part) > 1:
                circles.append(sorted(part))

    for name in graph:
        if name not in number:
            visit(name)
    assert not circles, circles


def test_it_finds_what_is_wrong(tmp_path):
    """The reader of imports sees those inside functions, and leaves out what only type checkers see."""
    (tmp_path / "a.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p import c\n\n\n"
                                   "def f():\n    from p import b\n    import p.d\n")
    for name in "bcd":
        (tmp_path / f"{name}.py").write_text("")
    found = modules(tmp_path, "p")
    assert imports(found["p.a"], found) == {"p.b", "p.d"}


def test_written_files_are_what_the_tools_write():
    from tools import readme, stubs

    assert stubs.PLACE.read_text(encoding="utf-8") == stubs.stub(), "run python -m tools.stubs"
    page = readme.PLACE.read_text(encoding="utf-8")
    assert readme.written(page) == page, "run python -m tools.readme"
