"""What `analyse` finds: the results of a study and of each question."""
from __future__ import annotations

from dataclasses import dataclass

from tfg.scores.study.answers import Answers
from tfg.scores.study.strength import Strengths


@dataclass(frozen=True)
class Question:
    """Results of one question.  key: of `make.QUESTIONS`.  strengths: of the systems.  alpha: Krippendorff's.
    repeats: share of pairs seen twice that were answered alike, and their number.  alike: correlation of one person's
    answers to one pair of systems.  left: share of answers for the film on the left, none apart; about .5 without a
    habit.  seconds: median time of an answer.  answers: their number, second times apart."""

    key: str
    strengths: Strengths
    alpha: float
    repeats: tuple[float, int]
    alike: float
    left: float
    seconds: float
    answers: int


@dataclass(frozen=True)
class Result:
    """Results of a study.  read: who took part and who was left out.  questions: results of each.  least: share of
    checks to pass.  draws, seed: of the bootstrap.  advice: how many answers a difference needs."""

    read: Answers
    questions: list[Question]
    least: float
    draws: int
    seed: int
    advice: list[str]
