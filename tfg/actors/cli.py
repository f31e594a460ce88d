"""The commands `tfg actors make` and `tfg actors sheet`."""
from __future__ import annotations

import sys

from tfg.errors import InputError

MAKE_EXAMPLES = """examples:
  tfg actors make --profile ci --out build/ci          3 actors, 6 clips, in seconds and without network
  tfg actors make --out build/cpu                      72 actors x 12 clips, on which the course trains
  tfg actors make --actors 4 --portraits 0 --out build/four
  tfg actors make --portrait me.jpg --text "Hello, it is me." --emotions HAP,SAD --clips 4 --out build/me
  tfg actors make --actors 240 --portraits 96 --only judge --out build/judges      40 actors, to train judges on
  tfg actors make --actors 2 --clips 1 --extras masks,depth,flow --out build/layers

DIR then holds set.json (the actors and the splits) and for each clip an .mp4 (pictures and sound), a .wav (sound) and
an .npz (the truth, listed in tfg.actors.record), named as V001_DFA_HAP_HI.mp4. Run the same command again to continue
after a stop. Half of the actors are photos of people who do not exist (SFHQ; 21 MB are fetched once). Before you use a
photo of your own, ask the person on it.
"""
SHEET_EXAMPLES = """examples:
  tfg actors sheet --actors 64 --portraits 0 --out build/faces.png
  tfg actors sheet --actors 36 --portraits 36 --emotions --out build/portraits.jpg
  tfg actors sheet --set build/cpu --out build/cast.jpg
"""


def add(commands, command, parser_class) -> None:
    """Add the commands to the parser's `commands`. command, parser_class: the helpers of `tfg.cli`."""
    p = commands.add_parser("actors", help="Make clips of virtual actors, whose truth is known.",
                            description="Make clips of virtual actors, whose truth is known.")
    parts = p.add_subparsers(dest="part", metavar="PART", required=True, parser_class=parser_class)
    make = command(parts, "make", "Make a set of clips with their true labels; run it again to resume.", run_make,
                   epilog=MAKE_EXAMPLES)
    make.add_argument("--out", required=True, metavar="DIR", help="folder of the set; made if it is not there")
    _add_cast(make)
    make.add_argument("--clips", type=int, metavar="K", help="clips of each actor (default: the profile's)")
    make.add_argument("--text", help="text that they speak, instead of CREMA-D's twelve sentences")
    make.add_argument("--varied", type=int, metavar="N", help="speak N different everyday sentences instead")
    make.add_argument("--emotions", metavar="HAP,SAD", help="emotions of the clips (default: all six)")
    make.add_argument("--extras", metavar="masks,depth,flow",
                      help="arrays to save as well: label maps, depth, optical flow (default: none)")
    make.add_argument("--dask", metavar="ADDRESS", help="let a Dask cluster do the work: its scheduler's address, as "
                                                        "in tcp://10.0.0.5:8786; it must see the same files")
    make.add_argument("--only", metavar="SPLITS", help="make only the actors of these splits: train, val, test, judge")
    sheet = command(parts, "sheet", "Draw a cast, one picture each.", run_sheet, epilog=SHEET_EXAMPLES)
    sheet.add_argument("--out", required=True, help="the picture, .png or .jpg")
    sheet.add_argument("--set", metavar="DIR", help="draw the cast of this set instead")
    _add_cast(sheet)
    sheet.add_argument("--emotions", nargs="?", const="", metavar="HAP,SAD",
                       help="each actor once per emotion (all six if none is named; default: at rest)")
    sheet.add_argument("--columns", type=int, metavar="N", help="actors in a row (default: about square)")
    sheet.add_argument("--overwrite", action="store_true", help="replace a picture that exists")


def _add_cast(p) -> None:
    from tfg.actors.cast import PROFILES

    sizes = "; ".join(f"{k}: {v['actors']} actors, {v['clips']} clips each, {v['size']} px"
                      for k, v in PROFILES.items())
    p.add_argument("--profile", help=f"size of the set: {sizes} (default: cpu)")
    p.add_argument("--actors", type=int, metavar="N", help="number of actors, photos included (default: the profile's)")
    p.add_argument("--portraits", type=int, metavar="N", help="number of photos among the actors (default: about half)")
    p.add_argument("--portrait", nargs="+", action="extend", metavar="PHOTO",
                   help="photos that become actors, the largest face of each (without --actors: the only ones)")
    p.add_argument("--size", type=int, metavar="PX", help="side of a frame (default: the profile's)")
    p.add_argument("--seed", type=int, metavar="N", help="number that chooses the people (default: 0)")
    p.add_argument("--workers", type=int, metavar="W", help="number of processes (default: all cores)")
    p.add_argument("--mirror", metavar="DIR",
                   help="folder with sfhq/ that is tried before the web (default: $TFG_MIRROR)")


def run_make(given: dict) -> None:
    """Make a set and print its report. given: options by name.  Raises InputError at the end if clips are missing."""
    from tfg.actors.make import make
    from tfg.corpora.cli import words
    from tfg.workers import cluster

    if "emotions" in given:
        given["emotions"] = words(given["emotions"])
    if "only" in given:
        given["only"] = [w.lower() for w in words(given["only"])]
    if "extras" in given:
        given["extras"] = [w.lower() for w in words(given["extras"])]
    with cluster(given.pop("dask", None)):
        report = make(given.pop("out"), **given, progress=sys.stderr.isatty(), say=lambda s: print(s, flush=True))
    print(report, flush=True)
    if report.failed:
        name, reason = report.failed[0]
        clips = "1 clip is" if len(report.failed) == 1 else f"{len(report.failed)} clips are"
        for other, why in report.failed[1:10]:
            print(f"failed: {other}: {why}", flush=True)
        raise InputError(f"{clips} missing, {name}: {reason}; run the same command again to try once more.")


def run_sheet(given: dict) -> None:
    """Draw a contact sheet and save it. given: options by name."""
    from tfg.actors.sheet import sheet
    from tfg.corpora.cli import words

    if given.get("emotions"):
        given["emotions"] = words(given["emotions"])
    elif "emotions" in given:
        from tfg.vocabulary import EMOTIONS

        given["emotions"] = EMOTIONS
    if "set" in given:
        clash = [k for k in ("profile", "actors", "portraits", "portrait", "seed") if k in given]
        if clash:
            raise InputError(f"--set draws the cast of that set as it is; leave out --{clash[0]}, or --set.")
        given["folder"] = given.pop("set")
    print(sheet(given.pop("out"), **given, progress=sys.stderr.isatty()), flush=True)
