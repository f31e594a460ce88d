"""The explorers of the course: where they stand in the chapters, and the part of a chapter that each needs.

`python -m tools.bench explorers` times them, `tests/test_explorers_browser.py` meets them in a browser. A whole chapter
would take both too long, so `excerpt` keeps the explorers and the statements that they depend on.
"""
from __future__ import annotations

import ast
import dis
import functools
import inspect
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = tuple(sorted(p.stem for p in (ROOT / "solutions").glob("[0-9][0-9]_*.ipynb")))
SHOWS = ("print", "display", "explore", "check")
"""Names whose calls only show something: a statement that is nothing but such a call is left out."""

SETUP = ("tfg.style()", "tfg.seed(0)")
"""Statements that are always kept: they change how all figures look."""


@functools.cache
def explorers() -> dict[str, str]:
    """Functions of `tfg.course.explore` that show controls -> module they stand in, found by what they call."""
    from tfg.course import explore

    found = {}
    for name in explore.__all__:
        value = getattr(explore, name)
        if inspect.isfunction(value) and name != "sliders":
            body = ast.parse(inspect.getsource(value))
            if _called(body) & {"sliders", "unit_panel"}:
                found[name] = value.__module__
    return found


def excerpt(chapter: str, folder: str = "solutions") -> list[str]:
    """Sources of code cells that show the explorers of a chapter and nothing else, in the chapter's order.

    chapter: file name without suffix.  A statement is kept if an explorer is called in it, or if it gives a value to a
    name, or changes an object, that a later kept statement uses; statements that only print, draw or check are dropped.
    What one statement writes into the chapter's `folder` for another one is kept, too.
    """
    statements = [_Statement(k, node) for k, source in enumerate(code_cells(chapter, folder))
                  for node in ast.parse(without_magic(source)).body]
    modules = {name for s in statements if isinstance(s.node, (ast.Import, ast.ImportFrom)) for name in s.binds}
    bodies: dict[str, set] = {}
    for s in statements:
        if not isinstance(s.node, ast.Expr):                  # tfg.style() changes tfg; a loop that calls it does not
            s.changes -= modules
        for name, used in s.functions.items():
            bodies.setdefault(name, set()).update(used)
    keep = {k for k, s in enumerate(statements) if _shown(s.node)
            or isinstance(s.node, ast.Expr) and ast.unparse(s.node) in SETUP}
    todo = list(keep)
    while todo:
        k = todo.pop()
        found = set()
        for name in _with_bodies(statements[k].uses, bodies):
            for j in range(k - 1, -1, -1):
                if name in statements[j].binds or name in statements[j].changes:
                    found.add(j)
                if name in statements[j].binds and statements[j].always:
                    break
        todo += found - keep
        keep |= found
    cells: dict[int, list[str]] = {}
    for k in sorted(keep):
        cells.setdefault(statements[k].cell, []).append(ast.unparse(statements[k].node))
    return ["\n".join(lines) for lines in cells.values()]


def name_in(source: str) -> str:
    """The explorer that a cell shows; "" if none."""
    found = _shown(ast.parse(source))
    return found.pop() if found else ""


def code_cells(chapter: str, folder: str = "solutions") -> list[str]:
    """Sources of a chapter's code cells."""
    notebook = json.loads((ROOT / folder / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def without_magic(source: str) -> str:
    """A cell's source with `pass` in place of IPython's % and ! lines, so that Python can read it."""
    return "\n".join(line[:len(line) - len(line.lstrip())] + "pass" if line.lstrip().startswith(("%", "!")) else line
                     for line in source.splitlines())


class _Statement:
    """A statement of a cell: names it binds, uses, and whose objects it may change. `folder / "x"` counts as a name,
    too: what one statement writes there is read by another one."""

    def __init__(self, cell: int, node: ast.stmt):
        self.cell, self.node = cell, node
        code = compile(ast.Module([node], []), "cell", "exec")
        self.binds = _names(code, ("STORE_NAME", "STORE_GLOBAL"))
        self.uses = _names(code, ("LOAD_NAME", "LOAD_GLOBAL"))
        paths = {f"folder/{n.right.value}" for n in ast.walk(node) if isinstance(n, ast.BinOp)
                 and isinstance(n.op, ast.Div) and isinstance(n.right, ast.Constant) and _root(n.left) == "folder"}
        self.uses |= paths
        self.always = isinstance(node, (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Import,
                                        ast.ImportFrom))
        is_function = isinstance(node, (ast.FunctionDef, ast.ClassDef)) \
            or isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
        self.functions = dict.fromkeys(self.binds, self.uses) if is_function else {}
        self.changes = set() if is_function or isinstance(node, ast.Assert) else (self._changes() & self.uses) | paths

    def _changes(self) -> set[str]:
        """Names whose objects the statement may change: it stores into them, calls them or gives them away."""
        changed = {_root(n) for n in ast.walk(self.node) if isinstance(n, (ast.Subscript, ast.Attribute))
                   and isinstance(n.ctx, ast.Store)}
        for value in _bare_calls(self.node):
            root = _root(value.func)
            if root not in SHOWS and getattr(value.func, "attr", "") != "show":
                changed |= {root} | {_root(a) for a in [*value.args, *(k.value for k in value.keywords)]}
        while new := {name for given, taken in _loops(self.node) if given & changed for name in taken} - changed:
            changed |= new
        return changed


def _names(code, operations: tuple[str, ...]) -> set[str]:
    """Global names that some operations of a code object name, and of the functions in it."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname in operations}
    for inner in code.co_consts:
        if hasattr(inner, "co_code"):
            found |= _names(inner, tuple(o for o in operations if o.endswith("GLOBAL")))    # others are its own
    return found


def _bare_calls(node: ast.stmt):
    """Calls whose result nothing takes: statements of their own, at any depth, also several in one tuple."""
    for n in ast.walk(node):
        if isinstance(n, ast.Expr):
            values = n.value.elts if isinstance(n.value, ast.Tuple) else [n.value]
            yield from (v for v in values if isinstance(v, ast.Call))


def _loops(node: ast.stmt):
    """Names that a loop and what is assigned in it give, and the names they take them from: what changes the former
    changes the latter, as a step of an optimiser changes the networks that the loop goes over."""
    def names(part):
        return {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}

    if isinstance(node, ast.For):
        for n in ast.walk(node):
            if isinstance(n, (ast.For, ast.Assign)):
                targets, value = ([n.target], n.iter) if isinstance(n, ast.For) else (n.targets, n.value)
                yield set().union(*map(names, targets)), names(value)


def _root(node: ast.AST) -> str:
    """The name that an expression such as a.b[c].d(e) begins with; "" if none."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.AST) -> set[str]:
    """Last names of all that is called in a piece of code."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}


def _shown(node: ast.AST) -> set[str]:
    """The explorers that a piece of code calls, as explore.NAME(...)."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return {f.attr for f in calls if _root(f) == "explore"} & set(explorers())


def _with_bodies(names: set[str], bodies: dict[str, set]) -> set[str]:
    """Names, and those that functions of these names use in turn."""
    found, todo = set(names), list(names)
    while todo:
        new = bodies.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found
