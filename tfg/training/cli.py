"""`tfg train mouth`, `posevae`, `syncnet`, `emotion`, `encoder` and `emogen`."""
from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
PARTS = {"syncnet": "Train the expert that says whether lips and sound belong together.",
         "emotion": "Train the network that names the emotion of a face over time.",
         "encoder": "Train the network that knows a face again, for losses and scores.",
         "emogen": "Train the generator that dubs a face with sound and emotion."}
EXAMPLES = """examples:
  tfg train {part} --store build/store --out build/{part}
  tfg train {part} --store build/store --out build/{part} --profile ci        seconds, to see that it runs
"""
JUDGE_EXAMPLES = """  tfg train {part} --judge --store build/store --out build/judge
"""
EXTRACTOR_EXAMPLES = """examples:
  tfg train extractor --set build/cpu --set build/train --out build/extractor
  tfg train extractor --set build/cpu --out build/extractor --profile ci       seconds, once the faces are measured
"""
WORDS = {"accuracy": "{:.1%} right", "offset_1": "{:.1%} of known shifts of the sound found within a frame"}
"""How some scores are said; others are said as their name and number."""
EMOGEN_EXAMPLES = """  tfg train emogen --store build/store --out build/emogen --syncnet build/syncnet --quality
"""


def add(commands, command, parser_class) -> None:
    """Add the commands. command, parser_class: `tfg.cli`'s own."""
    p = commands.add_parser("train", help="Train one of the parts.", description="Train one of the parts.")
    parts = p.add_subparsers(dest="part", metavar="PART", required=True, parser_class=parser_class)
    mouth = command(parts, "mouth", "Train the network from sound to mouth on synthetic speech.", run_mouth,
                    epilog="example:\n  tfg train mouth --out build/mouth --profile cpu")
    _add_common(mouth)
    posevae = command(parts, "posevae", "Train the network from sound to head motion on motion made by rules.",
                      run_posevae, epilog="example:\n  tfg train posevae --out build/posevae --profile cpu")
    _add_common(posevae)
    _add_machine(posevae)
    expnet = command(parts, "expnet", "Train the network from sound to a whole face, emotion off, on virtual people.",
                     run_expnet, epilog="example:\n  tfg train expnet --out build/expnet --profile cpu")
    expnet.add_argument("--measured", metavar="DIR",
                        help="motions of real people (tfg measure) with their sound beside them, to learn from as well")
    _add_common(expnet)
    _add_machine(expnet)
    extractor = command(parts, "extractor", "Train the network that reads expression off a face.", run_extractor,
                        epilog=EXTRACTOR_EXAMPLES)
    extractor.add_argument("--set", required=True, action="append", dest="sets", metavar="DIR",
                           help="what tfg actors make wrote; may be given several times")
    extractor.add_argument("--readings", metavar="DIR", help="where what is measured is kept (default: OUT/readings)")
    _add_common(extractor)
    _add_machine(extractor)
    runs = {"syncnet": run_syncnet, "emotion": run_emotion, "encoder": run_encoder, "emogen": run_emogen}
    for name, about in PARTS.items():
        more = EMOGEN_EXAMPLES if name == "emogen" else JUDGE_EXAMPLES
        part = command(parts, name, about, runs[name], epilog=(EXAMPLES + more).format(part=name))
        part.add_argument("--store", required=True, metavar="DIR", help="what tfg corpora prepare wrote")
        _add_common(part)
        _add_machine(part)
        if name == "emogen":
            _add_emogen(part)
        else:
            part.add_argument("--judge", action="store_true",
                              help="train the one that scores systems instead: another network, on judge actors only")
        if name == "syncnet":
            part.add_argument("--teacher", action="store_true",
                              help="train the one that tfg train emogen learns from: the published tower, small")


def _add_common(part) -> None:
    part.add_argument("--out", required=True, metavar="DIR", help="folder for weights, log and the resumable state")
    part.add_argument("--profile", help="ci (seconds), cpu (minutes), gpu (default: cpu)")
    part.add_argument("--seed", type=int, metavar="N", help="same seed, same network (default: 0)")
    part.add_argument("--steps", type=int, metavar="N", help="instead of the profile's")
    part.add_argument("--resume", action=argparse.BooleanOptionalAction, help="go on from a state (default: yes)")


def _add_machine(part) -> None:
    part.add_argument("--devices", type=_devices, metavar="N", help="how many GPUs, or auto (default: 1)")
    part.add_argument("--precision", choices=PRECISIONS, metavar="P",
                      help=f"{', '.join(PRECISIONS)} (default: the profile's)")


