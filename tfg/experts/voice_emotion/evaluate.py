"""Scores of the network that hears a voice's emotion, on people that it was not trained on.

What its inputs bring: `tfg.experts.voice_emotion.compare`.
"""
from __future__ import annotations

import numpy as np

from tfg.experts.voice_emotion.data import Voices
from tfg.experts.voice_emotion.network import VoiceEmotion
from tfg.vocabulary import EMOTIONS

NEUTRAL = EMOTIONS.index("NEU")


def score(network: VoiceEmotion, voices: Voices) -> dict:
    """Scores of sentences, each heard as a whole.

    clips, voices: their numbers.  accuracy: of the most probable emotion, mean of the people's shares; interval: of 95
    %, by drawing people with replacement; chance.  by_level, by_emotion, confusion (rows true, columns heard): shares.
    named: share of sentences for which a feeling is named (not NEU); right: share of these named rightly;
    right_interval.  calm_named: share of calm sentences for which one is named.  answered: accuracy of what is
    answered, NEU where unsure.
    """
    probable = network.eval().probabilities(voices.of(network.config.kinds))
    best, true = probable.argmax(1), voices.emotion
    said = np.where(probable.max(1) >= float(network.sure), best, NEUTRAL)
    named, right = said != NEUTRAL, said == true
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    np.add.at(table, (true, best), 1)
    table /= np.maximum(table.sum(1, keepdims=True), 1)
    calm = true == NEUTRAL
    return {"clips": len(voices), "voices": len(set(voices.voice)), "chance": round(1 / len(EMOTIONS), 3),
            **dict(zip(("accuracy", "interval"), mean_of_people(best == true, voices.voice))),
            "by_level": {str(v): round(float((best == true)[voices.level == v].mean()), 3)
                         for v in sorted(set(voices.level))},
            "by_emotion": {e: round(float(table[k, k]), 3) for k, e in enumerate(EMOTIONS)},
            "confusion": table.round(2).tolist(), "named": round(float(named.mean()), 3),
            **(dict(zip(("right", "right_interval"), mean_of_people(right[named], voices.voice[named], pooled=True)))
               if named.any() else {}),
            "calm_named": round(float(named[calm].mean()), 3) if calm.any() else None,
            "answered": round(float(right.mean()), 3)}


def mean_of_people(right: np.ndarray, voice: np.ndarray, *, pooled: bool = False) -> tuple[float, list[float]]:
    """(share of right sentences, its interval of 95 %), people drawn with replacement.

    right: (N,) bool.  voice: (N,) texts.  pooled: sentences count alike, for people with few; else people do.
    """
    people = sorted(set(voice))
    sums = np.array([[right[voice == v].sum(), (voice == v).sum()] for v in people], float)           # (people, 2)
    if not pooled:
        sums = np.stack([sums[:, 0] / sums[:, 1], np.ones(len(people))], 1)
    drawn = sums[np.random.default_rng(0).integers(len(people), size=(4000, len(people)))].sum(1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], (2.5, 97.5))
    return round(float(sums[:, 0].sum() / sums[:, 1].sum()), 3), [round(float(low), 3), round(float(high), 3)]
