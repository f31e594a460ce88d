"""Pages of the chapters: prose, code, outputs and answers of an executed notebook as one HTML page each."""
from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from tools import address
from tools.chapters import Chapter
from tools.site import outputs, text

SEEN = re.compile(r"You should (?:see|hear|recognise)\b")
REGION = re.compile(r"^( *)# BEGIN SOLUTION\n(.*?)^ *# END SOLUTION\n?", re.S | re.M)


@dataclass
class Part:
    """What one cell shows."""

    kind: str                   # "prose", "setup", "code", "exercise" (a function to write) or "check"
    page: str                   # HTML of the prose or of the code
    source: str                 # as in the notebook
    shown: list[str] = field(default_factory=list)      # HTML of the outputs
    slide_type: str = ""        # of the cell's slideshow tag; "": none


@dataclass(frozen=True)
class Page:
    """A page's heading, its contents and its own table of contents."""

    title: str
    body: str
    contents: list[tuple[str, str]]         # id and text of each section


def parts(chapter: Chapter, notebook: dict, media: outputs.Media) -> list[Part]:
    """The cells of an executed chapter, rendered; without the first cell, which becomes the page's head."""
    cells, found = notebook["cells"], []
    stored = notebook["metadata"].get("widgets", {})
    widgets = stored.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    sources = ["".join(cell["source"]) for cell in cells]
    section = chapter.title
    for k, (cell, source) in enumerate(zip(cells, sources)):
        if k == 0 or "injected-parameters" in cell["metadata"].get("tags", ()):
            continue
        tag = cell["metadata"].get("slideshow", {}).get("slide_type", "")
        if cell["cell_type"] == "markdown":
            heading = re.search(r"^## (.+)$", source, re.M)
            section = heading.group(1) if heading else section
            found.append(Part("prose", text.to_html(linked(source)), source, slide_type=tag))
            continue
        after = next((s for s, c in zip(sources[k + 1:k + 3], cells[k + 1:k + 3]) if c["cell_type"] == "markdown"), "")
        alt = f"{section}. {text.plain(seen(after)[0])}" if seen(after) else f"Figure of the section {section}"
        kind = ("setup" if "google.colab" in source else "exercise" if REGION.search(source) else
                "check" if re.match(r"(?:\w+ = )?check\.", source) else "code")
        found.append(Part(kind, code(source), source, outputs.shown(cell.get("outputs", []), widgets, media, alt), tag))
    return found


def seen(source: str) -> list[str]:
    """The first sentence that says what should be seen, in a list; [] if a cell does not begin with one."""
    first = source.partition("\n\n")[0]
    return [re.split(r"(?<=[.!?]) ", first)[0]] if SEEN.match(first) else []


def linked(source: str) -> str:
    """Markdown of a cell in which links to notebooks lead to pages."""
    return re.sub(r"\]\((\d\d_\w+)\.ipynb(#[\w-]*)?\)", r"](\1.html\2)", source)


def code(source: str) -> str:
    """Python as highlighted HTML."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return highlight(source, PythonLexer(stripnl=False), HtmlFormatter(cssclass="highlight", wrapcode=True))


def styles() -> str:
    """Colours of highlighted code, for light and for dark pages."""
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark")
    system = dark.get_style_defs(":root:not([data-theme=light]) .highlight")
    return (f"{light}\n@media (prefers-color-scheme: dark) {{\n{system}\n}}\n"
            + dark.get_style_defs(":root[data-theme=dark] .highlight") + "\n")


def with_stub(source: str) -> str:
    """An exercise as learners find it, its answer taken out."""
    return REGION.sub(r"\1# YOUR CODE HERE\n\1raise NotImplementedError\n", source)


def chapter_page(chapter: Chapter, found: list[Part], neighbours: tuple[Chapter | None, Chapter | None]) -> Page:
    """The page of one chapter.  neighbours: the chapters before and after it."""
    body = [head(chapter)]
    for part in found:
        body += [_block(part), *(f'<div class="output">{shown}</div>' for shown in part.shown)]
    page, contents = with_ids("\n".join(body))
    return Page(f"{chapter.number} · {chapter.title}", page + _turn(neighbours), contents)


def head(chapter: Chapter) -> str:
    """Title, question, times and links of a chapter."""
    repository = address.repository()
    name = f"notebooks/{chapter.name}.ipynb"
    colab = repository.replace("https://github.com", "https://colab.research.google.com/github")
    needs = ", ".join(chapter.needs) or "nothing"
    return f"""<h1>{chapter.number} · {html.escape(chapter.title)}</h1>
<p class="question">{html.escape(chapter.question)}</p>
<ul class="facts">
<li>about {chapter.minutes} minutes to work through</li>
<li>runs in {html.escape(chapter.cpu_min)} min on a quiet laptop</li>
<li>{html.escape(chapter.ram)} of memory</li>
<li>read first: {needs}</li>
</ul>
<p class="links"><a href="../slides/{chapter.name}.html">Slides</a>
<a href="{repository}/blob/main/{name}">Notebook</a>
<a href="{colab}/blob/main/{name}">Open in Colab</a></p>"""


def _block(part: Part) -> str:
    """HTML of a cell itself."""
    if part.kind == "prose":
        unlinked = " unlinked" if re.match(r"## (You will learn|Further reading)", part.source) else ""
        return f'<div class="prose{unlinked}">{part.page}</div>'
    if part.kind == "setup":
        return f'<details class="code"><summary>Setup</summary>{part.page}</details>'
    if part.kind == "exercise":
        return (f'<div class="code yours">{code(with_stub(part.source))}</div>'
                f'<details class="code answer"><summary>One answer</summary>{part.page}</details>')
    return f'<div class="code">{part.page}</div>'


def with_ids(page: str) -> tuple[str, list[tuple[str, str]]]:
    """A page whose headings have ids, and (id, text) of its sections."""
    taken: dict[str, int] = {}
    contents = []

    def name(m: re.Match) -> str:
        words = html.unescape(re.sub(r"<math.*?</math>|<[^>]+>", "", m["text"], flags=re.S)).strip()
        key = text.slug(words)
        taken[key] = taken.get(key, 0) + 1
        key = key if taken[key] == 1 else f"{key}-{taken[key]}"
        if m["level"] == "2":
            contents.append((key, words))
        return f'<h{m["level"]} id="{key}">{m["text"]}</h{m["level"]}>'

    return re.sub(r"<h(?P<level>[23])>(?P<text>.*?)</h(?P=level)>", name, page, flags=re.S), contents


def _turn(neighbours: tuple[Chapter | None, Chapter | None]) -> str:
    """Links to the chapters before and after."""
    before, after = (f'<a href="{c.name}.html">{c.number} · {html.escape(c.title)}</a>' if c else ""
                     for c in neighbours)
    return (f'<nav class="turn" aria-label="Chapters before and after"><span>{"← " if before else ""}{before}</span>'
            f'<span>{after}{" →" if after else ""}</span></nav>')
