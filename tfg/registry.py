"""What there is, by name: systems, trainings, commands. One line each; nothing is imported before it is asked for.

A system is a folder under tfg/systems with an object `SYSTEM` (`tfg.systems.base.System`); an expert is a folder under
tfg/experts with `TRAININGS`, a tuple of `tfg.training.part.Training`. Command line, Python, README, scorer and
notebooks read these tables; no other place lists systems. A test or a plug-in adds one by a line:

    registry.SYSTEMS["mine"] = "my_package.mine"
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from tfg.errors import InputError

if TYPE_CHECKING:
    from tfg.systems.base import System
    from tfg.training.part import Training

SYSTEMS: dict[str, str] = {
    "expression": "tfg.systems.expression",
    "graphics": "tfg.systems.graphics",
    "emogen": "tfg.systems.emogen",
    "ietafs": "tfg.systems.ietafs",
    "deformable": "tfg.systems.deformable",
    "rhythmic": "tfg.systems.rhythmic",
}
DEFAULT = "expression"
"""What `tfg animate` uses if nothing else is asked for."""
EXPERTS: dict[str, str] = {
    "syncnet": "tfg.experts.syncnet",
    "emotion": "tfg.experts.emotion",
    "encoder": "tfg.experts.encoder",
    "extractor": "tfg.experts.extractor",
    "voice_emotion": "tfg.experts.voice_emotion",
}
READERS: dict[str, str] = {
    "blendshapes": "tfg.faces.readers:read_blendshapes",
    "fit": "tfg.head.fit_clip:read_track",
    "learned": "tfg.experts.extractor.network:read_track",
}
"""The ways of `tfg measure`: functions from a
`tfg.faces.measure.Track` to (T, 52) float32, absolute, NaN where they cannot tell."""


def system(name: str) -> System:
    """The system of that name.  Raises InputError that lists those there are."""
    if name not in SYSTEMS:
        listed = ", ".join(f"{key} ({each.about})" for key, each in systems().items())
        raise InputError(f"unknown system {name!r}; there is {listed}.")
    return importlib.import_module(SYSTEMS[name]).SYSTEM


def systems() -> dict[str, System]:
    """All systems, by name; light."""
    return {name: importlib.import_module(module).SYSTEM for name, module in SYSTEMS.items()}


def trainings() -> dict[str, Training]:
    """All trainings of experts and systems: what `tfg train` offers, by name; light."""
    found = [t for module in EXPERTS.values() for t in importlib.import_module(module).TRAININGS]
    found += [t for each in systems().values() for t in each.trainings]
    return {t.name: t for t in found}


def function(where: str):
    """The function that "module:name" stands for."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
