"""The page of a study as a participant meets it: opened from the disk in Chromium, answered by keyboard, saved as CSV.

Skipped without Playwright or a Chromium (TFG_CHROMIUM, or on the path). Screenshots go to build/study-shots.
"""
from __future__ import annotations

import csv
from pathlib import Path

import pytest

from page_contrast import contrast
from study_people import key_of, page_data, write_films
from tfg.scores.study.answers import read
from tfg.scores.study.make import make
from tools.browser import CHROMIUM, FLAGS

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT / "build" / "study-shots"
playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("study"),
              pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path; TFG_CHROMIUM names one")]
PATIENCE = 60_000                                    # ms, on a busy machine
CONTRAST = contrast("h1, p, label, legend, figcaption, button:enabled")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_films(folder / "clips", ("good", "fair", "poor"), 3, size=96)
    make(folder / "clips", folder / "study", question=("real", "emotion"), pairs_per_person=4, checks=2, repeats=1,
         no_difference=True, contact="Questions: lab@example.org")
    return folder / "study"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        got = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield got
        got.close()


@pytest.fixture
def visit(browser, study):
    """A participant's browser with nothing kept in it, and what it asked for and complained of."""
    context = browser.new_context(viewport={"width": 1100, "height": 860}, color_scheme="light", accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
    page.address = (study / "page" / "index.html").as_uri()
    yield page
    context.close()


def begin(page, who: str = "?participant=3") -> None:
    page.goto(page.address + who)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Begin").click()
    page.locator("#trial").wait_for()


def said(page, side: str, word: str) -> None:
    """Wait for the word under a film. (The page forbids eval, and so Playwright's wait_for_function.)"""
    playwright.expect(page.locator(f"#state-{side}")).to_have_text(word, timeout=PATIENCE)


def play_both(page) -> None:
    for key, side in (("1", "left"), ("2", "right")):
        page.keyboard.press(key)
        said(page, side, "played")


def test_a_visit_by_keyboard_ends_with_a_file_that_can_be_analysed(visit, study, tmp_path):
    visit.goto(visit.address + "?participant=3")
    assert "generated" in visit.locator(".notice").inner_text() and visit.locator("#count").inner_text() == "7"
    assert "lab@example.org" in visit.locator("#contact").inner_text()
    visit.get_by_role("button", name="Begin").click()
    assert visit.locator("#trial").is_hidden()                       # not without the consent
    begin(visit)
    trials = visit.evaluate("study.trials")
    assert visit.evaluate("study.trialsOf('3')") == trials and visit.evaluate("study.trialsOf('4')") != trials
    for n, trial in enumerate(trials):
        assert visit.locator("#place").inner_text() == f"Pair {n + 1} of 7"
        assert visit.locator("#left").get_attribute("src") == f"films/{trial['left']}"
        assert visit.get_by_role("button", name="Next").is_disabled()
        if n == 0:
            visit.keyboard.press("1")
            said(visit, "left", "played")
            assert visit.get_by_role("radio").first.is_disabled()    # one film is not enough
        play_both(visit)
        assert visit.evaluate("document.activeElement.type") == "radio"
        visit.keyboard.press("Space")
        visit.keyboard.press("ArrowRight" if n % 2 else "ArrowLeft")      # radios: the next, or round to the last
        visit.keyboard.press("Enter")
        assert visit.locator("#place").inner_text() == f"Pair {n + 1} of 7"        # the second question is open
        visit.locator("fieldset").nth(1).get_by_label("Film A").check()
        if n == 2:                                                   # a closed page goes on where it was
            visit.keyboard.press("Enter")
            begin(visit)
            assert visit.locator("#place").inner_text() == "Pair 4 of 7"
            continue
        visit.keyboard.press("Enter")
    with visit.expect_download() as got:
        visit.get_by_role("button", name="Save answers").click()
    assert got.value.suggested_filename.startswith("answers_3_")
    path = tmp_path / "answers.csv"
    got.value.save_as(path)
    assert visit.evaluate("Object.keys(localStorage).filter((k) => k.includes('answers')).length") == 0
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 14 and {r["page"] for r in rows} == {page_data(study)["page"]}
    assert [r["answer"] for r in rows if r["question"] == "real"] == ["right", "none"] * 3 + ["right"]
    assert all(float(r["seconds"]) > 1.2 for r in rows) and sum(r["check"] == "broken" for r in rows) == 4
    got = read([path], study / "key.csv", 0)
    assert got.people == ["3"] and got.checks["3"][1] == 4 and len(got.repeated) == 2
    assert visit.complaints == [] and all(url.startswith(("file:", "blob:", "data:")) for url in visit.asked)


def test_jumping_to_the_end_and_silence_do_not_count(visit):
    begin(visit)
    for setup, word in (("film.currentTime = film.duration - .02", "play all of it"),
                        ("film.muted = true", "play it with sound")):
        visit.evaluate(f"() => {{ const film = document.getElementById('left'); {setup}; film.play(); }}")
        said(visit, "left", word)
    assert visit.get_by_role("button", name="Next").is_disabled()


def test_a_film_that_cannot_be_played_can_be_skipped(visit):
    visit.route("**/films/*.mp4", lambda route: route.abort())
    begin(visit)
    visit.evaluate("document.getElementById('left').src = 'films/none.mp4'")
    visit.get_by_role("button", name="Skip this pair").click()
    assert visit.locator("#place").inner_text() == "Pair 2 of 7"
    with visit.expect_download() as got:
        visit.get_by_role("button", name="Stop and save").click()
    assert "not_played" in Path(got.value.path()).read_text()


def test_order_and_sides_are_each_participants_own(visit, study):
    visit.goto(visit.address)
    who = visit.locator("#participant").inner_text()
    visit.reload()
    assert visit.locator("#participant").inner_text() == who and who.startswith("p")     # drawn once, then kept
    data, key = page_data(study), key_of(study)
    firsts, mirrored = set(), 0
    for number in range(24):
        trials = visit.evaluate(f"study.trialsOf('{number}')")
        plain = [t for t in trials if not t["check"]]
        sheet = {tuple(p) for p in data["sheets"][number]}
        turned = {(t["clip"], t["right"], t["left"]) for t in plain} == sheet
        assert turned or {(t["clip"], t["left"], t["right"]) for t in plain} == sheet
        mirrored += turned
        firsts.add((trials[0]["left"], trials[0]["right"]))
        broken = [t for t in trials if t["check"] == "broken"]
        assert sum(bool(key[t["left"]]["kind"]) for t in broken) == 1 and len(broken) == 2       # one on each side
        again = next(k for k, t in enumerate(trials) if t["check"] == "repeat")
        first = next(k for k, t in enumerate(trials) if not t["check"]
                     and (t["left"], t["right"]) == (trials[again]["right"], trials[again]["left"]))
        assert again - first >= 2
    assert len(firsts) > 8 and 5 <= mirrored <= 19


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name, width, height", [("desktop", 1100, 860), ("phone", 390, 844)])
def test_it_fits_can_be_read_and_touched(visit, name, width, height, scheme):
    visit.emulate_media(color_scheme=scheme)
    visit.set_viewport_size({"width": width, "height": height})
    SHOTS.mkdir(parents=True, exist_ok=True)
    visit.goto(visit.address + "?participant=3")
    visit.screenshot(path=SHOTS / f"welcome_{name}_{scheme}.png", full_page=True)
    unreadable = [(t, round(r, 1)) for t, r in visit.evaluate(CONTRAST) if r < 4.5]
    begin(visit)
    play_both(visit)
    visit.get_by_label("Film B").nth(1).check()
    visit.screenshot(path=SHOTS / f"pair_{name}_{scheme}.png", full_page=True)
    assert visit.evaluate("document.documentElement.scrollWidth") <= width
    unreadable += [(t, round(r, 1)) for t, r in visit.evaluate(CONTRAST) if r < 4.5]
    assert not unreadable                                            # WCAG 2.1, AA
    small = visit.evaluate("""() => [...document.querySelectorAll("button, .choices label")]
        .filter((b) => b.checkVisibility() && b.getBoundingClientRect().height < 44).length""")
    assert small == 0                                                # a finger hits them
    left, right = (visit.locator(f"#{s}").bounding_box() for s in ("left", "right"))
    assert (right["y"] > left["y"] + 50) == (name == "phone") and (right["x"] > left["x"] + 50) == (name == "desktop")
