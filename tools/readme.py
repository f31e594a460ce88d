"""Write the README's table of options from the systems' options, between two marks; a test compares the two.

    python -m tools.readme
"""
from __future__ import annotations

from pathlib import Path

from tfg import registry
from tfg.options import table

PLACE = Path(__file__).resolve().parent.parent / "README.md"
START, END = "<!-- options: python -m tools.readme -->", "<!-- options end -->"


def options_table() -> str:
    """The table in Markdown, a row for each option: its systems, effect, range and default."""
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for name, its in registry.systems().items():
        for row in table(its.Options):
            rows.setdefault(row, []).append(name)
    lines = ["| Option | of | What it does | Range | Default |", "|---|---|---|---|---|"]
    for (flag, about, span, default), names in rows.items():
        having = "all" if len(names) == len(registry.SYSTEMS) else ", ".join(names)
        lines.append(f"| `{flag}` | {having} | {about} | {span} | {default} |")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the current table.  Raises ValueError if the marks are not there."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{PLACE.name} lacks the marks {START} and {END}")
    return f"{before}{START}\n{options_table()}\n{END}{after}"


if __name__ == "__main__":
    PLACE.write_text(written(PLACE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PLACE}")
