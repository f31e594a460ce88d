"""The app as a visitor meets it: Voila serves it, Chromium opens it, a keyboard and a mouse use it.

One visit for all tests of this file, as a visit begins with seconds of loading. Skipped without the extra `app`,
Playwright or a Chromium (TFG_CHROMIUM, or on the path). Screenshots go to build/app.
"""
from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from page_contrast import contrast
from tfg import paths
from tools.browser import CHROMIUM, FLAGS, served

ROOT = Path(__file__).resolve().parents[1]
playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
pytest.importorskip("anywidget", reason="the extra app is not installed")
pytest.importorskip("voila", reason="the extra app is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("app"),
              pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path; TFG_CHROMIUM names one")]
PATIENCE = 180_000                                   # ms; a page and its networks on a busy machine
NAMES = """() => [...document.querySelectorAll(
      ".tfg-app :is(input, select, textarea, button, a, video, canvas, [role])")]
    .filter((e) => e.checkVisibility() && !["status", "alert"].includes(e.role))
    .map((e) => [e.outerHTML.slice(0, 90), (e.getAttribute("aria-label") || e.labels?.[0]?.textContent ||
                 e.textContent || e.querySelector("img")?.alt || "").trim()])"""
CONTRAST = contrast(".tfg-app :is(h1, h2, label, .help, button:enabled, summary, figcaption)")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the app is served, by `tfg app`'s own command."""
    with served(tmp_path_factory.mktemp("voila")) as place:
        yield place


@pytest.fixture(scope="module")
def visit(address):
    """A browser's page with the app open, and what it asked for and complained of."""
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light",
                                      permissions=["microphone", "camera"])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
        page.goto(address)
        page.wait_for_function("document.querySelector('.screen canvas')?.dataset.drawn > 0")
        yield page
        browser.close()


def drawn(page) -> int:
    return int(page.locator(".screen canvas").get_attribute("data-drawn"))


def quiet(page) -> None:
    """Wait until the preview is up to date."""
    page.wait_for_timeout(100)
    page.wait_for_function("!document.querySelector('.screen').hasAttribute('aria-busy')")


def pixels(page) -> list[int]:
    """Grey values of the preview, 32 x 32."""
    return page.evaluate("""() => { const c = document.createElement("canvas"); c.width = c.height = 32;
        const g = c.getContext("2d"); g.drawImage(document.querySelector(".screen canvas"), 0, 0, 32, 32);
        return [...g.getImageData(0, 0, 32, 32).data].filter((_, k) => k % 4 === 1); }""")


def apart(a: list[int], b: list[int]) -> float:
    return sum(abs(x - y) for x, y in zip(a, b)) / len(a)


def test_keys_move_the_pad_and_the_face_follows_at_once(visit):
    calm = pixels(visit)
    pad = visit.get_by_role("slider", name="Emotion and its intensity")
    pad.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", *["ArrowUp"] * 5):
        visit.keyboard.press(key)
        quiet(visit)
    assert pad.get_attribute("aria-valuetext") == "happiness, 100 percent"
    assert visit.get_by_label("Emotion", exact=True).input_value() == "HAP"
    assert apart(calm, pixels(visit)) > 1
    assert float(visit.locator("[data-still-ms]").get_attribute("data-still-ms")) > 0
    visit.keyboard.press("Home")
    quiet(visit)
    assert pad.get_attribute("aria-valuetext") == "neutral" and apart(calm, pixels(visit)) < .5


def test_typed_words_become_a_film(visit):
    from tfg.speech.voice import available

    if available():
        visit.get_by_text("Type", exact=True).click()
        visit.get_by_label("English words").fill("We'll stop in a couple of minutes.")
        visit.get_by_label("English words").blur()
        visit.get_by_text("seconds of sound").wait_for()
    visit.get_by_label("Emotion", exact=True).select_option("HAP")
    visit.get_by_role("button", name="Render").click()
    film = visit.locator(".films video")
    film.wait_for()
    visit.wait_for_function("document.querySelector('.films video').readyState >= 2")
    length, width = visit.evaluate("(v => [v.duration, v.videoWidth])(document.querySelector('.films video'))")
    assert 1 < length < 6 and width == 256 and visit.locator(".alert").inner_text() == ""
    values = visit.evaluate("""async () => { const v = document.querySelector(".films video"); v.currentTime = 1;
        await new Promise((done) => v.addEventListener("seeked", done, { once: true }));
        const c = document.createElement("canvas"); c.width = c.height = 16; const g = c.getContext("2d");
        g.drawImage(v, 0, 0, 16, 16); return [...g.getImageData(0, 0, 16, 16).data]; }""")
    assert max(values[::4]) - min(values[::4]) > 60                  # a picture, not a black field
    assert visit.get_by_role("link", name="Download").get_attribute("download") == "tfg-expression.mp4"
    assert "AI-generated" in visit.locator("figcaption").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name, width, height", [("desktop", 1280, 900), ("phone", 390, 844)])
