"""The chapters of the course as data: titles, times, sections and exercises, read from solutions/.

    python -m tools.chapters        prints a line for each chapter and each exercise

The site's course map, the instructor's guide and the marking script read it, so that each figure stands in one place.
"""
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = re.compile(r"^\| CPU min \|.*\n\|[-| ]+\|\n\|(.+)\|$", re.M)
EXERCISE = re.compile(r"^### Exercise (\d+\.\d+) · (.+?)  (★+)☆* · (\d+) min$", re.M)
CHECK = re.compile(r"^(?:\w+ = )?check\.(\w+)\(", re.M)


@dataclass(frozen=True)
class Exercise:
    """One exercise."""

    number: str         # as in "4.3"
    title: str
    stars: int          # 1 easy, 2 medium, 3 hard
    minutes: int        # planned, not measured
    function: str       # name of the function that learners write, and of its check


@dataclass(frozen=True)
class Chapter:
    """One chapter."""

    name: str           # file name without its ending, as in "05_virtual_actors"
    title: str
    question: str       # the sentence under the title
    cpu_min: str        # minutes of a run in profile cpu, as the header states them
    gpu_min: str
    ram: str
    download_mb: str
    needs: tuple[str, ...]          # numbers of chapters to read first, as in ("06", "07")
    minutes: int        # to work through
    sections: tuple[str, ...]       # headings of its sections
    exercises: tuple[Exercise, ...]

    @property
    def number(self) -> str:
        """Two digits, as in "04"."""
        return self.name[:2]


def cells(path: Path) -> list[dict]:
    """The cells of a notebook file; `source` is one string."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell | {"source": "".join(cell["source"])} for cell in notebook["cells"]]


def read(path: Path) -> Chapter:
    """The chapter in a notebook file.  Raises ValueError if its first cell lacks title, question, table or time."""
    all_cells = cells(path)
    first = all_cells[0]["source"]
    title, question = re.search(r"^# (.+)$", first, re.M), re.search(r"^\*(.+)\*$", first, re.M)
    table, minutes = HEADER.search(first), re.search(r"^Time to work through: about (\d+) minutes", first, re.M)
    if not (title and question and table and minutes):
        raise ValueError(f"the first cell of {path.name} lacks its title, question, table or time to work through")
    cpu, gpu, ram, download, needs = (cell.strip() for cell in table.group(1).split("|"))
    sections = [m for c in all_cells if c["cell_type"] == "markdown"
                for m in re.findall(r"^## (\d+ · .+)$", c["source"], re.M)]
    return Chapter(path.stem, title.group(1), question.group(1), cpu, gpu, ram, download,
                   tuple(re.findall(r"\d\d", needs)), int(minutes.group(1)), tuple(sections), _exercises(all_cells))


def _exercises(all_cells: list[dict]) -> tuple[Exercise, ...]:
    heads = [m for c in all_cells if c["cell_type"] == "markdown" for m in EXERCISE.findall(c["source"])]
    functions = [m for c in all_cells if c["cell_type"] == "code" for m in CHECK.findall(c["source"])]
    return tuple(Exercise(number, title, len(stars), int(minutes), function)
                 for (number, title, stars, minutes), function in zip(heads, functions, strict=True))


def all_chapters() -> list[Chapter]:
    """Every chapter, in order."""
    return [read(path) for path in sorted((ROOT / "solutions").glob("*.ipynb"))]


if __name__ == "__main__":
    for chapter in all_chapters():
        print(f"{chapter.number} {chapter.title}: {chapter.minutes} min, after {', '.join(chapter.needs) or 'none'}")
        for its in chapter.exercises:
            print(f"   {its.number} {its.title} {'★' * its.stars} {its.minutes} min, check.{its.function}")
