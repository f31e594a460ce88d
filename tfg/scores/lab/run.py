"""Run the lab: every defect at every dose on every clip, one record for each clip and defect, then the matrix.

A record is a function of the clip, the defect, the judges and the settings, all of which are in its name's checksum: a
run that was stopped goes on where it was, and a record of other judges is never read.
"""
from __future__ import annotations

import functools
import hashlib
import itertools
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tfg import workers as cores
from tfg.actors.cast import Member, Planned, actor_seed
from tfg.actors.manifest import read_manifest
from tfg.errors import InputError
from tfg.faces import crops
from tfg.files import atomic, make_folder
from tfg.scores import judges as js
from tfg.scores.lab import spoil
from tfg.scores.lab import stage as staging
from tfg.scores.lab.defects import DEFECTS, chosen
from tfg.scores.lab.matrix import Lab
from tfg.scores.lab.measure import features, mean_of, scores_of
from tfg.scores.targets import Target
from tfg.vocabulary import EMOTIONS

VERSION = 1
"""Number of the records' format and of the way in which films are broken; other records are made anew."""
ACTORS, CLIPS = 6, 2
LINES = ("MTI", "WSI", "IOM", "TAI", "ITH")
"""Sentences that the lab's own actors speak: those of the twelve with two p, b, m or more."""
NONE = "none"
"""Name of the record of the film in which nothing is broken."""


@dataclass(frozen=True)
class Unit:
    """One piece of work: a clip with one defect, or NONE.  other: seed of the person towards whom identities mix.
    key: checksum of all that decides the record."""

    member: Member
    planned: Planned
    other: int
    defect: str
    key: str

    @property
    def file(self) -> str:
        """Name of the record's file."""
        return f"{self.planned.name}_{self.defect}_{self.key[:16]}.npz"


def lab(out, *, folder=None, actors: int = ACTORS, clips: int = CLIPS, defects: Sequence[str] | str | None = None,
        judges=None, workers: int | None = None, seed: int = 0, progress: Callable | None = None) -> Lab:
    """Break the clips of virtual actors by known amounts, and measure which score moves with which defect.

    out: folder for the records and the result (lab.md, .csv, .json, lab.png, curves.png).  folder: a set of `tfg actors
    make`, whose built faces of the split test play their first clips again; None: `actors` people of that split, at
    full intensity.  clips: of each actor.  defects: names of `defects.DEFECTS`, all for None.  judges: folder, None
    for those that ship, or a `Judges`, which needs workers=1.  workers: processes, None for one a core.  seed:
    chooses the people.  progress: function of (pieces done, pieces in all).
    Returns a `Lab`.  Raises InputError: unknown defects, a set without such people, judges that know them.
    """
    from tfg.scores.lab.report import write

    names = chosen(defects)
    given = judges if isinstance(judges, js.Judges) else None
    loaded = given or _judges(None if judges is None else str(judges))
    cast = own_cast(actors, clips, seed) if folder is None else set_cast(folder, clips)
    js.check(loaded, {f"actors/{m.name}" for m, _, _ in cast} if folder is not None else ())
    out = make_folder(out)
    make_folder(out / "records"), make_folder(out / "landmarks")
    units = [_unit(m, p, o, d, loaded) for m, p, o in cast for d in (NONE, *names)]
    missing = [u for u in units if read(out / "records" / u.file) is None]
    done, n = len(units) - len(missing), cores.workers(workers, max(len(missing), 1))
    if progress:
        progress(done, len(units))
    for _ in _each(missing, out, None if judges is None else judges, n if given is None else 1):
        done += 1
        if progress:
            progress(done, len(units))
    result = Lab(names)
    for u in units:
        record = read(out / "records" / u.file)
        if record is None:
            raise InputError(f"the record {out / 'records' / u.file} could not be read again; run the same command "
                             "once more.")
        result.add(u.planned.name, u.member.name, u.defect, *record)
    result.card = {"actors": len({m.name for m, _, _ in cast}), "clips": len(cast), "seed": seed, "version": VERSION,
                   "set": None if folder is None else Path(folder).name, "crop": staging.CROP,
                   "judges": {k: loaded.about(k) for k in (*js.NAMES, "identity")}}
    write(result, out)
    return result


