"""Turn a folder of videos into a store of face crops, sound and labels: `prepare("CREMA-D", "crema-d", "build/store")`.

Each clip is resampled in time to 25 frames/s and 16 kHz and divided at cuts; its face is followed, measured and cut
out; then the clip is written as a whole. Worker processes prepare clips and the calling process writes them, in the
reader's order, so that the store does not depend on the number of workers. Run the same command again after an
interruption: clips already in the store are kept. Virtual actors (`tfg actors make`) have true labels, so that nothing
is detected in their clips.

Measured coefficients and Action Units contain the person's neutral face (`tfg.faces.measure.person_neutral` over an
actor's clips gives it, to be subtracted). Those that cannot be measured are NaN: tongueOut, AU 5, 6, 9, 15, and all
values of a frame that is not ok.
"""
from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tfg import workers as cores
from tfg.corpora import openface as of
from tfg.corpora import read, scan
from tfg.corpora.names import Item, Skipped
from tfg.corpora.prepare_clip import Outcome, PrepareOptions, work
from tfg.corpora.prepared import OPTIONS
from tfg.corpora.splits import of_set
from tfg.corpora.store import Row, StoreWriter
from tfg.errors import InputError
from tfg.faces import steady_crop as crops

LABELS = ("true", "measured")
NO_PICTURES = ("sfhq",)
_NOT_IN_IDS = re.compile(r"[:\x00-\x1f]")                  # a colon numbers the parts of a clip
_BY_NAME = ("crema_d", "ravdess", "actors")


@dataclass
class PrepareReport:
    """Counts and reasons of one run.

    items: files that the reader listed.  kept: those with clips in the store.  clips: their rows in the store (a file
    that is divided gives several).  resumed: files that were in the store already.  dropped: files of which nothing was
    kept, with the reason.  reports: remarks on files that were kept.  skipped: files that the reader left out.
    frames, seconds: frames prepared in this run, and its duration.
    """

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
            surprised: bool = False, progress: Callable[[int, int], None] | None = None,
            report: bool = True) -> PrepareReport:
    """Prepare the clips of a folder and append them to the store `out`, made if it is not there.

    corpus: a key of `tfg.corpora.READERS` that has videos.  size: px of a crop's side.  workers: processes (default: a
    core each).  actors: only these.  labels: "true" (default for actors) or "measured".  openface: folder of its CSVs.
    crop, margin: see `tfg.faces.steady_crop.matrices`.  smooth: see `prepare_clip.PrepareOptions`.  surprised: takes
    RAVDESS's eighth emotion, too, as SUR.  progress: called with files done and files in all.  report: write report.md,
    report.json and pictures into `out` at the end.
    A clip that cannot be used is reported; it never ends the run.  Raises InputError for options that make no sense, a
    missing folder, a store that cannot be written (another writer, a full disk): what was written before is safe.
    """
    started = time.perf_counter()
    options = _options(corpus, size, crop, margin, smooth, labels, openface)
    if surprised and corpus != "ravdess":
        raise InputError(f"surprised clips are in ravdess alone, not in {corpus}; leave that out.")
    items, skipped = read(folder, corpus, **({"surprised": True} if surprised else {}))
    result = PrepareReport(skipped=list(skipped))
    named = _named(items, Path(folder), actors, result)
    result.items = len(named) + len(result.dropped)
    if not named and not result.dropped:
        raise InputError(f"{folder} holds no clip that can be prepared ({len(skipped)} files were left out); `tfg "
                         "corpora list` says why.")
    with StoreWriter(out, size=size) as writer:
        _same_options(Path(out), options)
        if corpus == "actors":
            of_set(folder).save_in(out)                      # the splits are kept with the clips
        todo = [(item, id) for item, id in named if not _is_stored(writer, id)]
        result.resumed = len(named) - len(todo)
        done = result.resumed
        for outcome in _outcomes(todo, options, cores.workers(workers, len(todo))):
            for part in outcome.parts:
                if part.row.id not in writer.ids:            # a part may have been written before a crash
                    writer.append(part.row, part.jpegs, part.mel, part.wave, **part.arrays)
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
        reports = {row.id.partition(":")[0]: row.notes.get("reports", []) for row in mine}
        result.reports = [Skipped(files[id], text) for id, texts in reports.items() for text in texts]
        result.reports += _changed(mine, files)
        result.seconds = time.perf_counter() - started
        if report and writer.clips:
            from tfg.corpora.report import write_report

            write_report(out, result)
    return result


