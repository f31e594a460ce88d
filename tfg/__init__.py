"""tfg: a course and a library on emotional talking faces.

    import tfg
    clip = tfg.animate("photo.jpg", "voice.wav", emotion="HAP", out="happy.mp4")
    tfg.show(clip)

This file stays light: heavy imports happen the first time a name is used.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfg.errors import InputError
    from tfg.faces.measure import measure
    from tfg.media.clip import Clip
    from tfg.media.motion import Motion
    from tfg.media.show import show
    from tfg.plot_style import style
    from tfg.seeding import seed
    from tfg.systems.animate import animate, fit
    from tfg.systems.stream import stream

__version__ = "0.1.0"
__all__ = ["Clip", "InputError", "Motion", "animate", "fit", "measure", "seed", "show", "stream", "style"]

_HOME = {
    "animate": "tfg.systems.animate", "fit": "tfg.systems.animate", "stream": "tfg.systems.stream",
    "Clip": "tfg.media.clip", "Motion": "tfg.media.motion", "InputError": "tfg.errors", "style": "tfg.plot_style",
    "measure": "tfg.faces.measure", "seed": "tfg.seeding", "show": "tfg.media.show",
}


def __getattr__(name: str):
    """Import a public name's module on first use (PEP 562).

    The library lazy-loader does the same for a package's submodules, but its error does not list the public names.
    """
    if name not in _HOME:
        raise AttributeError(f"module 'tfg' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__():
    """Names of the module for `dir`, with the public ones that are not imported yet."""
    return sorted(set(globals()) | set(__all__))
