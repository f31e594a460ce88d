"""Tables of scores: a system, its clips, the rows it must be compared with, and an interval for each number.

    from tfg.scores import score
    scores = score("emogen", "build/dub", "build/score", checkpoint="build/emogen")
    print(scores.summary("emogen", "lmd_mouth"), scores.difference("lmd_mouth", "still"))

`tfg score` is the same from the command line. A system is a function `draw(target) -> (T, S, S, 3) uint8` (see
`tfg.scores.targets.Target`); the protocol is in `tfg.scores.run`, each score's definition in `tfg.scores.columns`.
"""
from __future__ import annotations

from tfg.scores.columns import SCORES
from tfg.scores.results import Scores
from tfg.scores.run import score, score_clip
from tfg.scores.targets import Target, targets

__all__ = ["SCORES", "Scores", "Target", "score", "score_clip", "targets"]
