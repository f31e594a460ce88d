"""The options of the system `expression`: what each may be. Light: the command line asks before anything heavy."""
from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from tfg.adding.apply import MODELS, MOST
from tfg.errors import InputError
from tfg.vocabulary import POSE_STYLES

DEFAULTS = dict(pose_style=0, yaw=None, pitch=None, roll=None, ref_blink=None, ref_pose=None, still=False, idle=None,
                emotion_model="linear", alpha=1.4, ortho=False, expnet=None, posevae=None, emotion_add=None)
"""alpha: a model of least squares shows what people do on average, which is paler than what any of them does. With 1.4
the judge names a shown emotion as often as the baseline's (90 % on the validation actors; 80 % with 1, 83 % with 1.2).
"""
MAX_DEG = {"yaw": 60.0, "pitch": 45.0, "roll": 60.0}
MAX_IDLE_S = 3600.0


def check(options: dict, given: Sequence[str] = ()) -> dict:
    """The options, curves as tuples of numbers. InputError: one sentence for a value that cannot be, or for two of
    which one would have no effect."""
    options = dict(options)
    for name, most in MAX_DEG.items():
        if options[name] is not None:
            options[name] = _curve(options[name], name, most)
    style = options["pose_style"]
    if isinstance(style, bool) or not isinstance(style, (int, np.integer)) or not 0 <= style < POSE_STYLES:
        raise InputError(f"the pose style is {style!r}, but it must be a whole number from 0 to {POSE_STYLES - 1}.")
    for name in ("still", "ortho"):
        if not isinstance(options[name], (bool, np.bool_)):
            raise InputError(f"{name} is {options[name]!r}, but it must be True or False.")
    if options["emotion_model"] not in MODELS:
        raise InputError(f"unknown emotion model {options['emotion_model']!r}; choose one of {', '.join(MODELS)}.")
    alpha = options["alpha"]
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float, np.number)) or not -MOST <= alpha <= MOST:
        raise InputError(f"alpha is {alpha!r}, but it must be a number from {-MOST:g} to {MOST:g} (0 adds no "
                         "emotion, 1 what the model predicts).")
    idle = options["idle"]
    if idle is not None and (isinstance(idle, bool) or not isinstance(idle, (int, float, np.number))
                             or not 0 < idle <= MAX_IDLE_S):
        raise InputError(f"idle is {idle!r}, but it must be a number of seconds up to {MAX_IDLE_S:.0f}.")
    for name in ("ref_blink", "ref_pose"):
        if options[name] is not None and not isinstance(options[name], (str, os.PathLike)) \
                and not hasattr(options[name], "expression"):
            raise InputError(f"{name} is a {type(options[name]).__name__}; give a video or a motion (.npz) of a face.")
    _refuse(options, given)
    return options


def _refuse(options: dict, given) -> None:
    """What excludes each other."""
    moved = [n for n in ("ref_pose", "pose_style", "yaw", "pitch", "roll") if n in given]
    if options["still"] and moved:
        raise InputError(f"--still keeps the head still, so {_flags(moved)} would have no effect; leave one out.")
    if options["ref_pose"] is not None and "pose_style" in given:
        raise InputError("the head follows --ref-pose, so --pose-style would have no effect; leave one out.")
    how = [n for n in ("emotion_model", "alpha", "ortho", "emotion_add") if n in given]
    if how and options.get("emotion", "NEU") == "NEU":
        raise InputError(f"without an emotion there is nothing to add, so {_flags(how)} would have no effect; give "
                         "--emotion, or leave it out.")
    if options["ref_blink"] is not None and options.get("blink") is False:
        raise InputError("--no-blink and --ref-blink contradict each other; leave one out.")
    if options.get("motion") is not None:
        unused = [n for n in ("pose_style", "idle", "expnet", "posevae") if n in given]
        if unused:
            raise InputError(f"a given motion replaces the performance, so {_flags(unused)} would have no effect; "
                             "leave it out.")


def _curve(values, name: str, most: float) -> tuple[float, ...]:
    """`numbers`, each at most so many degrees either way."""
    found = numbers(values)
    if not found or not all(abs(v) <= most for v in found):                     # NaN is refused too
        raise InputError(f"the {name} is {values!r}, but it must be one or more angles from -{most:.0f} to {most:.0f} "
                         f"degrees, spread over the clip, such as --{name} 0 20 -10 0.")
    return found


def numbers(values) -> tuple[float, ...]:
    """What a list, an array, one number, or a text such as "0,20,-10" holds; nothing, if that is not all numbers."""
    try:
        parts = values.replace(",", " ").split() if isinstance(values, str) else np.atleast_1d(values).tolist()
        return tuple(float(v) for v in parts)
    except (TypeError, ValueError):
        return ()


def _flags(names) -> str:
    return " and ".join("--" + name.replace("_", "-") for name in names)
