"""Films that were drawn elsewhere, scored as a system's: `tfg score FOLDER --against TRUTH`, `tfg leaderboard --add`.

FOLDER holds a film for each clip. Which clip a film belongs to, its name says (CLIP.mp4, as `inputs` calls it), or the
line of a manifest.csv beside it, with the columns `file` and `clip`; `actor`, `emotion` and `level` may be added, and
are used where the truth does not know them. A folder of folders is a system each.
"""
from __future__ import annotations

import csv
import itertools
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfg.corpora import scan
from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces.face_region import MARGIN
from tfg.files import atomic, make_folder
from tfg.scores.draw import NotDrawn
from tfg.scores.targets import Targets

MANIFEST = "manifest.csv"
SIZE = 96
"""Side in px of the crops that foreign films and their truth are scored on: the judges' own."""
SHORT = 2
"""So many frames may be missing at a film's end (encoders drop some); the last one is repeated."""
LABELS = ("actor", "emotion", "level")


def slug(id: str) -> str:
    """A clip's name as a file's: "actors/V003_DFA_HAP_HI" becomes "actors_V003_DFA_HAP_HI"."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", id)


@dataclass(frozen=True)
class Line:
    """A line of a manifest.  file: of the film.  clip: name of the truth.  labels: those of LABELS that are given."""

    file: Path
    clip: str
    labels: dict


def lines(folder: Path) -> list[Line]:
    """The films of a folder and the clips that they are of.  Raises InputError: no films, a manifest that lacks a
    column, names a film that is not there, or one clip twice."""
    path = folder / MANIFEST
    if path.is_file():
        with open(path, newline="", encoding="utf-8-sig") as file:
            read = csv.DictReader(file)
            if not {"file", "clip"} <= set(read.fieldnames or ()):
                raise InputError(f"{path} has the columns {', '.join(read.fieldnames or ['none'])}, but needs file and "
                                 "clip.")
            out = [Line(folder / row["file"], row["clip"], {k: row[k] for k in LABELS if row.get(k)}) for row in read]
        if lost := [line.file for line in out if not line.file.is_file()]:
            raise InputError(f"{path} names {lost[0].name}, which is not there.")
    else:
        out = [Line(p, p.stem, {}) for p in sorted(folder.iterdir()) if p.suffix.lower() in scan.VIDEO]
    if not out:
        raise InputError(f"{folder} holds no films ({', '.join(sorted(scan.VIDEO))}); give each clip one, called "
                         "CLIP.mp4.")
    names = [line.clip for line in out]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{folder} has two films of the clip {twice[0]}; keep one of them.")
    return out


def folders_of(path: Path) -> list[Path]:
    """The folders of single systems in a folder: itself, if it holds films, else its folders.  Raises InputError."""
    if not path.is_dir():
        raise InputError(f"there is no folder of films {path}.")
    if (path / MANIFEST).is_file() or any(p.suffix.lower() in scan.VIDEO for p in path.iterdir()):
        return [path]
    inside = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not inside:
        raise InputError(f"{path} holds neither films nor folders of films.")
    return inside


class Films:
    """Films of one folder as a function of a target, as systems are.

    store: that of the targets; with it a film of the truth's own picture size is cut by the truth's own crops, so that
    pixels correspond (the task "film"). Else its face is followed and cut out by itself, as `tfg corpora prepare` does.
    """

    def __init__(self, folder, store: Store | None = None):
        self.folder, self.store = Path(folder), store
        self.films = {name: line.file for line in lines(self.folder) for name in (line.clip, slug(line.clip))}

    def __call__(self, target) -> np.ndarray:
        """Frames of the film of a target, (T, S, S, 3) uint8.  Raises NotDrawn where there is none that can be used."""
        names = (target.id, slug(target.id), target.id.rpartition("/")[2])
        path = next((self.films[name] for name in names if name in self.films), None)
        if path is None:
            raise NotDrawn(f"there is no film of it in {self.folder.name}")
        try:
            return self._frames(path, target)
        except InputError as error:
            raise NotDrawn(str(error)) from error

    def _frames(self, path: Path, target) -> np.ndarray:
        from tfg.media.video import FrameReader

        reader, n = FrameReader(path), len(target.frames)
        first = 0 if self.store is None else self._first(target)
        frames = list(itertools.islice(reader, first, first + n))
        if len(frames) < n - SHORT:
            raise InputError(f"its film has {len(reader)} frames at 25 a second, but {first + n} are needed")
        frames += frames[-1:] * (n - len(frames))
        if (reader.height, reader.width) == (target.size, target.size):
            return np.stack(frames)
        return self._cut(frames, target)

    def _first(self, target) -> int:
        """Number in the true film of a target's first frame."""
        from tfg.scores.targets import run_of

        assert self.store is not None
        row = self.store.by_id[target.id]
        return int(row.notes.get("first_frame", 0)) + run_of(self.store, row)[0] - row.start

    def _cut(self, frames: list[np.ndarray], target) -> np.ndarray:
        from tfg.faces.align import warp
        from tfg.faces.measure import track
        from tfg.faces.steady_crop import matrices
        from tfg.scores.targets import run_of

        if self.store is not None and "matrix" in self.store.arrays:
            start, stop = run_of(self.store, self.store.by_id[target.id])
            matrix = self.store.arrays["matrix"][start:stop]
        else:
            found = track(iter(frames))
            matrix = matrices(found.points, np.asarray(found.found, bool), target.size, frames[0].shape[:2],
                              crop="face", margin=MARGIN)
        return np.stack([warp(frame, m, target.size) for frame, m in zip(frames, matrix)])


