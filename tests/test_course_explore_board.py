"""Figures and sliders of notebooks/16_five_systems_compared, on a made-up table whose order is known."""
from __future__ import annotations

import numpy as np
import pytest

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg.course import explore
from tfg.scores.leaderboard import Board
from tfg.scores.results import Scores

SYSTEMS = {"good": .8, "same": .79, "bad": .4}
COST = {"machine": "a test", "frames_per_s": 50.0, "memory_gb": 1.0, "load_s": 1.0, "source_s": 1.0, "weights_mb": 2.0}


@pytest.fixture(scope="module")
def result() -> Scores:
    """Twelve people, two clips each: `good` and `same` differ by chance, `bad` is surely worse."""
    rng, clips = np.random.default_rng(0), []
    for k in range(24):
        about = {"clip": f"c{k}", "actor": f"p{k // 2:02d}", "kind": "virtual" if k < 12 else "portrait",
                 "emotion": "HAP", "level": "HI", "moves": True, "found": 1.0}
        face = rng.normal(0, .05)
        rows = {"true": 1.0, "still": np.nan, "shuffled": .1} | SYSTEMS
        clips += [about | {"row": row, "aperture_r": r + face + rng.normal(0, .03), "lse_d": 2 - r, "csim": .9,
                           "accuracy": float(rng.random() < r), "moves": row != "still"} for row, r in rows.items()]
    own = [{k: c[k] for k in ("clip", "actor", "kind", "emotion", "level")} | {"person": None} for c in clips
           if c["row"] == "true"]
    return Scores("good", ("true", "still", "shuffled", *SYSTEMS), task="portrait", clips=clips, own=own)


def test_each_person_has_a_mean_for_each_system(result):
    values, people = explore.people_of(result, "aperture_r")
    assert people == [f"p{k:02d}" for k in range(12)] and set(values) == set(SYSTEMS)
    first = [c["aperture_r"] for c in result.where("bad", "all") if c["actor"] == "p00"]
    assert values["bad"][0] == pytest.approx(np.mean(first))


def test_more_people_tell_more_apart(result):
    few, many = (explore.ranks_of(result, "aperture_r", n) for n in (4, 20))
    assert set(few.values()) == {None} and many["bad"] == (3, 3)
    assert explore.ranks_of(result, "aperture_r", 12, seed=1) == explore.ranks_of(result, "aperture_r", 12, seed=1)


def test_figures(result):
    board = Board({"portrait": result}, {}, {row: COST for row in SYSTEMS})
    for figure in (explore.draw_board(result), explore.draw_by_person(result, "aperture_r"),
                   explore.draw_differences(result, "aperture_r"), explore.draw_cost(board, "portrait", "aperture_r"),
                   explore.draw_ranks({"good": (1, 2), "bad": (3, 3)}), explore.draw_ranks({"good": None}),
                   explore.draw_preferences({"good": .5, "bad": -.5})):
        drawn(figure)


def test_the_table_of_pairs_colours_what_is_sure(result):
    image = explore.draw_differences(result, "aperture_r").axes[0].images[0].get_array()
    assert image[0, 2] == 1 and image[2, 0] == -1 and image[0, 1] == image[1, 0] == 0


def test_the_explorer_draws_at_both_ends(opened, result):  # noqa: F811
    opened(lambda: explore.other_people(result))
