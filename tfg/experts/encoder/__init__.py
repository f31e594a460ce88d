"""The face encoder: network and training, of the expert and of the judge."""
from __future__ import annotations

from tfg.options import option_class, switch
from tfg.training.part import StoreOptions, Training


@option_class
class EncoderTraining(StoreOptions):
    """Options of `tfg train encoder`."""

    judge: bool = switch("train the judge that scores systems instead: another network, on judge actors only",
                         default=False)


TRAININGS = (Training("encoder", "Train the network that describes a face, for losses and scores.",
                      "tfg.experts.encoder.train:train_encoder", EncoderTraining,
                      "  tfg train encoder --store build/store --out build/encoder\n"
                      "  tfg train encoder --store build/store --out build/encoder --profile ci    seconds\n"
                      "  tfg train encoder --judge --store build/store --out build/judge",
                      writes=(("judge", "judge_encoder"),)),)
