"""What a visitor can do: stills, streams, films, consent, cancel, a turn."""
from __future__ import annotations

import io
import re
import threading

import numpy as np
import pytest

from conftest import numbered, write_frames
from tfg import InputError, paths
from tfg.app import studio, turns, uploads
from tfg.app.studio import Cancelled, Studio, Wish, examples, faces
from tfg.media.video import FrameReader, probe

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = {"expression": {"size": 64}, "graphics": {"size": 64}}


@pytest.fixture
def its(tmp_path, monkeypatch):
    (tmp_path / "turns").mkdir()
    monkeypatch.setattr(uploads, "private_folder", lambda name: tmp_path)
    monkeypatch.setattr(turns, "private_folder", lambda name: tmp_path / "turns")
    its = Studio()
    yield its
    its.visit.end()


def picture(data: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)))


def films(its, wish, report=lambda *_: None, stop=None):
    return its.render(wish, report, stop or threading.Event())


def test_a_still_shows_the_feeling_the_head_and_the_parts(its):
    calm = picture(its.still(Wish())).astype(int)
    assert calm.shape == (256, 256, 3)
    for wish in (Wish(emotion="HAP"), Wish(values={"expression": {"yaw": "20"}}),
                 Wish(values={"expression": {"offsets": {"jawOpen": .5}}})):
        assert np.abs(picture(its.still(wish)) - calm).mean() > 1
    its.show_face("portrait_1")
    assert np.abs(picture(its.still(Wish())) - calm).mean() > 20


def test_there_is_no_preview_of_systems_that_hear_the_whole_sound(its):
    with pytest.raises(InputError, match="press Render"):
        its.still(Wish(system="emogen"))


def test_play_gives_a_frame_for_each_25th_of_a_second_and_heeds_changes(its):
    wishes, n = [Wish()], 0
    for n, data in enumerate(its.play(wishes[0], threading.Event(), lambda: wishes[-1]), 1):
        if n == 10:
            wishes.append(Wish(emotion="HAP"))
        last = picture(data)
    assert n == 50 and last.shape == (256, 256, 3)
    assert its._live[1].options.emotion == "HAP"
    long = its.speech.audio
    n = 0
    for _ in its.play(Wish(), threading.Event(), Wish, long):
        its.speech = studio.Speech(long[:640])                      # other words do not change what plays
        n += 1
    assert n == 50
    its.speech = studio.Speech(long)
    stop = threading.Event()
    stop.set()
    assert list(its.play(Wish(), stop, Wish)) == []


def test_a_microphone_is_followed_until_it_ends(its):
    sounds = iter([(np.zeros(4800, "<i2").tobytes(), 48000)] * 10 + [None])
    frames = list(its.follow(Wish(), lambda: next(sounds), Wish))
    assert 15 <= len(frames) <= 18                                  # a second of sound, but for the delay


def test_a_film_has_the_sound_the_badge_and_the_tag(its, tmp_path):
    heard = []
    made, = films(its, Wish(emotion="HAP", values=SMALL), lambda share, text: heard.append((share, text)))
    path = tmp_path / "film.mp4"
    path.write_bytes(made.data)
    about = probe(path)
    assert about["n_frames"] == 50 and about["has_audio"] and (about["width"], about["height"]) == (64, 64)
    assert "AI-generated" in str(about["metadata"])
    shares = [share for share, _ in heard]
    assert shares == sorted(shares) and shares[-1] == 1 and any("frames" in text for _, text in heard)
    frame = FrameReader(path)[0]
    assert frame[52:, :40].std() > 5                                # the badge, also on a face of nobody
    assert not list(its.visit.folder.glob("*.mp4"))


def test_two_systems_say_the_same_sound(its, tmp_path):
    its.say_words("Maybe tomorrow.")
    one, two = films(its, Wish(other="graphics", values=SMALL))
    assert (one.title, two.title) == ("expression", "graphics")
    sounds = []
    for k, made in enumerate((one, two)):
        path = tmp_path / f"{k}.mp4"
        path.write_bytes(made.data)
        from tfg.media.audio import load_audio

        sounds.append(load_audio(path))
    assert len(sounds[0]) == len(sounds[1]) and np.abs(sounds[0] - sounds[1]).max() < 1e-3
    assert one.data != two.data


def test_words_sounds_and_recordings_are_said(its):
    its.say_words("Hello there.")
    assert its.speech.phones and len(its.speech.audio) > 8000 and not its.own_voice
    assert its.take_sound(paths.data("audio", "ITH.wav").read_bytes()) == pytest.approx(2.95, abs=.1)
    assert its.own_voice and its.wave()[:4] == b"RIFF"
    y = (8000 * np.sin(np.arange(44100) / 30)).astype("<i2")
    assert its.take_recording(y.tobytes(), 44100) == pytest.approx(1, abs=.06)
    its.say_example(next(iter(examples())))
    assert not its.own_voice and its.speech.phones is None
    for wrong in (lambda: its.say_example("../DFA"), lambda: its.show_face("/etc/passwd"), lambda: its.say_words(""),
                  lambda: its.take_recording(b"\0\0" * 9000, 16000), lambda: its.take_recording(b"\0", 16000),
                  lambda: its.take_recording(bytes(2 * 8000 * 62), 8000),
                  lambda: its.take_recording(y.tobytes(), 7), lambda: its.take_sound(b"words")):
        with pytest.raises(InputError):
            wrong()


