"""From a folder of videos to a store of windows: `prepare("CREMA-D", "crema-d", "build/store")`.

Each clip goes to 25 frames/s and 16 kHz by time, is divided at cuts, its face followed, measured and cut out, and then
written whole. Clips are shared out to processes; this one writes, in the reader's order, so that the store does not
depend on the number of workers. Run the same command again after an interruption: what is in the store is kept.
Virtual actors (`tfg actors make`) bring true labels, and nothing is detected.

Measured coefficients and Action Units are the meter's own: a person's neutral is in them (take it out with
`tfg.faces.measure.person_neutral` over an actor's clips). What the meter cannot see is NaN: tongueOut, AU 5, 6, 9, 15,
and all of a frame that is not ok.
"""
from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tfg import cores
from tfg.corpora import crop as crops
from tfg.corpora import openface as of
from tfg.corpora import read, scan
from tfg.corpora.names import Item, Skipped
from tfg.corpora.prepare_clip import Options, Outcome, work
from tfg.corpora.splits import of_set
from tfg.corpora.store import Row, StoreWriter
from tfg.errors import InputError

LABELS = ("true", "measured")
NO_PICTURES = ("sfhq",)
OPTIONS = "prepare.json"
"""In the store: how its clips were prepared, so that a later run does not mix."""
_NOT_IN_IDS = re.compile(r"[:\x00-\x1f]")                  # a colon numbers the parts of a clip
_BY_NAME = ("crema_d", "ravdess", "actors")


@dataclass
class Report:
    """What a run did.  items: files that the reader listed.  clips: rows that are in the store from them (a file that
    is divided gives several).  resumed: files that were there already.  dropped: files of which nothing was kept, with
    the reason.  reports: what is odd about a file that was kept.  skipped: what the reader left out.
    frames: prepared in this run."""

    items: int = 0
    kept: int = 0
    clips: int = 0
    resumed: int = 0
    frames: int = 0
    seconds: float = 0.0
    dropped: list[Skipped] = field(default_factory=list)
    reports: list[Skipped] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def __str__(self) -> str:
        before = f" ({self.resumed} were there)" if self.resumed else ""
        return (f"{self.items} files: {self.kept} kept{before} as {self.clips} clips, {len(self.dropped)} dropped, "
                f"{len(self.skipped)} not read; {self.frames} frames in {self.seconds:.1f} s "
                f"({self.frames / max(self.seconds, 1e-9):.0f} frames/s)")


def prepare(folder: str | os.PathLike, corpus: str, out: str | os.PathLike, *, size: int = 128,
            workers: int | None = None, actors: Sequence[str] | None = None, labels: str | None = None,
            openface: str | os.PathLike | None = None, crop: str = "face", margin=crops.MARGIN, smooth: int = 5,
            surprised: bool = False, progress: Callable[[int, int], None] | None = None, report: bool = True) -> Report:
    """Prepare the clips of a folder and append them to the store `out`, made if it is not there.

    corpus: a key of `tfg.corpora.READERS` that has videos.  size: px of a crop's side.  workers: processes (default: a
    core each).  actors: only these.  labels: "true" (default for actors) or "measured".  openface: folder of its CSVs.
    crop, margin: see `tfg.corpora.crop.matrices`.  smooth: see `prepare_clip.Options`.  surprised: RAVDESS's eighth
    emotion, too, as SUR.  progress: called with files done and files in all.  report: write report.md, report.json and
    pictures into `out` at the end.
    A clip that cannot be used is reported; it never ends the run.  Raises InputError for options that make no sense, a
    missing folder, a store that cannot be written (another writer, a full disk): what was written before is safe.
    """
    started = time.perf_counter()
    options = _options(corpus, size, crop, margin, smooth, labels, openface)
    if surprised and corpus != "ravdess":
        raise InputError(f"surprised clips are in ravdess alone, not in {corpus}; leave that out.")
    items, skipped = read(folder, corpus, **({"surprised": True} if surprised else {}))
    result = Report(skipped=list(skipped))
    named = _named(items, Path(folder), actors, result)
    result.items = len(named) + len(result.dropped)
    if not named and not result.dropped:
        raise InputError(f"{folder} holds no clip that can be prepared ({len(skipped)} files were left out); `tfg "
                         "corpora list` says why.")
    with StoreWriter(out, size=size) as writer:
        _same_options(Path(out), options)
        if corpus == "actors":
            of_set(folder).save_in(out)                      # who may be trained on goes with the clips
        todo = [(item, id) for item, id in named if not _held(writer, id)]
        result.resumed = len(named) - len(todo)
        done = result.resumed
        for outcome in _outcomes(todo, options, cores.workers(workers, len(todo))):
            for part in outcome.parts:
                if part.row.id not in writer.ids:            # a part may have been written before a crash
                    writer.append(part.row, part.jpegs, part.mel, **part.arrays)
            if outcome.dropped:
                result.dropped.append(Skipped(outcome.path, outcome.dropped))
            result.frames += outcome.frames
            done += 1
            if progress:
                progress(done, len(named))
        files = {id: item.path for item, id in named}
        mine = [row for row in writer.clips if row.id.partition(":")[0] in files]
        result.clips = len(mine)
        result.kept = len({row.id.partition(":")[0] for row in mine})
        told = {row.id.partition(":")[0]: row.notes.get("reports", []) for row in mine}
        result.reports = [Skipped(files[id], text) for id, texts in told.items() for text in texts]
        result.reports += _changed(mine, files)
        result.seconds = time.perf_counter() - started
        if report and writer.clips:
            from tfg.corpora.report import write_report

            write_report(out, result)
    return result


