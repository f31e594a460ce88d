"""A training that is written out in a chapter, kept in the learner's folder, so that it goes on after a disconnection.

    kept = Kept(WORK, "07_syncnet", network, optimiser, right=[], pair=[])
    for step, batch in zip(kept.steps(400), feed(data, 8, seed=0, start=kept.step)):
        ...
        kept["right"].append(...)

Trainings of the package keep themselves (`tfg.training.loop`); this is for loops of a few lines.
"""
from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

from tfg.files import atomic, make_folder
from tfg.training.offer import remind

EVERY_S = 20.0
"""Seconds between two writings: what a disconnection can cost."""


class Kept:
    """The state of a loop: its parts, curves, torch's random numbers and the step.

    work: folder that outlives the session; "" keeps nothing.  name: of the file in it.  parts: networks, optimisers
    (objects with `state_dict` and `load_state_dict`) and numpy's generators.  curves: name -> list of numbers, or of
    tuples of numbers, that the loop appends to.
    step: steps done.  With a state in the folder that fits, all of them go on from there; one that does not fit is
    replaced, with a note.
    """

    def __init__(self, work: str | os.PathLike, name: str, *parts: Any, **curves: list):
        self.path = make_folder(work) / f"{name}.pt" if str(work) else None
        self.parts, self.curves, self.step = parts, curves, 0
        self._rng: torch.Tensor | None = None
        if self.path is not None and self.path.is_file():
            self._restore(self.path)

    def __getitem__(self, name: str) -> list:
        """The curve of that name."""
        return self.curves[name]

    def steps(self, n: int) -> Iterator[int]:
        """The numbers of the steps that are left, up to n, with a bar. The state is written every 20 s and at the end.
        """
        from tqdm.auto import tqdm

        if self.step >= n:
            print(f"all {n} steps were done before; delete {self.path} to train anew.")
            return
        if self.step:
            print(f"going on after step {self.step} of {n}, from {self.path}.")
        if self._rng is not None:
            torch.set_rng_state(self._rng)
        written = time.monotonic()
        for step in (bar := tqdm(range(self.step + 1, n + 1), initial=self.step, total=n)):
            yield step
            self.step = step
            remind(bar, left=step < n)
            if step == n or time.monotonic() - written > EVERY_S:
                self._write()
                written = time.monotonic()

    def _write(self) -> None:
        if self.path is None:
            return
        curves = {name: [_plain(value) for value in values] for name, values in self.curves.items()}
        state = {"step": self.step, "curves": curves, "rng": torch.get_rng_state(),
                 "parts": [_pythons(_state(part)) for part in self.parts]}
        with atomic(self.path) as part, part.open("wb") as file:
            torch.save(state, file)

    def _restore(self, path: Path) -> None:
        before = [copy.deepcopy(_state(part)) for part in self.parts]
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
            for part, saved in zip(self.parts, state["parts"], strict=True):
                _set_state(part, saved)
            curves = {name: state["curves"][name] for name in self.curves}
            self.step, self._rng = int(state["step"]), state["rng"]
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, UnpicklingError) as error:
            print(f"{path} does not fit this training ({type(error).__name__}) and will be replaced.")
            for part, saved in zip(self.parts, before):
                _set_state(part, saved)
            return
        for name, values in curves.items():
            self.curves[name][:] = values


def _state(part: Any) -> Any:
    return part.bit_generator.state if isinstance(part, np.random.Generator) else part.state_dict()


def _set_state(part: Any, state: Any) -> None:
    if isinstance(part, np.random.Generator):
        part.bit_generator.state = state
    else:
        part.load_state_dict(state)


def _pythons(state: Any) -> Any:
    """The state with Python's own numbers for NumPy's, such as a learning rate by np.cos: a file with those cannot be
    read back safely."""
    if isinstance(state, dict):
        out = copy.copy(state)                              # a network's state carries its layers' versions along
        out.update({name: _pythons(part) for name, part in state.items()})
        return out
    if isinstance(state, (tuple, list)):
        return type(state)(_pythons(part) for part in state)
    return state.item() if isinstance(state, np.generic) else state


def _plain(value: Any) -> Any:
    """The value as Python's own numbers, which alone may be read back from a file."""
    if isinstance(value, (tuple, list)):
        return tuple(_plain(part) for part in value)
    return value.item() if hasattr(value, "item") else value
