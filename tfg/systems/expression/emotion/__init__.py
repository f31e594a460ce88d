"""Emotion added to the expression vectors of calm speech, frame by frame: models, training, scores.

    from tfg.systems.expression.emotion import add
    happy = add(offsets, "HAP", intensity=.8)               # (T, 52) offsets from neutral in and out

The fork of SadTalker trains such models on pairs of clips of different lengths; ours learn from aligned
ones: the same take of a virtual actor, played calmly and with emotion, frame by frame
(`tfg.systems.expression.emotion.pairs`).
"""
from __future__ import annotations

from tfg.systems.expression.emotion.apply import MODELS, add, add_to_motion, all_emotions

__all__ = ["MODELS", "add", "add_to_motion", "all_emotions"]
