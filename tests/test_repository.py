"""The repository's own files: what the README promises is there, and nothing that does not belong."""
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tools import check_system

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_layout():
    for name in ("README.md environment.yml pyproject.toml constraints.txt Makefile LICENSE CITATION.cff .ci/run "
                 ".github/workflows/ci.yml notebooks solutions data tests tfg").split():
        assert (ROOT / name).exists(), name
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_ci_runs_the_readme_command():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in run and "make test" in README and "make demo" in README
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    assert any(step.get("run") == "bash .ci/run" for step in job["steps"])
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_make_knows_the_targets_of_the_readme():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_readme_commands_parse():
    """Every `tfg ...` line of the README is understood by the command line."""
    import shlex

    from tfg.cli import build_parser

    lines = re.findall(r"^(?:\.venv/bin/)?tfg (.+(?:\\\n.+)*)", README, re.M)
    assert len(lines) >= 3
    for line in lines:
        words = shlex.split(line.replace("\\\n", " "), comments=True)
        if words != ["--version"] and "--help" not in words:
            build_parser().parse_args(words)


def test_readme_table_names_every_notebook():
    names = sorted(p.stem for p in (ROOT / "solutions").glob("*.ipynb"))
    for name in names:
        assert f"notebooks/{name}.ipynb" in README and f"solutions/{name}.ipynb" in README, name


def test_readme_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)[^)]*\)", README):
        assert (ROOT / target).exists(), target


def test_readme_says_what_is_fine_and_what_is_not():
    for word in ("consent", "AI-generated", "deepfake", "badge"):
        assert word in README, word


def test_citation_is_valid_yaml():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["license"] == "Apache-2.0" and citation["title"]


def test_no_large_or_generated_files():
    for path in tracked():
        assert path.stat().st_size < 10e6, path
        assert not {"__pycache__", ".venv", "build", ".ipynb_checkpoints"} & set(path.relative_to(ROOT).parts), path
        assert path.suffix not in {".flv", ".mpg", ".pt", ".pkl", ".pickle", ".pyc"}, path


def test_no_local_paths_in_text():
    for path in tracked():
        if path.suffix in {".py", ".md", ".txt", ".toml", ".yml", ".cff", ".ipynb", ".json"} and path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?<![\w.])/(?:home|root|work|Users)/\w", text), path


def test_every_module_has_a_docstring_and_a_bounded_length():
    import ast

    for path in (ROOT / "tfg").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(source)), path
        assert source.count("\n") <= 420, f"{path.name} asks to be two files"


@pytest.mark.parametrize("gpu, free, wanted", [(True, 9.5e9, "9.7 GB"), (True, 9.9e9, ""), (False, 3.9e9, "4.0 GB"),
                                               (False, 4.1e9, "")])
def test_a_full_disk_is_named_before_anything_is_installed(tmp_path, monkeypatch, gpu, free, wanted):
    monkeypatch.setattr(check_system.shutil, "disk_usage", lambda where: SimpleNamespace(free=free))
    said = check_system.too_full(tmp_path, tmp_path, gpu)
    assert bool(said) == bool(wanted)
    assert wanted in said and (not said or (str(tmp_path) in said and f"{free / 1e9:.1f} GB are free" in said))


def test_a_full_disk_stops_with_the_way_out(monkeypatch, capsys):
    monkeypatch.setattr(check_system, "missing", list)
    monkeypatch.setattr(check_system.sys, "platform", "linux")
    monkeypatch.setattr(check_system.shutil, "disk_usage", lambda where: SimpleNamespace(free=5e9))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    assert check_system.main() == 1
    assert "make room" in (said := capsys.readouterr().err) and check_system.CPU_BUILDS in said
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", check_system.CPU_BUILDS)
    assert check_system.main() == 0


def test_the_readme_names_the_index_that_the_check_names():
    assert check_system.CPU_BUILDS in README
