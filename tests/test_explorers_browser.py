"""Every explorer of every chapter as a learner meets it: JupyterLab and Voila show it, Chromium opens it, keys move it.

Half of the chapters stand in one notebook, their explorers and what these depend on (`tools.explorers`), in the profile
ci. JupyterLab is met in a wide, light window, Voila on a phone's, dark. Skipped without JupyterLab, Voila, Playwright
or a Chromium (TFG_CHROMIUM, or on the path). Screenshots go to build/screens.
"""
from __future__ import annotations

import os
from pathlib import Path

import pytest

import explorer_books
from tools import explorers
from tools.browser import CHROMIUM

ROOT = Path(__file__).resolve().parents[1]
SCREENS = ROOT / "build" / os.environ.get("TFG_SCREENS", "screens")
playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
pytest.importorskip("jupyterlab", reason="the extra course is not installed")
pytest.importorskip("voila", reason="the extra app is not installed")
pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path; TFG_CHROMIUM names one")]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--autoplay-policy=no-user-gesture-required"]
PATIENCE = int(os.environ.get("TFG_PATIENCE_S", "240")) * 1000       # ms, for the cells of half of the chapters
FRONTENDS = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("lab", "voila")]
LOOKS = {"lab": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
         "voila": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}}
MIDDLE = len(explorers.CHAPTERS) // 2
HALVES = {"first": explorers.CHAPTERS[:MIDDLE], "second": explorers.CHAPTERS[MIDDLE:]}
SLOW = """import time
from types import SimpleNamespace
from tfg.course import explore

def slow(k):
    time.sleep(.6)
    return SimpleNamespace(_repr_html_=lambda: f"<img alt='' src='data:,{k}'>number {k}")

explore.sliders(slow, k=(0, 20, 1, 0))"""
# What a panel shows: how often it was drawn, and its pictures, films and sounds.
SHOWN = """panel => [+panel.querySelector("[data-drawn]").dataset.drawn,
    [...panel.querySelectorAll(".tfg-page :is(img, video, audio, source)")].map(e => e.src).join()]"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells
    .flatMap(cell => cell.outputs || []).filter(out => out.output_type === "error").map(out => out.evalue)"""
