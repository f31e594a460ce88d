"""Mark a folder of submitted notebooks: which exercise of which student passes its check.

    python -m tools.mark FOLDER                     a table, and marks.csv and messages.csv in build/marks
    python -m tools.mark FOLDER --chapter 05        one chapter only
    python -m tools.mark FOLDER --limit 60 --jobs 4

A submission is FOLDER/STUDENT/05_virtual_actors.ipynb, or FOLDER/STUDENT_05_virtual_actors.ipynb; what comes after the
chapter's name, as in "05_virtual_actors (2).ipynb", does not matter. Each notebook runs in a process of its own, which
trains and draws nothing (tools/mark_one.py). An answer that takes longer than the limit, or that ends the process,
loses its own mark and no other; a file that is no notebook loses its chapter's.

Submissions are programs of others: run this as a user, or in a container, that can neither reach what is private nor
the web. The checks tell who understood; they are no proof against somebody who means to deceive them.
"""
from __future__ import annotations

import argparse
import csv
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tfg.errors import InputError
from tfg.files import atomic
from tools import chapters

START_S = 600
"""Seconds that a process may take to load the package before it begins with the first exercise."""


@dataclass(frozen=True)
class Mark:
    """The outcome of one exercise of one student."""

    student: str
    chapter: str        # two digits
    number: str         # of the exercise, as in "4.3"
    function: str
    mark: str           # "✓" right, "✗" wrong, "○" not done, "?" could not be judged on this machine
    message: str        # what the check says, or what went wrong with the file or the process
    points: float       # the exercise's stars if right, else 0


