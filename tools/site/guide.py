"""The pages beside the chapters: the beginning, the glossary, and the guide for those who teach."""
from __future__ import annotations

import html
import re

from tools.chapters import ROOT, Chapter
from tools.site import text

NAME = "Emotional talking faces, hands on"
PLACE = re.compile(r"^<!-- table: (\w+) -->$", re.M)


def start(course: list[Chapter]) -> str:
    """The beginning of the first page."""
    hours = sum(chapter.minutes for chapter in course) / 60
    count = sum(len(chapter.exercises) for chapter in course)
    return f"""<h1>{NAME}</h1>
<p>One photograph, one voice, one word for a feeling: what does it take to make the picture speak and mean it? This
course builds, trains, runs and compares five published answers, on a laptop, in notebooks: {len(course)} chapters,
{count} exercises that check themselves, about {hours:.0f} hours of work.</p>
<p>Below, an arrow leads from each chapter to those that need it next. What you read here was executed from top to
bottom; to move its sliders and solve its exercises, open the notebooks. Terms with a dotted line lead to the
<a href="glossary.html">glossary</a>; those who teach find times, traps and marking in
<a href="teaching.html">Teaching</a>; the package itself is described in the
<a href="api/index.html">API reference</a>.</p>
"""


def glossary(terms: list[text.Term], used: dict[str, list[str]]) -> str:
    """All terms in alphabetical order, each with the chapters that use it.

    used: key of a term -> names of the chapters whose text links to it.
    """
    entries = []
    for term in sorted(terms, key=lambda term: term.name.lower()):
        chapters = ", ".join(f'<a href="chapters/{name}.html">{name[:2]}</a>' for name in used.get(term.key, []))
        also = ", ".join(html.escape(form) for form in term.forms[1:] if "(" not in term.name)
        entries.append(f'<div class="entry" id="{term.key}"><h3>{html.escape(term.name)}</h3>'
                       + (f'<p class="also">also: {also}</p>' if also else "") + text.to_html(term.text)
                       + (f'<p class="where">in chapters {chapters}</p>' if chapters else "") + "</div>")
    return ('<h1>Glossary</h1><p><label for="find">Find a term</label> <input id="find" type="search" '
            f'autocomplete="off"></p><p>{len(terms)} terms of the field, as this course uses them.</p>'
            + "\n".join(entries))


def teaching(course: list[Chapter]) -> str:
    """docs/teaching.md with its tables filled in from the chapters."""
    tables = {"chapters": chapters_table(course), "exercises": exercises_table(course)}
    source = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    return text.to_html(PLACE.sub(lambda m: tables[m[1]], source))


def chapters_table(course: list[Chapter]) -> str:
    """Times and needs of each chapter, Markdown."""
    lines = ["| Chapter | read first | to work through | run, CPU min | memory | exercises |",
             "|---|---|---|---|---|---|"]
    for c in course:
        lines.append(f"| [{c.number} · {c.title}](chapters/{c.name}.html) | {', '.join(c.needs) or '-'} "
                     f"| {c.minutes} min | {c.cpu_min} | {c.ram} "
                     f"| {len(c.exercises)}, {sum(e.minutes for e in c.exercises)} min |")
    total = sum(c.minutes for c in course)
    lines.append(f"| all | | {total // 60} h {total % 60} min | | | {sum(len(c.exercises) for c in course)}, "
                 f"{sum(e.minutes for c in course for e in c.exercises)} min |")
    return "\n".join(lines)


def exercises_table(course: list[Chapter]) -> str:
    """Every exercise with its points, planned minutes and check, Markdown."""
    lines = ["| Exercise | points | min | check |", "|---|---|---|---|"]
    for c in course:
        lines += [f"| {e.number} {e.title} | {e.stars} | {e.minutes} | `check.{e.function}` |" for e in c.exercises]
    lines.append(f"| all | {sum(e.stars for c in course for e in c.exercises)} | "
                 f"{sum(e.minutes for c in course for e in c.exercises)} | |")
    return "\n".join(lines)
