"""The widget's messages: what the browser sends is done, and what goes wrong is said in one sentence."""
from __future__ import annotations

import json
import queue
import threading
import time

import pytest

pytest.importorskip("anywidget", reason="the app's tests need the extra: app")

from tfg import paths  # noqa: E402
from tfg.app import page, turns, uploads  # noqa: E402
from tfg.app.page import WEB, Page, description, newest  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
WISH = {"system": "expression", "emotion": "HAP", "intensity": .5, "values": {"expression": {"size": 64}}}


class Browser:
    """Stands where the browser does: sends messages, and keeps the answers."""

    def __init__(self, monkeypatch):
        self.answers: queue.Queue = queue.Queue()
        self.page = Page()
        monkeypatch.setattr(self.page, "send", lambda message, buffers=None: self.answers.put((message, buffers or [])))

    def send(self, message, *buffers):
        self.page.hear(message, [memoryview(b) for b in buffers])

    def until(self, **wanted) -> tuple[dict, list]:
        """The first answer with these values; other answers before it are passed over, errors are not."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message, buffers = self.answers.get(timeout=60)
            json.dumps(message)
            if all(message.get(k) == v for k, v in wanted.items()):
                return message, buffers
            assert message.get("say") != "error", message
        raise TimeoutError(wanted)


@pytest.fixture
def browser(tmp_path, monkeypatch):
    (tmp_path / "turns").mkdir()
    monkeypatch.setattr(uploads, "private_folder", lambda name: tmp_path)
    monkeypatch.setattr(turns, "private_folder", lambda name: tmp_path / "turns")
    browser = Browser(monkeypatch)
    yield browser
    browser.page.close()
    assert not browser.page.studio.visit.folder.exists()


def test_the_description_is_json_and_small():
    told = description()
    assert len(json.dumps(told)) < 200_000 and told["systems"][0]["name"] == told["default"]
    assert all(face["picture"].startswith("data:image/jpeg;base64,") for face in told["faces"])


def test_one_visitor_too_many_is_told_so(browser, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_VISITORS", 1)
    refused = Page()
    assert list(refused.start) == ["refused"] and "1 visitors already" in refused.start["refused"]
    refused.close()


def test_a_still_answers_with_its_number(browser):
    browser.send({"do": "still", "id": 7, "wish": WISH})
    message, (data,) = browser.until(say="still")
    assert message["id"] == 7 and data[:2] == b"\xff\xd8"


def test_a_file_comes_in_parts(browser):
    data = paths.data("faces", "portrait_1.jpg").read_bytes()
    cut = len(data) // 2
    browser.send({"do": "upload", "what": "picture", "first": True, "last": False}, data[:cut])
    browser.send({"do": "upload", "what": "picture", "first": False, "last": True}, data[cut:])
    message, _ = browser.until(say="done", of="upload")
    assert message["kind"] == "photo" and message["consent"] is True
    assert browser.page.studio.source.read_bytes() == data
    browser.send({"do": "face", "name": "default"})
    assert browser.until(say="done", of="face")[0]["consent"] is False


def test_a_file_that_never_ends_is_refused_while_it_comes(browser, monkeypatch):
    monkeypatch.setattr(page, "MOST_MB", {"photo": .001})
    browser.send({"do": "upload", "what": "picture", "first": True, "last": False}, b"x" * 800)
    browser.send({"do": "upload", "what": "picture", "first": False, "last": False}, b"x" * 800)
    assert "limit" in browser.until(say="error")[0]["text"]
    browser.send({"do": "upload", "what": "picture", "first": False, "last": True}, b"x")      # its rest is passed over
    browser.send({"do": "upload", "what": "another", "first": True, "last": False}, b"x")
    assert "not known" in browser.until(say="error")[0]["text"] and browser.page._parts == {}


@pytest.mark.parametrize("message", [{"do": "nonsense"}, {}, [], None, {"do": "face", "name": "<b>"}, {"do": "words"},
                                     {"do": "still", "wish": 5}, {"do": "upload", "what": "x", "last": True},
                                     {"do": "render", "wish": {"values": 3}}, {"do": "wish", "wish": []}])
def test_messages_that_make_no_sense_are_answered_with_a_sentence(browser, message):
    browser.send(message)
    text = browser.until(say="error")[0]["text"]
    assert text.endswith(".") and "\n" not in text and "Traceback" not in text


def test_what_nobody_foresaw_is_not_shown(browser, monkeypatch, capsys):
    monkeypatch.setattr(browser.page.studio, "still", lambda wish: 1 / 0)
    browser.send({"do": "still", "id": 1, "wish": WISH})
    assert "not foreseen" in browser.until(say="error", of="still")[0]["text"]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_film_is_made_and_a_second_one_waits_its_turn(browser):
    browser.send({"do": "render", "wish": WISH})
    browser.send({"do": "render", "wish": WISH})
    assert "a film of yours" in browser.until(say="error")[0]["text"]
    message, (film,) = browser.until(say="films")
    assert message["films"][0]["title"] == "expression" and bytes(film[4:8]) == b"ftyp"
    browser.until(say="done", of="render")


def test_cancel(browser):
    browser.send({"do": "render", "wish": WISH})
    browser.until(say="progress")
    browser.send({"do": "cancel"})
    browser.until(say="cancelled", of="render")


@pytest.mark.parametrize("do", ["render", "play", "live"])
def test_what_was_chosen_before_is_waited_for(browser, monkeypatch, do):
    began, go, seen, ended = threading.Event(), threading.Event(), [], threading.Event()

    def say_words(text):
        began.set()
        assert go.wait(20)
        seen.append("words")

    def note(*_):
        seen.append(do)
        ended.set()
        return []

    monkeypatch.setattr(browser.page.studio, "say_words", say_words)
    monkeypatch.setattr(browser.page.studio, "follow" if do == "live" else do, note)
    browser.send({"do": "words", "text": "new words"})
    assert began.wait(20)
    browser.send({"do": do, "wish": WISH})
    go.set()
    assert ended.wait(20) and seen == ["words", do]


def test_a_film_can_be_cancelled_before_the_words_are_spoken(browser, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(browser.page.studio, "say_words", lambda text: go.wait(20))
    monkeypatch.setattr(browser.page.studio, "render", lambda *_: pytest.fail("it began"))
    browser.send({"do": "words", "text": "new words"})
    browser.send({"do": "render", "wish": WISH})
    browser.send({"do": "cancel"})
    go.set()
    browser.until(say="cancelled", of="render")


@pytest.mark.parametrize("message", [{"do": "face", "name": "portrait_1"}, {"do": "words", "text": ""}])
def test_a_stream_has_a_number_and_ends_with_another_choice(browser, message):
    browser.send({"do": "live", "id": 3, "wish": WISH})
    browser.send({"do": "hear", "sr": 16000}, bytes(2 * 8000))
    assert browser.until(say="frame")[0]["id"] == 3
    browser.send(message)
    deadline, answer = time.monotonic() + 60, {}
    while answer.get("of") != "live" and time.monotonic() < deadline:
        answer = browser.answers.get(timeout=60)[0]
    assert answer["say"] == "done" and answer["id"] == 3


def test_a_microphone_without_a_stream_is_not_kept(browser):
    for _ in range(3):
        browser.send({"do": "hear", "sr": 16000}, bytes(640))
    assert browser.page._pieces.empty()


def test_two_quick_starts_have_a_stop_of_their_own(browser, monkeypatch):
    stops = []
    monkeypatch.setattr(browser.page, "_follow", lambda stop, pieces: stops.append((stop, pieces)) or [])
    go = threading.Event()
    monkeypatch.setattr(browser.page.studio, "say_words", lambda text: go.wait(20))
    browser.send({"do": "words", "text": "they wait for this"})
    browser.send({"do": "live", "id": 1, "wish": WISH})
    browser.send({"do": "live", "id": 2, "wish": WISH})
    go.set()
    browser.until(say="done", of="live")
    browser.until(say="done", of="live")
    (a, b), (c, d) = stops
    assert a is not c and b is not d


def test_a_stream_plays_changes_and_stops(browser):
    browser.send({"do": "play", "wish": WISH})
    assert browser.until(say="sound")[1][0][:4] == b"RIFF"
    browser.until(say="frame", n=3)
    browser.send({"do": "wish", "wish": {**WISH, "emotion": "SAD"}})
    browser.until(say="frame", n=20)
    browser.send({"do": "stop"})
    assert browser.until(say="done", of="play")[0]["ended"]


def test_a_microphone_is_followed(browser):
    browser.send({"do": "live", "wish": WISH})
    for _ in range(12):
        browser.send({"do": "hear", "sr": 16000}, bytes(2 * 640))
        time.sleep(.01)
    browser.until(say="frame", n=2)
    browser.send({"do": "hear", "sr": 5}, bytes(20))
    assert "rate" in browser.until(say="error", of="live")[0]["text"]


def test_sound_that_waits_too_long_is_left_out():
    pieces, stop = queue.Queue(), threading.Event()
    for k in range(20):
        pieces.put((bytes([k]) * 3200, 16000))                      # 0.1 s each
    data, sr = newest(pieces, stop)
    assert sr == 16000 and len(data) == 5 * 3200 and data[-1] == 19 and data[0] == 15
    pieces.put((bytes(999_998) + b"\1\1", 16000))                   # one long piece
    data, _ = newest(pieces, stop)
    assert len(data) == 16000 and data[-1] == 1
    pieces.put((b"\0\0", 16000))
    pieces.put(None)
    assert newest(pieces, stop) is None


def test_nothing_that_was_sent_becomes_html():
    """The page's scripts set texts; none of the ways in which a text is parsed as HTML or run is used."""
    for script in WEB.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function", "srcdoc"):
            assert way not in text, f"{script.name} uses {way}"
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text, script.name


def test_the_notebook_holds_the_page_and_no_logic():
    from nbformat import read

    notebook = read(paths.__file__.replace("tfg/paths.py", "notebooks/app.ipynb"), as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert code == ["from tfg.app.page import Page\n\nPage()"]