def _add_emogen(part) -> None:
    part.add_argument("--syncnet", metavar="DIR",
                      help="the expert of lips and sound, of tfg train syncnet --teacher (default: the one that ships)")
    part.add_argument("--emotion", metavar="DIR", help="the emotion discriminator (default: the one that ships)")
    part.add_argument("--encoder", metavar="DIR", help="the face encoder (default: the one that ships)")
    part.add_argument("--perceptual", choices=("auto", "vgg19", "encoder"), metavar="NET",
                      help="what compares pictures: vgg19, encoder, or auto (default): in the profile gpu vgg19 if "
                           "its weights can be had, else the encoder")
    part.add_argument("--quality", action=argparse.BooleanOptionalAction,
                      help="a discriminator of true and drawn faces besides (default: the profile's)")


def _devices(text: str) -> int | str:
    if text == "auto" or (text.isdecimal() and int(text) > 0):
        return text if text == "auto" else int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of devices; give 1 or more, or auto")


# ---- the commands ---------------------------------------------------------------------------------------------
def run_mouth(given: dict) -> None:
    """The network from sound to mouth."""
    from tfg.training.mouth import train

    started = time.perf_counter()
    train(**given, progress=sys.stderr.isatty())
    _say(f"wrote {given['out']}/mouth.safetensors and mouth.json {_in(started)}")


def run_expnet(given: dict) -> None:
    """ExpNet."""
    from tfg.training.expnet import train_expnet

    _run(train_expnet, given, "expnet", left_out=("r", "clips"))


def run_syncnet(given: dict) -> None:
    """SyncNet, or its judge."""
    from tfg.training.syncnet import train_syncnet

    _run(train_syncnet, given, "judge_sync" if given.get("judge") else "syncnet")


def run_emotion(given: dict) -> None:
    """The emotion discriminator, or its judge."""
    from tfg.training.emotion import train_emotion

    _run(train_emotion, given, "judge_emotion" if given.get("judge") else "emotion")


def run_encoder(given: dict) -> None:
    """The face encoder, or its judge."""
    from tfg.training.encoder import train_encoder

    _run(train_encoder, given, "judge_encoder" if given.get("judge") else "encoder")


def run_emogen(given: dict) -> None:
    """The generator."""
    from tfg.training.emogen import train_emogen

    _run(train_emogen, given, "emogen")


def run_posevae(given: dict) -> None:
    """PoseVAE."""
    from tfg.training.posevae import train_posevae

    _run(train_posevae, given, "posevae")


def run_extractor(given: dict) -> None:
    """The network that reads expression."""
    from tfg.training.extractor import train_extractor

    _run(train_extractor, given, "extractor")


def _run(train, given: dict, name: str, left_out: tuple[str, ...] = ()) -> None:
    """Train, then one sentence, from the first of several processes: what was written, how long it took, and the
    scores of the card but for those whose names are left out."""
    from tfg.training.finish import is_first

    started = time.perf_counter()
    _, card = train(**given, progress=sys.stderr.isatty())
    if not is_first():
        return
    scores = {k: {n: v for n, v in s.items() if n not in left_out} if isinstance(s, dict) else s
              for k, s in card.get("scores", {}).items()}
    _say(f"wrote {given['out']}/{name}.safetensors and {name}.json {_in(started)}; {said(scores)}")


def said(scores: dict) -> str:
    """A card's scores in words. Lists and texts are left to the card.

    >>> said({"test": {"accuracy": .8125, "HI": {"accuracy": .95}}, "lse_d": 6.5})
    'test: 81.2% right; test HI: 95.0% right; lse_d 6.5'
    """
    groups: dict[str, list[str]] = {}
    for path, name, value in _numbers(scores):
        groups.setdefault(path, []).append(WORDS[name].format(value) if name in WORDS else f"{name} {value:.3g}")
    return "; ".join(f"{path}: {', '.join(told)}" if path else ", ".join(told) for path, told in groups.items()) \
        or "no scores"


def _numbers(scores: dict, path: str = "") -> Iterator[tuple[str, str, float]]:
    for name, value in scores.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{path} {name}".strip())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield path, name, value


def _in(started: float) -> str:
    return f"in {(time.perf_counter() - started) / 60:.1f} min"


def _say(sentence: str) -> None:
    print(sentence, flush=True)
