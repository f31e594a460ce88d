"""The static page as a visitor meets it: build/web, served as any static host does, opened in Chromium.

One visit for most tests, as a visit begins with seconds of loading. Skipped without Playwright, a Chromium
(TFG_CHROMIUM, or on the path) or a built page (`make web`). Screenshots go to build/web-shots.
"""
from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import io
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tfg import paths
from tfg.media.audio import load_audio, mel_spectrogram
from tfg.speech.features import speech_mean
from tfg.vocabulary import EXPRESSION, index
from tools.browser import CHROMIUM

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "build" / "web"
SHOTS = ROOT / "build" / "web-shots"
playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("web"),
              pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path; TFG_CHROMIUM names one"),
              pytest.mark.skipif(not (PAGE / "index.html").is_file(), reason="no page in build/web: make web")]
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
         "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
         f"--use-file-for-fake-audio-capture={paths.data('audio', 'ITH.wav')}"]
PATIENCE_S = 120                                     # a page and its networks on a busy machine
NOTE = "Created TensorFlow Lite XNNPACK delegate"    # MediaPipe writes this note where errors go
FACE_DISTANCE = 1.0
"""Mean difference from Python's frames in the face, of 255 grey levels, that is allowed; measured: .11 to .33."""
NAMES = """() => [...document.querySelectorAll(
      ".tfg-app :is(input, select, textarea, button, a, video, canvas, [role])")]
    .filter((e) => e.checkVisibility() && !["status", "alert"].includes(e.role))
    .map((e) => [e.outerHTML.slice(0, 90), (e.getAttribute("aria-label") || e.labels?.[0]?.textContent ||
                 e.textContent || e.querySelector("img")?.alt || "").trim()])"""


@pytest.fixture(scope="module")
def address():
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=PAGE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        yield tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def until(page, condition: str) -> None:
    """Wait until JavaScript is true. The page forbids Playwright's own way, which evaluates text inside it."""
    eventually(page, lambda: page.evaluate(condition), condition)


def eventually(page, true, what: str = "it") -> None:
    """Wait until a function of no argument is true.  what: its name in the error."""
    stop = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > stop:
            said = page.locator(".alert, .status").all_inner_texts()
            done = page.locator("progress").first.get_attribute("value")
            raise AssertionError(f"{what} is not so after {PATIENCE_S} s; the page says: {said}, progress {done}, "
                                 f"{page.complaints}")
        page.wait_for_timeout(100)


@contextlib.contextmanager
def opened(browser, address, **how):
    """A visit with the page ready, and what it asked for and complained of."""
    context = browser.new_context(permissions=["microphone"], accept_downloads=True, **how)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: page.complaints.append(line.text)
            if line.type == "error" and NOTE not in line.text else None)
    page.add_init_script("""{ const devices = navigator.mediaDevices, own = devices.getUserMedia.bind(devices);
        devices.getUserMedia = async (what) => window.lent = await own(what); }""")       # to see whether it is closed
    page.goto(address)
    until(page, "window.page?.ready === true")
    yield page
    context.close()


@pytest.fixture(scope="module")
def visit(browser, address):
    with opened(browser, address, viewport={"width": 1280, "height": 900}, color_scheme="light") as page:
        yield page


def quiet(page) -> None:
    until(page, "page.state.busy === 0 && !page.state.playing")


def shown(page) -> np.ndarray:
    """The canvas: (h, w, 3) float."""
    from PIL import Image

    found = page.evaluate("document.querySelector('.screen canvas').toDataURL('image/png')")
    picture = Image.open(io.BytesIO(base64.b64decode(found.split(",")[1]))).convert("RGB")
    return np.asarray(picture, float)


def choose_face(page, number: int) -> None:
    page.locator(".faces button").nth(number).click()
    until(page, f"document.querySelectorAll('.faces button')[{number}].getAttribute('aria-pressed') === 'true'")
    quiet(page)


