"""`tfg lab`."""
from __future__ import annotations

import sys
import time

EXAMPLES = """examples:
  tfg lab --out build/lab
  tfg lab --out build/lab_quick --actors 3 --clips 1 --defects late,blur
  tfg lab --out build/lab_of_set --set build/actors --clips 2
"""


def add(commands, command, parser) -> None:
    """Add the command. command: `tfg.cli`'s own."""
    p = command(commands, "lab", "Measure the metrics: one thing is broken by a known amount, and every score is "
                "computed.", run, epilog=EXAMPLES)
    p.add_argument("--out", required=True, metavar="DIR", help="folder for records, lab.md, .csv, .json and figures; a "
                                                               "run that was stopped goes on there")
    p.add_argument("--set", dest="folder", metavar="DIR", help="a set of tfg actors make, whose split test plays "
                                                               "(default: actors of its own, of the split test)")
    p.add_argument("--actors", type=int, metavar="N", help="actors, without --set (default: 6)")
    p.add_argument("--clips", type=int, metavar="N", help="clips of each actor (default: 2)")
    p.add_argument("--defects", metavar="A,B", help="only these (default: all)")
    p.add_argument("--judges", metavar="DIR", help="folder with judge_sync, judge_emotion, judge_encoder (default: "
                                                   "those that ship)")
    p.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")
    p.add_argument("--seed", type=int, metavar="N", help="chooses the people (default: 0)")


def run(given: dict) -> None:
    """Run the lab, and print what the matrix says in a few lines."""
    from tqdm.auto import tqdm

    from tfg.scores.lab.columns import LAB_SCORES
    from tfg.scores.lab.report import FILES
    from tfg.scores.lab.run import lab

    started, out = time.perf_counter(), given.pop("out")
    with tqdm(desc="films", unit="defect", leave=False, disable=not sys.stderr.isatty()) as bar:
        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = lab(out, **given, progress=progress)
    for key, its in LAB_SCORES.items():
        if reasons := result.marked(key):
            print(f"marked: {its.title}: {', '.join(reasons)}")
    print(f"{result.card['clips']} clips of {result.card['actors']} actors, {len(result.defects)} defects in "
          f"{(time.perf_counter() - started) / 60:.1f} min; wrote {out}: {', '.join(FILES)}", flush=True)
