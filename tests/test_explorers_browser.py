"""Every explorer of every chapter as a learner meets it: JupyterLab and Voila show it, Chromium opens it, keys move it.

A chapter's explorers stand in a notebook of their own, with the statements that they depend on (`tools.explorers`), in
the profile ci. Skipped without JupyterLab, Voila, Playwright or a Chromium (TFG_CHROMIUM, or on the path). Screenshots
go to build/screens.
"""
from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import explorer_books
from tools import explorers

ROOT = Path(__file__).resolve().parents[1]
SCREENS = ROOT / "build" / os.environ.get("TFG_SCREENS", "screens")
CHROMIUM = os.environ.get("TFG_CHROMIUM") or next(filter(None, map(shutil.which, (
    "chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
pytest.importorskip("jupyterlab", reason="the extra course is not installed")
pytest.importorskip("voila", reason="the extra app is not installed")
pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path; TFG_CHROMIUM names one")]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--autoplay-policy=no-user-gesture-required"]
PATIENCE = int(os.environ.get("TFG_PATIENCE_S", "120")) * 1000       # ms; a chapter's cells, on a busy machine
FRONTENDS = ("lab", "voila")
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
# What a panel shows: how often it was drawn, and its pictures, films and sounds.
SHOWN = """panel => [+panel.querySelector("[data-drawn]").dataset.drawn,
    [...panel.querySelectorAll(".tfg-page :is(img, video, audio, source)")].map(e => e.src).join()]"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells
    .flatMap(cell => cell.outputs || []).filter(out => out.output_type === "error").map(out => out.evalue)"""
CUT_OFF = """panel => [...panel.querySelectorAll("label, .widget-readout, select, img, video, .noUi-base, .ui-slider")]
    .filter(e => e.checkVisibility() && (e.scrollWidth > e.clientWidth + 1 && e.matches("label")
                 || e.getBoundingClientRect().right > innerWidth + 1)).map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """A folder with a notebook for each chapter."""
    folder = tmp_path_factory.mktemp("books")
    for chapter in explorers.CHAPTERS:
        explorer_books.write(folder, chapter)
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
    """Function of a frontend and a chapter: the page with all cells run, and its panels."""
    contexts = []

    def open_chapter(frontend: str, chapter: str):
        address = request.getfixturevalue(frontend)
        context = browser.new_context(viewport=SIZES["wide"], color_scheme="light")
        contexts.append(context)
        context.route(lambda url: not url.startswith((address, address.replace("http", "ws"), "data:", "blob:")),
                      lambda route: route.abort())            # fonts and formulas that pages would fetch from elsewhere
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda line: page.complaints.append(f"{line.text} {line.location.get('url')}")
                if line.type == "error" and line.location.get("url", "").startswith(address) else None)
        wanted = [name for cell in explorers.excerpt(chapter) if (name := explorers.name_in(cell))]
        (run_in_lab if frontend == "lab" else run_in_voila)(page, address, chapter[:2], len(wanted))
        panels = page.locator(".tfg-panel").all()
        assert len(panels) == len(wanted)
        return page, dict(zip(numbered(wanted), panels))

    yield open_chapter
    for context in contexts:
        for page in context.pages:
            if page.evaluate("!!window.jupyterapp"):
                page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
        context.close()


def numbered(names: list[str]) -> list[str]:
    """The names, a number behind those that were there before."""
    return [name + (f" {names[:k].count(name) + 1}" if name in names[:k] else "") for k, name in enumerate(names)]


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


def move(page, panel, control) -> None:
    """Move a control by the keyboard until another picture comes: some coefficients or frames look alike."""
    first = now = panel.evaluate(SHOWN)
    tag = control.evaluate("e => e.tagName")
    control.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
        if tag == "INPUT":
            page.keyboard.press("Space")
        elif tag == "SELECT":
            count, at = control.evaluate("e => [e.options.length, e.selectedIndex]")
            control.select_option(index=(at + 1) % count)
        else:
            value = control.evaluate("e => e.getAttribute('aria-valuenow') ?? e.style.left")
            page.keyboard.press(key)
            if control.evaluate("e => e.getAttribute('aria-valuenow') ?? e.style.left") == value:
                continue                                     # at its end
        now = drawn(page, panel, now)
        if now[1] != first[1]:
            return
    raise AssertionError(f"nothing changed: {panel.inner_text()}")


@pytest.mark.parametrize("chapter", explorers.CHAPTERS)
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_every_control_of_every_explorer_changes_the_picture(opened, frontend, chapter):
    page, panels = opened(frontend, chapter)
    for name, panel in panels.items():
        panel.scroll_into_view_if_needed()
        found = controls(panel)
        assert found, name
        for control in found[:5]:                            # one explorer has a slider for each of 17 units
            move(page, panel, control)
        assert "Traceback" not in panel.inner_text(), f"{name}: {panel.inner_text()}"
    look(page, panels, frontend, chapter)
    assert page.complaints == []


def look(page, panels: dict, frontend: str, chapter: str) -> None:
    """Screenshots, and nothing is cut off: wide and light, narrow and dark."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for size, scheme in (("wide", "light"), ("phone", "dark")):
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        if frontend == "voila":
            page.screenshot(path=SCREENS / f"{frontend}_{chapter[:2]}_{size}_{scheme}.png", full_page=True)
        for name, panel in panels.items():
            panel.scroll_into_view_if_needed()
            if frontend == "lab":
                panel.screenshot(path=SCREENS / f"{frontend}_{chapter[:2]}_{name}_{size}_{scheme}.png")
            assert panel.evaluate(CUT_OFF) == [], f"{name}, {size}"
