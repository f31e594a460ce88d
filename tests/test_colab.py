"""Installing the package in Colab replaces none of Colab's packages: its versions satisfy the floors."""
from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools import colab_rehearsal as rehearsal
from tools.colab import HELD, OPENCV, PYTHON, RUNTIME

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def needed() -> dict[str, Requirement]:
    """The library's own requirements by name, as Colab's `%pip install` sees them: no extras."""
    environment = {**default_environment(), "python_version": PYTHON, "extra": ""}
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    return {r.name: r for r in found if r.marker is None or r.marker.evaluate(environment)}


def test_colabs_python_is_ours():
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{PYTHON}.0")


@pytest.mark.parametrize("name, version", [*RUNTIME.items(), *(("opencv-contrib-python", f"{v}.0") for v in OPENCV)])
def test_what_colab_has_is_kept(name, version):
    required = needed().get(name, Requirement(name))      # what we do not ask for may have any version
    assert set(HELD) <= set(needed())
    assert required.specifier.contains(version), \
        f"Colab has {name} {version}, and pyproject.toml asks for {required}: it would be installed again there"


def test_the_three_that_must_not_be_replaced_are_held_to_a_floor_alone():
    """An upper bound, or a package beside them that pins them, makes pip replace them in a running session."""
    for name in ("torch", "numpy", "ipywidgets"):
        assert [s.operator for s in needed()[name].specifier] == [">="]


def test_nothing_of_a_learners_machine_is_installed_in_colab():
    """jupyterlab and its like would replace parts of Colab's own server; they are in the extra `course`."""
    assert not {"jupyterlab", "notebook", "ipykernel", "jupyter-server", "face-alignment"} & set(needed())


# ---- the rehearsal (make colab) -------------------------------------------------------------------------------------
@pytest.mark.parametrize("chapter", rehearsal.CHAPTERS)
def test_the_rehearsal_changes_nothing_but_where_the_package_comes_from(chapter, tmp_path):
    out = rehearsal.prepared(chapter, Path("/wheels/tfg-0-py3-none-any.whl"), tmp_path)
    before, after = (json.loads(path.read_text(encoding="utf-8"))["cells"] for path in
                     (rehearsal.ROOT / "notebooks" / f"{chapter}.ipynb", out))
    changed = [(a, b) for a, b in zip(before, after, strict=True) if "".join(a["source"]) != "".join(b["source"])]
    assert [a["id"] for a, _ in changed] == ["setup"]
    assert '%pip install -q "/wheels/tfg-0-py3-none-any.whl"' in changed[0][1]["source"]


def test_the_killed_chapter_keeps_its_training_where_the_rehearsal_looks():
    notebook = json.loads((rehearsal.ROOT / "notebooks" / f"{rehearsal.KILLED}.ipynb").read_text(encoding="utf-8"))
    name = rehearsal.KEPT.removesuffix(".pt").format(profile="{PROFILE}")
    assert any(f'machine.Kept(WORK, f"{name}"' in "".join(cell["source"]) for cell in notebook["cells"])


def test_a_lent_package_brings_what_it_needs_but_nothing_that_colab_has():
    tops = set(rehearsal.lent(("torchvision",), given=("numpy", "pillow")).values())
    assert {"torch", "torchvision", "sympy"} <= tops and not {"numpy", "PIL", "scipy"} & tops


def test_what_is_lent_is_not_linked_into_the_environments_own_folder(tmp_path):
    """pip writes through links: the packages of this environment would be changed."""
    package, site = tmp_path / "here" / "package", tmp_path / "venv" / "site-packages"
    package.mkdir(parents=True), site.mkdir(parents=True)
    (package / "__init__.py").write_text("LENT = 3\n")
    rehearsal.lend(site, tmp_path / "lent", {package: "package"})
    assert [p.name for p in site.iterdir()] == ["lent.pth"]
    code = f"import site; site.addsitedir({str(site)!r}); import package; print(package.LENT)"
    assert subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True).stdout == "3\n"


def test_a_chapter_that_never_keeps_anything_is_reported(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "print('done')"], stdout=subprocess.PIPE, text=True)
    with pytest.raises(SystemExit, match="was never written"):
        rehearsal.disconnect(process, tmp_path / "kept.pt", limit_s=10)
