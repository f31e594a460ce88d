"""The options of dubbing: what each may be. Light: the command line asks before anything heavy is imported."""
from __future__ import annotations

import numpy as np

from tfg.errors import InputError

DEFAULTS = dict(pads=None, smooth=True, resize_factor=1, crop_box=None, box=None, rotate=False, static=False,
                batch_size=None, fps=None, checkpoint=None)
MAX_PAD, MAX_BATCH, MAX_FPS = 4000, 4096, 120


def check(options: dict, given=()) -> dict:
    """The options, boxes and pads as tuples of four. InputError: one sentence for a value that cannot be.

    given: the names that were set; smoothing and a choice of face are refused beside a constant box.
    """
    options = dict(options)
    for name, flag in (("pads", "pads"), ("crop_box", "crop box"), ("box", "box")):
        if options[name] is not None:
            options[name] = _four(options[name], flag)
    if options["pads"] is not None and max(map(abs, options["pads"])) > MAX_PAD:
        raise InputError(f"the pads are {_words(options['pads'])}, but each must be from -{MAX_PAD} to {MAX_PAD} px "
                         "(top bottom left right).")
    if options["crop_box"] is not None and min(options["crop_box"]) < -1:
        raise InputError(f"the crop box is {_words(options['crop_box'])}, but its sides (top bottom left right) are "
                         "pixels from 0 up, or -1 for the picture's edge.")
    if options["box"] is not None:
        top, bottom, left, right = options["box"]
        if min(options["box"]) < 0 or bottom - top < 16 or right - left < 16:
            raise InputError(f"the box is {_words(options['box'])}, but its sides are top bottom left right in pixels "
                             "from 0 up, with at least 16 px between them.")
        unused = [f for f, on in (("--no-smooth", not options["smooth"]), ("--face", "face" in given)) if on]
        if unused:
            raise InputError(f"a constant --box replaces the search for the face, so {' and '.join(unused)} would have "
                             "no effect; leave it out.")
    for name in ("smooth", "rotate", "static"):
        if not isinstance(options[name], (bool, np.bool_)):
            raise InputError(f"{name} is {options[name]!r}, but it must be True or False.")
    _whole(options["resize_factor"], "resize factor", 1, 64)
    if options["batch_size"] is not None:
        _whole(options["batch_size"], "batch size", 1, MAX_BATCH)
    fps = options["fps"]
    if fps is not None and (isinstance(fps, bool) or not isinstance(fps, (int, float, np.number))
                            or not 1 <= fps <= MAX_FPS):
        raise InputError(f"the fps is {fps!r}, but it must be a number of frames per second from 1 to {MAX_FPS}.")
    return options


def _four(values, flag: str) -> tuple[int, ...]:
    try:
        values = list(values)
        whole = len(values) == 4 and all(int(v) == v and not isinstance(v, (bool, str)) for v in values)
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(f"the {flag} is {values!r}, but four whole numbers are needed: top bottom left right, in "
                         "pixels.")
    return tuple(int(v) for v in values)


def _whole(value, flag: str, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise InputError(f"the {flag} is {value!r}, but it must be a whole number from {least} to {most}.")


def _words(values) -> str:
    return " ".join(map(str, values))
