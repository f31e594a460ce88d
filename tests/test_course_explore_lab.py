"""Figures and sliders of the metric lab."""
from __future__ import annotations

import json

import numpy as np
import pytest

import scored_store as bars
from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from test_scores_lab import planted
from tfg.course import explore
from tfg.course.explore import lab as shown
from tfg.errors import InputError
from tfg.faces import crops
from tfg.scores.lab import report, run
from tfg.scores.lab.columns import LAB_SCORES
from tfg.scores.lab.stage import Stage
from tfg.scores.targets import targets


@pytest.fixture(scope="module")
def content():
    return json.loads(json.dumps(report.as_json(planted())))


@pytest.fixture
def on(tmp_path, monkeypatch):
    """Bars on the bench: no actor is needed for defects of film and sound."""
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    clip = targets(bars.make_store(tmp_path / "store", actors=3))[0]

    class Take:
        seed, phones = 3, []

    return explore.Bench(Stage(None, Take(), None, 0, None, clip), bars.knowing())


def test_results_are_read(tmp_path, content):
    (tmp_path / "lab.json").write_text(json.dumps(content))
    assert explore.lab_result(tmp_path) == explore.lab_result(tmp_path / "lab.json") == content
    with pytest.raises(InputError, match="no result of the metric lab"):
        explore.lab_result(tmp_path / "other.json")


def test_matrix_and_doses(content):
    ax = drawn(explore.draw_matrix(content)).axes[0]
    assert len(ax.get_yticks()) == len(LAB_SCORES) and len(ax.get_xticks()) == len(content["defects"])
    ax = drawn(explore.draw_dose(content, "lip_range", "lips_small")).axes[0]
    assert "ok" in ax.get_title() and len(ax.get_xticklabels()) == 5
    line = ax.lines[0].get_ydata()
    assert line[0] == 0 and np.all(np.diff(line) < 0)
    with pytest.raises(InputError, match="has no 'hair'"):
        explore.draw_dose(content, "lip_range", "hair")


def test_a_broken_film_stands_beside_its_scores(on, opened, monkeypatch):  # noqa: F811
    none, late = on.scores("late", 0), on.scores("late", 2)
    assert none["offset"] == 0 != late["offset"] and late["psnr_mask"] == none["psnr_mask"]
    assert on.scores("flicker", 3)["flicker"] > 1.3 * none["flicker"] and on.scores("blur", 0) is none
    texts = [t.get_text() for t in drawn(explore.draw_broken(on, "flicker", 3)).axes[1].texts]
    assert texts[::4] == [LAB_SCORES[s].title for s in shown.SHOWN] and texts.count("should see it") >= 2
    assert drawn(explore.draw_broken(on, "length", 2)).axes[0].get_title().startswith("length: in 3 pieces")
    monkeypatch.setattr(run, "broken", lambda on, defect, amount: on.target.frames // 2)     # nobody acts in this store
    monkeypatch.setattr(explore.Bench, "scores", lambda *a: dict.fromkeys(shown.SHOWN, 1.0))
    opened(lambda: explore.break_one(on))
