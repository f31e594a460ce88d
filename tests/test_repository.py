"""The repository's own files: those that the README promises are there, and no others."""
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
ROOMS = sorted(p.parent.name for p in (ROOT / "tfg").glob("*/__init__.py"))


def tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_layout():
    for name in ("README.md environment.yml pyproject.toml constraints.txt Makefile LICENSE CITATION.cff .ci/run "
                 ".github/workflows/ci.yml notebooks solutions data tests tfg CONTRIBUTING.md CHANGELOG.md mkdocs.yml "
                 "docs/api").split():
        assert (ROOT / name).exists(), name
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_ci_runs_the_readme_command():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in run and "make test" in README and "make demo" in README
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    assert any(step.get("run") == "bash .ci/run" for step in job["steps"])
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert job["env"]["TFG_MIRROR"] == "" and not Path(job["env"]["TFG_SHARED"]).exists()     # nothing beside a clone


def test_make_knows_the_targets_of_the_readme():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def dry_run(target: str, *words: str) -> str:
    """The commands that make would run for a target, installation left out."""
    command = ["make", "-s", "--no-print-directory", "-n", "-o", ".venv/.made", "-o", ".venv/.core", "-o", ".venv/.dev"]
    return subprocess.run([*command, target, *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_test_runs_style_types_tests_and_notebooks():
    shown = dry_run("test")
    for word in ("ruff check .", "nbstripout --keep-id --verify", "bin/mypy", "-q tests", "--nbval-lax", "papermill"):
        assert word in shown, word


@pytest.mark.parametrize("workflow", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda p: p.stem)
def test_workflows_name_targets_that_make_has(workflow):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    wanted = {word for command in commands for words in re.findall(r"\bmake ([^#\n|;&]+)", command)
              for word in words.split() if "=" not in word}
    assert wanted or workflow.stem != "weekly"
    for target in wanted:
        assert re.search(rf"^{target}:", makefile, re.M), f"{workflow.name} asks make for {target}"


def test_the_weekly_job_runs_every_chapter_in_profile_cpu_strictly_on_two_cores():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["chapters"]
    assert any("taskset -c 0,1 make notebooks-cpu" in step.get("run", "") for step in job["steps"])
    upload = next(step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    shown = dry_run("notebooks-cpu")
    assert "tools.weekly --profile cpu" in shown and "build/weekly/*.html" in upload
    for word in ("tests/offline", "TFG_SHARED=", "TFG_MIRROR= ", "TFG_CACHE="):
        assert word in shown, word


def test_the_weekly_job_rehearses_colab():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text(encoding="utf-8"))
    assert any(step.get("run", "").startswith("make colab") for step in workflow["jobs"]["colab"]["steps"])
    assert "tools.colab_rehearsal" in dry_run("colab")


def test_make_test_offline_hides_all_that_a_fresh_clone_lacks():
    shown = dry_run("test-offline")
    for word in ("tests/offline", "TFG_SHARED=", "TFG_MIRROR= ", "TFG_CACHE=", "TORCH_HOME=", " test"):
        assert word in shown, word


def test_make_quick_runs_files_of_every_room():
    shown = dry_run("quick")
    names = [line for line in (ROOT / "tests" / "quick.txt").read_text().splitlines() if not line.startswith("#")]
    assert names == sorted(names) and all((ROOT / "tests" / f"test_{n}.py").is_file() for n in names)
    assert all(f"tests/test_{name}.py" in shown for name in names) and "ruff check ." in shown and "bin/mypy" in shown
    tested = {room for room in ROOMS for name in names if name.startswith(room)}
    assert tested == set(ROOMS), f"make quick tests nothing of {sorted(set(ROOMS) - tested)}"


def test_readme_lists_every_room_and_no_other():
    listed = README.split("## What is where", 1)[1].split("```")[1]
    assert set(re.findall(r"^tfg/(\w+)/ ", listed, re.M)) == set(ROOMS)
    for path in re.findall(r"^(\w+(?:/[\w.]+)*)/? ", listed, re.M):
        assert (ROOT / path).exists(), path


def test_the_api_reference_covers_every_room_and_base_file():
    pages = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert {f"{room}.md" for room in ROOMS} | {"index.md", "base.md"} == set(pages)
    for room in ROOMS:
        assert f"::: tfg.{room}\n" in (ROOT / "docs" / "api" / f"{room}.md").read_text(encoding="utf-8")
    base = {p.stem for p in (ROOT / "tfg").glob("*.py")} - {"__init__"}
    assert base == set(re.findall(r"^::: tfg\.(\w+)$", (ROOT / "docs/api/base.md").read_text(encoding="utf-8"), re.M))
    assert "-m tools.site" in dry_run("docs")
    assert "--executed build/papermill" in dry_run("site", "EXECUTED=build/papermill")
    assert '"--strict"' in (ROOT / "tools" / "site" / "__main__.py").read_text(encoding="utf-8")


def test_changelog_has_this_version_and_what_comes():
    import tfg

    heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heads[0] == "Unreleased" and tfg.__version__ in heads


def test_contributing_names_what_there_is():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for path in re.findall(r"`((?:tfg|tests|tools|data|docs)/[\w/.]+)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path


def test_readme_commands_parse():
    """Every `tfg ...` line of the README is understood by the command line."""
    import shlex

    from tfg.cli import build_parser

    lines = re.findall(r"^(?:\.venv/bin/)?tfg (.+(?:\\\n.+)*)", README, re.M)
    assert len(lines) >= 3
    for line in lines:
        words = shlex.split(line.replace("\\\n", " "), comments=True)
        if words != ["--version"] and "--help" not in words:
            build_parser(words).parse_args(words)


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


def machine(monkeypatch, *, gpu: bool, free: float = 1e12, **environment: str) -> None:
    """A Linux machine that lacks no library, with or without an NVIDIA GPU, and so much room on its disk."""
    monkeypatch.setattr(check_system, "missing", list)
    monkeypatch.setattr(check_system, "has_nvidia_gpu", lambda: gpu)
    monkeypatch.setattr(check_system.sys, "platform", "linux")
    monkeypatch.setattr(check_system.shutil, "disk_usage", lambda where: SimpleNamespace(free=free))
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_FIND_LINKS", "TFG_TORCH_INDEX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_a_full_disk_stops_with_the_way_out(monkeypatch, capsys):
    machine(monkeypatch, gpu=False, free=5e9)
    assert check_system.main([]) == 1
    assert "make room" in (said := capsys.readouterr().err) and check_system.CPU_BUILDS in said
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", check_system.CPU_BUILDS)
    assert check_system.main([]) == 0
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL")
    monkeypatch.setenv("TFG_TORCH_INDEX", "https://example.org/cpu")
    assert check_system.main([]) == 0


@pytest.mark.parametrize("gpu, index, gigabytes, hint", [(True, "", "3.5 GB", False), (False, "", "3.5 GB", True),
                                                        (False, "https://x.org/cpu", "0.7 GB", False),
                                                        (True, "https://x.org/cpu", "3.5 GB", False)])
def test_what_will_be_fetched_is_said_first(monkeypatch, capsys, gpu, index, gigabytes, hint):
    machine(monkeypatch, gpu=gpu, **({"TFG_TORCH_INDEX": index} if index else {}))
    assert check_system.main([]) == 0
    said = capsys.readouterr().out
    assert gigabytes in said and ("TFG_TORCH_INDEX" in said) == hint


def test_pip_is_told_of_the_cpu_builds_only_where_they_are_wanted(monkeypatch, capsys, tmp_path):
    assert check_system.pip_options({"TFG_TORCH_INDEX": "https://x.org/cpu"}, gpu=False) == [
        "--extra-index-url", "https://x.org/cpu"]
    assert check_system.pip_options({"TFG_TORCH_INDEX": str(tmp_path)}, gpu=False) == ["--find-links", str(tmp_path)]
    assert check_system.pip_options({}, gpu=False) == []
    assert check_system.pip_options({"TFG_TORCH_INDEX": "https://x.org/cpu"}, gpu=True) == []
    machine(monkeypatch, gpu=False, TFG_TORCH_INDEX="https://x.org/cpu")
    assert check_system.main(["--pip"]) == 0 and capsys.readouterr().out == "--extra-index-url https://x.org/cpu\n"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count("tools/check_system.py --pip") == 4             # that of ipywidgets 7.7 takes no PyTorch
    assert makefile.count("pip install") == makefile.count("tools/check_system.py --pip") + 1


def test_the_readme_names_the_index_that_the_check_names():
    assert f"TFG_TORCH_INDEX={check_system.CPU_BUILDS}" in README and f"{check_system.FETCHED_GB} GB" in README
