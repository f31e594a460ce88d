"""Takes: their contents, that they depend on their arguments alone, aligned pairs, emotions that overlap."""
from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tfg.acting import style as styles
from tfg.acting.emotion import VARIANTS, actions
from tfg.acting.style import Style, display, intensity_curve
from tfg.actors import take as takes
from tfg.actors.take import INTENSITY, intensity_of, make_take, replay, take_name
from tfg.errors import InputError
from tfg.speech import voice
from tfg.vocabulary import EMOTIONS, INDEX, LEVELS, index

needs_espeak = pytest.mark.skipif(not voice.available(), reason="espeak-ng is missing: pip install espeakng-loader")


@pytest.fixture(scope="module")
def happy():
    return make_take("V001", 5, sentence="DFA", emotion="HAP", level="HI")


@needs_espeak
def test_a_take_holds_what_it_says(happy):
    t = happy
    frames = len(t.audio) // 640
    assert t.name == "V001_DFA_HAP_HI" and t.text == "Don't forget a jacket" and len(t.audio) % 640 == 0
    assert t.motion.expression.shape == (frames, 52) and t.motion.pose.shape == (frames, 6)
    assert t.motion.expression.min() >= 0 and t.motion.expression.max() <= 1
    assert t.curve.shape == (frames,) and 0 < t.curve.max() <= t.intensity <= 1
    assert t.motion.curve("mouthSmile").max() > .4
    assert t.phones[-1].stop_s == pytest.approx(len(t.audio) / 16000)
    json.dumps([t.meta, t.motion.meta, t.voice.to_dict(), t.style.to_dict()])


@needs_espeak
def test_lips_close_on_p_and_b():
    from tfg.speech.visemes import opening
    t = make_take("V001", 3, text="Bob bought a big pumpkin pie.", emotion="FEA", level="HI")
    assert t.name == "V001_TXT_FEA_HI"
    gap = opening(t.motion.expression)
    for p in t.phones:
        if p.viseme == "PP":
            assert gap[max(int(p.start_s * 25) - 1, 0):int(p.stop_s * 25) + 2].min() < .03, p


@needs_espeak
def test_a_take_depends_on_its_arguments_alone(happy):
    make_take("V002", 6, sentence="ITH", emotion="SAD", level="LO")
    again = make_take("V001", 5, sentence="DFA", emotion="HAP", level="HI")
    np.testing.assert_array_equal(again.audio, happy.audio)
    np.testing.assert_array_equal(again.motion.expression, happy.motion.expression)
    code = ("import hashlib; from tfg.actors.take import make_take; t = make_take('V001', 5, sentence='DFA', "
            "emotion='HAP', level='HI'); print(hashlib.sha256(t.audio.tobytes() + t.motion.expression.tobytes() + "
            "t.motion.pose.tobytes()).hexdigest())")
    here = hashlib.sha256(happy.audio.tobytes() + happy.motion.expression.tobytes() + happy.motion.pose.tobytes())
    there = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert there == here.hexdigest()


@needs_espeak
def test_takes_and_people_differ(happy):
    second = make_take("V001", 5, sentence="DFA", emotion="HAP", level="HI", take=2)
    other = make_take("V009", 9, sentence="DFA", emotion="HAP", level="HI")
    assert second.name == "V001_DFA_HAP_HI_2" and second.seed != happy.seed
    for t in (second, other):
        n = min(len(t.motion), len(happy.motion))
        assert np.abs(t.motion.expression[:n] - happy.motion.expression[:n]).max() > .15
        assert np.abs(t.motion.pose[:n] - happy.motion.pose[:n]).max() > .3
    assert second.voice == happy.voice != other.voice


@needs_espeak
def test_replay_of_the_same_is_the_same(happy):
    back = replay(replay(happy, "SAD"), "HAP")
    for t in (replay(happy, "HAP", "HI", sound="acted"), back):
        np.testing.assert_array_equal(t.motion.expression, happy.motion.expression)
        np.testing.assert_array_equal(t.motion.pose, happy.motion.pose)
        np.testing.assert_array_equal(t.audio, happy.audio)


@needs_espeak
@pytest.mark.parametrize("emotion", [e for e in EMOTIONS if e != "HAP"])
def test_pairs_are_aligned(happy, emotion):
    other = replay(happy, emotion)
    assert other.name == f"V001_DFA_{emotion}_HI" and other.meta["replay_of"] == happy.name
    np.testing.assert_array_equal(other.motion.pose, happy.motion.pose)
    assert other.audio is happy.audio and other.phones == happy.phones
    shut = [np.flatnonzero(t.motion.curve("eyeBlink") > .95).tolist() for t in (happy, other)]
    assert shut[0] == shut[1]
    side = index("eyeLookOutLeft", "eyeLookInLeft")
    np.testing.assert_array_equal(other.motion.expression[:, side], happy.motion.expression[:, side])
    assert np.abs(other.motion.expression - happy.motion.expression).mean(0).max() > .2
    from tfg.speech.visemes import opening
    a, b = (opening(t.motion.expression) for t in (happy, other))
    assert np.corrcoef(a, b)[0, 1] > .8


