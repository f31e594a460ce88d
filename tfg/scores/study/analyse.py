"""From participants' files to a report: `analyse(files, "build/study/key.csv", "build/study_result")`."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.files import make_folder
from tfg.scores.study import advice, agreement
from tfg.scores.study.answers import PASS, Answers, read
from tfg.scores.study.report import write
from tfg.scores.study.result import Question, Result
from tfg.scores.study.strength import DRAWS, strengths


def analyse(files: Sequence, key, out=None, *, least: float = PASS, draws: int = DRAWS, seed: int = 0) -> Result:
    """Analyse the answers of a study.

    files: CSV files that the page saved.  key: the study's key.csv.  out: folder for study.md, study.json,
    strengths.csv, pairs.csv and study.png; None writes nothing.  least: share of checks that a participant must pass.
    draws: of the bootstrap.  Raises InputError as `answers.read` does, before anything is written.
    """
    got = read(files, key, least)
    questions = [_question(name, got, draws, seed) for name in got.questions()]
    pairs = max(len(q.strengths.pairs) for q in questions)
    each = max(1, round(float(np.median([sum(a.participant == who and a.question == questions[0].key and not a.repeat
                                             for a in got.answers) for who in got.people]))))
    measured = [q.alike for q in questions if np.isfinite(q.alike)]
    told = advice.sentences(pairs, each, max(measured), "measured") if measured else advice.sentences(pairs, each)
    result = Result(got, questions, least, draws, seed, told)
    if out is not None:
        write(result, make_folder(out))
    return result


def _question(name: str, got: Answers, draws: int, seed: int) -> Question:
    mine = [a for a in got.answers if a.question == name]
    found = strengths(mine, draws=draws, seed=seed)
    sides = [a.on_left == (a.value == 0) for a in mine if a.value != .5]
    return Question(name, found, agreement.alpha(mine),
                    agreement.repeats([(x, y) for question, x, y in got.repeated if question == name]),
                    agreement.alike(mine, found), float(np.mean(sides)) if sides else float("nan"),
                    float(np.median([a.seconds for a in mine])), sum(not a.repeat for a in mine))
