"""Honest tables of scores: a system, its clips, the rows it must be compared with, and how sure each number is.

    from tfg.scores import score
    scores = score("emogen", "build/dub", "build/score", checkpoint="build/emogen")
    print(scores.summary("emogen", "lmd_mouth"), scores.difference("lmd_mouth", "still"))

`tfg score` is the same from the command line. A system is a function `draw(target) -> (T, S, S, 3) uint8` (see
`tfg.scores.targets.Target`); the protocol is in `tfg.scores.run`, what each score is in `tfg.scores.names`.
"""
from __future__ import annotations

from tfg.scores.names import SCORES
from tfg.scores.results import Scores
from tfg.scores.run import score, score_clip
from tfg.scores.targets import Target, targets

__all__ = ["SCORES", "Scores", "Target", "score", "score_clip", "targets"]