# ---- who plays ---------------------------------------------------------------------------------------------------
def own_cast(actors: int, clips: int, seed: int) -> list[tuple[Member, Planned, int]]:
    """People of the split test, whom no judge or system learned from, with their clips and the seed of another person.

    Emotions take turns; all are at HI, so that there is something to break. The first clips of all come before the
    second ones, and a run of more clips has those of a run of fewer.  Raises InputError for bad numbers.
    """
    if actors < 1 or not 1 <= clips <= len(LINES):
        raise InputError(f"{actors} actors with {clips} clips each were asked for; give 1 or more actors, and 1 to "
                         f"{len(LINES)} clips.")
    seeds = [actor_seed(seed, "test", k) for k in range(actors + 1)]
    out = []
    for j, k in itertools.product(range(clips), range(actors)):
        member = Member(f"T{k + 1:03d}", "virtual", seeds[k], "test")
        emotion = EMOTIONS[(k + 3 * j) % len(EMOTIONS)]
        planned = Planned(member.name, LINES[(k + 2 * j) % len(LINES)], emotion, "XX" if emotion == "NEU" else "HI")
        out.append((member, planned, seeds[k + 1]))
    return out


def set_cast(folder, clips: int) -> list[tuple[Member, Planned, int]]:
    """The built faces of a set's split test, with their first clips, as `own_cast`.  Raises InputError if there are
    none, or the folder is no set."""
    content = read_manifest(folder)
    members = [Member(**m) for m in content["members"]]
    members = [m for m in members if m.split == "test" and m.kind == "virtual"]
    if not members or clips < 1:
        raise InputError(f"{folder} has {len(members)} built faces of the split test, and {clips} clips of each were "
                         "asked for; give a set with such people, or leave it out.")
    planned = [Planned(**c) for c in content["clips"]]
    turn = [*members[1:], members[0]]
    others = [t.seed if t is not m else actor_seed(content.get("seed", 0), "test", 1) for m, t in zip(members, turn)]
    return [(m, p, o) for m, o in zip(members, others) for p in [q for q in planned if q.actor == m.name][:clips]]


# ---- the work ----------------------------------------------------------------------------------------------------
def _unit(member: Member, planned: Planned, other: int, defect: str, judges: js.Judges) -> Unit:
    doses = DEFECTS[defect].doses if defect in DEFECTS else ()
    told = [VERSION, asdict(member), asdict(planned), other, defect, doses, staging.FRAME, staging.CROP, spoil.CRF,
            {k: c.get("sha256") for k, c in sorted(judges.cards.items())}, judges.about("identity")]
    return Unit(member, planned, other, defect, hashlib.sha256(json.dumps(told).encode()).hexdigest())


def _each(units: list[Unit], out: Path, judges, n: int):
    if n == 1:
        for unit in units:
            yield work(unit, out, judges)
        return
    from joblib import delayed

    run = cores.parallel(n, return_as="generator_unordered", batch_size=1)
    yield from run(delayed(work)(unit, out.absolute(), judges) for unit in units)


def work(unit: Unit, out: Path, judges) -> str:
    """Make and write one record. Returns its file's name.  judges: folder, None, or `Judges`."""
    from tfg.actors.make import one_thread

    with one_thread():
        loaded = judges if isinstance(judges, js.Judges) else _judges(None if judges is None else str(judges))
        scores, kept = measured(unit, loaded, out / "landmarks")
    with atomic(out / "records" / unit.file) as part:
        np.savez_compressed(part, scores=json.dumps(scores), **kept)
    return unit.file


