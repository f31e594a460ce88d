"""Options, said once: a frozen dataclass whose fields know their default, range, unit and help text.

    @option_class
    class EmogenOptions(EmotionOptions):
        fps: float | None = number("frames per second of a photo", default=None, unit="frames/s", low=1, high=120)

From it come the command line (`add_arguments`), the keywords of `tfg.animate` (tools/stubs.py writes their types), the
checks (each value when an object is made, `check` for what excludes what), and the README's tables (tools/readme.py).
Light: nothing heavy is imported, so that a wrong option is refused before anything else happens.

An option is *given* when the caller names it with a value other than None; `given` holds these names. The others have
their defaults.
"""
from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

import numpy as np

from tfg.errors import InputError

T = TypeVar("T", bound=type)
StrPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Option:
    """One option.

    help: one line without a full stop.  kind: "number", "whole", "switch", "choice", "text", "path", "paths", "box",
    "angles", "curve" (numbers, or a path of many) or "object" (a path or an object of Python's).  unit: unit of its
    numbers, as a word.
    low, high: least and greatest value.  multiple_of: divisor of whole numbers.  choices: the words of a choice.
    convert: a further check of a value that has its kind; it returns the value to keep, and raises InputError.
    needed: whether the command line insists on it.  metavar: word for a value in the command line's help.
    parts: of a text such as "AU12=3,AU4=0", the names that it may set with what they mean, each from low to high; a
    page shows a slider for each.
    """

    help: str
    kind: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    multiple_of: int = 1
    choices: tuple[str, ...] = ()
    convert: Callable[[Any], Any] | None = None
    needed: bool = False
    metavar: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    def value(self, name: str, given: Any) -> Any:
        """The value to keep of one that was given.  Raises InputError: one sentence that says what it must be."""
        if given is not None:
            ok, given = _KINDS[self.kind](self, given)
            if not ok:
                raise InputError(f"the {name.replace('_', ' ')} is {_shown(given)}, but it must be "
                                 f"{self.wanted(name)}.")
        return self.convert(given) if self.convert is not None else given

    def wanted(self, name: str) -> str:
        """What a value must be, in words."""
        if self.kind == "switch":
            return "True or False"
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind in ("number", "whole"):
            what = {1: "a whole number", 2: "an even number"}.get(self.multiple_of, f"a multiple of {self.multiple_of}")
            unit = f" of {self.unit}" if self.unit else ""
            return f"{what if self.kind == 'whole' else 'a number'}{unit}{self.range}"
        if self.kind == "box":
            return "four whole numbers: top bottom left right, in pixels" + self.range
        if self.kind == "angles":
            return (f"one or more angles{self.range} degrees, spread over the clip, such as --{_flag(name)} 0 20 -10 0")
        return {"text": "a text", "path": "a path", "object": "a path",
                "paths": "one or more paths", "curve": "numbers or a path"}[self.kind]

    @property
    def range(self) -> str:
        """The range in words, with a space before it; nothing if there is none."""
        low, high = (None if v is None else f"{v:.10g}" for v in (self.low, self.high))
        if low is not None and high is not None:
            return f" from {low} to {high}"
        return f" from {low} up" if low is not None else f" up to {high}" if high is not None else ""


# ---- making fields ------------------------------------------------------------------------------------------------
def _field(default: Any, option: Option) -> Any:
    return field(default=default, metadata={"option": option})


def number(help: str, *, default: Any = None, unit: str = "", low: float | None = None,
           high: float | None = None) -> Any:
    """A field for a number."""
    return _field(default, Option(help, "number", unit, low, high))


def whole(help: str, *, default: Any = None, unit: str = "", low: int | None = None, high: int | None = None,
          multiple_of: int = 1) -> Any:
    """A field for a whole number."""
    return _field(default, Option(help, "whole", unit, low, high, multiple_of))


def switch(help: str, *, default: Any = None) -> Any:
    """A field for yes or no: --NAME and --no-NAME."""
    return _field(default, Option(help, "switch"))


def choice(help: str, *, default: Any = None, choices: tuple[str, ...], needed: bool = False) -> Any:
    """A field for one of a few words."""
    return _field(default, Option(help, "choice", choices=tuple(choices), needed=needed))


def text(help: str, *, default: Any = None, convert: Callable[[Any], Any] | None = None,
         parts: tuple[tuple[str, str], ...] = (), low: float | None = None, high: float | None = None) -> Any:
    """A field for a text."""
    return _field(default, Option(help, "text", low=low, high=high, convert=convert, parts=parts))


