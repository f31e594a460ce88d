"""The systems that make a face speak: a plain dict, name -> where it is and which options it uses.

A system's module offers `prepare(source, speech, *, progress, **options) -> Take`; `tfg.animate` does the rest
(reading, checking, writing), the same for all. `load` imports a module when it is asked for.
"""
from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tfg.errors import InputError


@dataclass(frozen=True)
class System:
    """Where a system lives, what it is in one line, the options of `tfg.animate` that it uses, and those that a given
    motion replaces."""

    module: str
    about: str
    options: frozenset[str]
    replaced: tuple[str, ...] = ("emotion", "intensity", "blink", "seed")


PORTRAIT = frozenset({"emotion", "intensity", "preprocess", "pose_scale", "expression_scale", "blink", "size", "face",
                      "seed", "motion", "save_motion"})
"""What every system uses that moves a photo."""
DEFAULT = "expression"
"""What `tfg animate` does if nothing else is asked for."""
SYSTEMS = {
    "expression": System(
        "tfg.systems.expression", "networks from sound to expression and head motion, emotion added to them; the "
        "photo's own pixels follow",
        PORTRAIT | {"pose_style", "yaw", "pitch", "roll", "ref_blink", "ref_pose", "still", "idle", "emotion_model",
                    "alpha", "ortho", "expnet", "posevae", "emotion_add"}, replaced=("blink", "seed")),
    "graphics": System(
        "tfg.systems.graphics", "the baseline: a small network for the mouth, a table for the emotion, rules for the "
        "head; the photo's own pixels follow", PORTRAIT),
    "emogen": System(
        "tfg.systems.emogen", "dub a video or photo: a trained network draws its face anew, frame by frame",
        frozenset({"emotion", "intensity", "face", "pads", "smooth", "resize_factor", "crop_box", "box", "rotate",
                   "static", "batch_size", "fps", "checkpoint"})),
}


@dataclass(frozen=True)
class Speech:
    """What is said: audio (N,) float32 at 16 kHz or None (no sound), phones with exact times where they are known."""

    audio: Any = None
    phones: Any = None


@dataclass
class Take:
    """What a system hands back, ready to roll: n frames of size (h, w), made one at a time while `frames` is read.

    fps: frames per second.  times: (n,) seconds at which they begin, if not at a constant rate.  meta: what is to be
    known of them, for the clip's `meta`; it may still grow while the frames are read.
    """

    frames: Iterator
    n: int
    size: tuple[int, int]
    motion: Any = None
    seconds: dict[str, float] = field(default_factory=dict)
    fps: float = 25.0
    times: Any = None
    meta: dict[str, Any] = field(default_factory=dict)


def get(name: str) -> System:
    """The system of that name. InputError for an unknown one, listing those there are."""
    if name not in SYSTEMS:
        listed = ", ".join(f"{key} ({system.about})" for key, system in SYSTEMS.items())
        raise InputError(f"unknown system {name!r}; there is {listed}.")
    return SYSTEMS[name]


def check_options(name: str, given: Iterable[str]) -> None:
    """InputError if `given` names an option of `tfg.animate` that the system does not use."""
    unused = sorted(set(given) - get(name).options)
    if unused:
        flags = ", ".join("--" + option.replace("_", "-") for option in unused)
        users = sorted(key for key, system in SYSTEMS.items() if set(unused) <= system.options)
        raise InputError(f"the system {name} does not use {flags}; leave it out"
                         + (f", or choose --system {' or '.join(users)}." if users else "."))


def load(name: str):
    """The system's module."""
    return importlib.import_module(get(name).module)
