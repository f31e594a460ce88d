"""A trained network on disk: NAME.safetensors with its weights, NAME.json with its card. Nothing is ever unpickled.

    save(network, "build/syncnet", "syncnet", {"data": ..., "scores": ...})
    network, card = load("syncnet", SyncNet, SyncNetConfig, "build/syncnet")        # None: what ships, data/syncnet

The card holds the sizes to build the network by (`config`), what it was trained on and how, its scores, and the
checksum of the weights. Weights are kept as float16: half the size, and no score moves in its third digit.
"""
from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import torch

from tfg import carded, paths
from tfg.errors import InputError


def save(network: torch.nn.Module, folder, name: str, card: dict) -> Path:
    """Write folder/NAME.safetensors, then NAME.json; each beside and moved into place. Returns the card's path.

    network: has a dataclass `config`.  card: JSON-able; `system`, `config`, `parameters` and `sha256` are added.
    """
    from safetensors.torch import save as to_bytes

    def small(x: torch.Tensor) -> torch.Tensor:
        return (x.half() if x.is_floating_point() else x).detach().cpu().contiguous()

    raw = to_bytes({k: small(v) for k, v in network.state_dict().items()})
    card = {"system": name, "config": asdict(network.config),
            "parameters": sum(p.numel() for p in network.parameters()), **card}
    return carded.write(folder, name, ".safetensors", raw, card)


def load(name: str, network_class, config_class, folder=None, *, again: str = "") -> tuple[torch.nn.Module, dict]:
    """The network, in eval mode and without gradients, and its card.

    folder: where `save` wrote them, None for the ones that ship with tfg (data/NAME). Read once a process; read again
    if the card has been written anew.  again: what to do where that fails, if it is not `tfg train NAME`.
    Raises InputError: a file is missing or is not what the card describes.
    """
    folder = paths.data(name) if folder is None else Path(folder)
    again = again or ("give a folder that `tfg train` has finished, or train it: "
                      f"tfg train {name.replace('_', '-')} --help")
    raw, card = carded.read(folder, name, ".safetensors", again=again)
    try:
        config = config_class(**_tuples(card["config"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / name}.json is no card of {name} ({error}): {again}") from error
    return _built(raw, network_class, config), card


def checksum(name: str, folder=None) -> str:
    """The sha256 in the card of a network that `load` has taken: whoever learned from it says so by this."""
    path = (paths.data(name) if folder is None else Path(folder)) / f"{name}.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["sha256"])


@lru_cache(maxsize=8)
def _built(raw: bytes, network_class, config) -> torch.nn.Module:
    from safetensors.torch import load as from_bytes

    network = network_class(config)
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in from_bytes(raw).items()})
    return network.eval().requires_grad_(False)


def _tuples(config: dict) -> dict:
    """JSON knows no tuples; the configs hold nothing else that is a list."""
    def turn(value):
        return tuple(turn(v) for v in value) if isinstance(value, list) else value

    return {k: turn(v) for k, v in config.items()}
