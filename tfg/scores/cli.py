"""`tfg score`."""
from __future__ import annotations

import sys
import time

from tfg.errors import InputError

EXAMPLES = """examples:
  tfg score --system emogen --store build/dub --out build/score
  tfg score --system emogen --checkpoint build/emogen --store build/dub --real build/dub_real --out build/score
  tfg score --system emogen --store build/dub --clips 2 --out build/score_quick
"""


def add(commands, command, parser_class) -> None:
    """Add the command. command: `tfg.cli`'s own."""
    from tfg.scores.systems import SYSTEMS

    p = command(commands, "score", "Score a system beside still, shuffled and true clips: tables, figures, intervals.",
                run_score, epilog=EXAMPLES)
    p.add_argument("--system", required=True, help=", ".join(SYSTEMS))
    p.add_argument("--store", required=True, metavar="DIR", help="crops for dubbing that tfg corpora prepare wrote")
    p.add_argument("--out", required=True, metavar="DIR", help="folder for scores.md, .csv, .json and figures")
    p.add_argument("--real", metavar="DIR", help="another store, of real clips, to score the system and its judges on")
    p.add_argument("--checkpoint", metavar="DIR", help="the system's networks (default: those that ship)")
    p.add_argument("--judges", metavar="DIR", help="folder with judge_sync, judge_emotion, judge_encoder (default: "
                                                   "those that ship)")
    p.add_argument("--split", help="test (default), val or train")
    p.add_argument("--clips", type=int, metavar="N", help="at most so many clips of each actor (default: all)")
    p.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")
    p.add_argument("--seed", type=int, metavar="N", help="chooses references and shuffled sounds (default: 0)")


def run_score(given: dict) -> None:
    """Score, then say what was found in a few lines."""
    from tqdm.auto import tqdm

    from tfg.files import make_folder
    from tfg.scores.names import SCORES
    from tfg.scores.results import better
    from tfg.scores.run import score
    from tfg.scores.table import cell

    if given.get("split") == "judge":
        raise InputError("the judges learned from the split judge; choose test, val or train.")
    make_folder(given["out"])
    started = time.perf_counter()
    with tqdm(desc="clips", unit="clip", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = score(given.pop("system"), given.pop("store"), **given, progress=progress)
    for group in result.groups:
        clips, actors = result.n(group)
        print(f"{group}: {clips} clips of {actors} actors")
        for key in ("lmd_mouth", "aperture_r", "lse_d", "accuracy"):
            told = [f"{SCORES[key].title} {cell(result.summary(result.system, key, group), SCORES[key].digits)}"]
            for other in ("still", "shuffled"):
                told.append(f"against {other}: {better(key, result.difference(key, other, group=group))}")
            print("  " + ", ".join(told))
    for name, why in result.card["missing"].items():
        print(f"note: no scores by {name}: {why}")
    print(f"wrote {given['out']}: scores.md, .csv, .json and figures in {(time.perf_counter() - started) / 60:.1f} min",
          flush=True)
