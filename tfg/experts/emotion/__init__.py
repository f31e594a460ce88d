"""Recognition of the emotion that a face shows: network, judge, training, evaluation."""
from __future__ import annotations

from tfg.training.part import JudgeOptions, Training

TRAININGS = (Training("emotion", "Train the network that names the emotion of a face over time.",
                      "tfg.experts.emotion.train:train_emotion", JudgeOptions,
                      "  tfg train emotion --store build/store --out build/emotion\n"
                      "  tfg train emotion --store build/store --out build/emotion --profile ci    seconds\n"
                      "  tfg train emotion --judge --store build/store --out build/judge",
                      writes=(("judge", True, "judge_emotion.safetensors"),)),)
