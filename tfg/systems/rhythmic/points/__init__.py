"""What a face does with a sound: mel windows, the face at rest and an emotion become canonical landmarks."""
from __future__ import annotations

from tfg.options import StrPath, option_class, path
from tfg.training.part import MachineOptions


@option_class
class PointsTraining(MachineOptions):
    """Options of the training of canonical landmarks."""

    speeches: StrPath | None = path("folder that python -m tfg.systems.rhythmic.speeches wrote", default=None,
                                    needed=True)
