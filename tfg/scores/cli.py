"""`tfg score` and `tfg samples`."""
from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tfg import registry
from tfg.errors import InputError
from tfg.options import add_arguments, flags

if TYPE_CHECKING:
    from tfg.systems.base import System

EXAMPLES = """examples:
  tfg score --system emogen --store build/dub --out build/score
  tfg score --system emogen --checkpoint build/emogen --store build/dub --real build/dub_real --out build/score
  tfg score --system expression --store build/dub --clips 2 --out build/score_quick
  tfg score their_films --against true_films --out build/theirs          films that other programs drew
  tfg score their_films --against build/dub --task portrait --out build/theirs

Films of other programs: FOLDER/CLIP.mp4 for each TRUTH/CLIP.mp4 (or each clip of a store), or FOLDER/manifest.csv with
the columns file and clip, and if you like actor, emotion and level. tfg leaderboard --inputs writes what they need.
"""
SAMPLES = """examples:
  tfg samples --system rhythmic --store build/dub --how-many 8 --out build/samples
  tfg samples --system emogen --store build/dub_real --split test --out build/looked_at
"""


def add(commands, command, its: System) -> None:
    """Add the command. command: `tfg.cli`'s own.  its: the system whose options it has."""
    p = command(commands, "score", "Score a system beside still, shuffled and true clips: tables, figures, intervals.",
                run_score, epilog=EXAMPLES)
    p.add_argument("films", nargs="?", metavar="FOLDER", help="films that another program drew, instead of --system")
    p.add_argument("--against", metavar="TRUTH", help="of FOLDER: the true films, or a store of them")
    p.add_argument("--task", help="of FOLDER: film (the true film's own face was drawn anew, so that pixels "
                                  "correspond; the default), portrait or redub")
    _add_source(p, "folder for scores.md, .csv, .json and figures", needed=False)
    p.add_argument("--real", metavar="DIR", help="another store, of real clips, to score the system and its judges on")
    p.add_argument("--judges", metavar="DIR", help="folder with judge_sync, judge_emotion, judge_encoder (default: "
                                                   "those that ship)")
    p.add_argument("--split", help="test (default), val or train")
    p.add_argument("--clips", type=int, metavar="N", help="most clips of each actor (default: all)")
    p.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")
    p.add_argument("--seed", type=int, metavar="N", help="chooses photos, references, shuffled sounds and, where a "
                                                         "system draws at random, its performances (default: 0)")
    _add_options(p, its)
    p = command(commands, "samples", "Draw some clips of a store, each beside its reference and its truth.",
                run_samples, epilog=SAMPLES)
    _add_source(p, "folder; each clip gets one in it")
    p.add_argument("--how-many", type=int, metavar="N", help="clips, of as many people as there are (default: 8)")
    p.add_argument("--split", help="test (default), val or train")
    p.add_argument("--seed", type=int, metavar="N", help="chooses clips and references (default: 0)")
    _add_options(p, its)


def _add_source(p, out: str, needed: bool = True) -> None:
    p.add_argument("--system", required=needed, metavar="NAME",
                   help="; ".join(f"{name}: {each.about}" for name, each in registry.systems().items())
                        + "; --system NAME --help shows its options")
    p.add_argument("--store", required=needed, metavar="DIR", help="crops for dubbing that tfg corpora prepare wrote")
    p.add_argument("--out", required=True, metavar="DIR", help=out)


def _add_options(p, its: System) -> None:
    from tfg.scores.draw import INSTEAD, SET

    add_arguments(p.add_argument_group(f"options of {its.name}"), its.Options, leave_out=(*SET, *INSTEAD))
    for name in {*SET, *INSTEAD} - {"seed"}:             # not offered; `draw.Drawer` says why
        p.add_argument(f"--{name}", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    p.set_defaults(its=its)


def run_samples(given: dict) -> None:
    """Draw clips, and say where they are."""
    from tfg.scores.samples import samples

    given.pop("its")
    done = samples(given.pop("system"), given.pop("store"), given.pop("out"), **given, progress=sys.stderr.isatty())
    print(f"wrote {len(done)} folders into {done[0].parent}: reference.png, truth.mp4, drawn.mp4, side_by_side.mp4",
          flush=True)


def _asked(given: dict) -> tuple[Callable, tuple[str, ...]]:
    """The function that scores what was asked for, and the rows that its lines are held against; what only says this
    is taken out of `given`.  Raises InputError: neither a system nor films, or both."""
    import functools

    if "films" in given:
        if twice := sorted({"system", "store", "real"} & set(given)):
            raise InputError(f"films of a folder were given, so {flags(twice)} has no use; leave it out.")
        if "against" not in given:
            raise InputError("say which films are true: tfg score FOLDER --against TRUTH, a folder or a store.")
        from tfg.scores.films import score_films

        return functools.partial(score_films, given.pop("films"), given.pop("against")), ("still",)
    if unused := sorted({"against", "task"} & set(given)):
        raise InputError(f"{flags(unused)} is for films of other programs, but no FOLDER was given.")
    if lacks := [name for name in ("system", "store") if name not in given]:
        raise InputError(f"{flags(lacks)} is missing; name a system and a store, or give FOLDER --against TRUTH.")
    from tfg.scores.run import score

    return functools.partial(score, given.pop("system"), given.pop("store")), ("still", "shuffled")


def run_score(given: dict) -> None:
    """Score a system, and print the main results in a few lines."""
    from tqdm.auto import tqdm

    from tfg.scores.columns import SCORES
    from tfg.scores.results import better
    from tfg.scores.table import cell

    if given.get("split") == "judge":
        raise InputError("the judges were trained on the split judge; choose test, val or train.")
    given.pop("its")
    scored, beside = _asked(given)
    started = time.perf_counter()
    with tqdm(desc="clips", unit="clip", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = scored(**given, progress=progress)
    for group in result.groups:
        clips, actors = result.n(group)
        print(f"{group}: {clips} clips of {actors} actors")
        for key in ("lmd_mouth", "aperture_r", "lse_d", "accuracy"):
            if not result.defined(result.system, key):
                continue
            parts = [f"{SCORES[key].title} {cell(result.summary(result.system, key, group), SCORES[key].digits)}"]
            for other in beside:
                parts.append(f"against {other}: {better(key, result.difference(key, other, group=group))}")
            print("  " + ", ".join(parts))
    for id, why in result.refused.items():
        print(f"note: {result.system} refused {id}, which is in no row: {why}")
    for name, why in result.card["missing"].items():
        print(f"note: no scores by {name}: {why}")
    print(f"wrote {given['out']}: scores.md, .csv, .json and figures in {(time.perf_counter() - started) / 60:.1f} min",
          flush=True)
