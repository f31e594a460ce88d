"""What a film system does before and after its network: reads the source, follows the face, rolls the frames.

    stage = set_up(source, seconds, options, network's size)
    return stage.roll(painter, given, meta)
"""
from __future__ import annotations

import itertools
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfg.faces.face_region import MARGIN
from tfg.systems.base import Footage, Take
from tfg.systems.film import draw, track
from tfg.systems.film.calm_lips import CalmLips
from tfg.systems.film.options import FollowOptions
from tfg.systems.film.source import Schedule, Source


@dataclass
class Stage:
    """A source that is ready to be drawn anew.

    crops: where the face is in each frame.  looks, face, aligned: `source`, `face` and `aligned` of a
    `tfg.systems.film.paint.Painter`.
    seconds: what the work took.
    """

    pictures: Source
    schedule: Schedule
    crops: track.FaceCrops
    looks: Any = None
    face: Any = None
    aligned: bool = True
    seconds: dict[str, float] = field(default_factory=dict)

    def roll(self, painter, given, meta: dict | None = None) -> Take:
        """The frames, drawn while they are read.  given: see `tfg.systems.film.draw.redrawn`."""
        order, fps = self.schedule.order, self.schedule.fps
        untouched = ~self.crops.drawn[order]
        _report(untouched, self.schedule)
        meta = {"frames": len(order), "fps": fps, "untouched": int(untouched.sum()), "turns": self.schedule.turns,
                "cuts": len(self.crops.cuts), "faces": self.crops.faces} | (meta or {})
        blocks = draw.redrawn(self.pictures.shown(self.schedule), order, self.crops.drawn, painter, given)
        return Take(frames=_with_batch_size(draw.ahead(blocks), painter, meta), n=len(order), size=self.pictures.size,
                    seconds=self.seconds, fps=fps or self.pictures.fps,
                    times=None if fps else self.schedule.times[:-1], meta=meta)


def set_up(source, seconds: float, options: FollowOptions, size: int, *, watch=None, margin: tuple = MARGIN,
           progress: bool = False) -> Stage:
    """Read the source and follow its face.

    source, errors: as `System.prepare`.  seconds: of sound.  size: side of the network's pictures, px.  watch: called
    with each frame that is searched for the face, as `tfg.systems.film.track.find` calls it.  margin: of the crop, as
    `tfg.faces.align.crop_box`.
    """
    o, clock = options, time.perf_counter()
    pictures = Source(source, resize_factor=o.resize_factor, rotate=o.rotate, crop_box=o.crop_box, static=o.static,
                      fps=o.fps)
    schedule = pictures.schedule(seconds)
    needed = int(schedule.order.max()) + 1
    looks, face = None, None                              # what is copied from: the frame itself
    if isinstance(source, Footage) and source.crop:
        crops = track.whole(needed, pictures.size, size)
        looks = References(source).source
    elif (box := getattr(o, "box", None)) is not None:
        crops = track.constant(box, needed, pictures.size, size, margin, o.pads)
    else:
        calm = CalmLips()

        def both(*seen) -> None:
            for each in (calm.watch, watch):
                if each is not None:
                    each(*seen)

        crops = track.find(_watched(pictures, needed, progress), pictures.size, size, margin, fps=pictures.fps,
                           face=o.face, smooth=o.smooth, pads=o.pads, name=pictures.name, watch=both)
        found = calm.settle(crops.cuts)
        looks, face = found.source if found else None, calm.face
    return Stage(pictures, schedule, crops, looks, face, not isinstance(source, Footage) or not source.crop,
                 {"track": time.perf_counter() - clock})


class References:
    """A person's looks from other frames of theirs, for `Painter`: the one whose lips are most at rest.

    footage: its `reference` frames, or its photo where there are none; the face of its own frames stays hidden.
    These are of other moments, so their pose is not the frame's own: the network has to make up for that, and
    landmarks of the reference would not help.
    """

    def __init__(self, footage: Footage):
        frames = footage.photo[None] if footage.reference is None else footage.reference
        self.frame = frames[calmest(frames)]

    def source(self, frame: np.ndarray, index: int, place) -> np.ndarray:
        """(H, W, 3) uint8 in the place's rectangle."""
        import cv2

        picture = self.frame
        if picture.shape[:2] != frame.shape[:2]:
            picture = cv2.resize(picture, frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        return picture[place.rows, place.columns].copy()


def calmest(frames: np.ndarray, most: int = 50) -> int:
    """The number of the frame whose lips are closed best, of `most` evenly chosen ones; 0 where no face is found."""
    from tfg.faces.geometry import lip_gap
    from tfg.faces.landmarks import Landmarker

    chosen = np.unique(np.linspace(0, len(frames) - 1, most).astype(int)) if len(frames) > 1 else np.zeros(1, int)
    if len(chosen) == 1:
        return int(chosen[0])
    gaps = []
    with Landmarker() as landmarker:
        for k in chosen:
            found = landmarker(np.ascontiguousarray(frames[k]))
            gaps.append(float(lip_gap(found[0].points)) if found else np.inf)
    return int(chosen[np.argmin(gaps)])


def _watched(pictures: Source, needed: int, progress: bool):
    """The first frames of the source, decoded ahead, with a bar."""
    from tqdm.auto import tqdm

    from tfg.faces.measure import read_ahead

    frames = itertools.islice(pictures.forward(), needed)
    return tqdm(read_ahead(frames), total=needed, desc="faces", unit="frame", disable=not progress, leave=False,
                delay=.5)


def _report(untouched: np.ndarray, schedule) -> None:
    """Notes: the video turns round, frames without a face."""
    if schedule.turns:
        times = "once" if schedule.turns == 1 else f"{schedule.turns} times"
        warnings.warn(f"the sound ({schedule.times[-1]:.1f} s) is longer than the video, which runs to and fro and "
                      f"turns round {times}", UserWarning, stacklevel=4)
    if untouched.any():
        where = np.flatnonzero(untouched & ~np.append(False, untouched[:-1]))           # beginnings of gaps
        listed = ", ".join(f"{schedule.times[k]:.2f}" for k in where[:3]) + (", ..." if len(where) > 3 else "")
        warnings.warn(f"no usable face in {untouched.sum()} of {len(untouched)} frames (from {listed} s); they stay as "
                      "they are", UserWarning, stacklevel=4)


def _with_batch_size(frames, painter, meta: dict):
    """The frames; the batch that drew them is put into `meta` when all are there."""
    yield from frames
    meta["batch_size"] = painter.batch