def path(help: str, *, default: Any = None, needed: bool = False) -> Any:
    """A field for a file or a folder."""
    return _field(default, Option(help, "path", needed=needed))


def paths(help: str, *, default: Any = None, needed: bool = False) -> Any:
    """A field for one or several files or folders."""
    return _field(default, Option(help, "paths", needed=needed))


def thing(help: str, *, default: Any = None, convert: Callable[[Any], Any] | None = None, metavar: str = "PATH") -> Any:
    """A field for a path on the command line, and a path or an object in Python."""
    return _field(default, Option(help, "object", convert=convert, metavar=metavar))


def curve(help: str, *, default: Any = None, convert: Callable[[Any], Any], unit: str = "", metavar: str = "X") -> Any:
    """A field for some numbers, or the path of a file with many; convert says which, and refuses others."""
    return _field(default, Option(help, "curve", unit, convert=convert, metavar=metavar))


def rectangle(help: str, *, default: Any = None, low: int | None = None, high: int | None = None) -> Any:
    """A field for four sides: top bottom left right, px."""
    return _field(default, Option(help, "box", "px", low, high))


def angles(help: str, *, default: Any = None, most: float) -> Any:
    """A field for one or several angles, at most so many degrees either way."""
    return _field(default, Option(help, "angles", "degrees", -most, most))


# ---- kinds of values: (option, what was given) -> (whether it will do, the value) ---------------------------------
def _number(option: Option, v: Any) -> tuple[bool, Any]:
    if isinstance(v, (bool, np.bool_)) or not isinstance(v, (int, float, np.number)) or isinstance(v, complex):
        return False, v
    return _within(option, v), v


def _whole(option: Option, v: Any) -> tuple[bool, Any]:
    if isinstance(v, (bool, np.bool_)) or not isinstance(v, (int, np.integer)):
        return False, v
    return _within(option, v) and v % option.multiple_of == 0, v


def _box(option: Option, v: Any) -> tuple[bool, Any]:
    try:
        values = list(v)
        if len(values) != 4 or not all(int(x) == x and not isinstance(x, (bool, str)) for x in values):
            return False, v
    except (TypeError, ValueError, OverflowError):
        return False, v
    sides = tuple(int(x) for x in values)
    return all(_within(option, x) for x in sides), sides


def _angles(option: Option, v: Any) -> tuple[bool, Any]:
    found = numbers(v)
    return (True, found) if found and all(_within(option, x) for x in found) else (False, v)


def _within(option: Option, v: Any) -> bool:
    return (option.low is None or v >= option.low) and (option.high is None or v <= option.high) and v == v


_KINDS: dict[str, Callable[[Option, Any], tuple[bool, Any]]] = {
    "number": _number, "whole": _whole, "box": _box, "angles": _angles,
    "switch": lambda o, v: (isinstance(v, (bool, np.bool_)), v),
    "choice": lambda o, v: (isinstance(v, str) and v in o.choices, v),
    "text": lambda o, v: (isinstance(v, str) or bool(o.parts) and isinstance(v, Mapping), v),
    "path": lambda o, v: (isinstance(v, (str, os.PathLike)), v),
    "paths": lambda o, v: _paths(v),
    "object": lambda o, v: (not isinstance(v, (bool, int, float)), v),
    "curve": lambda o, v: (not isinstance(v, bool), v),
}


def _paths(v: Any) -> tuple[bool, Any]:
    found = (v,) if isinstance(v, (str, os.PathLike)) else tuple(v) if isinstance(v, (list, tuple)) else ()
    return bool(found) and all(isinstance(x, (str, os.PathLike)) for x in found), found or v


def numbers(values: Any) -> tuple[float, ...]:
    """What a list, an array, one number, or a text such as "0,20,-10" holds; nothing, if that is not all numbers."""
    try:
        parts = values.replace(",", " ").split() if isinstance(values, str) else np.atleast_1d(values).tolist()
        return tuple(float(v) for v in parts)
    except (TypeError, ValueError):
        return ()


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    text = repr(value)
    return text if len(text) < 80 else f"a {type(value).__name__}"