def score_films(folder, against, out=None, *, task: str = "film", split: str = "test", clips: int | None = None,
                judges=None, workers: int | None = None, seed: int = 0, progress=None):
    """Scores of films that were drawn elsewhere, by the protocol of `tfg.scores.score`, as `Scores`.

    folder: of one system's films (see the module).  against: the truth: a store that `tfg corpora prepare` wrote, or a
    folder of films with the names of the clips, which are prepared in OUT/truth.  task: of TASKS; "film" where the true
    film's own face was drawn anew, so that pixels correspond; else "portrait" or "redub".  Others as `score`.
    Raises InputError: films without a truth, none that can be used, and as `score`.
    """
    from tfg.scores.run import score

    folder = Path(folder)
    if len(each := folders_of(folder)) > 1 or each[0] != folder:
        raise InputError(f"{folder} holds no films, but the folders {', '.join(p.name for p in each[:3])}; give one of "
                         "them, or compare all by tfg leaderboard --add.")
    if out is None:
        raise InputError("scoring films needs a folder for the tables; name one with --out.")
    is_store = (Path(against) / "store.json").is_file()
    truth = truth_store(against, lines(folder), make_folder(out) / "truth", workers=workers)
    films = Films(folder, truth if task == "film" else None)
    return score(films, truth, out, split=split, clips=clips, judges=judges, workers=workers, seed=seed, task=task,
                 name=slug(folder.resolve().name), rows=("true", "still"), progress=progress,
                 splits=None if is_store else everybody(truth))


# ---- the truth, if it is no store --------------------------------------------------------------------------------
def truth_store(truth, drawn: list[Line], out: Path, *, workers: int | None = None, progress=None) -> Store:
    """The true films as a store whose people are all there to be scored.

    truth: a store, or a folder of films, which are prepared into `out` (again only if they are not there yet).  drawn:
    lines of the drawn films; their labels fill in what the truth does not know, and a film without an actor is a person
    of its own.  Raises InputError: no such films, none that can be used.
    """
    from tfg.corpora.prepare import prepare

    truth = Path(truth)
    if (truth / "store.json").is_file():
        return Store.open(truth)
    films = {p.stem: p for p in sorted(truth.rglob("*")) if p.suffix.lower() in scan.VIDEO} if truth.is_dir() else {}
    wanted = {line.clip: line for line in drawn if line.clip in films}
    if not wanted:
        names = ", ".join(line.clip for line in drawn[:3])
        raise InputError(f"none of the drawn clips ({names}, ...) has a film of its name in {truth}; give the folder "
                         "of the true films, CLIP.mp4, or a store that tfg corpora prepare wrote.")
    staged = make_folder(out / "films")
    for name, line in wanted.items():
        place = make_folder(staged / slug(line.labels.get("actor") or name)) / films[name].name
        if not place.exists():
            os.symlink(films[name].resolve(), place)
    prepare(staged, "folder", out / "store", size=SIZE, margin=MARGIN, workers=workers, progress=progress,
            report=False)
    store = Store.open(out / "store")
    for k, row in enumerate(store.clips):
        given = next((line.labels for name, line in wanted.items() if _names(row.id, name)), {})
        store.clips[k] = replace(row, **{key: given[key] for key in ("emotion", "level") if key in given})
    return store


def everybody(store: Store) -> Splits:
    """Splits in which all people of a store are there to be scored: it was made for nothing else."""
    people = sorted({(row.corpus, row.actor) for row in store.clips if row.actor is not None})
    return Splits(tuple(Person(corpus, actor, "test", who=f"film/{actor}") for corpus, actor in people), {})


def _names(id: str, clip: str) -> bool:
    return id.rpartition("/")[2].partition(":")[0] == clip


# ---- what others need to draw ------------------------------------------------------------------------------------
def inputs(every: Targets, out, progress=None) -> Path:
    """Write what a system gets of each target, so that any program can draw it: OUT/CLIP/photo.png, film.mp4 (another
    take, to be dubbed), sound.wav, and OUT/clips.csv (clip, emotion, intensity, frames). Returns the folder."""
    from tfg.media.audio import FPS, write_wav
    from tfg.media.image import write_image
    from tfg.media.video import write_video

    out, table = make_folder(out), [("clip", "emotion", "intensity", "frames")]
    for k, target in enumerate(every):
        place = make_folder(out / slug(target.id))
        write_image(target.photo, place / "photo.png")
        write_video(place / "film.mp4", iter(target.reference), None, fps=FPS)
        write_wav(place / "sound.wav", target.wave)
        table.append((slug(target.id), target.emotion or "", f"{target.intensity:.3f}", str(len(target.frames))))
        if progress:
            progress(k + 1, len(every))
    with atomic(out / "clips.csv") as part, open(part, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    return out

