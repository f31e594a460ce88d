"""The course's site as a reader meets it: opened from the disk in Chromium, wide and on a phone, light and dark.

One chapter gets a film, a figure and an explorer as an executed notebook has them. Skipped without Playwright or a
Chromium (TFG_CHROMIUM, or on the path). Screenshots go to build/site_shots.
"""
from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest

from notebook_tools import NAMES, ROOT
from tools.browser import CHROMIUM
from tools.site import __main__ as site
from tools.site import run

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site"),
              pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path; TFG_CHROMIUM names one")]
CHAPTER = "00_start_here"
PAGES = ("index", "glossary", "teaching", f"chapters/{CHAPTER}", "chapters/07_syncnet", "slides/07_syncnet")
PATIENCE = 90_000                                    # ms; a busy machine
DARK = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((value) => value < 60)"


def executed(folder, name: str) -> dict:
    """A chapter as it is stored; chapter 00 with outputs of three kinds."""
    import tfg

    notebook = json.loads((ROOT / "solutions" / f"{name}.ipynb").read_text(encoding="utf-8"))
    if name != CHAPTER:
        return notebook
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(np.full((90, 200, 3), 200, np.uint8)).save(picture, "PNG")
    png = base64.b64encode(picture.getvalue()).decode()
    frames = np.random.default_rng(0).integers(0, 255, (50, 64, 64, 3), dtype=np.uint8)
    film = tfg.show(tfg.Clip(frames, np.zeros(32_000, np.float32)), width=256).data
    state = {"box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_s", "IPY_MODEL_p"]}},
             "s": {"model_name": "FloatSliderModel", "state": {"description": "x", "value": .5, "min": 0., "max": 1.}},
             "p": {"model_name": "HTMLModel", "state": {"value": f'<img src="data:image/png;base64,{png}">'}}}
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell, data in zip(code[3:], ({"image/png": png}, {"text/html": film},
                                     {"application/vnd.jupyter.widget-view+json": {"model_id": "box"}})):
        cell["outputs"] = [{"output_type": "display_data", "data": data}]
    return notebook


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "read", executed)
        site.build(out, ROOT / "solutions", api=False)
    return out.as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        its = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--mute-audio",
                                                                   "--autoplay-policy=no-user-gesture-required"])
        yield its
        its.close()


@pytest.fixture
def opened(browser, address):
    """A function that opens a page of the site; afterwards nothing may have been asked of others, nor have failed."""
    asked, faults, contexts = [], [], []

    def open_page(name, width=1280, height=800, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/{name}.html")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert asked and not [url for url in asked if not url.startswith((address, "data:"))]
    assert not faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_in_light_and_dark(opened, scheme):
    shots = ROOT / "build" / "site_shots"
    shots.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        page = opened(name, 390, 844, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert page.evaluate(DARK) == (scheme == "dark"), name
        page.screenshot(path=shots / f"{name.replace('/', '_')}_{scheme}.png")


def test_films_play_and_figures_are_there(opened):
    page = opened(f"chapters/{CHAPTER}")
    film = page.locator("video").first
    film.scroll_into_view_if_needed()
    film.evaluate("(v) => { v.muted = true; return v.play() }")
    page.wait_for_function("document.querySelector('video').currentTime > 0.2")
    assert page.evaluate("""async () => { for (const i of document.images) { i.loading = "eager"; await i.decode() }
                            return [...document.images].every((i) => i.naturalWidth > 0 && i.alt.length > 10) }""")
    assert page.locator(".explorer .controls li").inner_text() == "x: 0.5 (0 to 1)"


def test_answers_and_terms_open(opened):
    page = opened(f"chapters/{CHAPTER}")
    answer = page.locator("details.answer").first
    assert not answer.locator("pre").is_visible()
    answer.locator("summary").click()
    assert "return" in answer.locator("pre").inner_text()
    term = page.locator("a.term").first
    key = term.get_attribute("href").split("#")[1]
    term.click()
    page.wait_for_url("**/glossary.html#*")
    assert page.locator(f"#{key}").is_visible()
    page.locator("#find").fill("gradient pen")
    assert page.locator(".entry:visible h3").all_inner_texts() == ["gradient penalty"]


def test_the_colours_can_be_chosen_and_stay(opened):
    page = opened("index")
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(DARK)
    page.get_by_role("link", name="Glossary").first.click()
    page.wait_for_url("**/glossary.html")
    assert page.evaluate(DARK) and page.get_by_role("button", name="Light").is_visible()


def test_slides_move_by_keys_and_buttons(opened):
    page = opened("slides/07_syncnet")
    at = lambda: page.evaluate("Math.round(content.scrollTop / content.clientHeight)")
    count = page.locator(".slide").count()
    assert count > 15 and at() == 0
    for key, where in (("ArrowRight", 1), ("Space", 2), ("ArrowLeft", 1), ("End", count - 1), ("Home", 0)):
        page.keyboard.press(key)
        assert at() == where, key
    page.get_by_role("button", name="Next slide").click()
    assert at() == 1 and page.url.endswith("#s2")
    page.reload()
    assert at() == 1                                                        # the address remembers the slide


def test_every_chapter_has_slides_that_hold_what_they_show(opened):
    for name in NAMES[:3]:
        page = opened(f"slides/{name}")
        slides = page.locator(".slide").evaluate_all(
            "all => all.map(s => [s.innerText.trim(), !!s.querySelector('img, video, .explorer')])")
        assert len(slides) > 10
        assert [words for words, figure in slides if len(words) < (8 if figure else 20)] == [], name
