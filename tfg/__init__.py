"""tfg: a course and a library on emotional talking faces.

    import tfg
    clip = tfg.animate("photo.jpg", "voice.wav", emotion="HAP", out="happy.mp4")
    tfg.show(clip)

This file stays light: heavy imports happen the first time a name is used.
"""
from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfg.animate import animate
    from tfg.clip import Clip, Motion
    from tfg.errors import InputError
    from tfg.explore.style import style
    from tfg.faces.measure import measure
    from tfg.seed import seed
    from tfg.show import show

__version__ = "0.1.0"
__all__ = ["Clip", "InputError", "Motion", "animate", "measure", "seed", "show", "style"]

_HOME = {
    "animate": "tfg.animate", "Clip": "tfg.clip", "Motion": "tfg.clip", "InputError": "tfg.errors",
    "style": "tfg.explore.style", "measure": "tfg.faces.measure", "seed": "tfg.seed", "show": "tfg.show",
}


def __getattr__(name: str):
    """Import a public name's module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'tfg' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(__all__))


class _Package(types.ModuleType):
    """`tfg.animate` is a function and a module of the same name holds it; this keeps the function on top.

    After `import tfg.animate` Python would set the attribute to the module; `from tfg.animate import ...` still works.
    """

    def __setattr__(self, name, value):
        if isinstance(value, types.ModuleType) and name in _HOME and value.__name__ == _HOME[name] == f"tfg.{name}":
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
