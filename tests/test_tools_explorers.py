"""The excerpts of chapters that the browser tests and the benchmark of explorers run."""
from __future__ import annotations

import ast
import json

import pytest

from tools import explorers


def excerpt(tmp_path, *cells) -> str:
    """What is kept of a notebook of these cells."""
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": c} for c in cells]}))
    return "\n".join(explorers.excerpt("a", str(tmp_path)))


def test_every_explorer_stands_in_a_chapter():
    shown = {explorers.name_in(cell) for chapter in explorers.CHAPTERS for cell in explorers.excerpt(chapter)}
    assert shown - {""} == set(explorers.explorers()) and len(shown) > 30
    assert explorers.explorers()["unit_sliders"] == "tfg.course.explore.ietafs"


@pytest.mark.parametrize("chapter", explorers.CHAPTERS)
def test_an_excerpt_shows_the_chapters_explorers_in_their_order(chapter):
    whole = [explorers.name_in(explorers.without_magic(cell)) for cell in explorers.code_cells(chapter)]
    kept = [explorers.name_in(cell) for cell in explorers.excerpt(chapter)]
    assert list(filter(None, whole)) == list(filter(None, kept)) != []


def test_what_an_explorer_depends_on_is_kept_and_no_more(tmp_path):
    kept = excerpt(tmp_path, "%pip install x\nfrom tfg.course import explore\nimport tfg\ntfg.seed(0)",
                   "a = 1\nb = 2\nprint(a)", "y = [a]\ny.append(4)\nb += 1\nexplore.draw_wave(y)\nother.wave(b)",
                   "def used(k):\n    return k + c\n\ndef unused(): pass", "c = 5\nunused()",
                   "explore.wave(list(map(used, y)))\nz = 3")
    assert [ast.unparse(n) for n in ast.parse(kept).body] == [
        "from tfg.course import explore", "import tfg", "tfg.seed(0)", "a = 1", "y = [a]", "y.append(4)",
        "def used(k):\n    return k + c", "c = 5", "explore.wave(list(map(used, y)))"]


def test_the_last_value_of_a_name_counts_unless_it_depends(tmp_path):
    kept = excerpt(tmp_path, "from tfg.course import explore", "y = 1", "y = 2", "if y:\n    y = 3", "explore.wave(y)")
    assert "y = 1" not in kept and "y = 2" in kept and "y = 3" in kept


def test_names_inside_functions_and_loops_of_others_do_not_count(tmp_path):
    kept = excerpt(tmp_path, "from tfg.course import explore", "x = 'slow'", "k = 'slow, too'",
                   "f = lambda x: x + 1\nys = [k for k in range(3)]", "explore.wave([f(y) for y in ys])")
    assert "slow" not in kept


def test_what_is_written_to_a_folder_for_later_is_kept(tmp_path):
    kept = excerpt(tmp_path, "from tfg.course import explore\nfolder = make()",
                   "print(write(folder / 'a', folder / 'b'))", "other = write(folder / 'c')",
                   "explore.wave(read(folder / 'b'))")
    assert "'a'" in kept and "'c'" not in kept


def test_a_benchmark_moves_to_other_places_and_back():
    import ipywidgets

    from tools.bench.explorers import moves

    assert moves(ipywidgets.IntSlider(value=3, min=0, max=10)) == [0, 5, 10, 3]
    assert moves(ipywidgets.FloatSlider(value=1.0, min=0.0, max=1.0, step=.5)) == [0.0, .5, 1.0]
    assert moves(ipywidgets.Dropdown(options={"a": 1, "b": 2}, value=2)) == [1, 2]
    assert moves(ipywidgets.Checkbox(value=True)) == [False, True]
