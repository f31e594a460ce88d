"""Each check passes the solution of its notebook and fails wrong answers, naming the mistake where it can."""
from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from notebook_tools import DRAFTS, NAMES, exercises, function
from tfg.course import check
from tfg.course.check.core import exercise, judge, same
from tfg.media import audio

WRONG = {name: answers for chapter in sorted(Path(__file__).parent.glob("wrong_*.py"))
         for name, answers in importlib.import_module(chapter.stem).WRONG.items()}
"""Exercise -> [(wrong answer, a word of the message)], from the chapters' files."""


@pytest.mark.parametrize("notebook, name", exercises([*NAMES, *DRAFTS]))
def test_solution_passes(notebook, name):
    assert judge(getattr(check, name), function(notebook, name)) == ("✓", "")


@pytest.mark.parametrize("notebook, name", exercises([*NAMES, *DRAFTS]))
def test_two_wrong_answers_fail(notebook, name):
    assert len(WRONG[name]) >= 2
    for answer, word in WRONG[name]:
        mark, message = judge(getattr(check, name), answer)
        assert mark == "✗" and word in message, f"{name}: {mark} {message!r} lacks {word!r}"


def test_every_check_has_an_exercise():
    helpers = {"judge", "Wrong", "exercise", "same", "solution"}
    assert set(check.__all__) - helpers == {name for _, name in exercises([*NAMES, *DRAFTS])} == set(WRONG)


def test_not_done_and_broken_answers(capsys, monkeypatch):
    def todo(n_samples):
        raise NotImplementedError

    def broken(n_samples):
        return 1 / 0

    monkeypatch.delenv("TFG_STRICT", raising=False)
    check.count_frames(todo)
    check.count_frames(broken)
    check.count_frames(lambda n: None)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "○ count_frames: not done" and "ZeroDivisionError" in out[1] and "return" in out[2]


def test_strict_raises(monkeypatch):
    monkeypatch.setenv("TFG_STRICT", "1")
    with pytest.raises(AssertionError, match="dropped"):
        check.count_frames(lambda n: n // 640)
    check.count_frames(audio.n_frames)


def test_same_names_shape_type_and_place():
    @exercise
    def shape(answer):
        """shape() -> (2, 3)."""
        same(answer(), want)

    want = np.array([[1., 2, 4], [9, 5, 11]])
    assert "transposed" in judge(shape, lambda: np.zeros((3, 2)))[1]
    assert "shape (4,)" in judge(shape, lambda: np.zeros(4))[1]
    assert "expected numbers: shape()" in judge(shape, lambda: "text")[1]
    assert "NaN" in judge(shape, lambda: np.full((2, 3), np.nan))[1]
    assert "[0, 2]: 44 instead of 4" in judge(shape, lambda: want * [[-3, 5, 11], [2, 2, 1]])[1]


def test_unknown_check():
    with pytest.raises(AttributeError, match="count_frames"):
        check.no_such_check
