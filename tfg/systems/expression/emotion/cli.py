"""`tfg emotion-add apply`; `tfg train emotion-add` is made from the registry."""
from __future__ import annotations

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
