"""What preparing, sharding, training on and scoring a million clips would cost, from what each stage takes here.

Each stage is measured in CPU seconds of this process, all its threads together: unlike seconds on the clock they do not
depend on what else the machine does. Everything after the measuring is multiplication, by `cost`, with each assumption
beside its number: a model, not a run of a million clips. docs/scale.md shows its table.
"""
from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.bench.common import SHARED, machine, table

CLIPS, SECONDS, FPS = 1_000_000, 3.0, 25
SIZE = 128
"""Side of a crop, px."""
CORES = 64
"""Cores of the machine, or of the machines together, for which hours are printed."""
SYSTEMS = ("expression", "emogen")
"""Systems whose drawing is measured: one that moves a photo, one that draws the mouth of a film anew."""
ROWS = 5
"""Rows of a table of scores: the system, shuffled sound, true, copy, still; the first two are drawn."""
COPIES = 40
"""Copies of the real clips in the store from which windows are drawn, so that a batch meets clips not yet read."""
SOURCE_KBIT = 1000.0
"""Assumed bit rate of the original films, of which the network must carry every byte once."""


@dataclass(frozen=True)
class Stage:
    """One stage.  frame_s: CPU seconds per frame.  frame_bytes: bytes that it writes per frame.  times: how often each
    frame passes through it.  why: the assumption behind `times`."""

    frame_s: float
    frame_bytes: float = 0.0
    times: float = 1.0
    why: str = "once for each frame"


def cost(stages: dict[str, Stage], *, clips: int = CLIPS, seconds: float = SECONDS, cores: int = CORES) -> dict:
    """Core-hours, hours on `cores` cores, and GB of each stage and of all: name -> dict."""
    frames = clips * seconds * FPS
    out = {}
    for name, s in stages.items():
        hours = s.frame_s * s.times * frames / 3600
        out[name] = {"ms/frame": 1000 * s.frame_s, "times": s.times, "core-hours": hours,
                     f"hours/{cores}": hours / cores, "GB": s.frame_bytes * frames / 1e9}
    totals = {k: sum(row[k] for row in out.values()) for k in ("core-hours", f"hours/{cores}", "GB")}
    return out | {"all": totals}


def run() -> dict:
    """Measure the stages on the real clips, and print what a million clips of 3 s would cost."""
    if not (SHARED / "crema_d").is_dir():
        print("scale: left out, there are no real clips (TFG_SHARED).")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        prepared, scored = measure(Path(folder))
    result = {}
    for title, stages in (("Preparing", prepared), ("Scoring one system", scored)):
        result[title] = cost(stages)
        table(f"{title} {CLIPS:,} clips of {SECONDS:g} s ({CLIPS * SECONDS * FPS / 1e6:.0f} million frames), "
              f"by CPU time of {machine()}", result[title])
        for name, s in stages.items():
            print(f"  {name}: {s.why}")
    gigabytes = CLIPS * SECONDS * SOURCE_KBIT * 1000 / 8 / 1e9
    print(f"\nThe originals, assumed to have {SOURCE_KBIT:.0f} kbit/s, are {gigabytes:.0f} GB: a line of 1 Gbit/s "
          f"brings them in {gigabytes * 8 / 3600:.1f} h.")
    return result | {"originals_GB": gigabytes}


def measure(folder: Path) -> tuple[dict[str, Stage], dict[str, Stage]]:
    """Stages of preparing and of scoring, measured on the CREMA-D clips."""
    from tfg.corpora.prepare import prepare
    from tfg.corpora.shards import shard
    from tfg.corpora.splits import Splits
    from tfg.corpora.store import Store
    from tfg.corpora.windows import Windows
    from tfg.scores.targets import targets

    videos = sorted((SHARED / "crema_d" / "VideoFlash").glob("*.flv"))
    prepare(SHARED / "crema_d", "crema-d", folder / "store", size=SIZE, workers=1, report=False)
    store = Store.open(folder / "store")
    stages = _raw(videos)
    target = targets(store, "test")[0]
    spent = _write(store, folder / "many")
    store = Store.open(folder / "many")
    wrote = sum(p.stat().st_size for p in store.path.iterdir()) / store.n_frames
    stages["store"] = Stage(spent, wrote, why="a clip is written as a whole and brought to the disk; all arrays, sound "
                                              "and mel")
    shards = folder / "shards"
    stages["shards"] = Stage(_cpu(lambda: shard(store, shards, size_mb=32)) / store.n_frames,
                             sum(p.stat().st_size for p in shards.iterdir()) / store.n_frames,
                             why="for disks and networks that like few large reads; not needed on one machine")
    for name, place in (("windows from the store", store.path), ("windows from shards", shards)):
        windows = Windows(Store.open(place), Splits(()), "test", purpose="evaluate", T=5, reference="other_clip",
                          cache=False)
        taken = np.random.default_rng(0).integers(len(windows), size=64)
        stages[name] = Stage(_cpu(lambda w=windows, k=taken: w.batch(1, k)) / (64 * 10), times=0,
                             why="a training's, per frame that is read (10 for a window of 5 and its reference), "
                                 f"decoded each time, 128 windows of {len(store.clips)} clips of which none is in "
                                 "memory; not in the total, as it depends on the training")
    return stages, _scoring(target)


