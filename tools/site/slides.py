"""Slides of a chapter, made from its cells: a page of its own, without any library.

A cell's slideshow tag decides where there is one: slide, subslide, fragment, skip, notes or - (goes on). Where there is
none, a rule does it: each section begins a slide with its prose and formulas, each figure or film has a slide with the
sentence that says what should be seen, a prediction and an exercise have theirs; code, except an exercise's head, is
left out.
"""
from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from tools.chapters import Chapter
from tools.site import text
from tools.site.pages import Part, code, linked, with_stub

PREDICT = "**Predict.**"


@dataclass
class Slide:
    """One slide: HTML of its parts, and what the speaker reads."""

    title: str
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kind: str = ""


def slides(chapter: Chapter, found: list[Part]) -> list[Slide]:
    """The slides of a chapter, the first of which holds title and question."""
    question = f'<p class="question">{html.escape(chapter.question)}</p>'
    deck = [Slide(f"{chapter.number} · {html.escape(chapter.title)}", [question], kind="title")]
    section, k = html.escape(chapter.title), 0
    while k < len(found):
        part, k = found[k], k + 1
        if part.slide_type == "skip":
            continue
        if part.slide_type == "notes":
            deck[-1].notes.append(part.page)
        elif part.slide_type in ("slide", "subslide") and part.kind != "prose":
            deck.append(Slide(section, [f'<div class="code">{part.page}</div>', *part.shown]))
        elif part.slide_type in ("fragment", "-"):
            deck[-1].body += [part.page if part.kind == "prose" else "", *part.shown]
        elif part.kind == "prose":
            section = _prose(part, deck, section)
        elif part.kind == "exercise":
            deck[-1].body.append(f'<div class="code">{code(with_stub(_head(part.source)))}</div>')
        elif part.kind == "code":
            figures = [shown for shown in part.shown if not shown.startswith("<pre")]
            deck += [Slide(section, [figure], kind="figure") for figure in figures]
    return [slide for slide in deck if slide.body]


def _prose(part: Part, deck: list[Slide], section: str) -> str:
    """Add a cell of prose to the deck: paragraphs to slides. Returns the section that follows."""
    for paragraph in paragraphs(part.source):
        heading = re.match(r"(#{2,3}) (.+)", paragraph)
        if heading:
            title = re.sub(r"</?p>", "", text.to_html(heading.group(2))).strip()
            if len(heading.group(1)) == 2:
                section = title
            deck.append(Slide(title, kind="exercise" if title.startswith("Exercise") else "section"))
        elif paragraph.startswith("You should ") and deck[-1].kind == "figure":
            deck[-1].body.append(f'<div class="seen">{text.to_html(linked(paragraph))}</div>')
        elif paragraph.startswith(PREDICT):
            deck.append(Slide(section, [text.to_html(linked(paragraph))], kind="predict"))
        else:
            if deck[-1].kind in ("figure", "predict") and not paragraph.startswith("$$"):
                deck.append(Slide(section, kind="section"))
            deck[-1].body.append(text.to_html(linked(paragraph)))
    return section


def paragraphs(source: str) -> list[str]:
    """Markdown cut at empty lines, but not within a block of code, a formula or a <details>."""
    out: list[str] = []
    for piece in re.split(r"\n{2,}", source):
        if out and (out[-1].count("```") % 2 or out[-1].count("$$") % 2
                    or out[-1].count("<details>") > out[-1].count("</details>")):
            out[-1] += "\n\n" + piece
        else:
            out.append(piece)
    return [piece for piece in out if piece.strip()]


def _head(source: str) -> str:
    """A function's head and docstring, and its stub."""
    return re.sub(r"(\"\"\".*?\"\"\"\n).*?(?=^ *# BEGIN SOLUTION)", r"\1", source, count=1, flags=re.S | re.M)


def page(deck: list[Slide]) -> str:
    """HTML of all slides."""
    out = []
    for k, slide in enumerate(deck, 1):
        level = 1 if slide.kind == "title" else 2
        notes = f'<aside class="notes" hidden>{"".join(slide.notes)}</aside>' if slide.notes else ""
        out.append(f'<section class="slide {slide.kind}" id="s{k}" aria-label="Slide {k} of {len(deck)}">'
                   f"<h{level}>{slide.title}</h{level}>{''.join(slide.body)}{notes}"
                   f'<p class="count">{k} / {len(deck)}</p></section>')
    return "\n".join(out)
