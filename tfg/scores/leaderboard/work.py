"""One clip of the leaderboard, in a worker process: every row that has no record yet is drawn, measured and judged."""
from __future__ import annotations

import functools
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfg.faces import crops
from tfg.files import make_folder
from tfg.scores import judges as js
from tfg.scores.draw import NotDrawn, rows_of
from tfg.scores.films import slug
from tfg.scores.leaderboard import records
from tfg.scores.leaderboard.entries import Entry, drawer
from tfg.scores.run import score_clip
from tfg.scores.targets import Targets, targets

BESIDE = {"portrait": ("true", "still", "shuffled"), "redub": ("true", "still", "shuffled", "copy")}
"""Rows beside the systems'. "shuffled" is the true film of another sentence."""


@dataclass(frozen=True)
class Job:
    """A clip to be drawn and judged by all entries of a task.

    store, out: folders.  split, clips, seed, number: which clip (`targets(...)[number]`).  names: row -> name of its
    record.  judges: folder, None for those that ship.
    """

    store: str
    split: str
    clips: int | None
    seed: int
    number: int
    task: str
    entries: tuple[Entry, ...]
    names: dict[str, str]
    judges: str | None
    out: str


def work(job: Job) -> int:
    """Make the missing records of a clip, and its films. Returns how many rows were made."""
    import cv2

    cv2.setNumThreads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                      # systems remark on single sources; tables count refusals
        return _work(job)


def _work(job: Job) -> int:
    kept = records.Records(Path(job.out, "records"))
    missing = [row for row, name in job.names.items() if not kept.there(name)]
    if not missing:
        return 0
    every = _targets(job.store, job.split, job.clips, job.seed)
    target, frames = every[job.number], {}
    seconds: dict[str, float] = {}
    for row in dict.fromkeys(["true", *missing]):
        started = time.perf_counter()
        try:
            frames[row] = _frames(job, every, target, row)
        except NotDrawn as error:
            kept.write(job.names[row], {"refused": str(error), "clip": target.id}, {})
        seconds[row] = time.perf_counter() - started
    result = score_clip(target, frames, _judges(job.judges), crops.folder_for(every.store), task=job.task)
    person = result.own[0].pop("person")
    for row, record in zip(frames, result.clips):
        if row not in missing:
            continue
        arrays = {name: part[row][0] for name, part in (("curve", result.curves), ("features", result.features))
                  if row in part}
        if row == "true" and person is not None:
            arrays["person"] = person
        more = {"own": result.own[0]} if row == "true" else {"draw_s": seconds[row]}
        _film(job, target, row, frames[row])
        kept.write(job.names[row], {**record, **more}, arrays)
    return len(missing)


def _frames(job: Job, every: Targets, target, row: str) -> np.ndarray:
    """Frames of a row, (T, S, S, 3) uint8."""
    if row == "shuffled":
        return every.other_film(job.number)
    entry = next((e for e in job.entries if e.name == row), None)
    return rows_of(target, entry and _drawer(entry, job.seed), (row,), job.task)[row]


def _film(job: Job, target, row: str, frames: np.ndarray) -> None:
    from tfg.media.audio import FPS
    from tfg.media.video import write_video

    path = film(job.out, job.task, row, target.id)
    make_folder(path.parent)
    recorded = target.kind == "real" and row in BESIDE[job.task]
    write_video(path, iter(frames), target.wave, fps=FPS, generated=not recorded)


def film(out, task: str, row: str, clip: str) -> Path:
    """Where the film of a row is."""
    return Path(out, "clips", task, row, f"{slug(clip)}.mp4")


@functools.lru_cache(maxsize=4)
def _targets(store: str, split: str, clips: int | None, seed: int) -> Targets:
    from tfg.corpora.store import Store

    return targets(Store.open(store), split, clips=clips, seed=seed)


@functools.lru_cache(maxsize=64)
def _drawer(entry: Entry, seed: int):
    return drawer(entry, seed)


@functools.lru_cache(maxsize=2)
def _judges(folder: str | None) -> js.Judges:
    return js.load(folder)