def test_an_own_face_needs_consent_and_is_looked_at_first(its):
    data = faces()["portrait_3"].read_bytes()
    assert its.take_picture(data) == "photo" and its.own_face
    with pytest.raises(InputError, match="consent"):
        films(its, Wish())
    made, = films(its, Wish(consent=True, values=SMALL))
    assert made.data[4:8] == b"ftyp"
    kept = its.source
    its.show_face("default")
    assert not kept.exists() and not its.own_face                   # what is no longer used is removed at once
    blank = io.BytesIO()
    from PIL import Image

    Image.new("RGB", (200, 200), "white").save(blank, "JPEG")
    with pytest.raises(InputError, match="no face") as caught:
        its.take_picture(blank.getvalue())
    assert str(its.visit.folder) not in str(caught.value) and list(its.visit.folder.iterdir()) == []
    with pytest.raises(InputError, match="the file") as caught:     # cut off
        its.take_picture(data[:3000])
    assert str(its.visit.folder) not in str(caught.value) and ".bin" not in str(caught.value)
    assert not re.search("[0-9a-f]{32}", str(caught.value)) and list(its.visit.folder.iterdir()) == []


def test_a_film_keeps_the_face_with_which_it_was_asked_for(its):
    its.take_picture(faces()["portrait_3"].read_bytes())

    def report(share, text):
        its.show_face("default")

    assert films(its, Wish(consent=True, values=SMALL), report)
    assert not its.own_face and list(its.visit.folder.iterdir()) == []


def test_a_film_of_a_visitor_is_taken(its, tmp_path):
    data = write_frames(tmp_path / "f.mp4", numbered(10), [k / 10 for k in range(10)]).read_bytes()
    assert its.take_picture(data) == "film"
    with pytest.raises(InputError) as caught:                       # nobody is in it; said when it is looked at
        films(its, Wish(consent=True))
    assert str(its.visit.folder) not in str(caught.value)


def test_cancel_cancels_and_leaves_nothing(its):
    stop, seen = threading.Event(), []

    def report(share, text):
        seen.append(share)
        if 0 < share < 1:
            stop.set()

    with pytest.raises(Cancelled):
        films(its, Wish(values=SMALL), report, stop)
    assert seen[-1] < .2 and list(its.visit.folder.iterdir()) == []


def test_cancel_is_heard_while_the_face_is_fitted(its, monkeypatch):
    from tfg.head.portrait import Portrait
    from tfg.systems.expression import act

    stop, fitted = threading.Event(), Portrait.from_image

    def from_image(*args, **how):
        stop.set()
        return fitted(*args, **how)

    monkeypatch.setattr(Portrait, "from_image", from_image)
    monkeypatch.setattr(act, "act", lambda *_, **how: pytest.fail("it went on"))
    with pytest.raises(Cancelled):
        films(its, Wish(values=SMALL), stop=stop)
    assert list(its.visit.folder.iterdir()) == []


def test_cancel_is_heard_while_a_film_is_searched_for_its_face(its, tmp_path, monkeypatch):
    from tfg.faces.landmarks import Landmarker
    from tfg.media.image import read_image

    face = read_image(faces()["default"])[::2, ::2]
    face = np.ascontiguousarray(face[:face.shape[0] // 2 * 2, :face.shape[1] // 2 * 2])
    its.take_picture(write_frames(tmp_path / "f.mp4", [face] * 40, [k / 25 for k in range(40)]).read_bytes())
    stop, looks, look = threading.Event(), [], Landmarker.__call__

    def looked(self, *args, **how):
        looks.append(1)
        if len(looks) == 3:
            stop.set()
        return look(self, *args, **how)

    monkeypatch.setattr(Landmarker, "__call__", looked)
    with pytest.raises(Cancelled):
        films(its, Wish(system="emogen", consent=True), stop=stop)
    assert len(looks) == 3 and [p.suffix for p in its.visit.folder.iterdir()] == [its.source.suffix]


def test_who_waits_hears_the_place_and_can_cancel(its, tmp_path):
    stop, said = threading.Event(), []

    def report(share, text):
        said.append(text)
        stop.set()

    with turns.turn(folder=tmp_path / "turns"), pytest.raises(Cancelled):
        films(its, Wish(values=SMALL), report, stop)
    assert said == ["Waiting: 1 film before yours."]
    assert films(its, Wish(values=SMALL))


@pytest.mark.parametrize("sent", [{"values": [1]}, {"values": {"expression": 3}}, {"consent": "yes"}, [], None, 5])
def test_settings_that_are_none_are_refused(sent):
    with pytest.raises(InputError, match="load it again"):
        Wish.of(sent)


@pytest.mark.parametrize("wish, word", [(Wish(system="nonsense"), "no system"), (Wish(emotion="JOY"), "JOY"),
                                        (Wish(emotion="SAD", intensity=7), "intensity"),
                                        (Wish(other="nothing"), "no system"),
                                        (Wish(values={"expression": {"expnet": "/etc"}}), "expnet")])
def test_a_wish_that_cannot_be_is_refused_before_anyone_waits(its, wish, word):
    with pytest.raises(InputError, match=word):
        films(its, wish, lambda *_: pytest.fail("it waited"))


def test_the_sentence_of_consent_speaks_of_consent():
    assert "consent" in studio.CONSENT
