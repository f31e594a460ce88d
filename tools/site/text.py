"""Markdown of the chapters and guides as HTML: formulas become MathML, terms link to the glossary.

Formulas are converted when the site is built, so a page needs no script and no other server to show them.
"""
from __future__ import annotations

import html
import re
from dataclasses import dataclass

CODE = re.compile(r"```.*?```|`[^`\n]+`|<code>.*?</code>|<pre>.*?</pre>", re.S)
FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^\s$](?:[^$\n]*[^\s$])?)\$(?!\d)", re.S)
SIZED = re.compile(r"\\(?:[Bb]ig{1,2}[lrm]?)\\([lr]floor|[lr]ceil)")
"""A floor or ceiling sign of a given size, which latex2mathml leaves as it is; MathML stretches them by itself."""
NAMED = re.compile(r"<m[io](?: movablelimits=\"true\")?>([A-Za-z]{2,})</m[io]>")
"""Names of functions such as log: an operator with a space behind it, where latex2mathml sets them close."""
SKIP = ("a", "code", "pre", "h1", "h2", "h3", "h4", "math", "summary", "button", "th", "script", "style", "svg")


@dataclass(frozen=True)
class Term:
    """An entry of the glossary."""

    name: str
    key: str                    # the id of its entry on the glossary's page
    forms: tuple[str, ...]      # what is linked: the name, if it has no brackets, and other ways to write it
    text: str                   # the definition, Markdown


def slug(text: str) -> str:
    """A name for an id or an address: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def formula(tex: str, block: bool) -> str:
    """A formula in TeX as MathML.  Raises ValueError for one that cannot be converted in full."""
    import latex2mathml.converter

    spelt = SIZED.sub(lambda m: rf"\{m.group(1)} ", tex)
    try:
        out = latex2mathml.converter.convert(spelt, display="block" if block else "inline")
    except Exception as error:
        raise ValueError(f"the formula {tex!r} cannot be converted: {type(error).__name__}: {error}") from error
    left = re.findall(r"\\[A-Za-z]+", out)
    if left:
        raise ValueError(f"the formula {tex!r} holds {', '.join(left)}, which cannot be converted; write it otherwise.")
    out = re.sub(r"<mi>(&#x0230[89AB];)</mi>", r"<mo>\1</mo>", out)         # a bracket grows with what is in it
    out = NAMED.sub(r'<mo form="prefix" lspace="0.1em" rspace="0.17em">\1</mo>', out)
    return f'<div class="formula" tabindex="0">{out}</div>' if block else out


def to_html(markdown: str) -> str:
    """Markdown, with raw HTML and formulas in it, as HTML.

    Raises ValueError for a formula that cannot be converted.
    """
    import mistune

    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f"\ue000{len(kept) - 1}\ue001"

    shielded = CODE.sub(lambda m: keep(m.group()), markdown)
    shielded = FORMULA.sub(lambda m: keep(formula((m["block"] or m["inline"]).strip(), bool(m["block"]))), shielded)
    code = {k for k, text in enumerate(kept) if not text.startswith(("<math", '<div class="formula"'))}
    restored = re.sub(r"\ue000(\d+)\ue001", lambda m: kept[int(m[1])] if int(m[1]) in code else m[0], shielded)
    page = mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])(restored)
    page = re.sub(r"<p>\s*(\ue000\d+\ue001)\s*</p>", r"\1", page)       # a formula by itself is no paragraph
    page = re.sub(r"\ue000(\d+)\ue001", lambda m: kept[int(m[1])], page)
    return page.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def read_glossary(markdown: str) -> list[Term]:
    """The terms of docs/glossary.md, whose beginning says how an entry is written."""
    terms = []
    for part in re.split(r"^### ", markdown, flags=re.M)[1:]:
        name, _, rest = part.partition("\n")
        also = re.match(r"\s*Also: (.+)\n", rest)
        text = re.split(r"^## ", rest[also.end():] if also else rest, flags=re.M)[0].strip()
        forms = [form.strip() for form in also.group(1).split(",")] if also else []
        terms.append(Term(name.strip(), slug(name), tuple(forms if "(" in name else [name.strip(), *forms]), text))
    return terms


def pattern(form: str) -> str:
    """A regular expression that finds a way to write a term; small letters also stand at the beginning of a sentence.

    form: with "=" before it, it must be all of a text, as a word in italics is.
    """
    if form.startswith("="):
        return rf"(?<=^){re.escape(form[1:])}(?=$)"
    spelt = re.escape(form)
    if form[:1].islower():
        spelt = f"[{form[0].upper()}{form[0]}]{re.escape(form[1:])}"
    plural = "" if form[-1:] == "s" or not form[-1:].isalpha() else "s?" if form.isupper() else "(?:s|es)?"
    return rf"(?<![\w`]){spelt}{plural}(?![\w`])"


def link_terms(page: str, terms: list[Term], address: str) -> tuple[str, list[str]]:
    """Link the first place of each term in a page's running text.

    address: of the glossary's page.  Nothing is linked in code, headings and elements of the class `unlinked`. Returns
    the page and the keys of the terms that were linked.
    """
    from bs4 import BeautifulSoup, NavigableString

    soup, left, done = BeautifulSoup(page, "html.parser"), list(terms), []
    for node in list(soup.find_all(string=True)):
        if type(node) is not NavigableString or any(parent.name in SKIP or "unlinked" in parent.get("class", ())
                                                    for parent in node.parents if parent.name != "[document]"):
            continue
        pieces = _linked(str(node), left, done, address)
        if pieces is not None:
            node.replace_with(BeautifulSoup(pieces, "html.parser"))
    return str(soup), done


def _linked(text: str, left: list[Term], done: list[str], address: str) -> str | None:
    """The text with links, as HTML; None if there are none. Terms that were found move from `left` to `done`."""
    spots: list[tuple[int, int, Term]] = []
    candidates = sorted(((form, term) for term in left for form in term.forms), key=lambda pair: -len(pair[0]))
    for form, term in candidates:
        if any(term is other for _, _, other in spots):
            continue
        for found in re.finditer(pattern(form), text):
            if all(found.end() <= a or found.start() >= b for a, b, _ in spots):
                spots.append((found.start(), found.end(), term))
                break
    if not spots:
        return None
    out, at = [], 0
    for start, stop, term in sorted(spots, key=lambda spot: spot[:2]):
        left.remove(term)
        done.append(term.key)
        out += [html.escape(text[at:start], quote=False),
                f'<a class="term" href="{address}#{term.key}" title="{html.escape(plain(term.text))}">'
                f"{html.escape(text[start:stop], quote=False)}</a>"]
        at = stop
    return "".join([*out, html.escape(text[at:], quote=False)])


def plain(markdown: str) -> str:
    """A definition without its signs, for a tooltip."""
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", markdown)
    return " ".join(re.sub(r"[*`$\\{}]", "", text).split())