@needs_espeak
def test_acted_sound_keeps_the_phones_in_their_places(happy):
    for emotion in ("ANG", "SAD", "FEA"):
        other = replay(happy, emotion, sound="acted")
        assert len(other.audio) == len(happy.audio) and other.meta["residual_s"] < .010
        assert other.phones == happy.phones and np.abs(other.audio - happy.audio).max() > .01
    angry, sad = (np.sqrt(np.mean(replay(happy, e, sound="acted").audio ** 2)) for e in ("ANG", "SAD"))
    assert angry > 2 * sad


@needs_espeak
def test_neutral_has_no_intensity():
    t = make_take("V001", 5, sentence="TIE", emotion="NEU", level="XX")
    assert t.intensity == 0 and not t.curve.any()
    assert replay(t, "ANG").intensity > .2


@needs_espeak
@pytest.mark.parametrize("kwargs, message", [
    (dict(), "either a sentence"), (dict(sentence="DFA", text="Hi"), "either a sentence"),
    (dict(sentence="ABC"), "ABC.*DFA"), (dict(sentence="DFA", emotion="JOY"), "JOY"),
    (dict(sentence="DFA", level="MAX"), "MAX.*LO"), (dict(sentence="DFA", take=0), "take is 0"),
    (dict(text="   "), "no text"), (dict(text="?!"), "no words to speak"),
    (dict(sentence="DFA", actor_name="../V001"), "letters and digits"),
    (dict(sentence="DFA", actor_name="V_1"), "letters and digits"), (dict(sentence="DFA", actor_name=""), "letters")])
def test_bad_input(kwargs, message):
    with pytest.raises(InputError, match=message):
        make_take(**dict(actor_name="V001", actor_seed=1) | kwargs)


@needs_espeak
def test_bad_replay(happy):
    with pytest.raises(InputError, match="loud.*same"):
        replay(happy, "SAD", sound="loud")
    with pytest.raises(InputError, match="MAX"):
        replay(happy, "SAD", "MAX")


def test_levels_are_ordered_for_each_take():
    for seed in range(50):
        low, middle, high = (intensity_of(level, seed) for level in ("LO", "MD", "HI"))
        assert .08 <= low < middle < high <= 1
    assert np.std([intensity_of("XX", s) for s in range(200)]) > .1
    assert set(INTENSITY) == set(LEVELS)
    assert take_name("V001", "DFA", "HAP", "HI") == "V001_DFA_HAP_HI"


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_courses_rise_and_fall_differently_in_each_take(emotion):
    made = np.array([intensity_curve(60, emotion, seed=s) for s in range(40)])
    assert made.min() >= 0 and made.max() <= 1 and (made.max(1) > .85).all()
    assert np.abs(np.diff(made, axis=1)).max() < .3
    assert made[:, 30].std() < made[:, 0].std() and len(set(np.argmax(made, 1).tolist())) > 5


def test_strong_displays_read_as_what_they_are():
    """The nearest of EMFACS's displays by direction, seen from the person's own resting face."""
    known = [(e, actions(e)) for e in styles.FELT] + [(e, actions(e, variant=v)) for e, v in VARIANTS]
    right = []
    for seed in range(40):
        who = Style.from_seed(seed)
        for e in styles.FELT:
            shown = display(who, e, .9, 60, seed=seed).mean(0) - np.array(who.neutral)
            right.append(e == max(known, key=lambda k: k[1] @ shown / np.linalg.norm(k[1]))[0])
    assert np.mean(right) > .88


def test_weak_displays_stray_further():
    def spread(intensity):
        made = np.array([display(Style(), "ANG", intensity, 40, seed=s).mean(0) for s in range(40)])
        return made.std(0).sum() / np.linalg.norm(made.mean(0))
    assert spread(.3) > 1.3 * spread(.9)


def test_styles_differ_and_survive_json():
    everyone = [Style.from_seed(s) for s in range(60)]
    assert np.std([s.expressiveness for s in everyone]) > .05 and len({s.variants for s in everyone}) > 3
    assert len({s.blends for s in everyone}) > 40
    assert all(0 <= min(s.neutral) and max(s.neutral) <= .2 for s in everyone)
    for who in everyone[:5]:
        assert Style.from_dict(json.loads(json.dumps(who.to_dict()))) == who
    quiet = replace(Style(), head=.5).manner("NEU", 1)
    assert quiet.sway == .5 * Style().manner("NEU", 1).sway


def test_displays_are_smooth_and_alive():
    made = display(Style.from_seed(1), "HAP", .9, 200, seed=3)
    assert np.abs(np.diff(made, axis=0)).max() < .12
    middle = made[80:120, INDEX["mouthSmileLeft"]]
    assert middle.std() > .003


@needs_espeak
def test_emotions_overlap_at_low_intensity_and_not_at_high(monkeypatch):
    """The full figure is `python -m tools.bench overlap`; here one dry neutral voice speaks for everybody."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1]))
    said = takes.speak_as(takes.Voice.from_seed(0), "Don't forget a jacket", recorded=False)
    monkeypatch.setattr(takes, "speak_as", lambda *a, **k: said)
    overlap = importlib.import_module("tools.bench.overlap").overlap
    low, high = (overlap(level, actors=60, sentences=1)["accuracy"] for level in ("LO", "HI"))
    assert .4 < low < .75 and high > .90


def test_regions_cover_the_face():
    assert len(styles._OF_REGION) == 52 and set(styles._OF_REGION) == {0, 1, 2}
