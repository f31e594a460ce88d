"""Comparisons of many systems: p-values by changes of sign, Holm's correction, and the ranks that they allow."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

from tfg.metrics import compare


def test_six_actors_of_one_sign_have_the_least_p_there_is():
    assert compare.sign_flip_p([1, 2, 3, 1, 2, 3]) == pytest.approx(2 / 64)
    assert compare.sign_flip_p([-1, -2, -3, -1, -2, -3]) == pytest.approx(2 / 64)
    assert np.isnan(compare.sign_flip_p([1, 1, 1, 1, 1])), "five actors cannot show anything"


def test_p_is_that_of_counting_all_signs(seed=3):
    d = np.random.default_rng(seed).normal(.4, 1, 9)
    means = [np.dot(s, d) / 9 for s in itertools.product((1, -1), repeat=9)]
    assert compare.sign_flip_p(d) == pytest.approx(np.mean(np.abs(means) >= abs(d.mean()) - 1e-12))


def test_many_actors_are_drawn_and_agree_with_the_count():
    d = np.random.default_rng(0).normal(.3, 1, 16)
    exact, draws = compare.sign_flip_p(d), compare.EXACT
    try:
        compare.EXACT = 10
        assert compare.sign_flip_p(d) == pytest.approx(exact, abs=.01)
        assert compare.sign_flip_p(d) == compare.sign_flip_p(d), "the same seed gives the same number"
    finally:
        compare.EXACT = draws


def test_under_no_difference_few_p_values_are_small():
    rng = np.random.default_rng(1)
    p = [compare.sign_flip_p(rng.normal(0, 1, 8)) for _ in range(400)]
    assert .02 < np.mean(np.array(p) < .05) < .08


def test_holm_by_hand():
    assert compare.holm([.01, .04, .03]) == pytest.approx([.03, .06, .06])
    assert compare.holm([.01, np.nan, .5])[[0, 2]] == pytest.approx([.02, .5])
    assert np.isnan(compare.holm([np.nan, .2])[0])


def test_actors_are_averaged_first_and_missing_clips_left_out():
    got = compare.by_actor([1, 3, np.nan, 5], ["a", "a", "b", "c"])
    assert got == pytest.approx([2, 5])


def test_ranks_are_as_narrow_as_the_differences_allow():
    rng = np.random.default_rng(2)
    actors = np.repeat([f"a{k}" for k in range(14)], 3)
    base = rng.normal(0, .1, 42)
    scores = {"best": base + 1 + rng.normal(0, .05, 42), "good": base + .5 + rng.normal(0, .05, 42),
              "same": base + .5 + rng.normal(0, .05, 42), "worst": base}
    p = compare.pairs_p(scores, actors)
    means = {k: float(v.mean()) for k, v in scores.items()}
    assert compare.rank_ranges(means, p, 1) == {"best": (1, 1), "good": (2, 3), "same": (2, 3), "worst": (4, 4)}
    assert compare.rank_ranges(means, p, -1)["worst"] == (1, 1)


def test_too_few_actors_allow_no_ranks():
    p = compare.pairs_p({"a": [1, 2, 3], "b": [0, 1, 2]}, ["x", "y", "z"])
    assert compare.rank_ranges({"a": 2, "b": 1}, p, 1) == {"a": None, "b": None}
