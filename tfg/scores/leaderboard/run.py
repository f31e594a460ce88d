"""Make the leaderboard: plan the records, let workers make those that are missing, and put the table together.

The people are virtual and portrait actors of the split test, whom no network learned from; they are made and prepared
here if no store is given. Real clips come from further stores.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tfg import workers as cores
from tfg.corpora.prepared import check_margin, options_of
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces.face_region import MARGIN
from tfg.files import make_folder
from tfg.scores import judges as js
from tfg.scores.leaderboard import records, report, table
from tfg.scores.leaderboard.entries import BOARD_TASKS, Entry, entries
from tfg.scores.leaderboard.protocol import join, load_json, protocol, scores_of
from tfg.scores.leaderboard.work import BESIDE, Job, work
from tfg.scores.results import Scores
from tfg.scores.targets import targets

CLIPS = 3
"""Clips of each actor, unless another number is asked for."""
SIZE = 96


@dataclass
class Board:
    """The table.  scores: task -> all its records.  costs: system -> speed and memory (`cost.measure`), which may be
    empty.  protocol: what two tables must agree on to be compared.  networks: (task, row) -> checksum.  out: folder."""

    scores: dict[str, Scores]
    protocol: dict
    costs: dict[str, dict] = field(default_factory=dict)
    networks: dict[str, dict[str, str]] = field(default_factory=dict)
    out: Path | None = None

    @classmethod
    def read(cls, path) -> Board:
        """The table in a leaderboard.json (or .json.gz): scores of all clips, but no films, curves and features.

        Raises InputError where it is none.
        """
        known = load_json(path)
        return cls({task: scores_of(task, its) for task, its in known["tasks"].items()}, known["protocol"],
                   known["costs"], {task: its["networks"] for task, its in known["tasks"].items()})

    @property
    def text(self) -> str:
        """The table in Markdown."""
        return table.markdown(self)


def leaderboard(out, *, store=None, real: Iterable = (), systems: Iterable[str] | None = None, add: Iterable = (),
                beside: Iterable = (), tasks: Iterable[str] = BOARD_TASKS, clips: int | None = CLIPS,
                split: str = "test", judges=None, workers: int | None = None, dask: str | None = None, seed: int = 0,
                cost: bool = True, mirror=None, progress: Callable[[str, int, int], None] | None = None) -> Board:
    """Score all systems on the same people, and write the table, its figures and a page with all films.

    out: folder; the same call again goes on after a stop. What was scored is found again by the checksums of networks,
    judges, clips and code.
    store: crops for dubbing that `tfg corpora prepare` wrote; None makes virtual and portrait actors of the split test
    in `out` (5 minutes).  real: further stores, of real people, whose tables stand apart.
    systems: names, None for all there are.  add: adapters (.py) and folders of films, see `entries`.  beside: JSON
    files of other tables; their rows are added, if their protocol is this one's.
    tasks: some of BOARD_TASKS.  clips: most of each actor, None for all.  judges: folder, None for those that ship.
    workers: processes, None for one a core.  dask: address of a Dask scheduler, whose workers see the same folders.
    seed: chooses photos, references, false sounds and performances.  cost: measure speed and memory of each system.
    mirror: as in `tfg actors make`.  progress: called with what is done, and its number and all.
    Raises InputError: nothing to compare, another protocol beside this one, stores of other crops, circular judges.
    """
    say = progress or (lambda what, done, all: None)
    out = make_folder(out)
    given = entries(systems, add, tasks)
    places = [Path(store) if store is not None else _actors(out, mirror, workers, say)]
    places += [Path(each) for each in real]
    stores = [Store.open(place) for place in places]
    for each in stores:
        check_margin(each, MARGIN, "the judges'")
    loaded = js.load(judges)
    parts = [targets(each, split, clips=clips, seed=seed) for each in stores]
    people = {f"{row.corpus}/{row.actor}" for part in parts for row in part.clips}
    js.check(loaded, people)
    for entry in given:
        for card in _cards(entry):
            js.check(loaded, people, card)
    known = protocol(stores, parts, loaded, split, clips, seed)
    jobs = [Job(str(place.resolve()), split, clips, seed, k, task, mine,
                _names(part, k, task, mine, known, seed), None if judges is None else str(judges), str(out.resolve()))
            for task in tasks for mine in [tuple(e for e in given if e.task == task)] if mine
            for place, part in zip(places, parts) for k in range(len(part))]
    costs = {}
    if cost:
        from tfg.scores.leaderboard.cost import costs as measured

        costs = measured(dict.fromkeys(e.name for e in given if not e.path), out, say)
    with cores.cluster(dask):
        _run(jobs, workers, say)
    board = Board({}, known, costs, out=out)
    for task in tasks:
        mine = [job for job in jobs if job.task == task]
        if mine:
            board.scores[task] = collect(mine, loaded, _card(known, stores, parts, loaded))
            board.networks[task] = {e.name: e.digest for e in given if e.task == task}
    for other in beside:
        join(board, Path(other))
    report.write(board, out)
    return board


# ---- the plan -------------------------------------------------------------------------------------------------------
def _names(part, k: int, task: str, mine: tuple[Entry, ...], known: dict, seed: int) -> dict[str, str]:
    """Name of the record of each row of a clip."""
    row = part.clips[k]
    others = [part.photo(row)[0], part.reference(row)[0], part.other(row)]
    common = {"clip": row.id, "sums": row.sums, "beside": [[r.id, r.sums] for r in others], "task": task, "seed": seed,
              "code": known["code"], "judges": known["judges"], "identity": known["identity"],
              "tfg": known["tfg"], "split": known["split"]}
    names = {r: records.key(row=r, **common) for r in BESIDE[task]}
    return names | {e.name: records.key(row=e.name, digest=e.digest, **common) for e in mine}


def _cards(entry: Entry) -> list[dict]:
    if entry.path:
        return []
    from tfg.scores.draw import Drawer

    return list(Drawer(entry.name, task=entry.task).cards.values())


def _actors(out: Path, mirror, workers: int | None, say) -> Path:
    """A store of the actors of the split test, made if it is not there."""
    from tfg.actors.make import make
    from tfg.corpora.prepare import prepare

    folder, store = out / "actors", out / "store"
    say("actors: making them", 0, 0)
    make(folder, only=["test"], workers=workers, progress=False, **({} if mirror is None else {"mirror": mirror}))
    prepare(folder, "actors", store, size=SIZE, margin=MARGIN, workers=workers, report=False,
            progress=lambda done, n: say("clips prepared", done, n))
    return store


# ---- the work -------------------------------------------------------------------------------------------------------
def _run(jobs: list[Job], workers: int | None, say) -> None:
    """Make all missing records."""
    from joblib import delayed

    kept = records.Records(Path(jobs[0].out, "records"))     # one folder for all jobs
    todo = [job for job in jobs if not all(map(kept.there, job.names.values()))]
    say("clips", len(jobs) - len(todo), len(jobs))
    if not todo:
        return
    n = cores.workers(workers, len(todo))
    if n == 1 and not cores.elsewhere():
        for k, job in enumerate(todo, 1):
            work(job)
            say("clips", len(jobs) - len(todo) + k, len(jobs))
        return
    with cores.one_thread_each():
        done = cores.parallel(n, return_as="generator_unordered", batch_size=1)(delayed(work)(job) for job in todo)
        try:
            for k, _ in enumerate(done, 1):
                say("clips", len(jobs) - len(todo) + k, len(jobs))
        except cores.killed() as error:
            raise InputError("a worker process was ended from outside, most often for want of memory (each takes about "
                             f"3 GB); run the same command again with fewer --workers than {n}, it goes on where it "
                             "was.") from error
        finally:
            getattr(done, "close", lambda: None)()


# ---- the results ----------------------------------------------------------------------------------------------------
def collect(jobs: list[Job], judges: js.Judges, card: dict) -> Scores:
    """All records of one task as one result, in the order of the jobs."""
    rows = tuple(jobs[0].names)
    system = next(r for r in rows if r not in BESIDE[jobs[0].task])
    result = Scores(system, rows, judges=judges, task=jobs[0].task, card=card)
    refused: dict[str, str] = {}
    kept = records.Records(Path(jobs[0].out, "records"))
    for job in jobs:
        found = {row: each for row, name in job.names.items() if (each := kept.read(name)) is not None}
        if lost := sorted(set(job.names) - set(found)):
            raise InputError(f"the record of {lost[0]} in {job.out}/records was damaged and has been removed; "
                             "run the same command again, which makes it anew.")
        record, arrays = found["true"]
        result.own.append({**record.pop("own"), "person": arrays.get("person")})
        for row, (record, arrays) in found.items():
            if "refused" in record:
                refused[f"{record['clip']}, {row}"] = record["refused"]
            else:
                result.clips.append(record)
            result.curves.setdefault(row, []).append(arrays.get("curve"))
            result.features.setdefault(row, []).append(arrays.get("features"))
    result.refused = refused
    return result


def _card(known: dict, stores, parts, judges: js.Judges) -> dict:
    return {"split": known["split"], "missing": judges.missing, "identity": known["identity"],
            "judges": {k: {"about": judges.about(k), "sha256": c.get("sha256"), "scores": c.get("scores")}
                       for k, c in judges.cards.items()},
            "stores": [{"size": s.size, "crop": options_of(s), "store": Path(s.path).name} for s in stores]}
