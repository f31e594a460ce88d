"""Making a set of virtual actors: a folder of clips and `set.json`, which lists its members and clips.

    DIR/set.json                            version, tfg, seed, size, profile, ..., split, members, clips;
                                            photos: sha256 of those that are neither SFHQ's nor tfg's
    DIR/V001_DFA_HAP_HI.mp4 .wav .npz       one clip (tfg.actors.record)

A clip is a function of the set's seed, its member and its own name: neither the number of workers nor earlier clips
change a byte of it (on one machine; another processor may round differently). A run that was stopped or killed
continues where it was. joblib spreads the work over actors, and within `joblib.parallel_config("dask")` over a cluster
whose workers see the same folders.
"""
from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tfg.actors import cast as casting
from tfg.actors import photos
from tfg.actors.cast import Member, Planned
from tfg.actors.manifest import FRAMES_PER_CLIP, LOCK, MANIFEST, PART, announce, check_folder, manifest, read_manifest
from tfg.actors.record import is_recorded, record
from tfg.errors import InputError
from tfg.files import atomic, locked, make_folder
from tfg.vocabulary import EMOTIONS
from tfg.workers import killed, one_thread_each, parallel

__all__ = ["Made", "SetReport", "make", "manifest", "play", "read_manifest"]
BYTES_PER_FRAME = {"": 4500, "masks": 500, "depth": 4000, "flow": 5000}     # about, at 128 px: a clip, and each extra


@dataclass
class Made:
    """Outcome of making one clip: its name, its frames, and the error if it could not be made."""

    name: str
    frames: int = 0
    error: str | None = None
    full: bool = False              # True if the disk is full, so that the run must stop


@dataclass
class SetReport:
    """Report of a run of `make`. made, kept: names of the clips that were made, and that existed already.  failed:
    (name, reason) of those that could not be made.  frames: number of frames made.  n_bytes: size of the folder."""

    out: Path
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    frames: int = 0
    n_bytes: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        rate = f", {self.frames / self.seconds:.0f} frames/s" if self.frames else ""
        return (f"{self.out}: {len(self.made)} clips made ({self.frames} frames in {self.seconds:.1f} s{rate}), "
                f"{len(self.kept)} there already, {len(self.failed)} failed; {self.n_bytes / 1e6:.1f} MB")


def make(out: str | os.PathLike, *, profile: str = "cpu", actors: int | None = None, portraits: int | None = None,
         portrait: Sequence[str | os.PathLike] = (), clips: int | None = None, size: int | None = None,
         text: str | Sequence[str] | None = None, varied: int | None = None, emotions: Sequence[str] = EMOTIONS,
         seed: int = 0, extras: Sequence[str] = (), only: Sequence[str] = (), workers: int | None = None,
         mirror: str | os.PathLike | None = None, progress: bool = True,
         say: Callable[[str], None] | None = None) -> SetReport:
    """Make a set, or continue one that was stopped.

    out: folder, made if it is not there.  profile: of `cast.PROFILES`; actors, portraits, clips (of each actor), size
    (px) replace its numbers.  portrait: photos that become actors of the set (`cast.cast`).  text: one text or several,
    spoken instead of the twelve sentences.  varied: number of everyday English sentences, spoken instead.
    emotions: of `vocabulary.EMOTIONS`.  seed: chooses the people.  extras: of "masks", "depth", "flow".
    only: splits whose actors are made; the others are left out.  workers: number of processes, all cores by default.
    mirror: a folder with sfhq/ in it, $TFG_MIRROR if None.  progress: show a bar.
    say: function that receives one sentence about the coming work, before it begins.
    A clip that cannot be made is listed in `SetReport.failed`, and the others are still made.
    Raises InputError for options that do not fit together, photos that cannot be fetched, a folder with other content,
    another run in the same folder, and a full disk.
    """
    started = time.perf_counter()
    wanted = manifest(profile=profile, actors=actors, portraits=portraits, portrait=portrait, clips=clips, size=size,
                      text=text, varied=varied, emotions=emotions, seed=seed, extras=extras, only=only)
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; give 1 or more.")
    out = Path(out)
    check_folder(out, wanted)
    members = [Member(**m) for m in wanted["members"]]
    planned = [Planned(**c) for c in wanted["clips"]]
    with locked(make_folder(out), LOCK):
        check_folder(out, wanted)                       # another run may have come in between
        _sweep(out)
        report = SetReport(out)
        report.kept = [c.name for c in planned if is_recorded(out, c.name, wanted["extras"])]
        kept = set(report.kept)
        missing = [c for c in planned if c.name not in kept]
        _check_room(out, len(missing), wanted)
        if missing:
            needed = {c.actor for c in missing}
            photos.fetch_photos([m for m in members if m.name in needed], mirror=mirror)
        if not (out / MANIFEST).exists():
            with atomic(out / MANIFEST) as part:
                part.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        if say:
            say(announce(out, members, missing, wanted))
        try:
            _run(report, members, missing, wanted, workers, progress)
        finally:
            _sweep(out)
        report.n_bytes = sum(p.stat().st_size for p in out.iterdir())
    report.seconds = time.perf_counter() - started
    return report