def shot(page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


# ---- what is computed is what Python computes ------------------------------------------------------------------
def test_the_mel_spectrogram_is_pythons(visit):
    sound = load_audio(paths.data("audio", "ITH.wav"))
    mel = mel_spectrogram(sound)
    found = visit.evaluate("""(samples) => { const { mel, mean } = page.networks.hear(Float32Array.from(samples));
        return [[...mel.data], [...mean], mel.columns]; }""", sound.tolist())
    assert found[2] == mel.shape[1]
    assert np.abs(np.reshape(found[0], (-1, 80)).T - mel).max() < 1e-3          # of 8 units
    assert np.abs(np.array(found[1]) - speech_mean(mel)[:, 0]).max() < 1e-3


@pytest.mark.parametrize("emotion", ["NEU", "HAP", "SAD"])
def test_the_motion_of_a_sound_is_pythons(visit, emotion):
    """All but blinks and glances, whose random numbers are the page's own."""
    from tfg.systems.base import Speech
    from tfg.systems.expression.act import act

    sound = load_audio(paths.data("audio", "ITH.wav"))
    found = visit.evaluate("""async ([samples, emotion]) => {
        const wish = { emotion, intensity: .8, style: 0, motion: 1, blink: false, glance: false, seed: 0 };
        const speech = await page.act.listen(page.networks, page.state.portrait, Float32Array.from(samples), wish);
        const { expression, pose } = await page.act.perform(page.networks, page.state.portrait, speech, wish);
        return [[...expression], [...pose], [...page.state.portrait.personal(new Float32Array(52))]]; }""",
                           [sound.tolist(), emotion])
    true = act(Speech(sound), neutral=np.array(found[2], np.float32), emotion=emotion, intensity=.8, blink=False,
               expnet=paths.data("expnet"))
    expression, pose = np.reshape(found[0], (-1, len(EXPRESSION))), np.reshape(found[1], (-1, 6))
    heard = np.setdiff1d(np.arange(len(EXPRESSION)), index("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut"))
    assert expression.shape == true.expression.shape and np.ptp(expression[:, EXPRESSION.index("jawOpen")]) > .1
    assert np.abs(expression - true.expression)[:, heard].max() < 2e-3
    assert np.abs(true.pose).max() > 1 and np.abs(pose - true.pose).max() < .02     # degrees


def test_a_stream_is_pythons(visit):
    """Sound that arrives in pieces: speech, emotion and head of each frame, without blinks and glances."""
    from tfg.systems.expression.live import LiveMotion
    from tfg.systems.expression.options import ExpressionOptions

    sound = load_audio(paths.data("audio", "ITH.wav"))
    found = visit.evaluate("""async (samples) => {
        const wish = { emotion: "HAP", intensity: .8, style: 3, motion: 1, blink: false, glance: false, seed: 0 };
        const neutral = page.state.portrait.personal(new Float32Array(52)), out = [];
        const live = new page.act.LiveMotion(page.networks, neutral, () => wish);
        for (let k = 0; k < samples.length; k += 1000) {
            live.hear(samples.slice(k, k + 1000));
            while (live.ready) {
                const { expression, pose } = await live.step();
                out.push([[...expression], [...pose]]);
            }
        }
        return [out, [...neutral]]; }""", sound.tolist())
    true = LiveMotion(np.array(found[1], np.float32), ExpressionOptions(
        emotion="HAP", intensity=.8, pose_style=3, blink=False))
    true.hear(sound)
    heard = np.setdiff1d(np.arange(len(EXPRESSION)), index("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut"))
    assert len(found[0]) == true.ready > 60
    for expression, pose in found[0]:
        wanted, turned = true.step()
        assert np.abs(expression - wanted)[heard].max() < 2e-3 and np.abs(pose - turned).max() < .02


@pytest.mark.parametrize("number, name", list(enumerate(
    ["default", "portrait_1", "portrait_2", "portrait_3"])))
def test_frames_are_pythons(visit, number, name):
    """The same motion drawn by WebGL and by Python, each with its own landmarks, fit and mesh."""
    from tfg.head.portrait import Portrait
    from tfg.media.video import read_image
    from tfg.systems.base import Speech
    from tfg.systems.expression.act import act

    choose_face(visit, number)
    true = Portrait.from_image(read_image(paths.data("faces", f"{name}.jpg")))
    motion = act(Speech(load_audio(paths.data("audio", "DFA.wav"))), emotion="HAP",
                 neutral=true.personal(np.zeros(len(EXPRESSION), np.float32)))
    visit.evaluate("""() => { const { pixels, found } = page.state.photo;
        page.state.portrait = page.makePortrait(page.assets, pixels, found, 256);
        page.drawing.load(page.state.portrait); }""")
    low, high = (f(true.landmarks[:, :2] - true.window[:2], 0).astype(int) for f in (np.min, np.max))
    face = np.s_[low[1]:high[1], low[0]:high[0]]
    rest = true.render(true.personal(np.zeros(len(EXPRESSION))))
    for t in (12, 22, 30):
        expression, pose = true.personal(np.clip(motion.expression[t], 0, 1)), motion.pose[t]
        visit.evaluate("([e, p]) => page.drawing.draw(Float32Array.from(e), Float64Array.from(p))",
                       [expression.tolist(), pose.tolist()])
        frame = true.render(expression, pose)
        apart = np.abs(shown(visit) - frame)
        assert np.abs(frame.astype(float) - rest)[face].mean() > 3 * FACE_DISTANCE      # what moves is much more
        assert apart[face].mean() < FACE_DISTANCE and apart.mean() < FACE_DISTANCE, (name, t)


# ---- what a visitor does ---------------------------------------------------------------------------------------
def test_the_face_speaks_with_the_sound(visit):
    choose_face(visit, 1)
    visit.get_by_label("A sentence", exact=True).select_option(label="I think I have a doctor's appointment")
    until(visit, "document.querySelector('.status').textContent.startsWith('3.0 seconds')")
    quiet(visit)
    visit.evaluate("""() => { const own = page.drawing.draw, small = document.createElement("canvas");
        const g = small.getContext("2d", { willReadFrequently: true });
        small.width = small.height = 32;
        window.seen = [];
        page.drawing.draw = function (...how) {
            const heard = page.state.playing?.heard();          // before a slow machine's drawing
            own.apply(this, how);
            if (heard === undefined) return;
            g.drawImage(this.canvas, 0, 0, 32, 32);
            const grey = [...g.getImageData(0, 0, 32, 32).data].filter((_, k) => k % 4 === 1);
            seen.push([heard, page.state.frame, grey]);
        }; }""")
    visit.get_by_role("button", name="Play", exact=True).click()
    until(visit, "seen.length > 0")
    quiet(visit)
    seen = visit.evaluate("delete page.drawing.draw && seen")
    jaw = visit.evaluate("[...Array(page.state.motion.T).keys()].map((t) => page.state.motion.expression[52 * t + 24])")
    times, frames, pictures = (np.array(column, float) for column in zip(*seen))
    assert len(jaw) == 74 and np.ptp(jaw) > .1
    assert len(seen) >= 3 and (np.diff(frames) > 0).all() and np.ptp(frames) > 10
    assert np.median(np.abs(times - (frames + .5) / 25)) < .06                      # seconds: in step with the sound
    assert np.abs(pictures - pictures[0]).mean(1).max() > .3
    assert visit.locator(".alert").inner_text() == ""


def test_keys_move_the_pad_and_the_face_follows(visit):
    choose_face(visit, 2)
    calm = shown(visit)
    pad = visit.get_by_role("slider", name="Emotion and its intensity")
    pad.focus()
    for key in ("ArrowRight", *["ArrowUp"] * 5):
        visit.keyboard.press(key)
    assert pad.get_attribute("aria-valuetext") == "anger, 100 percent"
    eventually(visit, lambda: np.abs(shown(visit) - calm).mean() > 1)
    shot(visit, "wide_light")
    visit.keyboard.press("Home")
    eventually(visit, lambda: np.abs(shown(visit) - calm).mean() < .3)


def test_an_own_photo_and_voice_need_the_sentence_of_consent(visit):
    from tfg.app.studio import CONSENT

    visit.get_by_label("Your photo").set_input_files(paths.data("faces", "portrait_3.jpg"))
    until(visit, "page.state.ownFace")
    quiet(visit)
    assert visit.locator(".row.check label", has_text="consent").inner_text().strip() == CONSENT
    visit.get_by_role("button", name="Make the film").click()
    visit.get_by_text("needs the sentence of consent").wait_for()
    assert visit.evaluate("!page.film")
    visit.get_by_label("I have the consent").check()
    visit.get_by_role("button", name="Play", exact=True).click()
    until(visit, "page.state.playing !== null")
    visit.get_by_role("button", name="Stop", exact=True).click()
    quiet(visit)
    visit.get_by_label("Your photo").set_input_files(paths.data("faces", "portrait_2.jpg"))
    until(visit, "page.state.busy > 0")
    quiet(visit)
    assert not visit.get_by_label("I have the consent").is_checked()                # other people, another consent


def test_the_microphone_is_heard_and_closed(visit):
    choose_face(visit, 0)
    visit.get_by_role("button", name="Record", exact=True).click()
    until(visit, "!!page.state.recording")
    visit.wait_for_timeout(1500)
    visit.get_by_role("button", name="Stop recording").click()
    until(visit, "page.state.ownVoice")
    quiet(visit)
    assert "your recording" in visit.locator(".status").inner_text()
    assert visit.evaluate("window.lent.getTracks().every((track) => track.readyState === 'ended')")
    assert visit.evaluate("page.state.words.length") > 16000 and visit.evaluate("Math.max(...page.state.words)") > .01
    visit.get_by_label("I have the consent").check()
    visit.get_by_role("button", name="Play", exact=True).click()
    until(visit, "page.state.playing && page.state.frame > 3")
    quiet(visit)


def test_who_speaks_live_sees_the_face_follow(visit):
    choose_face(visit, 0)
    calm = shown(visit)
    visit.get_by_role("button", name="Speak live").click()
    until(visit, "page.state.live?.frames > 20")
    eventually(visit, lambda: np.abs(shown(visit) - calm).mean() > .5)
    visit.get_by_role("button", name="Stop speaking").click()
    until(visit, "!page.state.live && window.lent.getTracks().every((track) => track.readyState === 'ended')")
    quiet(visit)
    assert visit.locator(".alert").inner_text() == ""


def test_a_film_has_all_frames_the_sound_and_the_badge(visit, tmp_path):
    import av

    choose_face(visit, 0)
    visit.get_by_label("A sentence", exact=True).select_option(label="Don't forget a jacket")
    until(visit, "!page.state.ownVoice")
    quiet(visit)
    visit.get_by_role("button", name="Make the film").click()
    until(visit, "!!page.film")
    quiet(visit)
    with visit.expect_download() as download:
        visit.get_by_role("link", name="Download").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name.startswith("talking-face.")
    with av.open(path) as film:
        assert b"AI-generated" in path.read_bytes() and {s.type for s in film.streams} == {"video", "audio"}
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == 50 and frames[0].shape[0] == frames[0].shape[1]
    with av.open(path) as film:
        seconds = sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0))
    assert abs(seconds - 2.0) < .1
    assert max(np.abs(a.astype(float) - b).mean() for a, b in zip(frames, frames[5:])) > .5
    side = frames[0].shape[0]
    corner = frames[0][int(.92 * side):int(.98 * side), int(.03 * side):int(.3 * side)]
    assert corner.max() > 200 and corner.min() < 90                                 # white letters on a dark ground