def submissions(folder: Path, only: str | None = None) -> list[tuple[str, chapters.Chapter, Path]]:
    """(student, chapter, file) of every notebook in the folder, in order of students and chapters.

    only: two digits of the one chapter that is wanted.  Raises InputError if there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name one that holds a folder of notebooks for each student.")
    found = []
    for path in sorted(folder.glob("**/*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        for chapter in chapters.all_chapters():
            before, its, _ = path.stem.partition(chapter.name)
            if its and only in (None, chapter.number):
                where = path.parent.relative_to(folder).parts
                found.append(("/".join(where) or before.strip(" _-") or folder.resolve().name, chapter, path))
    if not found:
        names = f"{only}_..." if only else chapters.all_chapters()[0].name
        raise InputError(f"{folder} holds no submission; expected files such as {folder}/STUDENT/{names}.ipynb.")
    found.sort(key=lambda item: (item[0], item[1].name))
    return found


def mark(student: str, chapter: chapters.Chapter, path: Path, limit_s: float) -> list[Mark]:
    """Judge a submission's exercises, in the chapter's order.

    limit_s: seconds for one exercise.  A process that is lost is started anew behind the exercise that it was lost at.
    """
    found: dict[str, tuple[str, str]] = {}
    try:
        chapters.cells(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        found = {its.function: ("✗", f"{path.name} is no notebook: {type(error).__name__}: {error}")
                 for its in chapter.exercises}
    while len(found) < len(chapter.exercises):
        before = len(found)
        lost = _judge(path, chapter, found, limit_s)
        if lost is None:
            continue
        if lost.running or len(found) > before:
            found[lost.function] = ("✗", lost.why)
        else:                               # not one exercise was begun: that is not the student's fault
            for its in chapter.exercises:
                found.setdefault(its.function, ("?", f"before the first exercise, {lost.why}"))
    return [Mark(student, chapter.number, its.number, its.function, *found[its.function],
                 points=its.stars * (found[its.function][0] == "✓")) for its in chapter.exercises]


@dataclass(frozen=True)
class Lost:
    """A process that did not come to its end."""

    function: str       # the exercise that it was at, or that was next
    running: bool       # True if it had begun with it
    why: str            # the rest of a sentence whose beginning says when


def _judge(path: Path, chapter: chapters.Chapter, found: dict, limit_s: float) -> Lost | None:
    """Run one process and add what it finds to `found`.  Returns where and why it was lost; None if it was not."""
    with tempfile.TemporaryDirectory(prefix="tfg_mark_") as room:
        command = [sys.executable, "-m", "tools.mark_one", str(path.resolve()), chapter.name, "--skip", *found]
        paths = os.pathsep.join([str(chapters.ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        process = subprocess.Popen(command, cwd=room, env=os.environ | {"PYTHONPATH": paths, "MPLBACKEND": "agg"},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   encoding="utf-8", start_new_session=True)
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        errors: list[str] = []
        threading.Thread(target=lambda: errors.extend(process.stderr), daemon=True).start()  # else a full pipe stops it
        running, until = None, time.monotonic() + START_S
        try:
            while True:
                try:
                    line = lines.get(timeout=max(0.0, until - time.monotonic()))
                except queue.Empty:
                    return _lost(chapter, found, running,
                                 f"the process took longer than {limit_s if running else START_S:g} s and was stopped")
                if line is None:
                    break
                event = json.loads(line)
                running, until = event.get("begin"), time.monotonic() + limit_s
                if "mark" in event:
                    found[event["function"]] = (event["mark"], event["message"])
        finally:
            _end(process)
        last = errors[-1].strip() if errors else f"exit code {process.returncode}"
        return _lost(chapter, found, running, f"the process ended: {last}")


def _lost(chapter: chapters.Chapter, found: dict, running: str | None, why: str) -> Lost | None:
    """Where a process was lost; None if all exercises had their mark by then."""
    left = [its.function for its in chapter.exercises if its.function not in found]
    return Lost(running or left[0], running is not None, why) if left else None


def _read(stream, lines: queue.Queue) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen) -> None:
    """End the process and all that it started."""
    try:
        if process.poll() is None:
            process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def table(marks: list[Mark]) -> str:
    """A row for each student, a column for each chapter with a sign for each exercise, and how many are right."""
    names = sorted({m.chapter for m in marks})
    signs: dict[tuple[str, str], str] = {}
    for m in sorted(marks, key=_order):
        signs[m.student, m.chapter] = signs.get((m.student, m.chapter), "") + m.mark
    width = max(len("student"), *(len(m.student) for m in marks))
    wide = {n: max(2, *(len(s) for (_, chapter), s in signs.items() if chapter == n)) for n in names}
    lines = ["  ".join([f"{'student':{width}}", *(f"{n:{wide[n]}}" for n in names), "right"])]
    for student in sorted({m.student for m in marks}):
        its = [m.mark for m in marks if m.student == student]
        row = [f"{student:{width}}", *(f"{signs.get((student, n), '-'):{wide[n]}}" for n in names)]
        lines.append("  ".join([*row, f"{its.count('✓')} of {len(its)}"]))
    return "\n".join(lines)


def _order(mark: Mark) -> tuple[int, ...]:
    return tuple(map(int, mark.number.split(".")))


def _columns(marks: list[Mark]) -> list[str]:
    return list(dict.fromkeys(m.number for m in sorted(marks, key=_order)))


def write(marks: list[Mark], out: Path) -> list[Path]:
    """Write marks.csv (a row for each student) and messages.csv (a row for each of their exercises) into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    columns, paths = _columns(marks), [out / "marks.csv", out / "messages.csv"]
    rows = []
    for student in sorted({m.student for m in marks}):
        its = {m.number: m for m in marks if m.student == student}
        rows.append([_cell(student), *(its[n].mark if n in its else "" for n in columns),
                     sum(m.mark == "✓" for m in its.values()), f"{sum(m.points for m in its.values()):g}"])
    _csv(paths[0], ["student", *columns, "right", "points"], rows)
    _csv(paths[1], ["student", "chapter", "exercise", "function", "mark", "points", "message"],
         [[_cell(m.student), m.chapter, m.number, m.function, m.mark, f"{m.points:g}", _cell(m.message)]
          for m in marks])
    return paths


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if re.match(r"[=+\-@]", text) else text


def _csv(path: Path, head: list[str], rows: list[list]) -> None:
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mark", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds a folder of notebooks for each student")
    parser.add_argument("--chapter", help="two digits: mark this chapter only")
    parser.add_argument("--out", type=Path, default=chapters.ROOT / "build" / "marks", help="folder of the tables")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one exercise")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks marked at a time")
    given = parser.parse_args(words)
    try:
        found = submissions(given.folder, given.chapter)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    with ThreadPoolExecutor(max(1, given.jobs)) as pool:
        waiting = [pool.submit(mark, *item, given.limit) for item in found]
        marks = []
        for (student, chapter, _), one in zip(found, waiting):
            marks += one.result()
            print(f"{student}, chapter {chapter.number}: {sum(m.mark == '✓' for m in one.result())} of "
                  f"{len(chapter.exercises)} right", flush=True)
    print("\n" + table(marks) + "\n")
    for its in marks:
        if its.mark in "✗?":
            print(f"{its.student} {its.number} {its.function}: {its.message}")
    print("wrote", " and ".join(str(path) for path in write(marks, given.out)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
