"""`tfg animate-emotions`: every photo of a folder in all emotions, compared with the truth of each."""
from __future__ import annotations

EXAMPLES = """examples:
  tfg animate-emotions --images photos --audio voice.wav --out films
  tfg animate-emotions --images photos --audio sounds --truth films_of_them --emotions HAP,SAD --out films
"""


def add(commands, command, parser) -> None:
    """Add the command.  See `tfg.cli.COMMANDS`."""
    p = command(commands, "animate-emotions", "Animate all pictures of a folder in all emotions (deformable), and "
                "compare each film with the true one of its emotion.", run, epilog=EXAMPLES)
    p.add_argument("--images", required=True, metavar="DIR", help="folder of pictures")
    p.add_argument("--audio", required=True, metavar="PATH",
                   help="a sound for all, or a folder with PICTURE_HAP.wav or PICTURE.wav")
    p.add_argument("--truth", metavar="DIR", help="folder of true films, PICTURE_HAP.mp4, of the picture's size")
    p.add_argument("--emotions", metavar="HAP,SAD", help="a comma between two (default: all six)")
    p.add_argument("--intensity", type=float, metavar="X", help="how much of the emotion, 0 to 1 (default: 1)")
    p.add_argument("--noise-seed", type=int, metavar="N", help="another one gives other movements (default: 0)")
    p.add_argument("--checkpoint", metavar="DIR", help="folder of the generator (default: the one that ships)")
    p.add_argument("--out", required=True, metavar="DIR", help="folder to write into; made if it is not there")


def run(given: dict) -> None:
    """Animate, and print means of the scores."""
    from tfg.systems.deformable.emotions import all_emotions, in_words

    if "emotions" in given:
        given["emotions"] = [e.strip() for e in given["emotions"].split(",") if e.strip()]
    rows = all_emotions(**given, progress=True)
    print(f"wrote {len(rows)} films into {given['out']}\n{in_words(rows)}", flush=True)
