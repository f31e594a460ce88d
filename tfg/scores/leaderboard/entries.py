"""Who is in the table: registered systems, somebody's model in a Python file, or films that were drawn elsewhere.

A Python file is an adapter of a few lines:

    NAME, TASK = "mine", "portrait"              # a task of tfg.scores.columns.TASKS
    WEIGHTS = ["mine.safetensors"]               # files beside it whose checksums say what was scored; may be left out

    def draw(target):                            # a tfg.scores.Target: photo, wave, emotion, intensity, ...
        return frames                            # (T, S, S, 3) uint8, as many as target.frames, of the same size
"""
from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tfg import registry
from tfg.errors import InputError
from tfg.scores.columns import BESIDE, TASKS
from tfg.scores.leaderboard.records import code

BOARD_TASKS = ("portrait", "redub")
"""Tasks of the leaderboard: from one photo, and dubbing another take of the person. (Drawing the true film's own face,
the task "film", is one system's; `tfg score` has it.)"""


@dataclass(frozen=True)
class Entry:
    """A row of the table.  name: the row's.  task: of BOARD_TASKS.  path: adapter or folder of films, "" for a
    registered system.  digest: checksum of what draws: a system's weights and code, an adapter's files, films."""

    name: str
    task: str
    path: str = ""
    digest: str = ""


def entries(systems: Iterable[str] | None, added: Iterable, tasks: Iterable[str]) -> list[Entry]:
    """All entries of some tasks.

    systems: names in the registry, None for all.  added: paths of adapters (.py) and of folders of films.
    Raises InputError: unknown systems or tasks, networks that are missing, two entries of one name.
    """
    tasks = tuple(tasks)
    if unknown := [t for t in tasks if t not in BOARD_TASKS]:
        raise InputError(f"there is no task {unknown[0]!r} here; choose among {', '.join(BOARD_TASKS)}.")
    out = [each for name in (registry.SYSTEMS if systems is None else systems) for each in _registered(name, tasks)]
    for path in added:
        its = [e for e in _added(Path(path)) if e.task in tasks]
        if not its:
            raise InputError(f"{path} has no entry of the tasks {', '.join(tasks)}; choose its task with --tasks.")
        out += its
    if not out:
        raise InputError("there is no system to compare; name some with --systems, or add your own with --add.")
    seen: set[tuple[str, str]] = set()
    for each in out:
        if each.name in BESIDE or (each.name, each.task) in seen:
            raise InputError(f"two rows of the task {each.task} would be called {each.name}; rename the one that is "
                             "added.")
        seen.add((each.name, each.task))
    return out


def _registered(name: str, tasks: tuple[str, ...]) -> list[Entry]:
    its = registry.system(name)
    can = ({its.task} | ({"redub"} if its.dubs else set())) & set(tasks)
    return [Entry(name, task, digest=_weights(name, task)) for task in tasks if task in can]


def _weights(name: str, task: str) -> str:
    """Checksum of a system's networks, from their cards, which `checkpoint.load` holds against the weights, and of the
    code that draws with them."""
    from tfg.scores.draw import Drawer

    cards = Drawer(name, task=task).cards
    return _digest("\n".join([code(name), *(f"{k} {cards[k].get('sha256', '')}" for k in sorted(cards))]))


def _added(path: Path) -> list[Entry]:
    if path.suffix == ".py":
        module = adapter(str(path))
        return [Entry(module.NAME, module.TASK, str(path.resolve()), _files([path, *_weight_files(path, module)]))]
    if path.is_dir():
        from tfg.scores.films import folders_of

        return [Entry(name, task, str(folder.resolve()), _files(sorted(folder.glob("*.*"))))
                for folder in folders_of(path) for name, task in [(folder.name, "portrait"), (folder.name, "redub")]]
    raise InputError(f"{path} is neither a Python file (an adapter) nor a folder of films; see tfg leaderboard --help.")


@functools.lru_cache(maxsize=16)
def adapter(path: str):
    """The module of an adapter's file.  Raises InputError: it cannot be read, or lacks NAME, TASK or draw."""
    if not Path(path).is_file():
        raise InputError(f"there is no file {path} to add.")
    spec = importlib.util.spec_from_file_location("tfg_adapter_" + _digest(path)[:12], path)
    assert spec is not None and spec.loader is not None      # the name ends in .py
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"the adapter {path} cannot be read: {type(error).__name__}: {error}") from error
    for name in ("NAME", "TASK", "draw"):
        if not hasattr(module, name):
            raise InputError(f"the adapter {path} has no {name}: it needs NAME, TASK and draw(target).")
    if module.TASK not in TASKS:
        raise InputError(f"the adapter {path} names the task {module.TASK!r}; choose among {', '.join(BOARD_TASKS)}.")
    return module


def _weight_files(path: Path, module) -> list[Path]:
    files = [path.parent / name for name in getattr(module, "WEIGHTS", ())]
    if lost := [file for file in files if not file.is_file()]:
        raise InputError(f"the adapter {path} names the weights {lost[0]}, which are not there.")
    return files


def _files(paths: list[Path]) -> str:
    known = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            known.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return known.hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def drawer(entry: Entry, seed: int) -> Callable:
    """The function from a target to frames of an entry.  Raises InputError as `Drawer`."""
    if not entry.path:
        from tfg.scores.draw import Drawer

        return Drawer(entry.name, seed=seed, task=entry.task)
    if entry.path.endswith(".py"):
        return adapter(entry.path).draw
    from tfg.scores.films import Films

    return Films(entry.path)
