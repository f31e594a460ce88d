"""`tfg edit` and `tfg animate-batch`: Action Units by hand, and the original's animation mode."""
from __future__ import annotations

from pathlib import Path

EDIT_EXAMPLES = """examples:
  tfg edit photo.jpg --au AU12=4 --out smile.png
  tfg edit photo.jpg --grid --out units.png        every unit at three intensities
"""
BATCH_EXAMPLES = """examples:
  tfg animate-batch --images images_to_animate --attributes attributes.txt --results results
  tfg animate-batch --images images_to_animate --audio sounds --results results
"""


def add(commands, command, parser) -> None:
    """Add the commands.  See `tfg.cli.COMMANDS`."""
    p = command(commands, "edit", "Edit a photo by Action Units (ietafs).", run_edit, epilog=EDIT_EXAMPLES)
    p.add_argument("photo", help="a picture with a face")
    p.add_argument("--au", metavar="AU12=4,AU4=0", help="intensities from 0 to 5; units that are not named "
                                                 "stay as they are")
    p.add_argument("--grid", action="store_true", help="instead: a row for each unit, a column for each intensity")
    p.add_argument("--face", type=int, metavar="N", help="which face, 0 is the largest (default)")
    p.add_argument("--checkpoint", metavar="DIR", help="folder of the generator (default: the one that ships)")
    p.add_argument("--out", required=True, help="the picture, .png or .jpg")
    p.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    b = command(commands, "animate-batch", "Animate all pictures of a folder (ietafs): by sounds, or by rows of Action "
                "Units.", run_batch, epilog=BATCH_EXAMPLES)
    b.add_argument("--images", required=True, metavar="DIR", help="folder of pictures")
    b.add_argument("--audio", metavar="PATH", help="a sound, or a folder of sounds: each picture says each")
    b.add_argument("--attributes", metavar="FILE", help="table of pictures and their Action Units: each picture is "
                                                        "edited to each row")
    b.add_argument("--results", required=True, metavar="DIR", help="folder to write into; made if it is not there")
    b.add_argument("--checkpoint", metavar="DIR", help="folder of the generator (default: the one that ships)")


def run_edit(given: dict) -> None:
    from tfg.errors import InputError
    from tfg.files import check_place, reserved
    from tfg.media.image import write_image
    from tfg.systems.ietafs.edit import edit, grid

    overwrite, as_grid, au = given.pop("overwrite", False), given.pop("grid", False), given.pop("au", None)
    out, photo = check_place(given.pop("out"), (".png", ".jpg", ".jpeg"), overwrite), given.pop("photo")
    if as_grid == (au is not None):
        raise InputError("say either which Action Units, such as --au AU12=4, or --grid.")
    with reserved(out, overwrite=overwrite):
        write_image(grid(photo, **given) if as_grid else edit(photo, au, **given), out)
    print(f"wrote {out}", flush=True)


def run_batch(given: dict) -> None:
    from tfg.systems.ietafs.batch import animate_batch

    written = animate_batch(**given, progress=True)
    print(f"wrote {len(written)} files into {Path(given['results'])}", flush=True)
