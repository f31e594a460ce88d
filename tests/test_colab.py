"""Installing the package in Colab replaces none of Colab's packages: its versions satisfy the floors."""
from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools.colab import HELD, OPENCV, PYTHON

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def needed() -> dict[str, Requirement]:
    """The library's own requirements by name, as Colab's `%pip install` sees them: no extras."""
    environment = {**default_environment(), "python_version": PYTHON, "extra": ""}
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    return {r.name: r for r in found if r.marker is None or r.marker.evaluate(environment)}


def test_colabs_python_is_ours():
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{PYTHON}.0")


@pytest.mark.parametrize("name, version", [*HELD.items(), *(("opencv-contrib-python", f"{v}.0") for v in OPENCV)])
def test_what_colab_has_is_kept(name, version):
    required = needed()[name]
    assert required.specifier.contains(version), \
        f"Colab has {name} {version}, and pyproject.toml asks for {required}: it would be installed again there"


def test_the_three_that_must_not_be_replaced_are_held_to_a_floor_alone():
    """An upper bound, or a package beside them that pins them, makes pip replace them in a running session."""
    for name in ("torch", "numpy", "ipywidgets"):
        assert [s.operator for s in needed()[name].specifier] == [">="]


def test_nothing_of_a_learners_machine_is_installed_in_colab():
    """jupyterlab and its like would replace parts of Colab's own server; they are in the extra `course`."""
    assert not {"jupyterlab", "notebook", "ipykernel", "jupyter-server", "face-alignment"} & set(needed())
