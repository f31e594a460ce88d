"""Training data of the extractor: the landmarker's measurements of virtual actors' clips, beside the truth.

    OUT/readings/SET/V001_DFA_HAP_HI.npz     for n frames in which a face was found:
        frame (n,) their numbers in the clip; points (n, 478, 3) px of the picture; blendshapes (n, 52); pose (n, 6)
        measured; crops (n, 64, 64, 3) uint8, `tfg.faces.face_crop.crop`; expression (n, 52), true_pose (n, 6): the
        truth

Each clip is measured once and its file appears whole, so a killed run continues where it stopped.
"""
from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic, make_folder

EVERY = {"train": 5, "val": 2, "test": 1}
"""Step between the measured frames of a clip, by split, as neighbouring frames are nearly equal."""
CLIPS = {"train": 4}
"""Number of measured clips of an actor, by split, spread over all; all where there is no number. More people help more
than more clips of one."""
KEPT = ("frame", "points", "blendshapes", "pose", "crops", "expression", "true_pose")


@dataclass(frozen=True)
class Source:
    """A clip to measure.  name: of its file.  actor: set/V001, as names recur in other sets.  kind: virtual,
    portrait."""

    path: Path
    actor: str
    kind: str
    split: str

    @property
    def key(self) -> str:
        """Path of its measurements, SET/NAME."""
        return f"{self.actor.split('/')[0]}/{self.path.stem}"


def sources(sets: Iterable, splits=("train", "val", "test"), *, clips: dict[str, int] | None = None) -> list[Source]:
    """The clips of sets that `tfg actors make` wrote, by their own splits, in the order of their names.

    clips: number for each actor, by split, instead of `CLIPS`.
    Raises InputError: a folder that holds no set, two folders of one name, a clip that was never made.
    """
    from tfg.actors.manifest import read_manifest
    from tfg.actors.take_name import take_name

    out, names = [], []
    for folder in map(Path, sets):
        manifest, name = read_manifest(folder), folder.resolve().name
        if name in names:
            raise InputError(f"two sets are called {name}, and their readings would be mixed; rename one of the "
                             "folders.")
        names.append(name)
        who = {m["name"]: m for m in manifest["members"]}
        for c in _spread(manifest["clips"], who, CLIPS if clips is None else clips):
            member = who[c["actor"]]
            if member["split"] not in splits:
                continue
            path = folder / (take_name(c["actor"], c["sentence"], c["emotion"], c["level"], c.get("take", 1)) + ".mp4")
            if not path.is_file():
                raise InputError(f"{path} was never made; run the same `tfg actors make` again to complete the set.")
            out.append(Source(path, f"{name}/{c['actor']}", member["kind"], member["split"]))
    return out


def _spread(planned: list[dict], who: dict[str, dict], most: dict[str, int]) -> list[dict]:
    """Clips of each actor, as many as its split allows, evenly from first to last."""
    by: dict[str, list[dict]] = {}
    for c in planned:
        by.setdefault(c["actor"], []).append(c)
    out = []
    for actor, mine in by.items():
        n = min(most.get(who[actor]["split"], len(mine)), len(mine))
        out += [mine[k * len(mine) // n] for k in range(n)]
    return out


def read_all(clips: list[Source], folder, *, every: dict[str, int] | None = None, progress: bool = True) -> None:
    """Measure the clips without measurements in `folder`. every: instead of `EVERY`.  Raises InputError."""
    every = every or EVERY
    missing = [c for c in clips if _stored(Path(folder) / f"{c.key}.npz", every[c.split]) is None]
    if not missing:
        return
    from tqdm.auto import tqdm

    from tfg.faces.landmarks import Landmarker

    with Landmarker() as meter:
        for clip in tqdm(missing, desc="read faces", unit="clip", disable=not progress):
            make_folder(Path(folder) / clip.key.split("/")[0])
            with atomic(Path(folder) / f"{clip.key}.npz") as part:
                np.savez(part, every=every[clip.split],
                         **read(clip.path, meter, every[clip.split]))               # type: ignore[arg-type]


def read(path, meter, every: int = 1) -> dict[str, np.ndarray]:
    """Measurements of every `every`-th frame of one clip, as the module lists them."""
    from tfg.corpora.actors import truth
    from tfg.faces.face_crop import SIZE, crop

    clip, known = truth(path)
    rows: dict[str, list] = {k: [] for k in KEPT}
    for t, frame in enumerate(clip.frames):
        found = meter(frame) if t % every == 0 else None
        if found:
            face = found[0]
            values = (t, face.points, face.blendshapes, face.pose, crop(frame, face.points), known["expression"][t],
                      known["pose"][t])
            for name, value in zip(KEPT, values, strict=True):
                rows[name].append(value)
    shapes = {"frame": (), "points": (478, 3), "blendshapes": (52,), "pose": (6,), "crops": (SIZE, SIZE, 3),
              "expression": (52,), "true_pose": (6,)}
    types = {"frame": np.int32, "crops": np.uint8}
    return {k: np.asarray(v, types.get(k, np.float32)).reshape(-1, *shapes[k]) for k, v in rows.items()}


def _stored(path: Path, every: int) -> dict[str, np.ndarray] | None:
    """Arrays of a file of measurements; None if it is missing, damaged or made with another step."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if int(file["every"]) != every:
                return None
            return {k: file[k] for k in KEPT}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


@dataclass
class Readings:
    """Measurements of several clips, one after the other. Arrays as the module lists them; clip (N,): number of each
    frame's clip in `clips`."""

    clips: list[Source]
    clip: np.ndarray
    arrays: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def actors(self) -> list[str]:
        """Names of the people, sorted."""
        return sorted({c.actor for c in self.clips})

    def rows(self, k: int) -> slice:
        """Rows of clip number k."""
        start, stop = np.searchsorted(self.clip, [k, k + 1])
        return slice(int(start), int(stop))


def load(clips: list[Source], folder, *, every: dict[str, int] | None = None, least: int = 4) -> Readings:
    """Measurements of the clips that show a face in `least` frames or more. Raises InputError if there are none."""
    kept, parts = [], []
    for source in clips:
        readings = _stored(Path(folder) / f"{source.key}.npz", (every or EVERY)[source.split])
        if readings is not None and len(readings["frame"]) >= least:
            kept.append(source)
            parts.append(readings)
    if not kept:
        raise InputError(f"none of {len(clips)} clips shows a face in {least} frames; make a set of virtual actors: "
                         "tfg actors make --out DIR")
    clip = np.repeat(np.arange(len(kept)), [len(p["frame"]) for p in parts])
    return Readings(kept, clip, {k: np.concatenate([p[k] for p in parts]) for k in KEPT})
