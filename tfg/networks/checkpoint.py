"""A trained network on disk: NAME.safetensors with its weights, NAME.json with its card. Nothing is ever unpickled.

    save(network, "build/syncnet", "syncnet", {"data": ..., "scores": ...})
    network, card = load("syncnet", SyncNet, SyncNetConfig, "build/syncnet")        # None: those that ship,
    data/syncnet

The card contains the sizes of the network (`config`), its training data and command, its scores, and the checksum of
the weights. Weights are kept as float16: half the size, and no score changes in its third digit.

A right checksum only shows that the file and its card belong together. So both are checked besides: the config must
give a network, the file must contain that network's weights in their shapes, and each must be a finite number. `fill`
makes these checks for weights without a card, such as those of a training.
"""
from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch

from tfg import cancel, paths
from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.networks import cards as carded

N = TypeVar("N", bound=torch.nn.Module)
USUAL = 1024
"""Largest number in a config that is not the length of a side of some array of weights."""


def save(network: torch.nn.Module, folder, name: str, card: dict) -> Path:
    """Write folder/NAME.safetensors, then NAME.json, each atomically. Returns the card's path.

    network: has a dataclass `config`.  card: JSON-able; `system`, `config`, `parameters` and `sha256` are added.
    """
    from safetensors.torch import save as to_bytes

    def small(x: torch.Tensor) -> torch.Tensor:
        return (x.half() if x.is_floating_point() else x).detach().cpu().contiguous()

    raw = to_bytes({k: small(v) for k, v in network.state_dict().items()})
    card = {"system": name, "config": asdict(network.config),
            "parameters": sum(p.numel() for p in network.parameters()), **card}
    return carded.write(folder, name, ".safetensors", raw, card)


def load(name: str, network_class: type[N], config_class, folder=None, *, again: str = "") -> tuple[N, dict]:
    """The network, in eval mode and without gradients, and its card.

    folder: where `save` wrote them, None for the ones that ship with tfg (data/NAME). Read once a process; read again
    if the card has been written anew.  again: end of an error message, if not to run `tfg train NAME`.
    Raises InputError: a file is missing, is not what the card describes, or does not fit the network.
    """
    folder = paths.data(name) if folder is None else Path(folder)
    again = again or ("give a folder that `tfg train` has finished, or train it: "
                      f"tfg train {name.replace('_', '-')} --help")
    cancel.point()
    raw, card = carded.read(folder, name, ".safetensors", again=again)
    try:
        config = config_class(**_checked(card["config"], config_class))
        hash(config)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / name}.json is no card of {name} ({error}): {again}") from error
    return _built(raw, network_class, config, str(folder / name), again), card          # type: ignore[arg-type]


def checksum(name: str, folder=None) -> str:
    """The sha256 in the card of a network that `load` accepts; cards of networks trained with it quote it."""
    path = (paths.data(name) if folder is None else Path(folder)) / f"{name}.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["sha256"])


def save_weights(network: torch.nn.Module, path) -> None:
    """Write the weights of a training as they are (float32), without a card.  Raises InputError: the disk is full."""
    from safetensors.torch import save as to_bytes

    path = Path(path)
    make_folder(path.parent)
    with atomic(path) as part:
        part.write_bytes(to_bytes({k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}))


def load_weights(network: torch.nn.Module, path, *, again: str) -> None:
    """Give the network the weights that `save_weights` wrote.  again: end of an error message, which says what to do.

    Raises InputError: the file is missing, damaged, or another network's.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"the weights {path} cannot be read ({error.strerror}): {again}") from error
    fill(network, raw, path, again=again)


def fill(network: torch.nn.Module, raw: bytes, path, *, again: str) -> None:
    """Give the network the weights in the bytes of a safetensors file, float32.  path: name of the file for messages.

    Raises InputError: not safetensors, weights missing or left over or of another shape, numbers that are not finite.
    """
    found = {k: v.float() if v.is_floating_point() else v for k, v in carded.tensors(raw, path, again=again).items()}
    if wrong := _misfit(found, network.state_dict()):
        raise InputError(f"{path} holds {wrong}: {again}")
    network.load_state_dict(found)


def _misfit(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> str:
    """The first difference between the weights of a file and those of a network, as text; "" if they fit."""
    missing, more = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing:
        return f"no weights {missing[0]!r}, which this network has ({len(missing)} of {len(wanted)} are missing)"
    if more:
        return f"weights {more[0]!r}, which this network does not have ({len(more)} of {len(found)} are left over)"
    for name, x in found.items():
        if x.shape != wanted[name].shape:
            return f"weights {name!r} of shape {tuple(x.shape)}, where the network has {tuple(wanted[name].shape)}"
        if not bool(torch.isfinite(x).all()):
            return f"weights {name!r} with numbers that are not finite"
    return ""


@lru_cache(maxsize=8)
def _built(raw: bytes, network_class, config, path: str, again: str) -> torch.nn.Module:
    found = carded.tensors(raw, f"{path}.safetensors", again=again)
    most = max([USUAL, *(n for x in found.values() for n in x.shape)])
    try:
        if (largest := _largest(asdict(config))) > most:     # building it first might take more memory than there is
            raise ValueError(f"it holds {largest}, and no side of its weights is longer than {most}")
        network = network_class(config)
    except Exception as error:                               # torch raises many kinds for sizes that do not fit
        raise InputError(f"the config in {path}.json gives no network ({' '.join(str(error).split())[:200]}): "
                         f"{again}") from error
    if wrong := _misfit(found, network.state_dict()):
        raise InputError(f"{path}.safetensors does not fit its card: it holds {wrong}; {again}")
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in found.items()})
    return network.eval().requires_grad_(False)


def _largest(value) -> float:
    """The largest number anywhere in a config."""
    if isinstance(value, (dict, tuple)):
        return max((_largest(v) for v in (value.values() if isinstance(value, dict) else value)), default=0)
    return value if isinstance(value, (int, float)) else 0


def _checked(config: dict, config_class) -> dict:
    """The config of a card with tuples for JSON's lists.  Raises ValueError: a value of another kind than the default
    of its field, a number below 0 or not finite."""
    if not isinstance(config, dict):
        raise ValueError(f"its config is a {type(config).__name__}")
    defaults = {f.name: f.default for f in fields(config_class)}
    return {name: _value(name, value, defaults.get(name, MISSING)) for name, value in config.items()}


def _value(name: str, value, default):
    """A checked value of a config.  default: that of its field, or an item of it; MISSING or None: no check of type."""
    if isinstance(value, list):
        if default not in (MISSING, None) and not isinstance(default, tuple):
            raise ValueError(f"{name} is a list, not a {type(default).__name__}")
        item = default[0] if isinstance(default, tuple) and default else MISSING
        return tuple(_value(name, v, item) for v in value)
    kinds = (int, float) if isinstance(default, float) else (type(default),)
    if default is not MISSING and default is not None and (
            not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool)):
        raise ValueError(f"{name} is {value!r}, not a {type(default).__name__}")
    if isinstance(value, (int, float)) and not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value!r}; it can be 0 or more")
    return value
