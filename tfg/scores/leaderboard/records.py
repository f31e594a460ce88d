"""Records of the leaderboard: a file for each task, clip and row, found again by what it was made of.

A record's name holds a checksum of its key: the networks and the code that drew it, the judges and the code that scored
it, the clip's own bytes and the seed. So a table that was interrupted goes on, a system that was trained again is drawn
again, and the others are not.
"""
from __future__ import annotations

import functools
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np

from tfg.files import atomic, make_folder

MEASURE = ("media", "faces", "metrics", "experts", "scores")
"""Rooms whose code measures and judges."""
DRAW = ("media", "faces", "head", "compose", "speech", "acting", "networks")
"""Rooms on which systems stand."""
LATER = ("leaderboard", "lab", "study")
"""Folders of the room scores that only read records."""


@functools.lru_cache(maxsize=16)
def code(system: str | None = None) -> str:
    """Checksum of the code that measures; or of the code that a system draws with: its own folder, what all systems
    share, and the rooms below."""
    import tfg

    root, known = Path(tfg.__file__).parent, hashlib.sha256()
    files = [p for room in (MEASURE if system is None else DRAW) for p in (root / room).rglob("*.py")]
    if system is not None:
        files += [*(root / "systems").glob("*.py"), *(root / "systems/film").rglob("*.py"),
                  *(root / "systems" / system).rglob("*.py")]
    for path in sorted(set(files)):
        parts = path.relative_to(root).parts
        if parts[:1] != ("scores",) or parts[1] not in LATER:
            known.update("/".join(parts).encode() + path.read_bytes())
    return known.hexdigest()


def key(**parts) -> str:
    """Name of what was made of these parts, 24 digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


class Records:
    """A folder of records.  folder: made if it is not there."""

    def __init__(self, folder):
        self.folder = make_folder(folder)

    def read(self, name: str) -> tuple[dict, dict] | None:
        """A record and its arrays; None where it is missing. A damaged one is removed, to be made again."""
        try:
            record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
            with np.load(self.folder / f"{name}.npz", allow_pickle=False) as file:
                return record, dict(file)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            pass
        (self.folder / f"{name}.json").unlink(missing_ok=True)
        return None

    def there(self, name: str) -> bool:
        """Whether a record is complete: its JSON is written last."""
        return (self.folder / f"{name}.json").is_file()

    def write(self, name: str, record: dict, arrays: dict) -> None:
        """Write a record; it is there as a whole or not at all."""
        with atomic(self.folder / f"{name}.npz") as part, open(part, "wb") as file:
            np.savez_compressed(file, **arrays)
        with atomic(self.folder / f"{name}.json") as part:
            part.write_text(json.dumps(record) + "\n", encoding="utf-8")