def test_it_fits_and_can_be_read(visit, name, width, height, scheme):
    visit.emulate_media(color_scheme=scheme)
    visit.set_viewport_size({"width": width, "height": height})
    visit.evaluate("window.scrollTo(0, 0)")
    visit.wait_for_timeout(200)
    folder = ROOT / "build" / "app"
    folder.mkdir(parents=True, exist_ok=True)
    visit.screenshot(path=folder / f"{name}_{scheme}.png", full_page=True)
    assert visit.evaluate("document.documentElement.scrollWidth") <= width
    unreadable = [(text, round(ratio, 1)) for text, ratio in visit.evaluate(CONTRAST) if ratio < 4.5]
    assert not unreadable                                            # WCAG 2.1, AA
    back = visit.evaluate("getComputedStyle(document.querySelector('.tfg-app')).backgroundColor")
    assert (int(back[4:].split(",")[0]) > 128) == (scheme == "light")
    small = visit.evaluate("""() => [...document.querySelectorAll(".tfg-app button")].filter((b) => b.checkVisibility())
        .map((b) => b.getBoundingClientRect()).filter((r) => r.height < 40 || r.width < 40).length""")
    assert small == 0                                                # a finger hits them


def test_every_control_has_a_name_and_the_keyboard_reaches_the_main_ones(visit):
    visit.set_viewport_size({"width": 1280, "height": 900})
    for summary in visit.locator("summary").all():
        summary.evaluate("(s) => { s.parentElement.open = true; }")
    named = visit.evaluate(NAMES)
    assert len(named) > 60 and not [html for html, name in named if not name]
    for summary in visit.locator("summary").all():
        summary.evaluate("(s) => { s.parentElement.open = false; }")
    visit.locator(".preview button").first.focus()
    reached = set()
    for _ in range(40):
        visit.keyboard.press("Tab")
        reached.add(visit.evaluate("(e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent)"
                                   "(document.activeElement)"))
    told = " ".join(filter(None, reached))
    for wanted in ("Your photo", "Take a photo", "Emotion and its intensity", "System and its options", "Render"):
        assert wanted in told, wanted


def test_the_preview_plays_the_words_and_ends_by_itself(visit):
    visit.get_by_text("Example", exact=True).click()
    before = drawn(visit)
    visit.get_by_role("button", name="Play", exact=True).click()
    visit.get_by_role("button", name="Stop", exact=True).wait_for()
    visit.wait_for_function(f"document.querySelector('.screen canvas').dataset.drawn >= {before + 15}")
    visit.get_by_role("button", name="Play", exact=True).wait_for()
    quiet(visit)


def test_the_face_follows_a_microphone(visit):
    before, still = drawn(visit), pixels(visit)
    visit.get_by_role("button", name="Speak live").click()
    visit.wait_for_function(f"document.querySelector('.screen canvas').dataset.drawn >= {before + 30}")
    moved = 0.0
    for _ in range(10):
        visit.wait_for_timeout(100)
        moved = max(moved, apart(still, pixels(visit)))
    visit.get_by_role("button", name="Stop", exact=True).click()
    assert moved > 1 and visit.locator(".alert").inner_text() == ""
    quiet(visit)


def test_a_microphone_that_is_allowed_after_stop_is_closed_again(visit):
    visit.evaluate("""() => { const devices = navigator.mediaDevices, own = devices.getUserMedia.bind(devices);
        devices.getUserMedia = async (what) => { await new Promise((go) => { window.allow = go; });
            devices.getUserMedia = own; return window.lent = await own(what); }; }""")
    visit.get_by_role("button", name="Speak live").click()
    visit.wait_for_function("!!window.allow")
    visit.get_by_role("button", name="Stop", exact=True).click()
    visit.evaluate("window.allow()")
    visit.wait_for_function("window.lent?.getTracks().every((track) => track.readyState === 'ended')")
    quiet(visit)


