"""Options of the system `expression`. Light to import, as the command line reads them before anything heavy."""
from __future__ import annotations

import os
from typing import Any, ClassVar

from tfg.errors import InputError
from tfg.options import StrPath, angles, choice, flags, number, option_class, path, switch, thing, whole
from tfg.systems.base import PortraitOptions
from tfg.systems.expression.emotion.apply import MODELS, MOST
from tfg.training.part import RunOptions
from tfg.vocabulary import POSE_STYLES

MAX_IDLE_S = 3600.0
MAX_BUDGET_S = 7 * 24 * 3600.0
ALPHA = 1.4
"""Weight of the emotion by default. A least-squares model predicts the average of people, which is paler than each of
them. With 1.4 the judge names a shown emotion as often as the baseline's (90 % on the validation actors; 80 % with 1,
83 % with 1.2)."""


def _film_or_motion(value: Any) -> Any:
    """The value, if it is a path, a Motion or None.  Raises InputError for anything else."""
    if value is not None and not isinstance(value, (str, os.PathLike)) and not hasattr(value, "expression"):
        raise InputError(f"a {type(value).__name__} was given as reference; give a video or a motion (.npz) of a face.")
    return value


@option_class
class ExpressionOptions(PortraitOptions):
    """SadTalker's options and those of the fork that adds emotion, with the same meaning."""

    pose_style: int = whole("a way of moving the head", default=0, low=0, high=POSE_STYLES - 1)
    yaw: tuple[float, ...] | None = angles("the head turns to the person's left: one angle, or several spread over "
                                           "the clip and joined smoothly, in the place of its own", default=None,
                                           most=60)
    pitch: tuple[float, ...] | None = angles("the head turns up, likewise", default=None, most=45)
    roll: tuple[float, ...] | None = angles("the head leans clockwise, likewise", default=None, most=60)
    ref_pose: Any = thing("the head moves as in this video (or .npz of tfg measure)", default=None,
                          convert=_film_or_motion)
    ref_blink: Any = thing("the eyes blink as in this video (or .npz of tfg measure)", default=None,
                           convert=_film_or_motion)
    still: bool = switch("the head does not move", default=False)
    idle: float | None = number("no sound: a face that waits, blinks and breathes for this time", default=None,
                                unit="seconds", low=1e-3, high=MAX_IDLE_S)
    emotion_model: str = choice("model that adds the emotion", default="linear", choices=MODELS)
    alpha: float = number("weight of the emotion that is added; 0 adds none, 1 what the model predicts", default=ALPHA,
                          low=-MOST, high=MOST)
    ortho: bool = switch("add only what is at right angles to the speech", default=False)
    expnet: StrPath | None = path("folder of a trained ExpNet; default: the one that ships", default=None)
    posevae: StrPath | None = path("folder of a trained PoseVAE; default: the one that ships", default=None)
    emotion_add: StrPath | None = path("folder of trained emotion models; default: those that ship", default=None)

    replaced: ClassVar[tuple[str, ...]] = ("blink", "seed", "pose_style", "idle", "expnet", "posevae")
    needs_emotion: ClassVar[tuple[str, ...]] = ("emotion_model", "alpha", "ortho", "emotion_add")

    def check(self) -> None:
        super().check()
        if self.still and (moved := self.unused("ref_pose", "pose_style", "yaw", "pitch", "roll")):
            raise InputError(f"--still keeps the head still, so {flags(moved)} would have no effect; leave one out.")
        if self.ref_pose is not None and "pose_style" in self.given:
            raise InputError("the head follows --ref-pose, so --pose-style would have no effect; leave one out.")
        if self.emotion == "NEU" and (how := self.unused(*self.needs_emotion)):
            raise InputError(f"without an emotion there is nothing to add, so {flags(how)} would have no effect; give "
                             "--emotion, or leave it out.")
        if self.ref_blink is not None and not self.blink:
            raise InputError("--no-blink and --ref-blink contradict each other; leave one out.")


@option_class
class EmotionAddTraining(RunOptions):
    """Options of `tfg train emotion-add`."""

    model: str | None = choice("model to train", default=None, choices=MODELS, needed=True)
    budget: float | None = number("time of automl's search, instead of the profile's", default=None, unit="seconds",
                                  low=1, high=MAX_BUDGET_S)

    def check(self) -> None:
        super().check()
        if self.model != "transformer" and (stepwise := self.unused("steps", "init", "freeze")):
            raise InputError(f"the model {self.model} is not trained in steps; leave {flags(stepwise)} out, or train "
                             "the transformer.")
        if self.model != "automl" and self.budget is not None:
            raise InputError(f"the model {self.model} has no budget; leave --budget out, or train automl.")
