"""Write tfg/systems/animate.pyi: the keywords of `tfg.animate` and `fit` for each system, for editors.

    python -m tools.stubs           writes it from the systems' options; a test compares the file with them
"""
from __future__ import annotations

import inspect
from pathlib import Path

from tfg import registry
from tfg.options import Options
from tfg.systems.animate import options_of

PLACE = Path(__file__).resolve().parent.parent / "tfg" / "systems" / "animate.pyi"
HEAD = '''"""Written by `python -m tools.stubs` from the systems' options: do not edit."""
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, overload

from tfg.media.clip import Clip
from tfg.options import Options
from tfg.systems.base import System

Box = tuple[int, int, int, int]
StrPath = str | os.PathLike[str]
'''
TAIL = """
def options_for(system: str, given: Mapping[str, Any]) -> tuple[System, Any]: ...
def options_of(its: System, fitting: bool = ...) -> type[Options]: ...
def refuse(its: System, unknown: list[str], *, fitting: bool = ...) -> None: ...
def check_result(its: System, save_motion: Any) -> None: ...
"""
COMMON = ("text: str | None = ...", "out: Any = ...", "save_motion: Any = ...", "badge: bool | None = ...",
          "overwrite: bool = ...", "progress: bool | Callable[[int, int], None] = ...")


def stub() -> str:
    """Text of the stub file."""
    animate, fits = [], []
    for name, its in registry.systems().items():
        own = _keywords(its.Options)
        default = " = ..." if name == registry.DEFAULT else ""
        head = f'system: Literal["{name}"]{default}'
        animate.append(_overload("animate(source: Any, audio: Any = ..., *, ", [head, *COMMON, *own], "Clip"))
        fits.append(_overload("fit(source: Any, *, ", [f'system: Literal["{name}"]', "out: Any", "progress: bool = ...",
                                                       *_keywords(options_of(its, fitting=True))], "Path"))
    animate.append(_overload("animate(source: Any, audio: Any = ..., *, ", ["system: str", *COMMON, "**options: Any"],
                             "Clip"))
    fits.append(_overload("fit(source: Any, *, ", ["system: str", "out: Any", "progress: bool = ...", "**options: Any"],
                          "Path"))
    return HEAD + "\n" + "".join(animate + fits) + TAIL


def _keywords(options: type[Options]) -> list[str]:
    types = {n: p.annotation if isinstance(p.annotation, str) else inspect.formatannotation(p.annotation)
             for n, p in inspect.signature(options).parameters.items()}
    return [f"{n}: {types[n]} = ..." for n in options.names()]


def _overload(start: str, parameters: list[str], result: str) -> str:
    lines, line = [], "def " + start
    for k, parameter in enumerate(parameters):
        piece = parameter + (", " if k + 1 < len(parameters) else "")
        if len(line) + len(piece) > 105:
            lines.append(line.rstrip())
            line = "    "
        line += piece
    return "@overload\n" + "\n".join([*lines, line]) + f") -> {result}: ...\n"


if __name__ == "__main__":
    PLACE.write_text(stub(), encoding="utf-8")
    print(f"wrote {PLACE}")