def measured(unit: Unit, judges: js.Judges, folder: Path) -> tuple[dict, dict]:
    """Scores of a unit, dose number -> score -> value, and features for face-FID, "dose number" -> (N, P); of NONE also
    "true", every frame of the true film.  folder: cache of landmarks."""
    on = staging.stage(unit.member, unit.planned, unit.other)
    target, whole = on.target, _unbroken(unit.member, unit.planned, unit.other)
    points = {"true": crops.kept_landmarks(target.frames, folder)}
    if unit.defect == NONE:
        points["0"] = crops.kept_landmarks(whole, folder)
        scores, kept = scores_of(target, {"0": whole}, points, judges, on.closures)
        return scores, {f"features_{k}": v for k, v in kept.items()} | {"true": features(target.frames, judges)}
    its, scores, kept = DEFECTS[unit.defect], {}, {}
    if its.how in ("sound", "length"):                             # the film stays: so do its landmarks
        points["0"] = crops.kept_landmarks(whole, folder)
        for k in range(1, len(its.doses)):
            found = []
            for piece in at_dose(on, whole, unit.defect, k):
                seen = {"true": points["true"][piece.at], "film": points["0"][piece.at]}
                found.append(scores_of(piece.against, {"film": piece.film}, seen, judges, piece.closures))
            scores[str(k)] = mean_of([got["film"] for got, _ in found])
            kept[str(k)] = np.concatenate([more["film"] for _, more in found])
    elif unit.defect != "closures" or on.closures:
        films = {str(k): at_dose(on, whole, unit.defect, k)[0].film for k in range(1, len(its.doses))}
        points |= {k: crops.landmarks(f) for k, f in films.items()}
        scores, kept = scores_of(target, films, points, judges, on.closures)
    return scores, {f"features_{k}": v for k, v in kept.items()}


@dataclass(frozen=True)
class Piece:
    """A film to be scored.  against: the clip with which it is compared.  film: (T, CROP, CROP, 3) uint8.  closures:
    start and stop in seconds of each p, b, m in it.  at: its frames in the whole clip."""

    against: Target
    film: np.ndarray
    closures: list[tuple[float, float]]
    at: slice


def at_dose(on: staging.Stage, whole: np.ndarray, defect: str, k: int) -> list[Piece]:
    """A clip with one defect at dose number k: one film, or its pieces.  whole: the unbroken film (T, S, S, 3)."""
    its, amount, every = DEFECTS[defect], DEFECTS[defect].doses[k], slice(0, len(whole))
    if k and its.how == "sound":
        return [Piece(staging.later(on.target, int(amount)), whole, on.closures, every)]
    if k and its.how == "length":
        return [Piece(target, whole[at], [(a - at.start / 25, b - at.start / 25) for a, b in on.closures
                                          if a * 25 >= at.start and b * 25 <= at.stop], at)
                for target, at in staging.pieces(on.target, int(amount))]
    return [Piece(on.target, broken(on, defect, amount) if k else whole, on.closures, every)]


def broken(on: staging.Stage, defect: str, amount: float) -> np.ndarray:
    """The film of a clip with one defect, after the codec: (T, CROP, CROP, 3) uint8."""
    true = on.target.frames
    if defect == "codec":
        return spoil.coded(true, int(amount))
    if defect == "blur":
        return spoil.coded(spoil.blurred(true, amount))
    if defect == "flicker":
        return spoil.coded(spoil.flickering(true, amount, on.take.seed))
    return spoil.coded(staging.acted(on, defect, amount))


@functools.lru_cache(maxsize=2)
def _unbroken(member: Member, planned: Planned, other: int) -> np.ndarray:
    return spoil.coded(staging.stage(member, planned, other).target.frames)


@functools.lru_cache(maxsize=1)
def _judges(folder: str | None) -> js.Judges:
    return js.load(folder)


def read(path: Path) -> tuple[dict, dict] | None:
    """A record: scores by dose number, and features by dose number or "true"; None if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            scores = {int(k): v for k, v in json.loads(str(data["scores"])).items()}
            return scores, {k.removeprefix("features_"): data[k] for k in data.files if k != "scores"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
