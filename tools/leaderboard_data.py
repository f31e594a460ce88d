"""Ship a leaderboard for chapter 16: what `tfg leaderboard` wrote, as data/leaderboard/leaderboard.json.gz.

    tfg leaderboard --out build/leaderboard
    python -m tools.leaderboard_data build/leaderboard

Each clip keeps what the chapter and `Board.read` use, to five digits. The same table gives the same bytes.
"""
from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

from tfg import paths
from tfg.files import atomic, make_folder
from tfg.scores.leaderboard.protocol import load_json

KEPT = ("clip", "actor", "kind", "emotion", "level", "row", "moves", "named", "found", "aperture_r", "lse_d", "lse_c",
        "offset", "in_sync", "d0", "accuracy", "probability", "accuracy_published", "probability_published",
        "named_mini_xception", "csim", "draw_s")


def packed(known: dict) -> bytes:
    """A leaderboard.json, with what is kept of each clip, as gzip."""
    tasks = {name: {**task, "clips": [{key: round(c[key], 5) if isinstance(c[key], float) else c[key]
                                       for key in KEPT if key in c} for c in task["clips"]]}
             for name, task in known["tasks"].items()}
    text = json.dumps({**known, "tasks": tasks}, separators=(",", ":"))
    memory = io.BytesIO()
    with gzip.GzipFile(fileobj=memory, mode="wb", mtime=0, filename="") as file:
        file.write(text.encode())
    return memory.getvalue()


def main(argv: list[str]) -> None:
    """Write the file. argv: the folder of a table."""
    data = packed(load_json(Path(argv[0]) / "leaderboard.json"))
    out = make_folder(paths.data("leaderboard")) / "leaderboard.json.gz"
    with atomic(out) as part:
        part.write_bytes(data)
    print(f"wrote {out}: {len(data) / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
