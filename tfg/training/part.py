"""Declaration of a training, from which `tfg train` makes a command: name, options, place of its function."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfg.errors import InputError
from tfg.options import Options, StrPath, choice, option_class, path, switch, text, whole

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@option_class
class RunOptions(Options):
    """Options of every training."""

    out: StrPath | None = path("folder for weights, log and the resumable state", default=None, needed=True)
    profile: str = text("ci (seconds), cpu (minutes), gpu", default="cpu")
    seed: int = whole("same seed, same network", default=0, low=0)
    steps: int | None = whole("number of steps, instead of the profile's", default=None, low=1)
    resume: bool = switch("continue from the state in the folder", default=True)
    init: StrPath | None = path("start from weights of the same network: a folder that tfg train has finished, or a "
                                ".safetensors", default=None)
    freeze: str | None = text("parts of the network to freeze: names, a comma between two", default=None)


def _devices(asked: str | None) -> int | str | None:
    """Number of devices, "auto", or None.  Raises InputError for other texts."""
    if asked is None or asked == "auto":
        return asked
    if not asked.isdecimal() or int(asked) < 1:
        raise InputError(f"{asked!r} is no number of devices; give 1 or more, or auto.")
    return int(asked)


@option_class
class MachineOptions(RunOptions):
    """Options of a training that runs on one or several devices."""

    devices: str | None = text("number of GPUs, or auto; default 1", default=None, convert=_devices)
    precision: str | None = choice("precision of the arithmetic; default: the profile's", default=None,
                                   choices=PRECISIONS)


@option_class
class StoreOptions(MachineOptions):
    """Options of a training on prepared clips."""

    store: StrPath | None = path("folder that tfg corpora prepare wrote", default=None, needed=True)


@option_class
class JudgeOptions(StoreOptions):
    """Options of a training of an expert that has a judge beside it."""

    judge: bool = switch("train the judge that scores systems instead: another network, on judge actors only",
                         default=False)


@dataclass(frozen=True)
class Training:
    """One command `tfg train NAME`.

    name: the command's name, and with "_" for "-" that of the written files.  about: one sentence for --help.  run:
    "module:function", called with the given options as keywords and `progress`; it returns (last position, card).
    Options: its flags.  examples: lines for --help.
    writes: files of weights that are not NAME.safetensors, with the option and its value that make them so:
    (("judge", True, "judge_sync.safetensors"),).  quiet: names of scores that the last line leaves to the card.
    """

    name: str
    about: str
    run: str
    Options: type[Options]
    examples: str = ""
    writes: tuple[tuple[str, Any, str], ...] = ()
    quiet: tuple[str, ...] = ()