# ---- options --------------------------------------------------------------------------------------------------------
def _options(corpus: str, size: int, crop: str, margin, smooth: int, labels: str | None, openface) -> PrepareOptions:
    if corpus in NO_PICTURES:
        raise InputError(f"{corpus} holds pictures, not clips; make portrait actors of them with `tfg actors make`.")
    labels = labels or ("true" if corpus == "actors" else "measured")
    if labels not in LABELS:
        raise InputError(f"labels is {labels!r}; choose {' or '.join(LABELS)}.")
    if labels == "true" and corpus not in ("actors", "folder"):
        raise InputError(f"the true labels of {corpus} are not known; choose --labels measured.")
    if labels == "true" and openface is not None:
        raise InputError("true labels and OpenFace's were both asked for; leave one of them out.")
    if not 32 <= size <= 1024:
        raise InputError(f"the size is {size} px; give 32 to 1024.")
    if not 0 <= smooth <= 25:
        raise InputError(f"the smoothing window is {smooth} frames; give 0 (none) to 25.")
    tables = None if openface is None else of.find(openface)
    return PrepareOptions(int(size), crop, crops.check(crop, margin), int(smooth), labels, tables)


def _same_options(store: Path, options: PrepareOptions) -> None:
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
        old = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it, or prepare into a new folder.") from error
    for name, value in wanted.items():
        if old.get(name) != value:
            raise InputError(f"the clips of {store} were prepared with {name} {old.get(name)}, not {value}; use that, "
                             "or another folder.")


def _named(items: list[Item], root: Path, actors: Sequence[str] | None,
           result: PrepareReport) -> list[tuple[Item, str]]:
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


def _is_stored(writer: StoreWriter, id: str) -> bool:
    """Whether all parts of a clip are in the store."""
    if id in writer.ids:
        return True
    parts = [row.notes.get("part", [0, 0]) for row in writer.clips if row.id.startswith(f"{id}:")] \
        if f"{id}:1" in writer.ids else []
    return bool(parts) and len(parts) == parts[0][1]


def _changed(rows: list[Row], files: dict[str, Path]) -> list[Skipped]:
    """Files whose size differs from that of the file that the store's clips of this name were prepared from."""
    sizes = {row.id.partition(":")[0]: row.notes.get("bytes") for row in rows}
    return [Skipped(files[id], "is another file than the one that the store holds under this name; rename it, or "
                               "prepare it into a new folder")
            for id, size in sizes.items() if files[id].is_file() and size not in (None, files[id].stat().st_size)]


# ---- the work -------------------------------------------------------------------------------------------------------
def _outcomes(todo: list[tuple[Item, str]], options: PrepareOptions, workers: int) -> Iterator[Outcome]:
    """The outcome of each clip, in order.

    A clip that kills its process (a crash in a decoder, no memory) ends the whole pool: the clips that were in work are
    then prepared one by one, each in a process of its own, and the clip that kills its process again is reported.
    """
    at = 0
    while at < len(todo):
        if workers == 1 and at == 0 and not cores.elsewhere():
            for item, id in todo:
                yield work(item, id, options)
            return
        try:
            for outcome in _pool(todo[at:], options, workers):
                yield outcome
                at += 1
        except cores.killed():
            for item, id in todo[at:at + 2 * workers]:
                try:
                    yield next(iter(_pool([(item, id)], options, 2)))
                except cores.killed():
                    yield Outcome(item.path, id, dropped="ends the process that prepares it (a crash in a decoder, or "
                                                         "too little memory)")
                at += 1


def _pool(todo: list[tuple[Item, str]], options: PrepareOptions, workers: int) -> Iterator[Outcome]:
    from joblib import delayed

    if options.openface is not None:
        options = replace(options, openface={k: Path(p).absolute() for k, p in options.openface.items()})
    run = cores.parallel(workers, return_as="generator", batch_size=1, pre_dispatch="2*n_jobs")
    outcomes = run(delayed(_alone)(_absolute(item), id, options) for item, id in todo)
    return (replace(outcome, path=item.path) for outcome, (item, _) in zip(outcomes, todo))


def _absolute(item: Item) -> Item:
    """The item with whole paths: workers may be in another folder, or on another machine with the same files."""
    return replace(item, **{k: getattr(item, k).absolute() for k in ("path", "audio", "transcript")
                            if getattr(item, k) is not None})


def _alone(item: Item, id: str, options: PrepareOptions) -> Outcome:
    """`work` in a process that has one core to itself."""
    import cv2

    cv2.setNumThreads(1)
    return work(item, id, options)
