"""Files of the emotion models: NAME.safetensors or text, and NAME.json, the card. Nothing is unpickled."""
from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from tfg import paths
from tfg.errors import InputError
from tfg.networks import cards as carded


def folder_of(folder=None) -> Path:
    """The folder of the models: None for those that ship with tfg."""
    return paths.data("emotion_add") if folder is None else Path(folder)


def save_arrays(folder, name: str, arrays: dict[str, np.ndarray], card: dict) -> Path:
    """Write folder/NAME.safetensors (float16) and NAME.json. Returns the card's path."""
    from safetensors.numpy import save

    raw = save({k: np.ascontiguousarray(v, np.float16) for k, v in arrays.items()})
    return carded.write(folder, name, ".safetensors", raw, {
        "system": name, "parameters": int(sum(v.size for v in arrays.values())), **card})


def load_arrays(name: str, folder=None, *, shapes: dict[str, tuple[int, ...]] | None = None
                ) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays that `save_arrays` wrote, as float32, and the card. Kept in memory until the file changes.

    shapes: arrays that must be there, by name.  Raises InputError: missing, damaged, of other shapes, not finite.
    """
    raw, card = load_raw(name, ".safetensors", folder)
    path, again = folder_of(folder) / f"{name}.safetensors", way_out(name, folder_of(folder))
    arrays = _arrays(raw, path, again)
    for key, shape in (shapes or {}).items():
        if key not in arrays or arrays[key].shape != shape:
            found = f"of shape {arrays[key].shape}" if key in arrays else "missing"
            raise InputError(f"{path} is no {name} model: its array {key!r} is {found}, not {shape}; {again}")
    return arrays, card


def load_raw(name: str, suffix: str, folder=None) -> tuple[bytes, dict]:
    """The bytes and the card.  Raises InputError: missing, or not what the card describes."""
    folder = folder_of(folder)
    return carded.read(folder, name, suffix, again=way_out(name, folder))


def way_out(name: str, folder: Path) -> str:
    """End of a message: the ways to get a model that can be read."""
    return f"give a folder where it is, or train it with `tfg train emotion-add --model {name} --out {folder}`."


@lru_cache(maxsize=8)
def _arrays(raw: bytes, path: Path, again: str) -> dict[str, np.ndarray]:
    arrays = {k: v.astype(np.float32) for k, v in carded.tensors(raw, path, again=again, numpy=True).items()}
    for name, x in arrays.items():
        if not np.isfinite(x).all():
            raise InputError(f"{path} holds numbers that are not finite, in {name!r}: {again}")
    return arrays
