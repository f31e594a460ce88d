"""Options of the system `rhythmic`. Light: asked before anything heavy."""
from __future__ import annotations

from typing import Any

from tfg.errors import InputError
from tfg.options import Options, StrPath, flags, number, option_class, path, switch, text, thing, whole
from tfg.systems.film.options import FollowOptions

MOST_SHOTS = 32
SHOTS = 8
"""Shots of a film, where no number is asked for."""


def numbers(value: Any) -> tuple[int, ...]:
    """Numbers of frames of a text such as "0,12,40"; () of None.  Raises InputError."""
    if value is None:
        return ()
    try:
        out = tuple(int(part) for part in value.split(","))
    except ValueError:
        raise InputError(f"{value!r} does not say which frames: write their numbers, such as 0,12,40.") from None
    if not out or min(out) < 0 or len(out) > MOST_SHOTS:
        raise InputError(f"{value!r} names {len(out)} frames; give 1 to {MOST_SHOTS} numbers from 0 up.")
    return out


@option_class
class RhythmicOptions(FollowOptions):
    """Options of drawing a turning head from several pictures and landmarks."""

    n_shot: int | None = whole("how many frames of a film, or pictures of a folder, the network looks at; default: 8 "
                               "of a film, all of a folder", default=None, low=1, high=MOST_SHOTS)
    ref_img_id: Any = text("numbers of the frames or pictures that the network looks at, such as 0,12,40; each result "
                           "is copied from the one with the closest pose; of a folder the first speaks", default=None,
                           convert=numbers)
    head_motion: bool = switch("whether a photo's head moves with the voice", default=True)
    own_motion: bool = switch("whether a film's head keeps its own motion; else it moves with the voice, in the manner "
                              "that the film shows", default=True)
    ref_pose: Any = thing("take the head's motion of another film, or of an .npz of tfg measure", default=None)
    ref_expression: Any = thing("take the face's motion of another film, or of an .npz of tfg measure, instead of what "
                                "the voice says", default=None)
    find_largest_mouth: bool = switch("add the frame with the widest open mouth to those that the network looks at",
                                      default=False)
    blink: bool = switch("whether a photo's eyes blink", default=True)
    seed: int = whole("same seed, same head motion and blinks", default=0, low=0)
    motionnet: StrPath | None = path("folder with rhythmic_motion.safetensors and its card; default: the one that "
                                     "ships", default=None)
    pointsnet: StrPath | None = path("folder with rhythmic_points.safetensors and its card; default: the one that "
                                     "ships", default=None)
    checkpoint: StrPath | None = path("folder with rhythmic.safetensors and its card; default: the one that ships",
                                      default=None)
    person: StrPath | None = path("folder that tfg fit wrote: draw with the network that was adapted to this person",
                                  default=None)

    def check(self) -> None:
        super().check()
        if self.person is not None and self.checkpoint is not None:
            raise InputError("person and checkpoint both name a generator; leave one of them out.")
        if self.n_shot is not None and self.ref_img_id and len(self.ref_img_id) != self.n_shot:
            raise InputError(f"n_shot is {self.n_shot}, but ref_img_id names {len(self.ref_img_id)} frames; leave one "
                             "of them out.")
        unused = [f"no_{name}" for name in ("head_motion", "own_motion") if not getattr(self, name)]
        if self.ref_pose is not None and unused:
            raise InputError(f"ref_pose says how the head moves, so {flags(unused)} would have no effect; leave it "
                             "out.")
        for given, replaced in (("ref_pose", ("motionnet",)),
                                ("ref_expression", ("pointsnet", "emotion", "intensity"))):
            if getattr(self, given) is not None and (idle := self.unused(*replaced)):
                raise InputError(f"{given} takes the place of what the voice says, so {flags(idle)} would have no "
                                 "effect; leave it out.")


@option_class
class FitOptions(Options):
    """Options of adapting the generator to one person (`tfg fit`)."""

    shots: int = whole("frames of the film that it learns from", default=32, low=4, high=200)
    first_seconds: float | None = number("only the film's beginning is looked at; default: all, up to two minutes",
                                         default=None, unit="s", low=.2, high=120)
    steps: int = whole("steps of the training", default=300, low=1, high=100_000)
    face: int | None = whole("which face if there are several, 0 is the largest", default=None, low=0)
    seed: int = whole("same seed, same weights", default=0, low=0)
    checkpoint: StrPath | None = path("folder with rhythmic.safetensors and its card to begin with; default: the one "
                                      "that ships", default=None)
