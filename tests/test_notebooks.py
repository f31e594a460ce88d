"""The notebooks' anatomy, and that notebooks/ is what tools/student.py makes of solutions/.

Running them is the gate's job: papermill runs solutions/ with TFG_STRICT=1, and nbval some of notebooks/ (the weekly
job runs all of them).
"""
from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from types import ModuleType

import pytest

import tfg
from notebook_tools import NAMES, ROOT, cells, exercises
from tools import address

REPOSITORY = re.compile(r"(?:colab\.research\.google\.com/github|git\+https://github\.com|https://github\.com)/"
                        r"([\w.-]+/[\w.-]+?)(?=[/@\")])")
CHECK = re.compile(r"(?:\w+ = )?check\.\w+\(")
each = pytest.mark.parametrize("name", NAMES)


def regenerate(out, names=NAMES):
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--config", str(ROOT / "tools" / "student.py"),
               "--output-dir", str(out), *(str(ROOT / "solutions" / f"{n}.ipynb") for n in names)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    out = tmp_path_factory.mktemp("notebooks")
    regenerate(out)
    return out


def test_there_are_notebooks():
    assert NAMES[:4] == ["00_start_here", "01_sound_and_time", "02_faces", "03_action_units_and_expression"]
    assert [*NAMES, "app"] == sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))      # app: no chapter


@each
def test_notebook_is_generated_from_its_solution(name, regenerated):
    assert (regenerated / f"{name}.ipynb").read_bytes() == (ROOT / "notebooks" / f"{name}.ipynb").read_bytes(), (
        f"notebooks/{name}.ipynb is out of step: jupyter nbconvert --config tools/student.py --output-dir notebooks "
        "solutions/*.ipynb")


def test_a_second_run_writes_the_same_bytes(regenerated):
    twice = NAMES[:2]
    before = {n: (regenerated / f"{n}.ipynb").read_bytes() for n in twice}
    regenerate(regenerated, twice)
    assert before == {n: (regenerated / f"{n}.ipynb").read_bytes() for n in twice}


