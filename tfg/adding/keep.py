"""Files of the models: NAME.safetensors or text, and NAME.json, the card. Nothing is unpickled."""
from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from tfg import carded, paths


def folder_of(folder=None) -> Path:
    """The folder of the models: None for those that ship with tfg."""
    return paths.data("emotion_add") if folder is None else Path(folder)


def save_arrays(folder, name: str, arrays: dict[str, np.ndarray], card: dict) -> Path:
    """Write folder/NAME.safetensors (float16) and NAME.json. Returns the card's path."""
    from safetensors.numpy import save

    raw = save({k: np.ascontiguousarray(v, np.float16) for k, v in arrays.items()})
    return carded.write(folder, name, ".safetensors", raw, {
        "system": name, "parameters": int(sum(v.size for v in arrays.values())), **card})


def load_arrays(name: str, folder=None) -> tuple[dict[str, np.ndarray], dict]:
    """What `save_arrays` wrote, as float32, and the card. Read once, and again if it was written anew."""
    raw, card = load_raw(name, ".safetensors", folder)
    return _arrays(raw), card


def load_raw(name: str, suffix: str, folder=None) -> tuple[bytes, dict]:
    """The bytes and the card.  Raises InputError: missing, or not what the card describes."""
    folder = folder_of(folder)
    return carded.read(folder, name, suffix, again=way_out(name, folder))


def way_out(name: str, folder: Path) -> str:
    """What to do when a model cannot be read, for the end of a message."""
    return f"give a folder where it is, or train it with `tfg emotion-add train --model {name} --out {folder}`."


@lru_cache(maxsize=8)
def _arrays(raw: bytes) -> dict[str, np.ndarray]:
    from safetensors.numpy import load

    return {k: v.astype(np.float32) for k, v in load(raw).items()}
