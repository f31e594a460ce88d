"""The face encoder: network and training, of the expert and of the judge."""
from __future__ import annotations

from tfg.training.part import JudgeOptions, Training

TRAININGS = (Training("encoder", "Train the network that describes a face, for losses and scores.",
                      "tfg.experts.encoder.train:train_encoder", JudgeOptions,
                      "  tfg train encoder --store build/store --out build/encoder\n"
                      "  tfg train encoder --store build/store --out build/encoder --profile ci    seconds\n"
                      "  tfg train encoder --judge --store build/store --out build/judge",
                      writes=(("judge", True, "judge_encoder.safetensors"),)),)
