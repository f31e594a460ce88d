"""Raw video to store: frames per second of the real clips from end to end, and of virtual actors with true labels."""
from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

from tools.bench.common import SHARED, table

FOLDERS = {"crema_d": "crema-d", "grid": "grid"}
STAGES = ("read_video", "read_sound", "find_cuts", "track", "place", "crop_and_jpeg", "mel_and_offset")


def run(actors: Path | None = None) -> dict:
    """`tfg corpora prepare` in one process on one core, after a first clip has loaded the libraries.

    actors: a set of virtual actors (default: $TFG_ACTORS), for preparing without detection.
    """
    from tfg.corpora.prepare import prepare

    out: dict = {}
    with tempfile.TemporaryDirectory() as folder, _one_core():
        for name, corpus in FOLDERS.items():
            if not (SHARED / name).is_dir():
                continue
            prepare(SHARED / name, corpus, f"{folder}/warm_{name}", workers=1)
            start, cpu = time.perf_counter(), time.process_time()
            done = prepare(SHARED / name, corpus, f"{folder}/{name}", workers=1, report=False)
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
            out[name] = {"clips": done.clips, "frames": done.frames, "frames/s": done.frames / wall,
                         "per core": done.frames / cpu, "dropped": len(done.dropped)}
        place = actors or os.environ.get("TFG_ACTORS")
        if place:
            start = time.perf_counter()
            done = prepare(place, "actors", f"{folder}/actors", workers=1, report=False)
            out["virtual actors"] = {"clips": done.clips, "frames": done.frames, "dropped": len(done.dropped),
                                     "frames/s": done.frames / (time.perf_counter() - start)}
    table("Prepare, one process (goal: 40 frames/s per core on CREMA-D)", out)
    stages = _stages() if (SHARED / "crema_d").is_dir() else {}
    if stages:
        total = sum(stages.values())
        table("Where the time of a CREMA-D frame goes", {k: {"ms": v, "%": 100 * v / total} for k, v in stages.items()})
    return {"speed": out, "ms_per_frame": stages}


def _stages() -> dict[str, float]:
    """Milliseconds per frame of each step, on one CREMA-D clip."""
    import numpy as np

    from tfg.corpora.store import encode
    from tfg.corpora.sync import audio_offset
    from tfg.faces import shots as cuts
    from tfg.faces import steady_crop as crop
    from tfg.faces.align import warp
    from tfg.faces.geometry import lip_gap
    from tfg.faces.measure import track
    from tfg.media.audio import load_audio, mel_spectrogram
    from tfg.media.video import FrameReader

    clip = sorted((SHARED / "crema_d" / "VideoFlash").glob("*.flv"))[0]
    ms, at = {}, time.perf_counter()

    def lap(name: str, n: int) -> None:
        nonlocal at
        ms[name] = (time.perf_counter() - at) / n * 1000
        at = time.perf_counter()

    frames = list(FrameReader(clip))
    n = len(frames)
    lap(STAGES[0], n)
    y = load_audio(clip)
    lap(STAGES[1], n)
    cuts.find_cuts(np.stack([cuts.thumbnail(f) for f in frames]))
    lap(STAGES[2], n)
    tracked = track(frames)
    lap(STAGES[3], n)
    where = crop.place(tracked.points)
    matrix = crop.matrices(tracked.points, tracked.found, 128, tracked.size, where=where)
    crop.moved(tracked.points, matrix)
    lap(STAGES[4], n)
    for frame, m in zip(frames, matrix):
        encode(warp(frame, m, 128))
    lap(STAGES[5], n)
    audio_offset(lip_gap(tracked.points), mel_spectrogram(y).T)
    lap(STAGES[6], n)
    return ms


@contextlib.contextmanager
def _one_core():
    """Keep this process on one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
