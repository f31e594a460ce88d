"""Papers can be found: each one that a chapter names has a link there, and a row in docs/bibliography.md."""
from __future__ import annotations

import re

import pytest

from notebook_tools import NAMES, ROOT, cells

PAGE = (ROOT / "docs" / "bibliography.md").read_text(encoding="utf-8")
TABLE = [line for line in PAGE.split("## ")[0].splitlines() if re.match(r"\| \S.* \d{4} \|", line)]
ROWS = [line.strip("| ").split(" | ") for line in TABLE]
"""Paper, title, where, chapters."""
NAMED = (r"((?:[A-Zv][\wé.-]*(?: den Oord)?)(?:(?:, [A-Z]\w+)* and [A-Z][\w-]+| et al\.)? \d{4}), "
         r"\*([^*]+)\*(?: \([^()]*\))?")
LINKED = re.compile(NAMED + r" \(\[(arXiv:|DOI )([^\]]+)\]\((https://(?:arxiv\.org/abs|doi\.org)/)([^)]+)\)\)")
PLACES = {row[0]: row for row in ROWS}


def reading(name: str) -> list[str]:
    """The lines of a chapter's further reading, without those that lead to code."""
    source = cells(name)[-1]["source"]
    return [line for line in source.splitlines() if line.startswith("- ") and not line.startswith("- Code")]


def test_every_row_leads_somewhere():
    assert len(ROWS) == len(PLACES) > 50
    for paper, title, where, chapters in ROWS:
        link = re.fullmatch(r"\[(?:arXiv:|DOI )([^\]]+)\]\(https://(?:arxiv\.org/abs|doi\.org)/(.+)\)", where)
        assert where == "book" or "itu.int" in where or link and link[1] == link[2], paper
        assert title and all(any(n.startswith(c) for n in NAMES) for c in chapters.split(", ")), paper
    known = [where for _, _, where, _ in ROWS if where != "book"]
    assert len(set(known)) == len(known), "two papers lead to one place"


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_links_what_it_names(name):
    found = [m for line in reading(name) for m in LINKED.finditer(line)]
    named = [m[1] for line in reading(name) for m in re.finditer(NAMED, line)]
    books = [paper for paper in named if PLACES.get(paper, [""] * 3)[2] == "book"]
    assert found and sorted(named) == sorted([m[1] for m in found] + books), f"{name}: a paper without arXiv or DOI"
    for m in found:
        assert m[4] == m[6] and m[1] in PLACES, f"{m[1]} stands not in docs/bibliography.md"
        assert f"({m[5]}{m[6]})" in PLACES[m[1]][2] and name[:2] in PLACES[m[1]][3], m[1]


def test_a_row_names_the_chapters_that_name_it():
    text = {name[:2]: "".join(c["source"] for c in cells(name)) for name in NAMES}
    for paper, _, _, chapters in ROWS:
        first = paper.split(" ")[0].strip(",").replace("van", "van den Oord")
        for chapter in chapters.split(", "):
            assert first in text[chapter], f"{paper} is not in chapter {chapter}"


def test_every_year_in_further_reading_belongs_to_a_paper_of_the_list():
    """A paper that is named in passing, without its title, would have no link."""
    for name in NAMES:
        for line in reading(name):
            plain = re.sub(r"\[[^\]]*\]\([^)]*\)", "", line)
            years = re.findall(r"(?<![\d.])(?:19|20)\d\d(?!\d)", plain)
            assert len(years) == len(re.findall(NAMED, plain)), f"{name}: {line}"
