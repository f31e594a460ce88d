"""The systems' options as controls of a page, and the page's values as keywords of `tfg.animate`.

There is no list of controls: a new system, or a new option of one, shows by itself.
"""
from __future__ import annotations

from typing import Any

from tfg import registry
from tfg.errors import InputError
from tfg.options import Option
from tfg.systems.base import AUTO, System
from tfg.vocabulary import EMOTION_NAMES

FEELING = ("emotion", "intensity")
"""Options that the pad sets."""
SILENT = ("idle",)
"""Options that go with no sound: the page always has one."""
FILES = ("path", "paths", "object", "curve")
"""Kinds of options that name files on the machine: a page that strangers may see does not ask for them."""


def describe_systems() -> list[dict[str, Any]]:
    """All systems whose networks are there, the default first, as the page shows them (JSON)."""
    names = sorted(registry.SYSTEMS, key=lambda name: name != registry.DEFAULT)
    return [describe(its) for its in map(registry.system, names) if not its.missing()]


def describe(its: System) -> dict[str, Any]:
    """One system: its name, what it does, what it can, and its options but for those of the pad, of files
    and of silence."""
    declared = its.Options.declared()
    return {"name": its.name, "about": its.about, "film": its.task == "film", "streams": its.can_stream,
            "feels": "emotion" in declared, "auto": takes_auto(its),
            "options": [_control(name, default, option) for name, (default, option) in declared.items()
                        if name not in FEELING + SILENT and option.kind not in FILES]}


def takes_auto(its: System) -> bool:
    """Whether the emotion may be "auto": what the voice sounds like."""
    if "emotion" not in its.Options.names():
        return False
    try:
        its.Options.declared()["emotion"][1].value("emotion", AUTO)
    except InputError:
        return False
    return True


def given(its: System, emotion: str, intensity: float, values: dict[str, Any]) -> dict[str, Any]:
    """Keywords for `tfg.animate` from what a page sent; what is left at its default is left out.

    emotion: a code or "auto".  values: option -> value, numbers, texts and switches; "" and None stand for the default.
    Raises InputError: an option that the page does not offer, values of a wrong kind or out of range, options that
    exclude each other.
    """
    declared = its.Options.declared()
    feeling = {"emotion": emotion, "intensity": intensity} if emotion != "NEU" else {"emotion": emotion}
    out = {name: value for name, value in feeling.items() if name in declared}
    for name, value in values.items():
        if name not in declared or name in FEELING + SILENT or declared[name][1].kind in FILES:
            raise InputError(f"the system {its.name} has no option {str(name)[:40]!r} on this page.")
        default, option = declared[name]
        value = _value(option, value)
        if value is not None and value != default:
            out[name] = value
    if emotion == AUTO and "emotion" in declared and not takes_auto(its):
        raise InputError(f"the system {its.name} does not listen to the voice's feeling; choose an emotion for it.")
    its.Options(**out)
    return out


def shared(other: System, values: dict[str, Any]) -> dict[str, Any]:
    """Those of one system's values that another has an option for, so that two can be compared side by side."""
    names = {name for name, (_, option) in other.Options.declared().items() if option.kind not in FILES}
    return {name: value for name, value in values.items() if name in names}


def emotions() -> list[dict[str, str]]:
    """Codes and words of the emotions, neutral last: it is the pad's middle."""
    neutral_last = sorted(EMOTION_NAMES, key=lambda code: code == "NEU")
    return [{"code": code, "words": EMOTION_NAMES[code]} for code in neutral_last]


def _control(name: str, default: Any, option: Option) -> dict[str, Any]:
    return {"name": name, "label": name.replace("_", " "), "help": option.help, "kind": option.kind,
            "unit": option.unit, "low": option.low, "high": option.high, "step": _step(option),
            "range": option.range.strip(),
            "default": default if isinstance(default, (bool, int, float, str)) else None,
            "choices": list(option.choices), "parts": [{"name": n, "words": w} for n, w in option.parts]}


def _step(option: Option) -> float | None:
    if option.kind == "whole":
        return option.multiple_of
    if option.low is None or option.high is None:
        return None
    return 1.0 if option.kind == "angles" else .1 if option.high > 3 else .05


def _value(option: Option, value: Any) -> Any:
    """A value as the option takes it; None for the default."""
    if value is None or value == "" or value == {}:
        return None
    if option.kind == "box" and isinstance(value, str):
        try:
            return [int(part) for part in value.replace(",", " ").split()]
        except ValueError:
            return value
    if option.kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if option.parts and isinstance(value, dict):
        return {name: amount for name, amount in value.items() if amount} or None
    return value
