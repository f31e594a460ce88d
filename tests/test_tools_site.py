"""The course as a site: formulas, glossary, outputs, slides, map, links, and the whole of it without figures."""
from __future__ import annotations

import base64
import json
import re

import pytest

from notebook_tools import NAMES, ROOT, cells
from tools import chapters
from tools.site import __main__ as site
from tools.site import guide, links, outputs, pages, run, slides, text
from tools.site import map as course_map

PNG = base64.b64encode(b"\x89PNG and more").decode()
EXPLORER = {"box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_a", "IPY_MODEL_b", "IPY_MODEL_page"]}},
            "a": {"model_name": "FloatSliderModel",
                  "state": {"description": "jaw", "value": .25, "min": 0., "max": 1.}},
            "b": {"model_name": "DropdownModel", "state": {"description": "mood", "_options_labels": ["calm", "HAP"],
                                                           "index": 1}},
            "page": {"model_name": "HTMLModel", "state": {"value": f'<img src="data:image/png;base64,{PNG}">'}},
            "bar": {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_text", "IPY_MODEL_progress"]}},
            "text": {"model_name": "HTMLModel", "state": {"value": "100%"}},
            "progress": {"model_name": "FloatProgressModel", "state": {"value": 1.}}}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(folder of the site, its faults), made of the chapters as they are stored, without the API reference."""
    out = tmp_path_factory.mktemp("site") / "site"
    return out, site.build(out, ROOT / "solutions", api=False)


def terms():
    return text.read_glossary((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))


def test_every_link_of_the_site_leads_somewhere(built):
    out, faults = built
    assert [fault for fault in faults if "api/index.html" not in fault] == []
    assert len(faults) == len(list(out.rglob("*.html"))) - len(NAMES) + 1   # each head, and the first page's text
    assert {path.stem for path in (out / "chapters").glob("*.html")} == set(NAMES)
    assert {path.stem for path in (out / "slides").glob("*.html")} == set(NAMES)


def test_a_chapters_page_holds_prose_code_and_folded_answers(built):
    page = (built[0] / "chapters" / "05_virtual_actors.html").read_text(encoding="utf-8")
    assert page.count('<details class="code answer">') == 4 and "BEGIN SOLUTION" in page
    assert page.count("NotImplementedError") == 4
    assert '<a href="06_from_raw_video_to_windows.html">' in page and ".ipynb)" not in page
    assert "colab-badge" not in page                                        # a picture of another server
    assert re.search(r'<h2 id="4-a-take">4 · A take</h2>', page)


def test_every_formula_becomes_mathml(built):
    for name in NAMES:
        formulas = sum(len(text.FORMULA.findall(text.CODE.sub("", c["source"]))) for c in cells(name)[1:]
                       if c["cell_type"] == "markdown")
        page = (built[0] / "chapters" / f"{name}.html").read_text(encoding="utf-8")
        assert page.count("<math") == formulas, name
        assert not re.search(r"\\(?:frac|sum|text)\b", re.sub(r"<pre.*?</pre>", "", page, flags=re.S)), name


def test_formulas_and_code_are_kept_apart():
    page = text.to_html("`$a$` costs 5 $, $x_1 < y$ and\n\n$$\\Bigl\\lfloor \\frac{a}{b} \\Bigr\\rfloor$$\n\n"
                        "```\n$c$\n```")
    assert "<code>$a$</code>" in page and "<code>$c$" in page and page.count("<math") == 2
    assert "<mo>&#x0230A;</mo>" in page and '<div class="formula"' in page and "<p><div" not in page
    assert ">log</mo>" in text.formula(r"\log x", block=False)
    with pytest.raises(ValueError, match=r"the formula .* cannot be converted"):
        text.formula(r"\frac{a}{", block=False)


def test_each_chapter_links_its_terms_once_to_entries_that_exist(built):
    entries = set(re.findall(r'<div class="entry" id="([^"]+)"', (built[0] / "glossary.html").read_text("utf-8")))
    assert entries == {term.key for term in terms()} and len(entries) == len(terms())
    used = set()
    for name in NAMES:
        page = (built[0] / "chapters" / f"{name}.html").read_text(encoding="utf-8")
        found = re.findall(r'<a class="term" href="\.\./glossary\.html#([^"]+)" title="[^"]{20,}">', page)
        assert len(found) == len(set(found)) >= 5 and set(found) <= entries, name
        used |= set(found)
    rare = {"3dmm", "augmentation", "effect-size", "explorer", "gradient-penalty", "hop", "lip-gap", "metric-lab",
            "occlusion-map", "profile-of-a-run", "rank-correlation", "roll", "warp", "waveform"}
    # these stand in headings, code or further reading alone
    assert entries - used <= rare


def test_the_glossary_explains_in_a_sentence_or_three():
    for term in terms():
        sentences = re.findall(r"[.?](?: |$)", re.sub(r"\(.*?\)", "", term.text))
        assert 1 <= len(sentences) <= 4 and len(term.text) < 420, term.name
        assert term.forms, f"{term.name} has brackets and no other form, so nothing links to it"
    names = [form.lower() for term in terms() for form in term.forms]
    assert len(names) == len(set(names)), "two terms share a form"


def test_terms_are_linked_at_their_first_place_outside_of_code_and_headings():
    found = [text.Term("Action Unit", "au", ("Action Unit", "AU"), "What a *muscle* does."),
             text.Term("flow (of pixels)", "flow", ("=flow",), "Where it goes."),
             text.Term("unit", "unit", ("unit",), "One.")]
    page, keys = text.link_terms("<h2>AU</h2><p><code>AU</code> An Action Unit & AUs: they flow, an <em>flow</em>. "
                                 'Units</p><div class="unlinked">unit</div>', found, "g.html")
    assert keys == ["au", "flow", "unit"] and page.count('class="term"') == 3
    assert '<a class="term" href="g.html#au" title="What a muscle does.">Action Unit</a> &amp; AUs' in page
    assert "they flow, an <em><a" in page and ">Units</a>" in page and '<div class="unlinked">unit</div>' in page


def test_outputs_become_files_and_figures(tmp_path):
    media = outputs.Media(tmp_path / "media", "../media")
    film = f'<video controls src="data:video/mp4;base64,{PNG}"></video>'
    shown = outputs.shown([
        {"output_type": "stream", "name": "stdout", "text": ["10 %\r", "100 %\nready <b>\n"]},
        {"output_type": "stream", "name": "stderr", "text": "a warning"},
        {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": "<Figure size 1x1>"}},
        {"output_type": "display_data", "data": {"text/html": [film], "text/plain": "<IPython.HTML object>"}},
        {"output_type": "execute_result", "data": {"text/plain": "<Figure size 1x1>"}},
        {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "box"}}},
        {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "bar"}}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}], EXPLORER, media, 'A "jaw"')
    assert len(shown) == 5
    printed, figure, player, explorer, error = shown
    assert "100 %\nready &lt;b&gt;" in printed and "10 %\r" not in printed
    assert 'alt="A &quot;jaw&quot;"' in figure and "loading" in figure
    assert 'preload="metadata"' in player and "base64" not in player
    assert "jaw: 0.25 (0 to 1)" in explorer and "mood: HAP (of calm, HAP)" in explorer and "alt=" in explorer
    assert "ValueError: no" in error
    files = sorted(path.suffix for path in (tmp_path / "media").iterdir())
    assert files == [".mp4", ".png"]                                        # the same picture is kept once


def chapter_and_parts(*given):
    chapter = chapters.all_chapters()[0]
    notebook = {"metadata": {}, "cells": [
        {"cell_type": kind, "metadata": {"slideshow": {"slide_type": tag}} if tag else {}, "source": source,
         "outputs": [{"output_type": "display_data", "data": {"image/svg+xml": "<svg/>"}}] if kind == "code" else []}
        for kind, tag, source in (("markdown", "", "# Title"), *given)]}
    return chapter, notebook


def test_slides_by_rule_and_by_tag(tmp_path):
    chapter, notebook = chapter_and_parts(
        ("markdown", "", "## 1 · One\n\nSome words.\n\n$$x^2$$\n\n**Predict.** What?"),
        ("code", "", "explore.draw()"),
        ("markdown", "", "You should see it.\n\n### Exercise 0.1 · Do  ★☆☆ · 5 min\n\nDo it."),
        ("code", "", 'def f(x):\n    """F."""\n    # think\n    # BEGIN SOLUTION\n    return 1\n    # END SOLUTION\n'),
        ("code", "", "check.f(f)"),
        ("code", "skip", "explore.draw_more()"),
        ("markdown", "notes", "Say hello."),
        ("markdown", "skip", "## 9 · Gone"))
    parts = pages.parts(chapter, notebook, outputs.Media(tmp_path, "m"))
    deck = slides.slides(chapter, parts)
    assert [slide.kind for slide in deck] == ["title", "section", "predict", "figure", "exercise"]
    page = slides.page(deck)
    assert page.count("<section") == 5 and "1 / 5" in page and "Gone" not in page
    assert "You should see it." in deck[3].body[1] and "<figure>" in deck[3].body[0]
    assert "return 1" not in page and "NotImplementedError" in page and "think" not in page
    assert deck[-1].notes and "Say hello." not in re.sub(r"<aside.*?</aside>", "", page, flags=re.S)


def test_a_paragraph_is_not_cut_within_code_formulas_and_hints():
    source = "One.\n\n```\na\n\nb\n```\n\n$$x\n\ny$$\n\n<details><summary>H</summary>\n\nText\n\n</details>\n\nLast."
    assert slides.paragraphs(source) == ["One.", "```\na\n\nb\n```", "$$x\n\ny$$",
                                         "<details><summary>H</summary>\n\nText\n\n</details>", "Last."]


def test_the_map_shows_every_chapter_and_no_arrow_that_follows_from_others():
    course = chapters.all_chapters()
    level = course_map.levels(course)
    assert all(level[c.number] > level[n] for c in course for n in c.needs)
    arrows = course_map.direct(course)
    assert ("09", "12") in arrows and ("03", "12") not in arrows            # 09 needs 03 through others
    drawing = course_map.drawing(course)
    assert drawing.count("<rect") == len(NAMES) and drawing.count("marker-end") == len(arrows)
    with pytest.raises(ValueError, match="chapter 12 needs 03, which does not stand before it"):
        course_map.levels([c for c in course if c.number == "12"])


def test_the_teaching_guide_holds_times_and_every_check(built):
    page = (built[0] / "teaching.html").read_text(encoding="utf-8")
    for chapter in chapters.all_chapters():
        assert f"{chapter.number} · {chapter.title}</a>" in page
        assert all(f"check.{its.function}</code>" in page for its in chapter.exercises)
    assert "<!-- table" not in page and "tools.mark" in page
    stars = sum(its.stars for c in chapters.all_chapters() for its in c.exercises)
    assert f"| all | {stars} |" in guide.exercises_table(chapters.all_chapters())


def test_faults_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<p id="x"><a href="b.html">1</a><a href="a.html#y">2</a><a href="a.html#x">3</a>'
                                     '<script src="https://cdn/x.js"></script><a href="https://x">4</a>'
                                     '<a href="../c">5</a>'
                                     '<img src="data:,"><a href="notebook:x">6</a>')
    (tmp_path / "s.css").write_text("@import 'x'")
    found = "\n".join(links.faults(tmp_path))
    assert found.count("\n") == 5
    for words in ("b.html leads to no file", "a.html#y leads to no place", "x.js is loaded from another server",
                  "../c leads out of the site", "notebook:x is no link", "s.css loads something"):
        assert words in found
    assert links.faults(tmp_path / "nothing") == [f"{tmp_path / 'nothing'} holds no page; run make site first."]


def test_notebooks_that_were_not_executed_are_refused(tmp_path):
    with pytest.raises(SystemExit, match="is not there; run make site"):
        run.read(tmp_path, NAMES[0])
    (tmp_path / f"{NAMES[0]}.ipynb").write_text(json.dumps({"cells": [{"source": "", "outputs": []}]}))
    with pytest.raises(SystemExit, match="holds no outputs"):
        run.read(tmp_path, NAMES[0])
    assert run.read(ROOT / "solutions", NAMES[0])["cells"]


def test_a_site_with_faults_takes_no_place(tmp_path, monkeypatch, capsys):
    old = tmp_path / "site"
    old.mkdir()
    (old / "index.html").write_text("old")
    monkeypatch.setattr(site, "build", lambda out, executed: out.mkdir() or ["a.html: b leads to no file"])
    assert site.main(["--executed", "solutions", "--out", str(old)]) == 1
    assert (old / "index.html").read_text() == "old" and "1 faults" in capsys.readouterr().err
    monkeypatch.setattr(site, "build", lambda out, executed: out.mkdir() or [])
    assert site.main(["--executed", "solutions", "--out", str(old)]) == 0 and not (old / "index.html").exists()
