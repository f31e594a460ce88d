"""The course map: which chapter needs which, as a picture and as cards."""
from __future__ import annotations

import html

from tools.chapters import Chapter

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 262, 50, 16, 34, 4
"""Size of a box and the space between two, in units of the picture."""


def levels(chapters: list[Chapter]) -> dict[str, int]:
    """Row of each chapter's number: 0 for those that need none, else one below the lowest that they need."""
    its: dict[str, int] = {}
    for chapter in chapters:
        unknown = [number for number in chapter.needs if number not in its]
        if unknown:
            raise ValueError(f"chapter {chapter.number} needs {unknown[0]}, which does not stand before it")
        its[chapter.number] = 1 + max((its[number] for number in chapter.needs), default=-1)
    return its


def direct(chapters: list[Chapter]) -> list[tuple[str, str]]:
    """(needed, needing) numbers of chapters, without those that follow from others."""
    above: dict[str, set[str]] = {}
    for chapter in chapters:
        above[chapter.number] = set(chapter.needs).union(*(above[number] for number in chapter.needs))
    return [(number, chapter.number) for chapter in chapters for number in chapter.needs
            if not any(number in above[other] for other in chapter.needs)]


def drawing(chapters: list[Chapter]) -> str:
    """An SVG with a linked box for each chapter and an arrow from each that it needs."""
    row = levels(chapters)
    rows: dict[int, list[Chapter]] = {}
    for chapter in chapters:
        rows.setdefault(row[chapter.number], []).append(chapter)
    widest = max(map(len, rows.values()))
    width = 2 * MARGIN + widest * WIDTH + (widest - 1) * GAP_X
    place = {}
    for level, its in rows.items():
        left = (width - len(its) * WIDTH - (len(its) - 1) * GAP_X) / 2
        for k, chapter in enumerate(its):
            place[chapter.number] = (left + k * (WIDTH + GAP_X), MARGIN + level * (HEIGHT + GAP_Y))
    arrows = [_arrow(place[a], place[b]) for a, b in direct(chapters)]
    boxes = [_box(chapter, *place[chapter.number]) for chapter in chapters]
    height = 2 * MARGIN + len(rows) * HEIGHT + (len(rows) - 1) * GAP_Y
    return (f'<div class="wide"><svg class="map" viewBox="0 0 {width} {height}" role="group" '
            f'aria-label="Which chapter needs which" style="min-width:{width * .62:.0f}px;max-width:{width}px">'
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0L8 4L0 8z"/></marker></defs>{"".join(arrows)}{"".join(boxes)}</svg></div>')


def _arrow(start: tuple[float, float], stop: tuple[float, float]) -> str:
    x, y, u, v = start[0] + WIDTH / 2, start[1] + HEIGHT, stop[0] + WIDTH / 2, stop[1] - 2
    bend = max(18, (v - y) / 2)
    return f'<path d="M{x:g} {y:g}C{x:g} {y + bend:g} {u:g} {v - bend:g} {u:g} {v:g}" marker-end="url(#tip)"/>'


def _box(chapter: Chapter, x: float, y: float) -> str:
    title = chapter.title if len(chapter.title) <= 24 else chapter.title[:23].rsplit(" ", 1)[0] + " …"
    return (f'<a href="chapters/{chapter.name}.html" aria-label="{chapter.number} {html.escape(chapter.title)}">'
            f'<rect class="box" x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
            f'<text x="{x + 10:g}" y="{y + 22:g}">{chapter.number} {html.escape(title)}</text>'
            f'<text class="small" x="{x + 10:g}" y="{y + 41:g}">{chapter.minutes} min, '
            f"{len(chapter.exercises)} exercises</text></a>")


def cards(chapters: list[Chapter]) -> str:
    """A list of all chapters with their questions."""
    items = [f'<li><p><a href="chapters/{c.name}.html"><strong>{c.number} · {html.escape(c.title)}</strong></a></p>'
             f"<p>{html.escape(c.question)}</p>"
             f'<p class="small">{c.minutes} min · needs {", ".join(c.needs) or "nothing"} · '
             f'<a href="slides/{c.name}.html">slides</a></p></li>' for c in chapters]
    return f'<ul class="cards">{"".join(items)}</ul>'
