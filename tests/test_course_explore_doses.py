"""Single values and figures of notebooks/15_metric_lab, and the shipped result that it reads."""
from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from test_course_explore import drawn
from tfg import paths
from tfg.course import explore
from tfg.errors import InputError
from tfg.scores.lab.columns import LAB_SCORES

HEAD = "clip,actor,defect,dose,score,value\n"
ROWS = ["c1,A,none,0,lip_range,1", "c1,A,lips_large,1.25,lip_range,1.23456", "c1,A,lips_large,1.5,lip_range,1.5",
        "c1,A,lips_large,2,lip_range,", "c2,B,none,0,lip_range,.9", "c2,B,lips_large,1.25,lip_range,1",
        "c2,B,lips_large,1.5,lip_range,1.25", "c2,B,lips_large,2,lip_range,1.75"]


def test_values_come_back_as_tables(tmp_path):
    (tmp_path / "lab.csv").write_text(HEAD + "\n".join(ROWS))
    found = json.dumps(explore.values_of(tmp_path / "lab.csv"))
    (tmp_path / "values.json.gz").write_bytes(gzip.compress(found.encode()))
    values, people = explore.lab_values(tmp_path / "values.json.gz")
    assert people.tolist() == ["A", "B"]
    assert np.array_equal(values["lip_range"]["lips_large"], [[1, 1.235, 1.5, np.nan], [.9, 1, 1.25, 1.75]],
                          equal_nan=True)
    (tmp_path / "values.json.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="holds no values"):
        explore.lab_values(tmp_path / "values.json.gz")


def test_the_shipped_values_are_those_of_the_shipped_matrix():
    content = explore.lab_result(paths.data("lab", "lab.json.gz"))
    values, people = explore.lab_values(paths.data("lab", "values.json.gz"))
    assert len(people) == content["card"]["clips"] and len(set(people)) == content["card"]["actors"] >= 3
    assert set(content["scores"]) == set(LAB_SCORES) > set(values)
    for score, its in values.items():
        for defect, table in its.items():
            last = content["scores"][score]["cells"][defect]["differences"][-1]
            d = table[:, -1] - table[:, 0]
            each = [d[people == p] for p in dict.fromkeys(people) if np.isfinite(d[people == p]).any()]
            assert table.shape == (len(people), len(content["defects"][defect]["doses"]))
            assert np.mean([np.nanmean(x) for x in each]) == pytest.approx(last["value"], rel=.02, abs=.02)
    for name in ("lab.json.gz", "values.json.gz"):
        assert paths.data("lab", name).stat().st_size < 60_000


def test_figures():
    table = np.array([[1, 1.2, 1.5], [.9, 1, np.nan]])
    axes = drawn(explore.draw_clips({"lip range": table, "r": table}, ["x 1", "x 1.5", "x 2"])).axes
    assert len(axes) == 2 and len(axes[0].lines) == 3
    ax = drawn(explore.draw_told({"lip range": [2, 1], "r": [0, 3]}, [3, 4], ["none", "a", "b", "c"])).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()][-1] == "none told" and round(ax.lines[1].get_ydata()[0]) == 4
    ax = drawn(explore.draw_shares({"a": .2, "b": float("nan"), "c": .9}, "share")).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["c", "a"]
    ax = drawn(explore.draw_lengths([20, 40], {"left out": [1, 1], "zeros": [.5, .8]})).axes[0]
    assert len(ax.lines) == 5                                            # one without points explains the dotted two
    ax = drawn(explore.draw_infinite([100, 200], {"same": [2., 1.]}, {"same": 0.})).axes[0]
    assert ax.lines[1].get_ydata()[1] == pytest.approx(2)