def test_an_upload_is_never_taken_for_a_page_and_needs_consent(visit, tmp_path):
    wicked = tmp_path / "<img src=x onerror=document.title='broken'>.jpg"
    wicked.write_bytes(paths.data("faces", "portrait_1.jpg").read_bytes())
    box = visit.get_by_label("Your photo, or a film to dub")
    box.set_input_files({"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"#EXTM3U\nfile:///etc/passwd\n"})
    visit.get_by_text("a photo or a film is wanted").wait_for()
    before = pixels(visit)
    box.set_input_files(wicked)
    visit.get_by_text("The photo is there.").wait_for()
    quiet(visit)
    assert apart(before, pixels(visit)) > 5 and visit.title() != "broken"
    assert visit.locator("img[src=x]").count() == 0
    visit.get_by_role("button", name="Render").click()
    visit.get_by_text("needs the sentence of consent").wait_for()
    visit.get_by_label("I have the consent").check()
    visit.get_by_role("button", name="Render").click()
    visit.get_by_role("button", name="Cancel").click()
    visit.get_by_text("Cancelled; nothing was kept.").wait_for()
    box.set_input_files(paths.data("faces", "portrait_2.jpg"))
    visit.get_by_text("The photo is there.").wait_for()
    assert not visit.get_by_label("I have the consent").is_checked()             # other people, another consent
    quiet(visit)


def test_a_very_short_sound_plays(visit, tmp_path):
    from tfg.media.audio import load_audio, write_wav

    write_wav(tmp_path / "short.wav", load_audio(paths.data("audio", "ITH.wav"))[16000:16000 + 7 * 640])
    visit.get_by_text("Upload", exact=True).click()
    visit.get_by_label("A file with sound").set_input_files(tmp_path / "short.wav")
    visit.get_by_text("0.3 seconds of sound.").wait_for()
    visit.get_by_role("button", name="Play", exact=True).click()
    visit.wait_for_function("document.querySelector('.screen audio').played.length > 0")
    visit.get_by_role("button", name="Play", exact=True).wait_for()
    quiet(visit)


def test_cancel_while_a_film_is_searched_for_its_face(visit, tmp_path):
    """That it does not wait for the end of the search is tested in test_app_studio; here, what the visitor sees."""
    import numpy as np
    from PIL import Image

    from conftest import write_frames

    with Image.open(paths.data("faces", "portrait_1.jpg")) as photo:
        face = np.asarray(photo.convert("RGB").resize((512, 512)))
    film = write_frames(tmp_path / "long.mp4", [face] * 300, [k / 25 for k in range(300)])
    visit.get_by_label("Your photo, or a film to dub").set_input_files(film)
    visit.get_by_text("A film: systems that dub").wait_for()
    quiet(visit)
    visit.locator("summary", has_text="System and its options").click()
    visit.get_by_label("System", exact=True).select_option("emogen")
    visit.get_by_label("I have the consent").check()
    visit.get_by_role("button", name="Render").click()
    visit.get_by_text("emogen: looking at the face and listening.").wait_for()
    assert visit.locator("progress").get_attribute("value") == "0"
    visit.get_by_role("button", name="Cancel").click()
    visit.get_by_text("Cancelled; nothing was kept.").wait_for()
    assert visit.locator("progress").is_hidden() and visit.get_by_role("button", name="Render").is_enabled()
    visit.get_by_label("System", exact=True).select_option("expression")
    visit.locator("summary", has_text="System and its options").click()
    visit.locator(".faces button").first.click()
    quiet(visit)


def test_the_benchs_numbers_are_of_what_is_on_the_screen(visit):
    """`python -m tools.bench app` measures these on free cores; here it is only seen that they are measured."""
    from tools.bench.app import moving, stills

    took = stills(visit, "Jaw open", (.2, .9, .4))
    assert 0 < took["median_ms"] <= took["slowest_ms"] < 60_000
    shown = moving(visit, "Speak live", 6)
    assert shown["frames"] == 6 and 0 < shown["frames/s"] < 500 and shown["slowest_ms"] >= 1000 / shown["frames/s"] - 1
    for summary in visit.locator("summary").all():
        summary.evaluate("(s) => { s.parentElement.open = false; }")
    quiet(visit)


def test_another_visitor_has_a_folder_of_their_own_which_goes_when_the_page_is_closed(visit, address):
    from tfg.files import private_folder

    def folders() -> set[Path]:
        return {p for p in private_folder("tfg-app").iterdir() if p.is_dir()}

    before = folders()
    other = visit.context.new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(address)
    other.locator(".tfg-app").wait_for()
    new = folders() - before
    assert len(before) >= 1 and len(new) == 1
    other.goto("about:blank")
    for _ in range(100):
        if not new & folders():
            break
        visit.wait_for_timeout(200)
    assert not new & folders() and before <= folders()


def test_nothing_was_asked_of_another_machine_and_nothing_complained(visit, address):
    own = ("data:", "blob:", address, address.replace("http", "ws"))
    assert [url for url in visit.asked if not url.startswith(own)] == []
    assert visit.complaints == []


def test_the_files_of_the_visit_cannot_be_had_by_address(address):
    for path in ("voila/files/notebooks/app.ipynb", "files/app.ipynb", "voila/files/../pyproject.toml"):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(address + path, timeout=20)

