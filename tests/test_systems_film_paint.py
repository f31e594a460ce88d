"""The painter of all film systems: what of an answer is taken, and where."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tfg.compose.answer import Answer
from tfg.compose.features import Features
from tfg.systems.film.paint import Painter

S, SIDE = 96, 288


class Constant(Painter):
    """Answers with one colour, no flow and one trust; remembers what it was given."""

    def __init__(self, trust: float, **others):
        k = S / SIDE
        super().__init__(nn.Linear(1, 1), S, np.array([[[k, 0, .5 * k - .5], [0, k, .5 * k - .5]]]), **others)
        self.trust, self.given = trust, None

    def answer(self, seen, given):
        self.given = given
        n = len(seen)
        return Answer(np.full((n, 3, S, S), .9, np.float32), np.zeros((n, 2, S, S), np.float32),
                      np.full((n, 1, S, S), self.trust, np.float32))


def face(index, place) -> Features:
    x = np.linspace(110, 178, 11)
    lips = np.stack([np.stack([x, np.full(11, 222.0)], 1)] * 2)
    return Features(lips, np.array([[105.0, 125, 9], [183.0, 125, 9]]), np.array([144.0, 222]), 1500 * np.eye(2),
                    np.ones(3)).shifted([place.columns.start, place.rows.start])


@pytest.fixture
def frame():
    return np.random.default_rng(0).integers(60, 120, (SIDE, SIDE, 3), np.uint8)


def drawn(painter, frame):
    new = frame.copy()
    seen = painter.see(frame, 0)
    painter.lay(painter.draw([seen], np.zeros((1, 3)))[0], new, seen, 0)
    return new


def test_an_answer_that_trusts_the_source_changes_nothing(frame):
    np.testing.assert_array_equal(drawn(Constant(1.0), frame), frame)


def test_without_landmarks_paint_is_laid_where_it_is_asked_for(frame):
    new = drawn(Constant(0.0), frame)
    assert new[90:100, 140:150].mean() > 180 and (new[:5] == frame[:5]).all()


def test_with_landmarks_nothing_is_painted_but_mouth_and_eyes(frame):
    new = drawn(Constant(0.0, face=face), frame).astype(int)
    away = np.abs(new - frame).mean(-1)
    assert away[85:100, 135:155].max() < 5, "painted between the brows"
    assert away[120:130, 100:110].mean() > 30, "nothing painted in an eye"
    assert away[215:235, 130:160].mean() > 20, "no mouth"


def test_what_belongs_to_a_frame_reaches_the_network(frame):
    painter = Constant(1.0)
    seen = painter.see(frame, 0)
    given = np.arange(9.0).reshape(3, 3)
    answers = painter.draw([seen, None, seen], given)
    assert answers[1] is None and painter.given.tolist() == [given[0].tolist(), given[2].tolist()]
    pictures = painter.pictures([seen.small])
    assert pictures.shape == (1, 3, S, S) and pictures.dtype == torch.float32
