"""`tfg emotion-add train` and `tfg emotion-add apply`."""
from __future__ import annotations

import argparse
import sys
import time

TRAIN = """examples:
  tfg emotion-add train --model linear --out build/emotion_add
  tfg emotion-add train --model automl --budget 600 --out build/emotion_add
  tfg emotion-add train --model transformer --out build/emotion_add --profile ci      seconds, to see that it runs
"""
APPLY = """examples:
  tfg measure me.mp4 --out me.npz
  tfg emotion-add apply --motion me.npz --emotion HAP --out happy.npz
  tfg animate --source photo.jpg --audio me.mp4 --motion happy.npz --out happy.mp4
"""
MODELS = "linear, transformer, automl"


def add(commands, command, parser_class) -> None:
    """Add the commands. command, parser_class: `tfg.cli`'s own."""
    p = commands.add_parser("emotion-add", help="Add an emotion to expression vectors of calm speech.",
                            description="Add an emotion to expression vectors of calm speech.")
    parts = p.add_subparsers(dest="part", metavar="PART", required=True, parser_class=parser_class)
    t = command(parts, "train", "Train on virtual actors' aligned pairs (needs the extra: voice).", run_train,
                epilog=TRAIN)
    t.add_argument("--model", required=True, help=MODELS)
    t.add_argument("--out", required=True, metavar="DIR", help="folder for the model and its card")
    t.add_argument("--profile", help="ci (seconds), cpu (minutes), gpu (default: cpu)")
    t.add_argument("--seed", type=int, metavar="N", help="same seed, same model (default: 0)")
    t.add_argument("--steps", type=int, metavar="N", help="steps of the transformer, instead of the profile's")
    t.add_argument("--budget", type=float, dest="budget_s", metavar="S", help="seconds of automl's search, instead of "
                                                                              "the profile's")
    t.add_argument("--resume", action=argparse.BooleanOptionalAction, help="the transformer goes on from a state "
                                                                           "(default: yes)")
    t.add_argument("--init", metavar="PATH", help="weights the transformer starts from: a folder or a .safetensors")
    t.add_argument("--freeze", metavar="NAMES", help="parts of the transformer that do not learn, a comma between two")
    a = command(parts, "apply", "Add an emotion to a motion.", run_apply, epilog=APPLY)
    a.add_argument("--motion", required=True, metavar="M.npz", help="a motion that tfg measure or --save-motion wrote")
    a.add_argument("--emotion", required=True, help="ANG, DIS, FEA, HAP, SAD (or NEU, which changes nothing)")
    a.add_argument("--intensity", type=float, help="strength of the emotion, 0 (none) to 1 (full, the default)")
    a.add_argument("--alpha", type=float, metavar="A", help="weight of the change, -2 to 2 (default: 1)")
    a.add_argument("--ortho", action="store_true", help="add only the part that is orthogonal to the source")
    a.add_argument("--model", help=f"{MODELS} (default: linear)")
    a.add_argument("--folder", metavar="DIR", help="folder of a trained model (default: the one that ships)")
    a.add_argument("--out", required=True, metavar="M.npz", help="the motion with the emotion")
    a.add_argument("--overwrite", action="store_true", help="replace a file that exists")


def run_train(given: dict) -> None:
    """Train a model and print its error beside those of the baselines."""
    from tfg.systems.expression.emotion.train import train

    started = time.perf_counter()
    card = train(**given, progress=sys.stderr.isatty())
    found, name = card["scores"], given["model"]
    print(f"wrote {name} and its card into {given['out']} in {(time.perf_counter() - started) / 60:.1f} min; error on "
          f"{found['actors']} unseen actors {found[name]['rmse'][0]:.4f}, {found['of_identity']:.0%} of doing nothing "
          f"({found['identity']['rmse'][0]:.4f}); mean offset {found['mean']['rmse'][0]:.4f}, table "
          f"{found['table']['rmse'][0]:.4f}", flush=True)


def run_apply(given: dict) -> None:
    """Add an emotion to a motion."""
    import numpy as np

    from tfg.errors import InputError
    from tfg.files import check_place, reserved
    from tfg.media.motion import Motion
    from tfg.systems.expression.emotion import add_to_motion

    overwrite = given.pop("overwrite", False)
    out = check_place(given.pop("out"), (".npz",), overwrite)
    source = Motion.load(given["motion"])
    if not np.isfinite(source.expression).any():
        raise InputError(f"{given['motion']} holds {len(source)} frames and no expression to add to; measure a video "
                         "that shows a face: tfg measure VIDEO --out M.npz")
    given.pop("motion")
    with reserved(out, overwrite=overwrite):
        motion = add_to_motion(source, **given)
        motion.save(out)
    print(f"wrote {out}: {len(motion)} frames with {motion.meta['added']['emotion']}", flush=True)