@each
@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_stored_without_outputs_and_widgets(folder, name):
    notebook = json.loads((ROOT / folder / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None
    assert (ROOT / folder / f"{name}.ipynb").stat().st_size < 80_000


@each
def test_the_pair_differs_in_solutions_only(name):
    solved, open_ = cells(name), cells(name, "notebooks")
    assert [c["id"] for c in solved] == [c["id"] for c in open_]
    assert [c["metadata"] for c in solved] == [c["metadata"] for c in open_]
    for a, b in zip(solved, open_):
        assert ("BEGIN SOLUTION" in a["source"]) == (a["source"] != b["source"])
        assert "SOLUTION" not in b["source"]


@each
def test_size(name):
    all_cells = cells(name)
    assert 25 <= len(all_cells) <= 90, f"{len(all_cells)} cells"
    for cell in all_cells:
        lines = [line for line in cell["source"].splitlines() if line.strip()]
        if cell["cell_type"] == "code":
            most = 30 if re.search(r"^class \w+\(nn\.Module\)", cell["source"], re.M) else 15
            assert len(lines) <= most, f"{name} {cell['id']}: {len(lines)} lines of code"
            assert max(map(len, lines)) <= 120, f"{name} {cell['id']}: a line of {max(map(len, lines))}"
        elif not re.search(r"<details>|^## (Check|Summary|Further|You will)|\| ", cell["source"], re.M):
            words = len(re.sub(r"\$\$.*?\$\$|\$.*?\$|```.*?```", "", cell["source"], flags=re.S).split())
            assert words <= 80, f"{name} {cell['id']}: {words} words"


@each
def test_beginning(name):
    title, learn, setup, parameters, sizes = cells(name)[:5]
    assert "colab.research.google.com/github/" in title["source"] and f"notebooks/{name}.ipynb" in title["source"]
    assert re.search(r"^# \w", title["source"], re.M) and re.search(r"^\*.*\?.*\*$", title["source"], re.M)
    assert "| CPU min | GPU min | RAM | download MB | needs notebook |" in title["source"]
    minutes = int(re.search(r"\|\n\nTime to work through: about (\d+) minutes", title["source"]).group(1))
    text = "\n".join(c["source"] for c in cells(name))
    assert sum(map(int, re.findall(r"^### Exercise .+ · (\d+) min$", text, re.M))) < minutes
    assert learn["source"].startswith("## You will learn") and 3 <= learn["source"].count("\n- ") <= 5
    for line in ('if "google.colab" in sys.modules:', '%pip install -q "tfg @ git+https://', "import os",
                 "tfg.seed(0)", "tfg.style()"):
        assert line in setup["source"], line
    assert parameters["metadata"]["tags"] == ["parameters"]
    assert parameters["source"].startswith('PROFILE = os.environ.get("TFG_PROFILE", "auto")')
    assert '\nWORK = os.environ.get("TFG_WORK", "")' in parameters["source"]
    hours = "hours" in title["source"].split("| needs notebook |")[1].split("\n")[2]
    call, table = sizes["source"].split("\n", 1)
    assert call == f"PROFILE = machine.preflight(PROFILE, WORK{', hours=True' * hours})"
    assert re.match(r'[A-Z]+ = \{"ci": dict\(.*"cpu": dict\(.*"gpu": dict\(', table)


@each
def test_end(name):
    questions, summary, further = cells(name)[-3:]
    assert questions["source"].startswith("## Check yourself")
    assert len(re.findall(r"^\d\. ", questions["source"], re.M)) == questions["source"].count("<details>") == 5
    assert summary["source"].startswith("## Summary") and summary["source"].count("\n- ") <= 5
    assert further["source"].startswith("## Further reading") and "**Next:**" in further["source"]


@each
def test_exercises(name):
    all_cells = cells(name)
    number, wanted = int(name[:2]), [w for n, w in exercises() if n == name]
    heads = [i for i, c in enumerate(all_cells) if re.search(r"^### Exercise", c["source"], re.M)]
    assert 3 <= len(heads) <= 9 and len(heads) == len(wanted)
    for k, (i, function) in enumerate(zip(heads, wanted), 1):
        text, answer, call = (c["source"] for c in all_cells[i:i + 3])
        text = text[text.index("### Exercise"):]         # before it: what should be seen in the figure above
        assert re.match(rf"### Exercise {number}\.{k} · .+  (★☆☆|★★☆|★★★) · \d+ min\n", text), text[:60]
        assert text.count("<details><summary>Hint ") >= 2
        assert answer.startswith((f"def {function}(", f"class {function}(nn.Module):")) and '"""' in answer
        assert "# BEGIN SOLUTION" in answer and "# END SOLUTION" in answer
        assert call in (f"check.{function}({function})", f"{function} = check.{function}({function})")


@each
def test_what_should_be_seen_stands_right_under_its_figure(name):
    """Before any heading, in the cell that follows the figure; nothing else comes before a heading in one cell."""
    all_cells = cells(name)
    for before, cell in zip(all_cells, all_cells[1:]):
        if cell["cell_type"] != "markdown":
            continue
        text = re.sub(r"```.*?```", "", cell["source"], flags=re.S)             # `# ...` in a code block is no heading
        paragraphs = [p for p in re.split(r"\n{2,}", text) if p.strip()]
        seen = [k for k, p in enumerate(paragraphs) if re.match(r"You should (see|have seen|recognise|hear)\b", p)]
        assert seen in ([], [0]), f"{name} {cell['id']}: 'You should see' is not the first paragraph"
        if seen:
            assert before["cell_type"] == "code" and not CHECK.match(before["source"]), (
                f"{name} {cell['id']}: 'You should see' does not stand under a figure")
        headings = [k for k, p in enumerate(paragraphs) if re.match(r"#+ ", p)]
        assert headings in ([], [len(seen)]), f"{name} {cell['id']}: a heading in the middle of a cell"


@each
def test_later_cells_use_a_learners_function_only_from_its_check(name):
    """`f = check.f(f)` gives the learner's function once it is right and the solution until then, so nothing waits."""
    all_cells = cells(name)
    code = [c for c in all_cells if c["cell_type"] == "code" and not CHECK.match(c["source"])]
    for wanted in (w for n, w in exercises() if n == name):
        used = [c["id"] for c in code if re.search(rf"(?<![\w.]){wanted}(?=[(,)])", c["source"])
                and not c["source"].startswith((f"def {wanted}(", f"class {wanted}("))]
        given = any(c["source"] == f"{wanted} = check.{wanted}({wanted})" for c in all_cells)
        assert given == bool(used), f"used in {used}; assigned from its check: {given} ({wanted})"


def package_names(name: str) -> list[tuple[str, str]]:
    """(module, name) of all that a notebook takes from tfg: its imports, and what it asks of modules so imported."""
    code = [c["source"] for c in cells(name) if c["cell_type"] == "code"]
    tree = ast.parse("\n".join(re.sub(r"^(\s*)%.*", r"\1pass", source, flags=re.M) for source in code))
    found, modules = [], {"tfg": "tfg"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "tfg":
            found += [(node.module, alias.name) for alias in node.names]
            modules |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.append((modules[node.value.id], node.attr))
    return found


def from_package(path: str):
    """The module, class or value at a dotted path."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        parent, _, name = path.rpartition(".")
        return getattr(importlib.import_module(parent), name)


@each
def test_all_that_it_takes_from_the_package_is_there(name):
    """A module that moved is seen here in a second, not in the gate after minutes."""
    for path, wanted in package_names(name):
        owner = from_package(path)
        if isinstance(owner, ModuleType) or inspect.isclass(owner):
            assert hasattr(owner, wanted) or from_package(f"{path}.{wanted}"), f"{name} asks for {path}.{wanted}"


def test_one_repository_address():
    """Badges, setup cells and links to the code name the repository and the release of the one place."""
    text = "".join(c["source"] for n in NAMES for c in cells(n))
    assert {f"https://github.com/{found}" for found in REPOSITORY.findall(text)} == {address.repository()}
    assert set(re.findall(r"git\+[^\s\"@]+@(\S+?)\"", text)) == {f"v{tfg.__version__}"}
    assert address.main(["--check"]) == 0


def test_another_address_and_release_reach_every_place():
    notebook = (ROOT / "solutions" / "09_emogen_gan.ipynb").read_text(encoding="utf-8")
    moved = address.in_notebook(notebook, "https://github.com/some-one/faces", "2.3.4")
    places = notebook.count(address.repository().removeprefix("https://github.com/"))
    assert places >= 4 and moved.count("some-one/faces") == places
    assert "git+https://github.com/some-one/faces@v2.3.4" in moved
    assert address.in_notebook(moved, address.repository(), tfg.__version__) == notebook
    settings = "version: 0.0.9\nrepository-code: https://github.com/a/b\nrepo_url: x\nextra:\n  version: 0.0.9\n"
    assert address.in_settings(settings, "https://github.com/c/d", "1.0.0") == (
        "version: 1.0.0\nrepository-code: https://github.com/c/d\nrepo_url: https://github.com/c/d\n"
        "extra:\n  version: 1.0.0\n")
