"""Recognition of the emotion that a face shows: network, judge, training, evaluation."""
from __future__ import annotations

from tfg.options import option_class, switch
from tfg.training.part import StoreOptions, Training


@option_class
class EmotionTraining(StoreOptions):
    """Options of `tfg train emotion`."""

    judge: bool = switch("train the judge that scores systems instead: another network, on judge actors only",
                         default=False)


TRAININGS = (Training("emotion", "Train the network that names the emotion of a face over time.",
                      "tfg.experts.emotion.train:train_emotion", EmotionTraining,
                      "  tfg train emotion --store build/store --out build/emotion\n"
                      "  tfg train emotion --store build/store --out build/emotion --profile ci    seconds\n"
                      "  tfg train emotion --judge --store build/store --out build/judge",
                      writes=(("judge", "judge_emotion"),)),)
