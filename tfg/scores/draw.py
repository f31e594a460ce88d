"""A registered system draws a target, through the same `prepare` that users call.

A film system gets the true film as a `Footage` and hides the part that it draws; a portrait system gets the photo. Both
get the clip's sound, and its emotion and intensity where they have such options.
"""
from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.media.image import resized
from tfg.options import flags
from tfg.scores.columns import BESIDE
from tfg.scores.targets import Target
from tfg.systems.animate import options_for
from tfg.systems.base import Footage, Speech, System

SET = ("emotion", "intensity", "seed", "size", "preprocess", "face")
"""Options that the protocol sets, where a system has them: from the clip, or so that frames have the crops' size."""
INSTEAD = ("motion", "idle", "background")
"""Options that are refused, as they replace what the clip's sound should cause, or what the scores compare."""


class NotDrawn(InputError):
    """A system refused one clip; the message is its reason."""


class Drawer:
    """A registered system as a function of a target.

    name: the system's, in the registry.  given: the system's options, but for SET and INSTEAD.  seed: seed of the
    performance, together with the clip's name; equal for a clip's own sound and another one.
    its: the system.  cards: cards of the networks it uses, by name.  task: of `columns.TASKS`, None for the system's
    own; in "redub" it gets the target's reference as a film, on the road that users' films take.
    Raises InputError: no such system, a task that it cannot do, options that it does not have or that are refused here,
    missing networks.
    """

    def __init__(self, name: str, given: Mapping[str, Any] | None = None, seed: int = 0, task: str | None = None):
        given = {k: v for k, v in (given or {}).items() if v is not None}
        if taken := sorted({*SET, *INSTEAD} & set(given)):
            raise InputError(f"a score takes emotion, sound and size from each clip, so {flags(taken)} cannot be "
                             "chosen; leave it out.")
        names = options_for(name, {})[1].names()
        felt = {"emotion": "HAP"} if "emotion" in names else {}      # an option may need one; each clip sets its own
        self.its, self.options = options_for(name, {**felt, **given})
        self.given, self.seed, self.task = given, seed, task or self.its.task
        if self.task != self.its.task and not (self.task == "redub" and self.its.dubs):
            raise InputError(f"the system {name} cannot be scored in the task {self.task}: its own is {self.its.task}"
                             f"{', and it dubs films, which is redub' if self.its.dubs else ''}.")
        if missing := self.its.missing(self.options):
            raise InputError(f"the system {name} is not in {missing[0]} (it has no card there): train it, or give "
                             "another folder.")
        self.cards = _cards(self.its, self.options)

    def __call__(self, target: Target) -> np.ndarray:
        """The system's frames of a target, (T, S, S, 3) uint8.

        Raises NotDrawn if the system refuses the clip, InputError if its frames have another shape or type.
        """
        dub = self.task == "redub"
        footage = Footage(frames=(target.reference if dub else target.frames).copy(), photo=target.photo.copy(),
                          reference=target.reference.copy(), crop=not dub, dub=dub)
        try:
            take = self.its.prepare(footage, Speech(audio=target.wave), self._options(target))
            frames = list(take.frames)
        except InputError as error:
            raise NotDrawn(str(error)) from error
        if self.its.task == "portrait":
            frames = [_sized(frame, target.size) for frame in frames]
        shapes = {getattr(frame, "shape", None) for frame in frames}
        return np.stack(frames) if len(shapes) == 1 and None not in shapes else np.zeros((len(frames), 0, 0, 3))

    def _options(self, target: Target):
        """The system's options for a clip. They do not count as given, so that the user's options exclude none of
        them."""
        declared = self.options.declared()
        values = {"emotion": target.emotion or "NEU", "intensity": target.intensity, "preprocess": "resize",
                  "seed": (self.seed + zlib.crc32(target.id.encode())) % 2 ** 31}
        if "size" in declared:
            values["size"] = multiple(declared["size"][1], target.size, self.its.name)
        out = copy.copy(self.options)
        for name in set(values) & set(declared):
            object.__setattr__(out, name, declared[name][1].value(name, values[name]))
        return out


def multiple(option, crop: int, name: str) -> int:
    """The least multiple of the crop's side that a system draws.  option: its option `size`.  Raises InputError."""
    low, high = option.low or 1, option.high or 1 << 15
    for size in range(crop, int(high) + 1, crop):
        if size >= low and size % option.multiple_of == 0:
            return size
    raise InputError(f"the system {name} draws {low:g} to {high:g} px, of which none is a multiple of the crops' "
                     f"{crop} px; prepare crops of another --size.")


def _sized(frame: np.ndarray, size: int) -> np.ndarray:
    """A square frame resized to the crop's size; any other frame unchanged, to be refused."""
    square = getattr(frame, "ndim", 0) == 3 and frame.shape[0] == frame.shape[1]
    return resized(frame, size, size) if square else frame


def _cards(its: System, options) -> dict[str, dict]:
    """The cards in the folders of a system's networks, by file name."""
    out = {}
    for folder in its.folders(options):
        for path in sorted(folder.glob("*.json")):
            try:
                card = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise InputError(f"{path} is no card of a network ({error}); restore it, or train the network "
                                 "again.") from error
            if isinstance(card, dict):
                out[path.stem] = card
    return out


def rows_of(target: Target, draw, rows, task: str) -> dict[str, np.ndarray]:
    """Frames of each row, (T, S, S, 3) uint8, by name.  draw: function of a target.  Raises InputError if it returns
    another shape or type."""
    first = {"portrait": target.photo, "redub": target.reference[0]}.get(task, target.frames[0])
    beside = {"true": target.frames, "copy": target.reference,
              "still": np.repeat(first[None], len(target.frames), 0)}
    out = {}
    for row in rows:
        if row in BESIDE and row != "shuffled":
            out[row] = beside[row]
            continue
        out[row] = checked(draw(replace(target, wave=target.other_wave) if row == "shuffled" else target), target)
    return out


def checked(frames, target: Target) -> np.ndarray:
    """What a system drew of a target.  Raises InputError for another shape or type than its frames have."""
    if not isinstance(frames, np.ndarray) or frames.shape != target.frames.shape or frames.dtype != np.uint8:
        raise InputError(f"the system drew {getattr(frames, 'shape', type(frames))} {getattr(frames, 'dtype', '')} for "
                         f"clip {target.id}, but {target.frames.shape} uint8 is needed.")
    return frames