# ---- the dataclass ------------------------------------------------------------------------------------------------
class Options:
    """What `option_class` makes its classes from.  given: the names that the caller set."""

    given: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for f in fields(self):                                                      # type: ignore[arg-type]
            option = f.metadata["option"]
            object.__setattr__(self, f.name, option.value(f.name, getattr(self, f.name)))
        self.check()

    def check(self) -> None:
        """What excludes what.  Raises InputError: one sentence.  Subclasses extend it."""

    def replace(self, **changes: Any) -> Any:
        """A copy with other values; what was given stays given."""
        return type(self)(**{name: getattr(self, name) for name in self.given} | changes)

    @classmethod
    def declared(cls) -> dict[str, tuple[Any, Option]]:
        """name -> (default, Option), in the order of the fields."""
        return {f.name: (f.default, f.metadata["option"]) for f in fields(cls)}       # type: ignore[arg-type]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The options' names."""
        return tuple(cls.declared())

    def values(self) -> dict[str, Any]:
        """name -> value."""
        return {name: getattr(self, name) for name in self.names()}

    def unused(self, *names: str) -> list[str]:
        """Those of the names that were given."""
        return [name for name in names if name in self.given]


@dataclass_transform(kw_only_default=True, frozen_default=True,
                     field_specifiers=(number, whole, switch, choice, text, path, paths, thing, rectangle, angles))
def option_class(cls: T) -> T:
    """Make a class of options: a frozen dataclass with keywords only, that remembers which of them were given."""
    made: Any = dataclass(frozen=True, kw_only=True)(cls)
    plain = made.__init__

    @functools.wraps(plain)
    def __init__(self, **given):
        object.__setattr__(self, "given", frozenset(name for name, value in given.items() if value is not None))
        plain(self, **{name: given[name] for name in self.given})

    made.__init__ = __init__
    return made


def flags(names) -> str:
    """Options as they are written on the command line, joined by "and"."""
    return " and ".join("--" + _flag(name) for name in names)


def _flag(name: str) -> str:
    return name.replace("_", "-")


# ---- the command line ---------------------------------------------------------------------------------------------
def add_arguments(parser: argparse._ActionsContainer, cls: type[Options], *, leave_out=()) -> None:
    """A flag for each option. What is not given is absent from the parsed result, so that defaults stand once."""
    for name, (default, option) in cls.declared().items():
        if name not in leave_out:
            parser.add_argument(f"--{_flag(name)}", dest=name, default=argparse.SUPPRESS,
                                help=described(default, option).replace("%", "%%"), **_parsed(name, option))


def _parsed(name: str, option: Option) -> dict[str, Any]:
    metavar = {"path": "PATH", "paths": "PATH", "object": "PATH", "text": "TEXT", "number": "X", "whole": "N",
               "angles": "DEG", "choice": "NAME", "curve": "X"}
    if option.kind == "switch":
        return {"action": argparse.BooleanOptionalAction}
    if option.kind == "box":
        return {"nargs": 4, "type": int, "metavar": ("T", "B", "L", "R")}
    how: dict[str, Any] = {"metavar": option.metavar or metavar[option.kind]}
    if option.kind in ("number", "whole", "angles"):
        how["type"] = int if option.kind == "whole" else float
    if option.kind in ("angles", "paths", "curve"):
        how["nargs"] = "+"
    return how | ({"required": True} if option.needed else {})


def described(default: Any, option: Option) -> str:
    """Help text, choices, range, unit and default, in one line."""
    words = option.help + (f": {', '.join(option.choices)}" if option.choices else "")
    shown = _default(default, option)
    more = ", ".join(filter(None, (f"{option.unit}{option.range}".strip(), f"default: {shown}" if shown else "")))
    return words + (f" ({more})" if more else "")


def _default(default: Any, option: Option) -> str:
    """The default in words; nothing for None."""
    if default is None:
        return ""
    return ("yes" if default else "no") if option.kind == "switch" else str(default)


def table(cls: type[Options]) -> list[tuple[str, str, str, str]]:
    """(flag, what it does, range with unit, default) of each option, for pages."""
    out = []
    for name, (default, option) in cls.declared().items():
        span = ", ".join(option.choices) if option.choices else f"{option.unit}{option.range}".strip()
        out.append((f"--{_flag(name)}", option.help, span, _default(default, option)))
    return out


def of_call(cls: type[Options], given: Mapping[str, Any], refuse: Callable[[list[str]], None]) -> Any:
    """Options from keywords.  refuse: called with the names that `cls` does not have; it raises InputError."""
    unknown = [name for name in given if name not in cls.names()]
    if unknown:
        refuse(unknown)
    return cls(**given)
