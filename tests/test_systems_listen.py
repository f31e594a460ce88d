"""`--emotion auto`: heard once before a system acts, in every system, and refused where there is no whole sound."""
from __future__ import annotations

import numpy as np
import pytest

import tfg
from tfg import InputError, paths, registry
from tfg.cli import main
from tfg.experts.voice_emotion import network
from tfg.experts.voice_emotion.network import Heard
from tfg.media.audio import load_audio
from tfg.media.motion import Motion
from tfg.systems.base import Speech
from tfg.systems.listen import felt
from tfg.vocabulary import EMOTIONS

PHOTO = paths.data("faces", "default.jpg")
VOICE = paths.data("audio", "DFA.wav")
OTHERS = [name for name in registry.SYSTEMS if name != "ietafs"]


@pytest.fixture(scope="module")
def sound():
    return load_audio(VOICE)[:9600]


@pytest.fixture
def hears(monkeypatch):
    """A function that makes the network hear an emotion with a probability; it returns the sounds that were heard."""
    def hear(emotion: str, probability: float, sure: bool = True) -> list:
        seen: list = []
        p = np.full(6, (1 - probability) / 5, np.float32)
        p[EMOTIONS.index(emotion)] = probability

        def heard(audio, *, folder=None):
            seen.append(audio)
            return Heard(emotion if sure else "NEU", p)

        monkeypatch.setattr(network, "heard", heard)
        return seen
    return hear


@pytest.mark.parametrize("name", OTHERS)
def test_every_system_takes_auto_and_is_neutral_by_default(name, hears, sound):
    its = registry.system(name)
    assert its.Options().emotion == "NEU" and its.Options(emotion="Auto").emotion == "auto"
    seen = hears("SAD", .6)
    chosen, heard = felt(its, its.Options(emotion="auto", intensity=.5), Speech(sound))
    assert (chosen.emotion, chosen.intensity) == ("SAD", pytest.approx(.3)) and len(seen) == 1
    assert heard["words"] == "heard: sadness, p .60" and heard["sure"] and heard["probabilities"]["SAD"] == .6
    same = its.Options(emotion="HAP")
    assert felt(its, same, Speech(sound)) == (same, None) and len(seen) == 1


def test_ietafs_listens_by_itself(hears, sound):
    its, seen = registry.system("ietafs"), hears("SAD", .6)
    chosen = its.Options()
    assert chosen.emotion == "auto" and felt(its, chosen, Speech(sound)) == (chosen, None) and not seen


@pytest.mark.parametrize("name", ["expression", "graphics"])
def test_the_face_shows_what_was_heard(name, hears, sound, tmp_path):
    seen = hears("HAP", .8)
    more = dict(system=name, size=64, progress=False)
    clip = tfg.animate(PHOTO, sound, emotion="auto", out=tmp_path / "a.mp4", **more)
    same = tfg.animate(PHOTO, sound, emotion="HAP", intensity=.8, **more)
    calm = tfg.animate(PHOTO, sound, **more)
    np.testing.assert_array_equal(seen[0], sound)
    assert len(seen) == 1 and clip.emotion == "HAP" and clip.meta["settings"]["intensity"] == pytest.approx(.8)
    assert clip.meta["heard"]["emotion"] == "HAP" and "heard" not in same.meta
    for k in (0, 7, len(clip) - 1):
        np.testing.assert_array_equal(clip.frames[k], same.frames[k])
    assert np.abs(clip.frames[7].astype(int) - calm.frames[7]).mean() > .5


def test_unsure_is_neutral_whatever_was_asked_of_the_feeling(hears, sound):
    hears("HAP", .4, sure=False)
    its = registry.system("expression")
    asked = its.Options(emotion="auto", alpha=1.0, ortho=True, yaw="10", emotion_model="linear")
    chosen, heard = felt(its, asked, Speech(sound))
    assert chosen.emotion == "NEU" and chosen.yaw == (10.0,) and not chosen.ortho
    assert heard["words"] == "unsure: neutral" and not heard["sure"]


def test_the_command_says_what_it_heard(hears, tmp_path, capsys):
    hears("ANG", .62)
    argv = ["animate", "--source", str(PHOTO), "--audio", str(VOICE), "--emotion", "auto", "--size", "64"]
    assert main([*argv, "--out", str(tmp_path / "a.mp4")]) == 0
    assert "heard: anger, p .62" in capsys.readouterr().out.splitlines()
    hears("ANG", .3, sure=False)
    assert main([*argv, "--out", str(tmp_path / "b.mp4")]) == 0
    assert "unsure: neutral" in capsys.readouterr().out.splitlines()


def test_without_a_sound_there_is_nothing_to_hear(tmp_path):
    with pytest.raises(InputError, match="no sound"):
        tfg.animate(PHOTO, motion=Motion.still(4), emotion="auto", out=tmp_path / "a.mp4", size=64, progress=False)
    with pytest.raises(InputError, match="no sound"):
        tfg.animate(PHOTO, idle=1.0, emotion="auto", out=tmp_path / "a.mp4", size=64, progress=False)
    with pytest.raises(InputError, match="--emotion"):                    # a motion replaces the performance
        tfg.animate(PHOTO, motion=Motion.still(4), emotion="auto", system="graphics", progress=False)
    assert not list(tmp_path.iterdir())


def test_a_stream_refuses_it_at_its_start_and_later():
    with pytest.raises(InputError, match="whole sound.*tfg.animate"):
        tfg.stream(PHOTO, emotion="auto", size=64)
    live = tfg.stream(PHOTO, size=64)
    with pytest.raises(InputError, match="whole sound"):
        live.change(emotion="auto")
    live.change(emotion="HAP")
    assert live.options.emotion == "HAP"


def test_the_pages_previews_stay_calm(tmp_path, monkeypatch):
    from tfg.app import turns, uploads
    from tfg.app.studio import Studio, Wish

    (tmp_path / "turns").mkdir()
    monkeypatch.setattr(uploads, "private_folder", lambda name: tmp_path)
    monkeypatch.setattr(turns, "private_folder", lambda name: tmp_path / "turns")
    its = Studio()
    try:
        assert its.still(Wish(emotion="auto")) == its.still(Wish()) != its.still(Wish(emotion="HAP"))
        assert its._jobs(Wish(emotion="auto"))[0][1]["emotion"] == "auto"         # the film listens
    finally:
        its.visit.end()


def test_an_unknown_emotion_is_still_refused():
    with pytest.raises(InputError, match="HAP"):
        registry.system("expression").Options(emotion="joy")
