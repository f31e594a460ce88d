"""Offsets that are added to every frame, and a progress that can stop the work."""
from __future__ import annotations

import numpy as np
import pytest

import tfg
from tfg import InputError, paths
from tfg.media.audio import load_audio
from tfg.systems.base import Speech, coefficient_parts, offsets_of
from tfg.systems.portrait import with_offsets
from tfg.vocabulary import EXPRESSION, INDEX, index

PHOTO = paths.data("faces", "default.jpg")
pytestmark = pytest.mark.usefixtures("one_thread")


def test_parts_name_each_coefficient_once_and_both_sides_together():
    names = [name for name, _ in coefficient_parts()]
    assert len(set(names)) == len(names) and {"mouthSmile", "jawLeft", "mouthLeft", "lookUp", "cheekPuff"} <= set(names)
    reached = {i for name in names if not name.startswith("look") for i in index(name)}
    assert reached == {i for i, name in enumerate(EXPRESSION) if not name.startswith("eyeLook")}


def test_offsets_are_read_from_text_and_dict():
    assert offsets_of(None) == {} and offsets_of("mouthSmile=.4, lookUp=-0.2") == {"mouthSmile": .4, "lookUp": -.2}
    assert offsets_of({"jawOpen": 1}) == {"jawOpen": 1.0}


@pytest.mark.parametrize("wrong, word", [("mouthSmile", "how much"), ("mouthSmile=a", "how much"), ("nose=1", "nose"),
                                         ("jawOpen=2", "from -1 to 1"), ({"jawOpen": None}, "how much")])
def test_offsets_that_cannot_be_are_refused(wrong, word):
    with pytest.raises(InputError, match=word) as caught:
        offsets_of(wrong)
    assert "\n" not in str(caught.value)


def test_coefficients_are_added_to_every_frame():
    curves = np.random.default_rng(0).uniform(0, .5, (9, 52)).astype(np.float32)
    out = with_offsets(curves, {"mouthSmile": .3, "jawOpen": -.1})
    changed = curves.copy()
    changed[:, index("mouthSmile")] += np.float32(.3)
    changed[:, INDEX["jawOpen"]] -= np.float32(.1)
    assert np.allclose(out, changed) and with_offsets(curves, {}) is curves


def test_a_gaze_is_added_to_where_the_eyes_look():
    curves = np.zeros((4, 52), np.float32)
    curves[:, [INDEX["eyeLookOutLeft"], INDEX["eyeLookInRight"]]] = .2          # already to the person's left
    out = with_offsets(curves, {"lookSide": .3, "lookUp": -.4})
    assert np.allclose(out[:, index("eyeLookOutLeft", "eyeLookInRight")], .5)
    assert np.allclose(out[:, index("eyeLookDown")], .4) and not out[:, index("eyeLookUp")].any()
    back = with_offsets(curves, {"lookSide": -.5})
    assert np.allclose(back[:, index("eyeLookInLeft", "eyeLookOutRight")], .3)


@pytest.mark.parametrize("system", ["expression", "graphics"])
def test_the_command_adds_offsets(system):
    audio = load_audio(paths.data("audio", "DFA.wav"))[:16000]
    motions = [tfg.animate(PHOTO, audio, system=system, size=64, progress=False, **how).motion.expression
               for how in ({}, {"offsets": "mouthSmile=.3"})]
    smile = index("mouthSmile")
    assert np.allclose((motions[1] - motions[0])[:, smile], .3, atol=1e-3)
    others = np.setdiff1d(np.arange(52), smile)
    assert np.allclose(motions[0][:, others], motions[1][:, others], atol=1e-4)


def test_progress_may_be_a_function_that_stops_the_work(tmp_path):
    class Enough(Exception):
        pass

    heard = []

    def progress(done, total):
        heard.append((done, total))
        if done == 5:
            raise Enough

    audio = load_audio(paths.data("audio", "DFA.wav"))[:16000]
    with pytest.raises(Enough):
        tfg.animate(PHOTO, audio, size=64, out=tmp_path / "f.mp4", progress=progress)
    assert heard == [(k, 25) for k in range(6)] and list(tmp_path.iterdir()) == []


def test_a_speech_may_be_given_with_its_phones(tmp_path):
    from tfg.speech.voice import available, speak

    if not available():
        pytest.skip("needs the extra voice")
    audio, phones = speak("Maybe.")
    with_phones, without = (tfg.animate(PHOTO, said, size=64, progress=False).motion.expression
                            for said in (Speech(audio, phones), audio))
    assert with_phones.shape == without.shape and np.abs(with_phones - without).max() > .05
