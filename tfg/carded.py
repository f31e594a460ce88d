"""What was learned, on disk: NAME and a suffix for its bytes, NAME.json for its card, which holds their checksum.

Nothing is ever unpickled: the bytes are safetensors or text, and whoever reads them knows which. So
`tfg.models.checkpoint` keeps networks, and `tfg.adding.keep` the other models.
"""
from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from tfg.errors import InputError
from tfg.files import atomic, make_folder


def write(folder, name: str, suffix: str, raw: bytes, card: dict) -> Path:
    """Write folder/NAME+suffix, then NAME.json; each beside and moved into place. Returns the card's path.

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

    again: what to do about a file that cannot be used; it ends the message.
    Raises InputError: a file is missing, or is not what the card describes.
    """
    folder = Path(folder)
    path, card = folder / (name + suffix), folder / f"{name}.json"
    for file in (path, card):
        if not file.is_file():
            raise InputError(f"{name} is not in {folder} ({file.name} is missing): {again}")
    return _read(path.resolve(), card.resolve(), again, path.stat().st_mtime_ns, card.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, card: Path, again: str, *written_ns: int) -> tuple[bytes, dict]:
    try:
        told = json.loads(card.read_text(encoding="utf-8"))
        expected = str(told["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{card} is no card of {path.name} ({error}): {again}") from error
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise InputError(f"{path} has sha256 {found[:12]}..., its card says {expected[:12]}...: {again}")
    return raw, told