def _check_room(out: Path, clips: int, wanted: dict) -> None:
    """Raise InputError if the disk of `out` has less space than that many clips need, about."""
    pixels = (wanted["size"] / 128) ** 2
    pictures = sum(BYTES_PER_FRAME[e] for e in wanted["extras"])
    needed = clips * FRAMES_PER_CLIP * (BYTES_PER_FRAME[""] * (.8 + .2 * pixels) + pictures * pixels)
    free = shutil.disk_usage(out).free
    if needed > free:
        raise InputError(f"about {needed / 1e6:.0f} MB are to be written and the disk of {out} has {free / 1e6:.0f} MB "
                         "left; make fewer or smaller clips, or choose another disk.")


def _sweep(out: Path) -> None:
    """Remove the temporary files of killed runs. The caller holds the lock, so nobody else is writing to them."""
    for part in out.glob(".*.part.*"):
        if PART.fullmatch(part.name):
            part.unlink(missing_ok=True)


# ---- the work -------------------------------------------------------------------------------------------------
def _run(report: SetReport, members: list[Member], missing: list[Planned], wanted: dict, workers: int | None,
         progress: bool) -> None:
    """Make the missing clips in worker processes and enter them into the report."""
    from joblib import delayed, effective_n_jobs
    from tqdm.auto import tqdm

    workers = workers or effective_n_jobs(-1)           # all cores, or all of a cluster
    jobs = list(_jobs(members, missing, workers))
    if not jobs:
        return
    bar = tqdm(total=len(report.kept) + len(missing), initial=len(report.kept), desc="clips", unit=" clip",
               leave=False, disable=not progress)
    with bar, one_thread_each():
        pool = parallel(min(workers, len(jobs)), return_as="generator_unordered", batch_size=1)
        out = os.path.abspath(report.out)               # the current folder of reused workers may be another one
        results = pool(delayed(play)(out, member, clips, wanted["size"], tuple(wanted["extras"]))
                       for member, clips in jobs)
        try:
            for done in results:
                _take_stock(report, done)
                bar.update(len(done))
        except killed() as error:
            raise InputError("a worker process was ended from outside, most often for want of memory; run the same "
                             f"command again with fewer --workers than {workers}.") from error
        finally:
            getattr(results, "close", lambda: None)()
    order = {c.name: i for i, c in enumerate(missing)}
    report.made.sort(key=order.__getitem__)
    report.failed.sort(key=lambda f: order[f[0]])


def _take_stock(report: SetReport, done: list[Made]) -> None:
    """Enter finished clips into the report. Raises InputError if the disk is full."""
    for clip in done:
        if clip.full:
            raise InputError(f"the disk of {report.out} is full: {clip.name} could not be written; free some space and "
                             "run the same command again, it goes on where it was.")
        if clip.error:
            report.failed.append((clip.name, clip.error))
        else:
            report.made.append(clip.name)
            report.frames += clip.frames


def _jobs(members: list[Member], missing: list[Planned], workers: int) -> Iterator[tuple[Member, list[Planned]]]:
    """Jobs for the workers: all clips of one actor, who is then built once, or parts of them if there are fewer actors
    than workers."""
    groups = {m: [c for c in missing if c.actor == m.name] for m in members}
    groups = {m: g for m, g in groups.items() if g}
    parts = -(-workers // len(groups)) if groups else 1
    for member, clips in groups.items():
        n = -(-len(clips) // parts)
        for k in range(0, len(clips), n):
            yield member, clips[k:k + n]


def play(out: str, member: Member, clips: list[Planned], size: int, extras: tuple[str, ...]) -> list[Made]:
    """Make some clips of one member, in a worker process. Errors are returned in `Made.error`, not raised."""
    done: list[Made] = []
    with one_thread():
        try:
            actor = _actor(member, size, _stamp(member))
        except Exception as error:                    # one member's failure must not stop the others
            return [Made(c.name, error=_sentence(error, member), full=_is_full(error)) for c in clips]
        for clip in clips:
            try:
                take = _take(member, clip, actor)
                record(take, actor, out, extras=extras)
                done.append(Made(clip.name, len(take.motion)))
            except Exception as error:
                done.append(Made(clip.name, error=_sentence(error, member), full=_is_full(error)))
                if done[-1].full:
                    break
    return done


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit numeric libraries to one thread: sums are then rounded alike in every run, and workers do not compete."""
    import cv2
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)


@functools.lru_cache(maxsize=1)
def _actor(member: Member, size: int, stamp: tuple):
    """The actor of a member, kept for the member's next job in this process. stamp: `_stamp`, a key of the cache."""
    return casting.build(member, size)


def _stamp(member: Member) -> tuple:
    """Time and size of the member's photo, so that a changed photo is read anew; empty without a photo."""
    path = photos.photo_path(member.photo) if member.photo else None
    if path is None or not path.is_file():
        return ()
    return path.stat().st_mtime_ns, path.stat().st_size


def _take(member: Member, clip: Planned, actor):
    """Play the take of a planned clip, with a voice of the actor's sex and age."""
    from tfg.actors.take import make_take

    words = dict(sentence=clip.sentence) if clip.text is None else dict(text=clip.text, take=clip.take)
    return make_take(member.name, member.seed, emotion=clip.emotion, level=clip.level,
                     voice=photos.voice_of(member, actor), **words)


def _sentence(error: Exception, member: Member) -> str:
    """An error as one line that names the member's photo, if there is one."""
    what = str(error).rstrip(".") if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    photo = Path(member.photo).name if member.photo else ""
    return " ".join((what if photo in what else f"{what} ({photo})").split())


def _is_full(error: BaseException | None) -> bool:
    """True if the error, or one that caused it, is a full disk or a full quota."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False
