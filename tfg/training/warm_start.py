"""Warm start: a training begins with given weights instead of random ones, and parts of its network may be frozen.

    tfg train expnet --init build/expnet --freeze sound,rest --out build/more
"""
from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from tfg.errors import InputError
from tfg.networks import cards

SHOWN = 6
"""Most names of weights in a note; the card has all of them."""


@dataclass(frozen=True)
class Init:
    """Weights to start from.  path: their .safetensors file.  sha256: checksum of its bytes."""

    path: str
    sha256: str


def init_of(given, name: str) -> Init:
    """The weights of --init: a .safetensors file, or the folder with NAME.safetensors.

    Raises InputError: there is no such file, or by its card it is damaged or another network.
    """
    path = Path(given)
    if path.is_dir():
        path = path / f"{name}.safetensors"
        if not path.is_file():
            found = sorted(p.name for p in path.parent.glob("*.safetensors"))
            raise InputError(f"{path.parent} holds no {path.name} to start from"
                             + (f", but {', '.join(found)}: name the file itself" if found else "")
                             + "; --init takes a folder that tfg train has finished, or a .safetensors.")
    if not path.is_file() or path.suffix != ".safetensors":
        raise InputError(f"--init is {given}, but it must be a folder that tfg train has finished, or a .safetensors.")
    if path.with_suffix(".json").is_file():
        _, card = cards.read(path.parent, path.stem, ".safetensors", again="give other weights to --init.")
        if card.get("system", name) != name:
            raise InputError(f"{path} holds the network {card['system']}, and {name} is to be trained: give --init "
                             f"weights of {name}.")
    return Init(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def take_over(network: torch.nn.Module, init: Init, *, note: bool = True) -> dict:
    """Copy those weights of the file into the network that have the name and shape of its own; a note names the others.

    Returns entries for the card: sha256 of the file; taken, the number of copied weights; left, names of those that
    only one of the two has, or that differ in shape.  Raises InputError: unreadable, not finite, or none fits.
    """
    again = "give other weights to --init."
    given = cards.tensors(Path(init.path).read_bytes(), init.path, again=again)
    own = network.state_dict()
    taken = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    if not taken:
        raise InputError(f"none of the {len(given)} weights in {init.path} has the name and shape of one of this "
                         "network: give --init weights of the same network.")
    odd = [name for name, value in taken.items() if not bool(torch.isfinite(value).all())]
    if odd:
        raise InputError(f"{init.path} holds numbers that are not finite (first in {odd[0]}): {again}")
    network.load_state_dict(taken, strict=False)      # it makes them the network's own type, float32
    left = sorted({*own, *given} - set(taken))
    if left and note:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        warnings.warn(f"--init gave {len(taken)} of {len(own)} weights; not taken over: {', '.join(left[:SHOWN])}"
                      f"{more}", stacklevel=2)
    return {"sha256": init.sha256, "taken": len(taken), "left": left}


def names_of(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """Names of parts, from a list or from one text with commas between."""
    parts = given.split(",") if isinstance(given, str) else given or ()
    return tuple(sorted({part.strip() for part in parts} - {""}))


def freeze(network: torch.nn.Module, parts: Iterable[str]) -> None:
    """Freeze the weights whose name is a part's, or begins with a part's name and a full stop.

    Raises InputError: no weight of that name, or all weights would be frozen.
    """
    for part in parts:
        chosen = [p for name, p in network.named_parameters() if f"{name}.".startswith(f"{part}.")]
        if not chosen:
            known = ", ".join(dict.fromkeys(name.split(".")[0] for name, _ in network.named_parameters()))
            raise InputError(f"the network has no part {part!r} to freeze; its parts are {known}, and parts of these "
                             "are named with a full stop between.")
        for parameter in chosen:
            parameter.requires_grad_(False)
    if not any(p.requires_grad for p in network.parameters()):
        raise InputError("--freeze names all parts of the network, so that nothing learns: leave out one of them.")


def frozen_modules(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Modules whose weights are all frozen. They are kept in eval mode, or batch norm would follow the batches."""
    def still(module: torch.nn.Module) -> bool:
        found = list(module.parameters())
        return bool(found) and not any(p.requires_grad for p in found)

    return [module for module in network.modules() if still(module)]