NO_FORMULAS = "reading 'Queue'"                      # Voila 0.4 without MathJax, which is on another server
# On a phone a wide figure may be moved sideways in its box.
CUT_OFF = """panel => [...panel.querySelectorAll("label, .widget-readout, select, img, video, .noUi-base, .ui-slider")]
    .filter(e => e.checkVisibility() && (e.matches("label") && e.scrollWidth > e.clientWidth + 1
        || (e.matches("img") && innerWidth < 600 ? e.closest(".widget-html-content") : e).getBoundingClientRect().right
           > innerWidth + 1)).map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """A folder with the notebooks: one for each half of the course, whose chapters share a kernel, and a slow one."""
    folder = tmp_path_factory.mktemp("books")
    for half, chapters in HALVES.items():
        explorer_books.write(folder / f"{half}.ipynb", [explorer_books.alone(chapter, source) for chapter in chapters
                                                        for source in explorers.excerpt(chapter)])
    explorer_books.write(folder / "slow.ipynb", [SLOW])
    return folder


@pytest.fixture(scope="module")
def lab(books):
    with explorer_books.served("lab", books) as address:
        yield address


@pytest.fixture(scope="module")
def voila(books):
    with explorer_books.served("voila", books) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(request, browser):
    """Function of a frontend, a notebook and the number of its explorers: the page with all cells run, its panels."""
    contexts = []

    def open_book(frontend: str, book: str, wanted: int):
        address = request.getfixturevalue(frontend)
        context = browser.new_context(**LOOKS[frontend])
        contexts.append(context)
        context.route(lambda url: not url.startswith((address, address.replace("http", "ws"), "data:", "blob:")),
                      lambda route: route.abort())            # fonts and formulas that pages would fetch from elsewhere
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error))
                if NO_FORMULAS not in str(error) else None)
        page.on("console", lambda line: page.complaints.append(f"{line.text} {line.location.get('url')}")
                if line.type == "error" and line.location.get("url", "").startswith(address) else None)
        (run_in_lab if frontend == "lab" else run_in_voila)(page, address, book, wanted)
        return page, page.locator(".tfg-panel").all()

    yield open_book
    for context in contexts:
        for page in context.pages:
            if page.evaluate("!!window.jupyterapp"):
                page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
        context.close()


def run_in_lab(page, address: str, book: str, panels: int) -> None:
    """Open a notebook in JupyterLab and run all of its cells, by the command of its menu."""
    page.goto(f"{address}doc/tree/{book}.ipynb")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'")
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    assert page.evaluate(ERRORS) == []
    page.wait_for_function(f"document.querySelectorAll('.tfg-panel [data-drawn]').length === {panels}")


def run_in_voila(page, address: str, book: str, panels: int) -> None:
    """Open a notebook in Voila, which runs it."""
    page.goto(f"{address}voila/render/{book}.ipynb")
    page.wait_for_function(f"""document.querySelectorAll('.tfg-panel [data-drawn]').length === {panels} ||
                               document.body.innerText.includes('Traceback')""")
    assert "Traceback" not in page.inner_text("body"), page.inner_text("body")[-2000:]


def controls(panel) -> list:
    """What takes the keys: handles of sliders (of ipywidgets 8 and 7), menus and boxes to tick."""
    return panel.locator(".noUi-handle, .ui-slider-handle, select, input[type=checkbox]").all()


def drawn(page, panel, before) -> list:
    """What the panel shows once it was drawn again."""
    handle = panel.element_handle()
    page.wait_for_function(f"([panel, count]) => ({SHOWN})(panel)[0] > count", arg=[handle, before[0]])
    page.wait_for_function("panel => !panel.querySelector('.tfg-sign')", arg=handle)
    return panel.evaluate(SHOWN)


def move(page, panel, control) -> str:
    """Move a control by the keyboard until another picture comes: some coefficients or frames look alike.  Returns what
    is wrong, "" if nothing."""
    first = now = panel.evaluate(SHOWN)
    tag = control.evaluate("e => e.tagName")
    place = "e => e.closest('.widget-slider, .widget-inline-hbox').querySelector('.widget-readout').textContent"
    control.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
        if tag == "INPUT":
            page.keyboard.press("Space")
        elif tag == "SELECT":
            count, at = control.evaluate("e => [e.options.length, e.selectedIndex]")
            control.select_option(index=(at + 1) % count)
        else:
            value = control.evaluate(place)
            page.keyboard.press(key)
            if control.evaluate(place) == value:
                continue                                     # at its end
        now = drawn(page, panel, now)
        if "Traceback" in panel.inner_text():
            return panel.inner_text()
        if now[1] != first[1]:
            return ""
    return f"nothing changes with {control.evaluate('e => e.outerHTML')[:200]}"


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_every_control_of_every_explorer_changes_the_picture(opened, frontend, half):
    wanted = [f"{chapter[:2]} {name}" for chapter in HALVES[half] for cell in explorers.excerpt(chapter)
              if (name := explorers.name_in(cell))]
    page, panels = opened(frontend, half, len(wanted))
    SCREENS.mkdir(parents=True, exist_ok=True)
    wrong = []
    for k, (name, panel) in enumerate(zip(wanted, panels)):
        panel.scroll_into_view_if_needed()
        found = controls(panel)
        for control in found[:5]:                            # one explorer has a slider for each of 17 units
            wrong += [f"{name}: {why}"] if (why := move(page, panel, control)) else []
        wrong += [] if found else [f"{name} has no controls"]
        wrong += [f"{name} is cut off: {part}" for part in panel.evaluate(CUT_OFF)]
        panel.screenshot(path=SCREENS / f"{name.replace(' ', '_')}_{k}_{frontend}.png")
    assert wrong == [] and page.complaints == []


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_a_slow_explorer_says_so_and_answers_the_last_move_alone(opened, frontend):
    page, (panel,) = opened(frontend, "slow", 1)
    controls(panel)[0].focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(50)
    page.wait_for_function("""panel => { const sign = panel.querySelector(".tfg-sign");        // after .25 s
        return sign && getComputedStyle(sign).visibility === "visible" && panel.querySelector(".tfg-old"); }""",
                           arg=panel.element_handle())
    panel.get_by_text("number 8", exact=True).wait_for()
    page.wait_for_function("panel => !panel.querySelector('.tfg-sign')", arg=panel.element_handle())
    assert panel.evaluate(SHOWN)[0] <= 5                     # the first, and at most every other move
    assert not panel.locator(".tfg-page").evaluate("e => e.classList.contains('tfg-old')")
    assert page.complaints == []