# ---- what is asked for ----------------------------------------------------------------------------------------------
def _options(corpus: str, size: int, crop: str, margin, smooth: int, labels: str | None, openface) -> Options:
    if corpus in NO_PICTURES:
        raise InputError(f"{corpus} holds pictures, not clips; make portrait actors of them with `tfg actors make`.")
    labels = labels or ("true" if corpus == "actors" else "measured")
    if labels not in LABELS:
        raise InputError(f"labels is {labels!r}; choose {' or '.join(LABELS)}.")
    if labels == "true" and corpus not in ("actors", "folder"):
        raise InputError(f"nobody knows the true labels of {corpus}; choose --labels measured.")
    if labels == "true" and openface is not None:
        raise InputError("true labels and OpenFace's were both asked for; leave one of them out.")
    if not 32 <= size <= 1024:
        raise InputError(f"the size is {size} px; give 32 to 1024.")
    if not 0 <= smooth <= 25:
        raise InputError(f"the smoothing window is {smooth} frames; give 0 (none) to 25.")
    tables = None if openface is None else of.find(openface)
    return Options(int(size), crop, crops.check(crop, margin), int(smooth), labels, tables)


def _same_options(store: Path, options: Options) -> None:
    """Remember how the store's clips are prepared. Raises InputError if they were prepared in another way."""
    import json

    from tfg.files import atomic

    wanted = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(options).items() if k != "openface"}
    wanted |= {"aus": "coefficients" if options.openface is None else "openface"}
    wanted.pop("labels")                                     # rows carry theirs
    path = store / OPTIONS
    if not path.exists():
        with atomic(path) as part:
            part.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        return
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it, or prepare into a new folder.") from error
    for name, value in wanted.items():
        if held.get(name) != value:
            raise InputError(f"the clips of {store} were prepared with {name} {held.get(name)}, not {value}; use that, "
                             "or another folder.")


def _named(items: list[Item], root: Path, actors: Sequence[str] | None, result: Report) -> list[tuple[Item, str]]:
    """Each item with its id in the store; second files of one name are dropped."""
    if actors is not None:
        missing = sorted(set(actors) - {str(i.actor) for i in items})
        if missing:
            raise InputError(f"{root} holds no clip of actor {', '.join(missing[:5])}; `tfg corpora list` says who is "
                             "there.")
        items = [i for i in items if str(i.actor) in set(actors)]
    by_id: dict[str, Item] = {}
    by_label: dict[tuple, Item] = {}
    for item in items:
        name = item.path.stem if item.corpus in _BY_NAME else _below(item.path, root)
        id = f"{item.corpus}/{_NOT_IN_IDS.sub('_', name)}"
        first = by_id.setdefault(id, item)
        if first is item and item.emotion:
            first = by_label.setdefault(scan.key(item), item)
        if first is not item:
            result.dropped.append(Skipped(item.path, f"has the same name as {first.path}; rename one of them"))
            if by_id[id] is item:
                del by_id[id]
    return [(item, id) for id, item in by_id.items()]


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()


def _held(writer: StoreWriter, id: str) -> bool:
    """Whether all parts of a clip are in the store."""
    if id in writer.ids:
        return True
    parts = [row.notes.get("part", [0, 0]) for row in writer.clips if row.id.startswith(f"{id}:")] \
        if f"{id}:1" in writer.ids else []
    return bool(parts) and len(parts) == parts[0][1]


def _changed(rows: list[Row], files: dict[str, Path]) -> list[Skipped]:
    """Files that are not those that the store's clips of these names were prepared from, as their sizes tell."""
    sizes = {row.id.partition(":")[0]: row.notes.get("bytes") for row in rows}
    return [Skipped(files[id], "is another file than the one that the store holds under this name; rename it, or "
                               "prepare it into a new folder")
            for id, size in sizes.items() if files[id].is_file() and size not in (None, files[id].stat().st_size)]


# ---- the work -------------------------------------------------------------------------------------------------------
def _outcomes(todo: list[tuple[Item, str]], options: Options, workers: int) -> Iterator[Outcome]:
    """The outcome of each clip, in order.

    A clip that kills its process (a crash in a decoder, no memory) takes the pool with it: those that were under way
    are then done one by one, each in a process of its own, and the one that kills it again is reported.
    """
    at = 0
    while at < len(todo):
        if workers == 1 and at == 0:
            for item, id in todo:
                yield work(item, id, options)
            return
        try:
            for outcome in _pool(todo[at:], options, workers):
                yield outcome
                at += 1
        except _killed():
            for item, id in todo[at:at + 2 * workers]:
                try:
                    yield next(iter(_pool([(item, id)], options, 2)))
                except _killed():
                    yield Outcome(item.path, id, dropped="ends the process that prepares it (a crash in a decoder, or "
                                                         "too little memory)")
                at += 1


def _killed() -> type[Exception]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    return TerminatedWorkerError


def _pool(todo: list[tuple[Item, str]], options: Options, workers: int) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    run = Parallel(n_jobs=workers, return_as="generator", batch_size=1, pre_dispatch="2*n_jobs")
    return run(delayed(_alone)(item, id, options) for item, id in todo)


def _alone(item: Item, id: str, options: Options) -> Outcome:
    """`work` in a process that has one core to itself."""
    import cv2

    cv2.setNumThreads(1)
    return work(item, id, options)
