"""Marking a folder of submissions: shipped notebooks, solved ones, wrong answers, and files that cannot be marked."""
from __future__ import annotations

import csv
import json
import re
import shutil

import pytest

from notebook_tools import ROOT, exercises
from tfg.errors import InputError
from tools import chapters, mark, mark_one

CHAPTER = "00_start_here"


def edited(changes: dict[str, str], folder: str = "solutions") -> str:
    """The JSON of a chapter in which the bodies of some functions are others: name -> lines of code."""
    notebook = json.loads((ROOT / folder / f"{CHAPTER}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        for name, body in changes.items():
            if source.startswith(f"def {name}("):
                head = source[:re.search(r"^def .*:$", source, re.M).end()]
                cell["source"] = head + "\n" + "\n".join(f"    {line}" for line in body.splitlines())
    return json.dumps(notebook)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("submissions")
    for student, text in {
        "ada": (ROOT / "solutions" / f"{CHAPTER}.ipynb").read_text(encoding="utf-8"),
        "=bob": edited({"frame_at": "return round(time_s * 25)", "at_intensity": "return np.clip(actions"},
                       "notebooks"),
        "dia": edited({"frame_at": "while True:\n    pass", "at_intensity": "import os\nos._exit(3)"}),
        "fay": "not a notebook",
    }.items():
        (root / student).mkdir()
        (root / student / f"{CHAPTER} (1).ipynb").write_text(text, encoding="utf-8")
    (root / "ada" / ".ipynb_checkpoints").mkdir()
    shutil.copy(root / "ada" / f"{CHAPTER} (1).ipynb", root / "ada" / ".ipynb_checkpoints")
    return root


@pytest.fixture(scope="module")
def marked(folder):
    """(marks and messages by student and function, what was printed, the folder of tables)."""
    out = folder.parent / "marks"
    found = {}
    for student, chapter, path in mark.submissions(folder):
        for its in mark.mark(student, chapter, path, limit_s=3):
            found[student, its.function] = its
    paths = mark.write(list(found.values()), out)
    return found, mark.table(list(found.values())), paths


def signs(found, student):
    return "".join(found[student, name].mark for name in ("frame_at", "at_intensity", "mix"))


@pytest.mark.slow
def test_each_student_gets_what_is_due(marked):
    found, _, _ = marked
    assert {student: signs(found, student) for student in ("ada", "=bob", "dia", "fay")} == {
        "ada": "✓✓✓", "=bob": "✗✗○", "dia": "✗✗✓", "fay": "✗✗✗"}
    assert len(found) == 4 * 3                              # none is marked twice, checkpoints are left out


@pytest.mark.slow
def test_messages_say_what_is_wrong(marked):
    found, _, _ = marked
    says = {(student, name): found[student, name].message for student, name in found}
    assert "frame_at" in says["=bob", "frame_at"] and len(says["=bob", "frame_at"]) > 20
    assert says["=bob", "at_intensity"].startswith("the cell cannot be read") and "line" in says["=bob", "at_intensity"]
    assert says["=bob", "mix"] == "not done"
    assert says["dia", "frame_at"] == "the process took longer than 3 s and was stopped"
    assert says["dia", "at_intensity"] == "the process ended: exit code 3"
    assert "is no notebook" in says["fay", "mix"]
    assert found["ada", "mix"].points == 1 and found["=bob", "frame_at"].points == 0


@pytest.mark.slow
def test_tables(marked):
    found, printed, (by_student, by_exercise) = marked
    lines = dict(line.split(maxsplit=1) for line in printed.splitlines())
    assert lines["ada"].split() == ["✓✓✓", "3", "of", "3"] and lines["dia"].split()[0] == "✗✗✓"
    with open(by_student, encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert (rows["dia"]["0.1"], rows["dia"]["right"], rows["dia"]["points"]) == ("✗", "1", "1")
    assert "'=bob" in rows                                                  # not a formula in a spreadsheet
    with open(by_exercise, encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(found)


def test_a_package_that_does_not_load_is_not_the_students_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(mark.sys, "executable", shutil.which("false"))
    path = tmp_path / f"{CHAPTER}.ipynb"
    shutil.copy(ROOT / "solutions" / path.name, path)
    found = mark.mark("ada", chapters.all_chapters()[0], path, limit_s=1)
    assert [its.mark for its in found] == ["?", "?", "?"]
    assert found[0].message == "before the first exercise, the process ended: exit code 1"


def test_files_without_folders_and_nothing_to_mark(tmp_path):
    shutil.copy(ROOT / "notebooks" / f"{CHAPTER}.ipynb", tmp_path / f"hal_{CHAPTER}.ipynb")
    assert [(student, chapter.number) for student, chapter, _ in mark.submissions(tmp_path)] == [("hal", "00")]
    with pytest.raises(InputError, match="holds no submission; expected files such as .*STUDENT"):
        mark.submissions(tmp_path, only="04")
    with pytest.raises(InputError, match="no folder; name one"):
        mark.submissions(tmp_path / "nowhere")
    assert mark.main([str(tmp_path / "nowhere")]) == 2


@pytest.mark.parametrize("folder_, sign", [("solutions", "✓"), ("notebooks", "○")])
def test_every_chapter_is_marked_by_its_definitions_alone(folder_, sign):
    """All solutions are right and nothing in notebooks/ is done, though no cell that computes is run."""
    seen = []
    for chapter in chapters.all_chapters():
        functions = [its.function for its in chapter.exercises]
        events = list(mark_one.judged(chapters.cells(ROOT / folder_ / f"{chapter.name}.ipynb"), functions))
        wrong = [e for e in events if "mark" in e and e["mark"] != sign]
        assert not wrong, (chapter.name, wrong)
        seen += [(chapter.name, e["function"]) for e in events if "mark" in e]
    assert seen == exercises()


def test_an_answer_that_lost_its_check_cell_and_needs_a_helper_is_judged():
    cells = [{"cell_type": "code", "source": "%matplotlib inline\nHALF = 0.5\nraise RuntimeError('computes')"},
             {"cell_type": "code", "source": "def one_minus(w):\n    return 2 * HALF - w"},
             {"cell_type": "code", "source": "def mix(a, b, weight):\n    return one_minus(weight) * np.asarray(a)"
                                             " + weight * np.asarray(b)"}]
    assert list(mark_one.judged(cells, ["mix"]))[-1] == {"function": "mix", "mark": "✓", "message": ""}
    gone = {"function": "mix", "mark": "○", "message": "no function mix in the notebook"}
    assert list(mark_one.judged([], ["mix"])) == [{"begin": "mix"}, gone]
