"""Write data/lab from a run of the metric lab, for chapter 15: its lab.json, and single values from its lab.csv.

    tfg lab --out build/lab
    python -m tools.lab_data build/lab
"""
from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from tfg.course.explore.doses import values_of
from tfg.files import atomic, make_folder

ROOT = Path(__file__).resolve().parent.parent


def write(run, out=ROOT / "data" / "lab") -> dict[str, int]:
    """Write lab.json.gz and values.json.gz; the same run gives the same bytes. Returns their sizes."""
    run, out = Path(run), make_folder(out)
    texts = {"lab.json.gz": json.loads((run / "lab.json").read_text(encoding="utf-8")),
             "values.json.gz": values_of(run / "lab.csv")}
    sizes = {}
    for name, content in texts.items():
        packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 9, mtime=0)
        with atomic(out / name) as part:
            part.write_bytes(packed)
        sizes[name] = len(packed)
    return sizes


if __name__ == "__main__":
    print(write(*sys.argv[1:]))
