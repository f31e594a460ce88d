"""How the head moves with a sound: 7 x 640 raw samples a frame, and poses seen before, become poses."""
from __future__ import annotations

from tfg.options import StrPath, choice, option_class, path
from tfg.training.part import MachineOptions

ENCODERS = ("mean", "lstm", "attention")


@option_class
class MotionTraining(MachineOptions):
    """Options of the training of head motion."""

    speeches: StrPath | None = path("folder that python -m tfg.systems.rhythmic.speeches wrote", default=None,
                                    needed=True)
    encoder: str = choice("what reads the poses that were seen before", default="mean", choices=ENCODERS)