@pytest.mark.parametrize("what, sentence", [
    ("no picture", "cannot be read by this browser"), ("no face", "No face was found in the picture (64 x 64 px)"),
    ("no sound", "The sound cannot be read"), ("silence", "The sound is silent"), ("short", "at least 0.2 are needed")])
def test_bad_input_is_one_sentence(visit, tmp_path, what, sentence):
    from tfg.media.audio import write_wav
    from tfg.media.image import write_image

    path = tmp_path / ("<img src=x onerror=document.title=1>.png" if "picture" in what or "face" in what else "a.wav")
    if what == "no face":
        write_image(np.full((64, 64, 3), 128, np.uint8), path)
    elif what in ("silence", "short"):
        write_wav(path, np.zeros(16000, np.float32) if what == "silence" else np.ones(1000, np.float32))
    else:
        path.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    visit.get_by_label("Your photo" if path.suffix == ".png" else "A file with sound").set_input_files(path)
    visit.get_by_text(sentence).wait_for()
    quiet(visit)
    assert visit.locator("img[src=x]").count() == 0 and visit.title() != "1"


def test_everything_has_a_name_for_screen_readers(visit):
    found = visit.evaluate(NAMES)
    assert len(found) > 12 and [html for html, name in found if not name] == []


def test_nothing_was_asked_of_another_machine_and_nothing_complained(visit, address):
    assert [url for url in visit.asked if not url.startswith((address, "data:", "blob:" + address))] == []
    assert len(visit.asked) > 10 and visit.complaints == []
    policy = visit.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'self'" in policy and "http:" not in policy and "*" not in policy
    blocked = visit.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.name)")
    assert blocked == "TypeError"
    visit.complaints.clear()


@pytest.mark.parametrize("name, how", [
    ("phone_dark", {"viewport": {"width": 375, "height": 740}, "color_scheme": "dark", "device_scale_factor": 2}),
    ("wide_dark", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"})])
def test_on_a_phone_and_in_the_dark(browser, address, name, how):
    with opened(browser, address, **how) as page:
        page.get_by_label("Emotion", exact=True).select_option("SAD")
        page.wait_for_timeout(500)
        shot(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= how["viewport"]["width"]
        light = page.evaluate("""['color', 'backgroundColor'].map((k) => getComputedStyle(
            document.querySelector('.tfg-app'))[k].match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0))""")
        assert light[0] > 600 and light[1] < 120                                    # light letters on a dark ground
        assert page.complaints == []
        assert shown(page).std() > 20
