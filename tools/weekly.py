"""Run every chapter as a learner would, and hold each to the minutes that its first cell states.

    python -m tools.weekly                          all in profile cpu; build/weekly gets a page of each
    python -m tools.weekly --only 08 --profile ci   one of them

One chapter after another, each with all cores of the machine, under papermill, with TFG_STRICT=1: a check that an
answer does not pass and an assertion that does not hold are errors. The table that is printed (and kept in
build/weekly/table.md) has the minutes and the peak memory of each chapter beside what its header states. The exit
status is 1 if a chapter failed, or took more than twice its minutes; memory is only shown.
"""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tfg.files import atomic
from tools import chapters

OUT = chapters.ROOT / "build" / "weekly"
PATIENCE = 2.0
"""A chapter may take so many times the minutes that its header states."""
EVERY_S = 1.0
"""Seconds between two looks at the memory."""
LONGEST_MIN = 60
"""A chapter that hangs is stopped after so many minutes."""


@dataclass(frozen=True)
class Outcome:
    """One run of one chapter.  minutes, memory_gb: measured; stated_min, stated_ram: as the header has them.  error:
    the last lines of what went wrong, "" if nothing did."""

    name: str
    minutes: float
    memory_gb: float
    stated_min: str
    stated_ram: str
    error: str = ""

    @property
    def verdict(self) -> str:
        """ "ok", "failed", or "slow": more than `PATIENCE` times the stated minutes."""
        if self.error:
            return "failed"
        return "slow" if self.minutes > PATIENCE * minutes_of(self.stated_min) else "ok"


def minutes_of(text: str) -> float:
    """The minutes in a header's cell, as in "5" or "0.5".  Raises ValueError if it states no number."""
    found = re.match(r"[<~]?\s*(\d+(?:\.\d+)?)", text)
    if not found:
        raise ValueError(f"a chapter's header states {text!r} CPU minutes; write a number")
    return float(found.group(1))


def run(path: Path, out: Path, profile: str) -> Outcome:
    """Execute one chapter and write it to `out`, also where it stops half way.  path: a notebook of solutions/."""
    stated = chapters.read(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    paths = [str(chapters.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"TFG_PROFILE": profile, "TFG_STRICT": "1", "MPLBACKEND": "agg",
                                "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--no-log-output", "-k", "python3",
               "-p", "PROFILE", profile, str(path), str(out)]
    minutes, memory, error = watched(command, environment)
    return Outcome(path.stem, minutes, memory, stated.cpu_min, stated.ram, error)


def watched(command: list[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Run a command.  Returns minutes, the largest memory of it and all its children together (GB), and "" or the last
    lines of what it complained about."""
    start, peak = time.monotonic(), 0.0
    with subprocess.Popen(command, cwd=chapters.ROOT, env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        said = ""
        while True:
            try:
                said = process.communicate(timeout=EVERY_S)[1]
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, memory_gb(process.pid))
                if time.monotonic() - start > 60 * LONGEST_MIN:
                    process.terminate()
        failed = process.returncode != 0
    return (time.monotonic() - start) / 60, peak, (said[-3000:] or "it stopped without a word") if failed else ""


def memory_gb(pid: int) -> float:
    """Memory of a process and its children, GB. What they share counts once on Linux; elsewhere it counts in each."""
    import psutil

    total = 0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0.0
    for one in family:
        try:
            full = one.memory_full_info()
            total += getattr(full, "pss", full.rss)
        except psutil.Error:                                 # it ended meanwhile
            continue
    return total / 1e9


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as a table in Markdown."""
    rows = [f"| {o.name} | {o.minutes:.1f} | {o.stated_min} | {o.memory_gb:.1f} | {o.stated_ram} | {o.verdict} |"
            for o in outcomes]
    return "\n".join(["| chapter | minutes | stated | peak memory GB | stated | |", "|---|---|---|---|---|---|", *rows])


def page(notebook: Path) -> None:
    """Write an executed notebook as HTML beside it; nothing is written if it did not begin."""
    if notebook.is_file():
        subprocess.run([sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--log-level", "ERROR",
                        str(notebook)], check=True, stdout=subprocess.DEVNULL)


def main(words: list[str] | None = None) -> int:
    """Run the chapters.  Returns 0 if all is well, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.weekly", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--profile", choices=("ci", "cpu"), default="cpu")
    parser.add_argument("--only", default="", help="the chapters whose file names begin so, as in 08")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(words)
    outcomes = []
    for path in sorted((chapters.ROOT / "solutions").glob(f"{chosen.only}*.ipynb")):
        outcome = run(path, chosen.out / path.name, chosen.profile)
        page(chosen.out / path.name)
        outcomes.append(outcome)
        print(f"{outcome.name}: {outcome.verdict}, {outcome.minutes:.1f} min", outcome.error, flush=True)
        with atomic(chosen.out / "table.md") as part:        # after each: a job that is stopped leaves what it has
            part.write_text(table(outcomes) + "\n", encoding="utf-8")
    if not outcomes:
        parser.error(f"no chapter in solutions/ begins with {chosen.only!r}")
    print(table(outcomes))
    return int(any(outcome.verdict != "ok" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
