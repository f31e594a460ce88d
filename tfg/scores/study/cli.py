"""`tfg study make` and `tfg study analyse`."""
from __future__ import annotations

import sys

MAKE_EXAMPLES = """examples:
  tfg study make build/board/clips --out build/study
  tfg study make build/board/clips --out build/study --question sync emotion --no-difference --pairs-per-person 24
  tfg study make films --out build/study --contact "Questions: lab@example.org" --seed 7
Serve or copy build/study/page alone; build/study/key.csv stays with you. Give each person a number in the address:
  index.html?participant=1
"""
ANALYSE_EXAMPLES = """example:
  tfg study analyse results/*.csv --key build/study/key.csv --out build/study_result
"""


def add(commands, command, parser_class) -> None:
    """Add the commands. command, parser_class: `tfg.cli`'s own."""
    p = commands.add_parser("study", help="Let people compare films in pairs, and analyse their answers.",
                            description="Let people compare films in pairs, and analyse their answers.")
    parts = p.add_subparsers(dest="part", metavar="PART", required=True, parser_class=parser_class)
    make = command(parts, "make", "Make a page on which people compare films of the same clips, and its key.", run_make,
                   epilog=MAKE_EXAMPLES)
    make.add_argument("folder", help="films as SYSTEM/CLIP.mp4, or with a manifest.csv (columns system, clip, file, "
                                     "optionally emotion)")
    make.add_argument("--out", required=True, metavar="DIR", help="folder for page/, key.csv and design.json")
    make.add_argument("--question", nargs="+", metavar="Q", help="real (default), sync (lips in time), emotion (as "
                                                                 "asked, by name); several are asked of each pair")
    make.add_argument("--pairs-per-person", type=int, metavar="N", help="pairs that one person compares (default: 20, "
                                                                        "or all)")
    make.add_argument("--checks", type=int, metavar="N", help="pairs of a film and a broken copy of it, to find who "
                                                              "does not attend (default: 4)")
    make.add_argument("--repeats", type=int, metavar="N", help="pairs shown again with sides swapped (default: 2)")
    make.add_argument("--no-difference", action="store_true", help="offer 'no difference', too")
    make.add_argument("--check-system", metavar="NAME", help="of whose films broken copies are made (default: true, "
                                                             "else the one that moves most)")
    make.add_argument("--consent", metavar="TEXT", help="the sentence that participants agree to")
    make.add_argument("--contact", metavar="TEXT", help="whom to ask, shown on the first page")
    make.add_argument("--seed", type=int, metavar="N", help="of sheets, orders and sides (default: 0)")
    make.add_argument("--overwrite", action="store_true", help="replace a study that is there, and its key")
    analyse = command(parts, "analyse", "Analyse the files that participants saved: tables, intervals, a figure.",
                      run_analyse, epilog=ANALYSE_EXAMPLES)
    analyse.add_argument("files", nargs="+", metavar="CSV", help="files that the page saved")
    analyse.add_argument("--key", required=True, metavar="KEY.csv", help="the study's key.csv")
    analyse.add_argument("--out", required=True, metavar="DIR", help="folder for study.md, .json, .png, strengths.csv "
                                                                     "and pairs.csv")
    analyse.add_argument("--pass", dest="least", type=float, metavar="SHARE",
                         help="least share of checks that a participant must pass (default: 0.75)")
    analyse.add_argument("--draws", type=int, metavar="N", help="of the bootstrap (default: 2000)")
    analyse.add_argument("--seed", type=int, metavar="N", help="of the bootstrap (default: 0)")


def run_make(given: dict) -> None:
    """Make a study, and say how many answers it needs."""
    from tqdm.auto import tqdm

    from tfg.scores.study import advice
    from tfg.scores.study.make import make

    with tqdm(desc="films", unit="film", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        made = make(given.pop("folder"), given.pop("out"), **given, progress=progress)
    print(f"wrote {made.page / 'index.html'} (page {made.version}): {made.films} films of {len(made.systems)} systems, "
          f"{made.each} pairs per person")
    if made.broken:
        print(f"{made.broken} broken films check attention; they are made of the films of {made.checked}")
    for note in made.notes:
        print(f"note: {note}")
    print(f"keep {made.key} and design.json to yourself; serve {made.page} alone, on any static host or from the disk")
    for sentence in advice.sentences(made.pairs, made.each):
        print(sentence, flush=True)


def run_analyse(given: dict) -> None:
    """Analyse a study, and print its main results."""
    from tfg.scores.study.analyse import analyse
    from tfg.scores.study.report import verdict

    result = analyse(given.pop("files"), given.pop("key"), given["out"], **{k: v for k, v in given.items()
                                                                            if k != "out"})
    got = result.read
    print(f"participants that count: {len(got.people)}; excluded: {len(got.excluded)}"
          + "".join(f"; {who}: {why}" for who, why in got.excluded.items()))
    for note in got.notes:
        print(f"note: {note}")
    for q in result.questions:
        print(f"{q.key}: {q.answers} answers")
        for pair in q.strengths.pairs:
            print(f"  {pair.first} against {pair.second}: {pair.difference:+.2f} [{pair.low:+.2f}, {pair.high:+.2f}], "
                  f"{verdict(pair)}")
    print(f"wrote {given['out']}: study.md, .json, .png, strengths.csv and pairs.csv", flush=True)
