"""`tfg leaderboard`."""
from __future__ import annotations

import sys
import time

EXAMPLES = """examples:
  tfg leaderboard --out build/leaderboard                        all systems, on people who are made for it
  tfg leaderboard --store build/dub --real build/real --out build/leaderboard
  tfg leaderboard --systems expression,rhythmic --tasks portrait --clips 1 --out build/quick
  tfg leaderboard --add my_model.py --add my_films --out build/with_mine
  tfg leaderboard --beside theirs/leaderboard.json --out build/both
  tfg leaderboard --inputs build/inputs                          photo, film and sound of each clip, for other programs

An adapter for a model of yours is a Python file of a few lines:

  NAME, TASK, WEIGHTS = "mine", "portrait", ["mine.safetensors"]
  def draw(target):                       # target.photo (S, S, 3) uint8, .wave (640 T,) at 16 kHz, .emotion, .intensity
      return my_frames                    # (T, S, S, 3) uint8, T = len(target.frames)
"""


def add(commands, command) -> None:
    """Add the command. command: `tfg.cli`'s own."""
    p = command(commands, "leaderboard", "Score all systems on the same people: one table, ranks, films side by side.",
                run, epilog=EXAMPLES)
    p.add_argument("--out", metavar="DIR", help="folder for leaderboard.md, .csv, .json, .png, index.html and clips")
    p.add_argument("--inputs", metavar="DIR", help="only write what systems get of each clip, for programs that draw "
                                                   "films to --add")
    p.add_argument("--store", metavar="DIR", help="crops that tfg corpora prepare wrote (default: the actors of the "
                                                  "split test, made in DIR)")
    p.add_argument("--real", metavar="DIR", action="append", help="a store of real people; may be given again")
    p.add_argument("--systems", metavar="A,B", help="only these, or none (default: all)")
    p.add_argument("--add", metavar="FILE|DIR", action="append", help="an adapter (.py), or a folder of films; may be "
                                                                      "given again")
    p.add_argument("--beside", metavar="JSON", action="append", help="leaderboard.json of another run, whose systems "
                                                                     "are added if both keep one protocol")
    p.add_argument("--tasks", metavar="A,B", help="portrait (one photo), redub (a film of another take); default: both")
    p.add_argument("--clips", type=int, metavar="N", help="most clips of each person (default: 3)")
    p.add_argument("--split", help="test (default), val or train")
    p.add_argument("--judges", metavar="DIR", help="folder of other judges (default: those that ship)")
    p.add_argument("--workers", type=int, metavar="N", help="processes, 3 GB each (default: one per core)")
    p.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler, such as tcp://10.0.0.1:8786, whose workers see "
                                                     "the same folders")
    p.add_argument("--seed", type=int, metavar="N", help="chooses photos, references and performances (default: 0)")
    p.add_argument("--no-cost", action="store_false", dest="cost", help="leave out speed and memory")
    p.add_argument("--mirror", metavar="DIR", help="folder with sfhq/ that is tried before the web")


def run(given: dict) -> None:
    """Make the table, print it, and say where it is."""
    from tqdm.auto import tqdm

    from tfg.corpora.cli import words
    from tfg.errors import InputError
    from tfg.scores.leaderboard.run import leaderboard

    for name in ("systems", "tasks"):
        if name in given:
            given[name] = [word.lower() for word in words(given[name])]
    if given.get("systems") == ["none"]:
        given["systems"] = []
    if "inputs" in given:
        _inputs(given)
        return
    if "out" not in given:
        raise InputError("name a folder with --out (or --inputs); see tfg leaderboard --help.")
    started = time.perf_counter()
    with tqdm(unit="", leave=False, disable=not sys.stderr.isatty()) as bar:
        def say(what: str, done: int, total: int) -> None:
            bar.set_description(what)
            bar.total, bar.n = total, done
            bar.refresh()

        board = leaderboard(given.pop("out"), **given, progress=say)
    print(board.text)
    print(f"wrote {board.out}: leaderboard.md, .csv, .json, .png, pairs.csv and index.html (films side by side) in "
          f"{(time.perf_counter() - started) / 60:.1f} min", flush=True)


def _inputs(given: dict) -> None:
    from tfg.corpora.store import Store
    from tfg.errors import InputError
    from tfg.scores.films import inputs
    from tfg.scores.leaderboard.run import CLIPS
    from tfg.scores.targets import targets

    if "store" not in given:
        raise InputError("--inputs needs --store: crops that tfg corpora prepare wrote (or OUT/store of a table).")
    every = targets(Store.open(given["store"]), given.get("split", "test"), clips=given.get("clips", CLIPS),
                    seed=given.get("seed", 0))
    out = inputs(every, given["inputs"])
    print(f"wrote {len(every)} folders into {out}: photo.png, film.mp4, sound.wav; clips.csv says what each should "
          "feel. Draw each as FOLDER/CLIP.mp4, then: tfg leaderboard --add FOLDER", flush=True)
