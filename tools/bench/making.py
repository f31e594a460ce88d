"""Time and size of making the `cpu` set. $TFG_BENCH_FULL=1 makes all of it in build/cpu."""
from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tfg.actors.cast import PROFILES, SHIPPED
from tfg.actors.make import make
from tools.bench.common import ROOT, table

PHOTOS = [f"{SHIPPED}{name}.jpg" for name in ("default", "portrait_1", "portrait_2", "portrait_3")]


def run() -> dict:
    """Make a ninth of the set (4 built faces and the 4 photos that ship with tfg, 12 clips each) and multiply by nine;
    or make all of it. The time includes the start and compilation of workers."""
    whole = bool(os.environ.get("TFG_BENCH_FULL"))
    share = 1 if whole else PROFILES["cpu"]["actors"] / (2 * len(PHOTOS))
    with tempfile.TemporaryDirectory() as folder:
        out = ROOT / "build" / "cpu" if whole else Path(folder) / "part"
        cast = {} if whole else dict(actors=2 * len(PHOTOS), portrait=PHOTOS)
        report = make(out, progress=False, **cast)
        sizes: dict[str, int] = {}
        for path in out.iterdir():
            sizes[path.suffix] = sizes.get(path.suffix, 0) + path.stat().st_size
    if report.kept or not report.frames:
        print(f"{out} held {len(report.kept)} clips already; delete it to measure the making of all.")
        return {}
    frames, workers = report.frames, os.cpu_count() or 1
    result = {"made": {"clips": len(report.made), "failed": len(report.failed), "frames": frames, "s": report.seconds,
                       "frames/s": frames / report.seconds, "MB": report.n_bytes / 1e6},
              "cpu set, by that": {"clips": len(report.made) * share, "frames": frames * share,
                                   "s": report.seconds * share, "min": report.seconds * share / 60,
                                   "MB": report.n_bytes * share / 1e6}}
    table(f"Making virtual actors at 128 px, {workers} workers ({'all' if whole else 'a ninth'} of the set)", result)
    per_frame = {f"bytes of {k}": {"a frame": sizes[k] / frames} for k in (".mp4", ".npz", ".wav")}
    table("On disk", per_frame)
    return result | per_frame


if __name__ == "__main__":
    run()
