"""Score a system: draw every clip anew, make the rows it must be compared with, and measure all in the same way.

One protocol for every system. A film system dubs the true film, in which it hides the part that it draws; a portrait
system animates one photo of the actor; both get the clip's own sound, emotion and intensity
(`tfg.scores.targets.Target`), and draw through the same `prepare` that users call (`tfg.scores.draw`). The result is
compared with the clip. Beside it stand the rows of `columns.BESIDE`, measured by the same meter and judges in the same
run.
"""
from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tfg
from tfg import workers as cores
from tfg.corpora.prepared import check_margin, options_of
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces import crops
from tfg.faces.face_region import MARGIN, face_region
from tfg.files import make_folder
from tfg.scores import judges as js
from tfg.scores import measure
from tfg.scores.columns import BESIDE, TASKS
from tfg.scores.draw import Drawer, NotDrawn, rows_of
from tfg.scores.judge_clip import judge_clip
from tfg.scores.results import Scores
from tfg.scores.targets import Target, Targets, targets

SHEET = 6
"""Number of clips whose frames are kept for frames.png."""


def score(system: str | Callable, store, out=None, *, real=None, split: str = "test", clips: int | None = None,
          judges=None, workers: int | None = None, seed: int = 0, rows: Sequence[str] = BESIDE, splits=None,
          name: str | None = None, task: str = "film", card: dict | None = None, progress: Callable | None = None,
          **options) -> Scores:
    """Scores of a system on a split of a store, and beside it those of the true, still, shuffled and copied clips.

    system: a name in `tfg.registry.SYSTEMS`, or a function `draw(target) -> (T, S, S, 3) uint8`.  options: the
    system's, as for `tfg.animate`; emotion, intensity, sound and size are each clip's own.  store: folder or Store of
    tight crops.  out: folder for the tables, None to write nothing.  real: another store, of real clips, that is scored
    in the same run.  clips: most clips of each actor.  judges: folder, None for those that ship, or a
    `judges.Judges`.  workers: processes for measuring, None for one a core.  rows: some of `BESIDE`, "true" among them.
    name: name of the system's row.  task, card: a function's task ("film" or "portrait") and its checkpoint's card, if
    it has one.  progress: function of (clips done, clips in all).
    A clip that the system refuses is left out of all rows and listed with the reason.
    Raises InputError: nothing to score, no row "true", a store without sound or of other crops, a split that may not
    be read, a circular judge (`judges.check`), a system that refuses every clip.
    """
    unknown = [r for r in rows if r not in BESIDE]
    if unknown:
        raise InputError(f"there is no row {unknown[0]!r}; choose among {', '.join(BESIDE)}.")
    if "true" not in rows:
        raise InputError('rows must hold "true": what the judges say of the true clips stands beside every score.')
    draw, result, cards = _asked(system, options, seed, rows, name, task, card)
    stores = [store if isinstance(store, Store) else Store.open(Path(store))]
    stores += [real if isinstance(real, Store) else Store.open(Path(real))] if real is not None else []
    for each in stores:
        check_margin(each, MARGIN, "the judges'")
    parts = [targets(s, split, splits=splits if k == 0 else None, clips=clips, seed=seed)
             for k, s in enumerate(stores)]
    loaded = result.judges = judges if isinstance(judges, js.Judges) else js.load(judges)
    people = {f"{r.corpus}/{r.actor}" for part in parts for r in part.clips}
    for its in cards.values() or [None]:
        js.check(loaded, people, its)
    if out is not None:
        make_folder(out)                                     # fails before the work if it cannot be written
    n = sum(map(len, parts))
    for k, (target, found) in enumerate(_measured(parts, draw, result, cores.workers(workers, n))):
        if found is not None:
            points, scores, frames = found
            judge_clip(result, loaded, target, frames, points, scores)
            if k % max(1, -(-n // SHEET)) == 0:
                result.pictures.append(_sheet(target, frames))
        if progress:
            progress(k + 1, n)
    if not result.own:
        raise InputError(f"{result.system} refused all {n} clips; of {next(iter(result.refused))} it says: "
                         f"{next(iter(result.refused.values()))}")
    result.card = _card(result, cards, parts, split, clips, seed, getattr(draw, "given", {}))
    if out is not None:
        from tfg.scores.table import write

        write(result, out)
    return result


def _asked(system, options: dict, seed: int, rows, name, task: str, card) -> tuple[Callable, Scores, dict]:
    """The function that draws, an empty result, and the cards of the networks that draw."""
    if isinstance(system, str):
        draw = Drawer(system, options, seed)
        name, task, cards, mask = name or system, draw.its.task, draw.cards, draw.its.drawn_mask(96) is not None
    else:
        if options:
            raise TypeError(f"score() got {', '.join(options)}, but a function that draws takes no options")
        draw, name, mask = system, name or getattr(system, "__name__", "system"), False
        cards = {name: card} if card else {}
    if task not in TASKS:
        raise InputError(f"there is no task {task!r}; choose {' or '.join(TASKS)}.")
    if name in BESIDE:
        raise InputError(f"the system's row cannot be called {name}, as another row is; give another name.")
    return draw, Scores(name, tuple(r for r in BESIDE if r in rows) + (name,), task=task, masked=mask), cards


def score_clip(target: Target, rows: dict[str, np.ndarray], judges: js.Judges, folder: Path | None = None, *,
               task: str = "film") -> Scores:
    """All scores of one clip that was drawn in several ways, as `score` computes them.

    rows: name -> frames (T, S, S, 3) uint8; "true", "copy" and "still" have the same meaning as in tables.  folder:
    cache of the truth's landmarks, None to measure them anew.  task: of TASKS.
    """
    result = Scores("clip", tuple(rows), judges=judges, task=task)
    masks = {"mask": face_region(target.size)} if task == "film" else {}
    points, scores = measure.work(target.frames, rows, masks, folder)
    judge_clip(result, judges, target, rows, points, scores)
    return result


# ---- drawing and measuring --------------------------------------------------------------------------------------
def _measured(parts: list[Targets], draw: Callable, result: Scores, workers: int):
    """(target, (landmarks by row, scores by row, frames by row)) of each clip, in order; (target, None) where the
    system refused the clip. Workers measure while this process draws the next clips."""
    def jobs():
        for part in parts:
            folder, masks = crops.folder_for(part.store), _masks(draw, part.store.size, result)
            for target in part:
                try:
                    frames = rows_of(target, draw, result.rows, result.task)
                except NotDrawn as error:
                    result.refused[target.id] = str(error)
                    yield target, None, ()
                    continue
                yield target, frames, (target.frames, frames, masks, folder)

    if workers == 1:
        for target, frames, job in jobs():
            yield target, None if frames is None else (*measure.work(*job), frames)
        return
    waiting: deque = deque()

    def done(target, frames, future):
        return target, None if frames is None else (*future.result(), frames)

    with cores.executor(workers) as pool:
        for target, frames, job in jobs():
            waiting.append((target, frames, None if frames is None else pool.submit(measure.work, *job)))
            if len(waiting) > 2 * workers:
                yield done(*waiting.popleft())
        while waiting:
            yield done(*waiting.popleft())


def _masks(draw: Any, size: int, result: Scores) -> dict[str, np.ndarray]:
    """Masks (S, S) that weight pictures, by the ending of their columns; empty where pixels do not correspond."""
    if result.task != "film":
        return {}
    return {"mask": face_region(size)} | ({"drawn": draw.its.drawn_mask(size)} if result.masked else {})


# ---- the record of the run --------------------------------------------------------------------------------------
def _sheet(target: Target, frames: dict, n: int = 5) -> dict:
    """A few frames of each row, for frames.png."""
    at = np.linspace(0, len(target.frames) - 1, n + 2)[1:-1].astype(int)
    return {"clip": target.id, "kind": target.kind, "emotion": target.emotion, "level": target.level,
            "rows": {row: f[at] for row, f in frames.items()}}


def _card(result: Scores, cards: dict, parts: list[Targets], split, clips, seed, options: dict) -> dict:
    """Settings of the run, from which its tables can be made again."""
    stores, judges = [], result.judges
    for part in parts:
        references = Counter(part.reference(row)[1] for row in part.clips)
        photos = Counter(part.photo(row)[2] for row in part.clips)
        stores.append({
            "store": part.store.path.name, "size": part.store.size, "clips": len(part),
            "actors": len({r.actor for r in part.clips}), "references": dict(sorted(references.items())),
            "photos": dict(sorted(photos.items())),
            "own_sound_as_other": sum(part.other(row).id == row.id for row in part.clips),
            "left_out": [list(e) for e in part.left_out], "crop": options_of(part.store)})
    kept = ("sha256", "parameters", "data", "profile", "steps", "seed", "scores", "perceptual", "experts")
    return {"system": result.system, "task": result.task, "options": {k: str(v) for k, v in options.items()},
            "tfg": tfg.__version__, "split": split, "seed": seed, "clips_per_actor": clips, "stores": stores,
            "refused": result.refused,
            "networks": {name: {k: card[k] for k in kept if k in card} for name, card in cards.items()},
            "judges": {k: {"about": judges.about(k), "sha256": c.get("sha256"), "scores": c.get("scores")}
                       for k, c in judges.cards.items()},
            "identity": judges.about("identity"), "missing": judges.missing}

