"""Files of trained models: NAME and a suffix for its bytes, and NAME.json for its card, which contains their checksum.

Nothing is ever unpickled: the bytes are safetensors or text. `tfg.networks.checkpoint` writes networks with these
functions, and `tfg.systems.expression.emotion.files` other models.
"""
from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from tfg.errors import InputError
from tfg.files import atomic, make_folder

PICKLES = (b"\x80", b"PK\x03\x04")
"""First bytes of files written by pickle and by torch.save."""


def write(folder, name: str, suffix: str, raw: bytes, card: dict) -> Path:
    """Write folder/NAME+suffix, then NAME.json, each atomically. Returns the card's path.

    card: JSON-able; `sha256` is added.
    """
    folder = make_folder(folder)
    card = {**card, "sha256": hashlib.sha256(raw).hexdigest()}
    for ending, content in ((suffix, raw), (".json", (json.dumps(card, indent=1) + "\n").encode())):
        with atomic(folder / (name + ending)) as part:
            part.write_bytes(content)
    return folder / f"{name}.json"


def read(folder, name: str, suffix: str, *, again: str) -> tuple[bytes, dict]:
    """The bytes and the card that `write` wrote. Read once a process, and again if either was written anew.

    again: end of the message about a file that cannot be used, which says what to do.
    Raises InputError: a file is missing, or is not what the card describes.
    """
    folder = Path(folder)
    path, card = folder / (name + suffix), folder / f"{name}.json"
    for file in (path, card):
        if not file.is_file():
            raise InputError(f"{name} is not in {folder} ({file.name} is missing): {again}")
    return _read(path.resolve(), card.resolve(), again, path.stat().st_mtime_ns, card.stat().st_mtime_ns)


def tensors(raw: bytes, path, *, again: str, numpy: bool = False) -> dict:
    """The arrays of a safetensors file by name: torch's, or numpy's.  path: name of the file for messages.

    Raises InputError: not safetensors, or cut off.
    """
    from safetensors import SafetensorError

    if numpy:
        from safetensors.numpy import load
    else:
        from safetensors.torch import load
    try:
        return load(raw)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        what = "empty" if not raw else "a pickle, which is never opened" if raw.startswith(PICKLES) else \
            f"no safetensors file, or cut off ({' '.join(str(error).split())[:120]})"
        raise InputError(f"{path} is {what}: {again}") from error


@lru_cache(maxsize=8)
def _read(path: Path, card: Path, again: str, *written_ns: int) -> tuple[bytes, dict]:
    try:
        about = json.loads(card.read_text(encoding="utf-8"))
        expected = str(about["sha256"])
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}): {again}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{card} is no card of {path.name} ({error}): {again}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise InputError(f"{path} has sha256 {found[:12]}..., its card says {expected[:12]}...: {again}")
    return raw, about