def _cpu(work: Callable) -> float:
    """CPU seconds of a call, all threads of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _raw(videos: list[Path]) -> dict[str, Stage]:
    """Stages from a film to what the store takes."""
    from tfg.corpora.store import encode
    from tfg.corpora.sync import audio_offset
    from tfg.faces import shots
    from tfg.faces import steady_crop as crop
    from tfg.faces.align import warp
    from tfg.faces.geometry import lip_gap
    from tfg.faces.measure import track
    from tfg.media.audio import load_audio, mel_spectrogram
    from tfg.media.video import FrameReader

    track(list(FrameReader(videos[0]))[:10])                                  # libraries are loaded and compiled
    took: dict[str, float] = {}
    frames_all = 0

    def lap(name: str, work: Callable):
        kept: list = []
        took[name] = took.get(name, 0.0) + _cpu(lambda: kept.append(work()))
        return kept[0]

    for path in videos:
        frames = lap("decode", lambda p=path: list(FrameReader(p)))
        sound = lap("sound and mel", lambda p=path: load_audio(p))
        mel = lap("sound and mel", lambda y=sound: mel_spectrogram(y).T)
        lap("cuts", lambda f=frames: shots.find_cuts(np.stack([shots.thumbnail(x) for x in f])))
        tracked = lap("landmarks", lambda f=frames: track(f))
        lap("sound and mel", lambda t=tracked, m=mel: audio_offset(lip_gap(t.points), m))

        def cut(frames=frames, t=tracked):
            matrix = crop.matrices(t.points, t.found, SIZE, t.size, where=crop.place(t.points))
            return [encode(warp(frame, m, SIZE)) for frame, m in zip(frames, matrix)]

        lap("crops and JPEG", cut)
        frames_all += len(frames)
    why = {"decode": "480 x 360 px, resampled to 25 frames/s; a film of 1920 x 1080 has 12 times the pixels",
           "landmarks": "one face is followed through the clip, 478 points and 52 coefficients",
           "sound and mel": "reading, resampling, 80 bands, and the offset between lips and sound"}
    return {name: Stage(s / frames_all, why=why.get(name, "once for each frame")) for name, s in took.items()}


def _write(store, out: Path) -> float:
    """CPU seconds per frame of appending the store's clips COPIES times to another one."""
    from dataclasses import replace

    from tfg.corpora.store import StoreWriter

    def append() -> None:
        with StoreWriter(out, size=store.size) as writer:
            for row, k in ((row, k) for k in range(COPIES) for row in store.clips):
                arrays = {k: v[row.start:row.stop] for k, v in store.arrays.items()}
                writer.append(replace(row, id=f"{row.id}_{k}"), [store.jpeg(i) for i in range(row.start, row.stop)],
                              store.mel[row.mel_start:row.mel_stop], store.wave(row), **arrays)

    return _cpu(append) / store.n_frames / COPIES


def _scoring(target) -> dict[str, Stage]:
    """Stages of a table of scores, on one clip."""
    from tfg.scores import judges as js
    from tfg.scores.draw import Drawer
    from tfg.scores.run import score_clip

    n, out = len(target.frames), {}
    for name in SYSTEMS:
        draw = Drawer(name)
        draw(target)                                                          # networks are loaded and compiled
        out[f"draw, {name}"] = Stage(_cpu(lambda d=draw: d(target)) / n, times=2 if name == SYSTEMS[0] else 0,
                                     why=f"the clip's own sound and another's, at {target.size} px"
                                         + ("" if name == SYSTEMS[0] else "; instead of the system above"))
    loaded = js.load()
    rows = {"true": target.frames, "still": np.repeat(target.frames[:1], n, 0)}
    score_clip(target, rows, loaded)
    spent = _cpu(lambda: score_clip(target, rows, loaded))
    out["meter and judges"] = Stage(spent / n / len(rows), times=ROWS,
                                    why=f"landmarks, pictures, sync, emotion, faces of {ROWS} rows; the landmarks of "
                                        "three of them are cached after the first system")
    return out


if __name__ == "__main__":
    run()
