"""Every check refuses the mistakes that can be made in any exercise (tests/mistaken.py), and says which it was.

The wrong answers are made from each chapter's solution: a new exercise is held to this without a line here.
"""
from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import mistaken
from mistaken import MISTAKES, Solution
from notebook_tools import NAMES, exercises, function
from tfg.course import check

ALL = exercises(NAMES)
EXERCISES = [(notebook, name) for notebook, name in ALL if not getattr(check, name).network]
NETWORKS = [pair for pair in ALL if pair not in EXERCISES]
OWN = "it looks as if"
"""How a check begins where it has words of its own for a wrong result."""
OWN_WORDS = {
    "split_by_actor": "expected one True or False for each|on both sides|True is the test side",
    "bootstrap": r"expected \(6000,\)|was somebody left without a clip|every draw gives the same",
    "holm": "runs backwards",
}
"""Checks of drawn results, which have no one right value: what they say of a mistake."""
ALLOWED = {"negative_starts": {mistaken.shifted, mistaken.flattened, mistaken.transposed, mistaken.a_list},
           "bootstrap": {mistaken.shifted, mistaken.a_list}, "hz_to_mel": {mistaken.added_up}}
"""Mistakes that are none there: starts and draws may come in any order and as a list; one number is no mean."""


@pytest.fixture(scope="module")
def solved():
    return {name: Solution(getattr(check, name), function(notebook, name)) for notebook, name in EXERCISES}


@pytest.mark.parametrize("name", [name for _, name in EXERCISES])
def test_mistakes_are_refused_and_named(name, solved):
    silent, own = [], "|".join(filter(None, [OWN, OWN_WORDS.get(name)]))
    for mistake, pattern in MISTAKES.items():
        for answer in mistake(solved[name]) if mistake not in ALLOWED.get(name, ()) else ():
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                mark, message = check.judge(getattr(check, name), answer)
            if mark != "✗" or not re.search(f"{pattern}|{own}", message):
                silent.append(f"{mistake.__name__}: {mark} {message}")
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("mistake, least", [
    (mistaken.nothing, 60), (mistaken.changes_its_input, 55), (mistaken.cuts_the_gradient, 20),
    (mistaken.cuts_it_before, 18), (mistaken.shifted, 45), (mistaken.transposed, 25), (mistaken.wrong_unit, 55),
    (mistaken.wrong_sign, 55), (mistaken.added_up, 12), (mistaken.averaged_too_much, 30), (mistaken.a_list, 25)])
def test_mistakes_can_be_made_in_many_exercises(mistake, least, solved):
    """The test above would say nothing of a mistake that nobody can make."""
    assert sum(1 for its in solved.values() if any(True for _ in mistake(its))) >= least


def test_every_result_that_teaches_says_whom(solved):
    """An exercise with torch's numbers in and out names the arguments that its gradient must reach, or checks by hand
    (networks that the check itself brings along)."""
    import torch

    def learnable(x):
        return isinstance(x, torch.Tensor) and x.is_floating_point()

    by_hand = {"gan_losses", "emotion_losses", "gradient_penalty"}
    for name, its in solved.items():
        given, result = its.calls[0]
        results = result if isinstance(result, tuple) else (result,)
        if any(map(learnable, given)) and any(map(learnable, results)) and name not in by_hand:
            assert any(its.check.learns), name


@pytest.mark.parametrize("notebook, name", NETWORKS)
def test_mistakes_of_networks_are_refused_and_named(notebook, name):
    its, silent = function(notebook, name), []
    for mistake, pattern in mistaken.NETWORKS.items():
        answer = mistake(its)
        mark, message = check.judge(getattr(check, name), answer)
        if mark != "✗" or not re.search(f"{pattern}|{OWN}", message):
            silent.append(f"{mistake.__name__}: {mark} {message}")
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("notebook, name", ALL)
def test_the_docstrings_first_line_has_the_solutions_arguments(notebook, name):
    import inspect

    from tfg.course.check.watch import parameters

    wanted = list(inspect.signature(function(notebook, name)).parameters)
    assert parameters(" ".join(getattr(check, name).__doc__.split())) == wanted
