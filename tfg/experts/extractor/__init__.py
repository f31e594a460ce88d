"""The learned reader of expression: network, data, training, evaluation."""
from __future__ import annotations

from tfg.options import StrPath, option_class, path, paths
from tfg.training.part import MachineOptions, Training


@option_class
class ExtractorTraining(MachineOptions):
    """Options of `tfg train extractor`."""

    sets: tuple[StrPath, ...] | None = paths("one or more folders that tfg actors make wrote", default=None,
                                             needed=True)
    readings: StrPath | None = path("folder of the landmarker's measurements; default: OUT/readings", default=None)


TRAININGS = (Training("extractor", "Train the network that reads expression off a face.",
                      "tfg.experts.extractor.train:train_extractor", ExtractorTraining,
                      "  tfg train extractor --sets build/cpu build/train --out build/extractor\n"
                      "  tfg train extractor --sets build/cpu --out build/extractor --profile ci    seconds, once the "
                      "faces are measured"),)
