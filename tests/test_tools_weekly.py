"""The weekly run of the chapters: what it measures, and what it calls failed or slow."""
from __future__ import annotations

import os
import sys

import nbformat
import pytest

from tools import chapters, weekly


def outcome(minutes, stated="5", error=""):
    return weekly.Outcome("09_emogen_gan", minutes, 2.5, stated, "3.0 GB", error)


def test_verdicts_at_the_limit():
    assert outcome(10.0).verdict == "ok" and outcome(10.01).verdict == "slow"
    assert outcome(1.0, error="AssertionError").verdict == "failed"


def test_minutes_of_headers():
    assert weekly.minutes_of("5") == 5 and weekly.minutes_of("0.5") == .5 and weekly.minutes_of("< 1") == 1
    assert all(weekly.minutes_of(chapter.cpu_min) > 0 for chapter in chapters.all_chapters())
    with pytest.raises(ValueError, match="write a number"):
        weekly.minutes_of("some")


def test_the_table_has_measured_beside_stated():
    last = weekly.table([outcome(4.26), outcome(11)]).splitlines()[-2:]
    assert last == ["| 09_emogen_gan | 4.3 | 5 | 2.5 | 3.0 GB | ok |",
                    "| 09_emogen_gan | 11.0 | 5 | 2.5 | 3.0 GB | slow |"]


def test_a_commands_memory_counts_its_children(monkeypatch):
    monkeypatch.setattr(weekly, "EVERY_S", .1)
    child = "import time; x = bytearray(b'1') * 200_000_000; time.sleep(1.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); sys.exit('it is enough')"
    minutes, memory, error = weekly.watched([sys.executable, "-c", parent], dict(os.environ))
    assert memory > .19 and minutes > 1 / 60 and "it is enough" in error


def test_a_chapter_whose_assertion_fails_is_failed_and_leaves_its_page(tmp_path, monkeypatch, capsys):
    """A real run under papermill, in a folder like the repository's."""
    first = chapters.cells(chapters.ROOT / "solutions" / "00_start_here.ipynb")[0]["source"]
    (tmp_path / "solutions").mkdir()
    cells = [nbformat.v4.new_markdown_cell(first),
             nbformat.v4.new_code_cell("PROFILE = 'ci'", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell("import os; print(PROFILE, os.environ['TFG_STRICT'])"),
             nbformat.v4.new_code_cell("assert 1 > 2, 'no better than before'")]
    python = {"language_info": {"name": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=python),
                   tmp_path / "solutions" / "00_start_here.ipynb")
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    out = tmp_path / "weekly"
    assert weekly.main(["--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert "no better than before" in said and "| failed |" in (out / "table.md").read_text(encoding="utf-8")
    page = (out / "00_start_here.html").read_text(encoding="utf-8")
    assert "cpu 1" in page and "no better than before" in page
