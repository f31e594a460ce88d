"""Files of the models: NAME.safetensors or text, and NAME.json, the card. Nothing is unpickled."""
from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from tfg import paths
from tfg.errors import InputError
from tfg.files import atomic, make_folder


def folder_of(folder=None) -> Path:
    """The folder of the models: None for those that ship with tfg."""
    return paths.data("emotion_add") if folder is None else Path(folder)


def missing(path: Path, name: str) -> InputError:
    """The error where a model's file is not there."""
    return InputError(f"the model {name} is not in {path.parent} ({path.name} is missing): give a folder where it is, "
                      f"or train it with `tfg emotion-add train --model {name} --out {path.parent}`.")


def save_arrays(folder, name: str, arrays: dict[str, np.ndarray], card: dict) -> Path:
    """Write folder/NAME.safetensors (float16) and NAME.json. Returns the card's path."""
    from safetensors.numpy import save

    raw = save({k: np.ascontiguousarray(v, np.float16) for k, v in arrays.items()})
    return save_raw(folder, name, ".safetensors", raw, {
        "system": name, "parameters": int(sum(v.size for v in arrays.values())), **card})


def save_raw(folder, name: str, suffix: str, raw: bytes, card: dict) -> Path:
    """Write the bytes and the card, which gets their checksum."""
    folder = make_folder(folder)
    card = {**card, "sha256": hashlib.sha256(raw).hexdigest()}
    for ending, content in ((suffix, raw), (".json", (json.dumps(card, indent=1) + "\n").encode())):
        with atomic(folder / (name + ending)) as part:
            part.write_bytes(content)
    return folder / f"{name}.json"


def load_arrays(name: str, folder=None) -> tuple[dict[str, np.ndarray], dict]:
    """What `save_arrays` wrote, as float32, and the card. Read once, and again if it was written anew."""
    raw, card = load_raw(name, ".safetensors", folder)
    return _arrays(raw), card


def load_raw(name: str, suffix: str, folder=None) -> tuple[bytes, dict]:
    """The bytes and the card.  Raises InputError: missing, or not what the card describes."""
    folder = folder_of(folder)
    path, card = folder / (name + suffix), folder / f"{name}.json"
    for file in (path, card):
        if not file.is_file():
            raise missing(file, name)
    return _raw(path, card, path.stat().st_mtime_ns, card.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _raw(path: Path, card: Path, *written_ns: int) -> tuple[bytes, dict]:
    raw = path.read_bytes()
    try:
        told = json.loads(card.read_text(encoding="utf-8"))
        expected = str(told["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{card} is no card of a model ({error}): train it again with tfg emotion-add train.") \
            from error
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise InputError(f"{path} has sha256 {found[:12]}..., its card says {expected[:12]}...: train it again with "
                         "tfg emotion-add train, or copy both files again.")
    return raw, told


@lru_cache(maxsize=8)
def _arrays(raw: bytes) -> dict[str, np.ndarray]:
    from safetensors.numpy import load

    return {k: v.astype(np.float32) for k, v in load(raw).items()}
