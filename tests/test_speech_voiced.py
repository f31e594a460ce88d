"""Speech is told from silence, noise and held music."""
from __future__ import annotations

import numpy as np
import pytest

from conftest import swelling_noise
from tfg import paths
from tfg.media.audio import load_audio, loudness
from tfg.speech.voiced import AHEAD, Voiced, pitch_strength, share_of_speech

S = 16000


def notes(*hz: float, seconds: float = 2.0) -> np.ndarray:
    t = np.arange(int(seconds * S)) / S
    return sum(np.sin(2 * np.pi * f * k * t) / k for f in hz for k in range(1, 8)).astype(np.float32)


def white(seconds: float, size: float = .05) -> np.ndarray:
    return np.random.default_rng(0).normal(0, size, int(seconds * S)).astype(np.float32)


@pytest.fixture(scope="module", params=["DFA", "ITH"])
def voice(request):
    return load_audio(paths.data("audio", f"{request.param}.wav"))


def loud(y) -> np.ndarray:
    db = loudness(y)
    return db > db.max() - 20


def test_a_voice_is_speech_and_the_silence_around_it_is_not(voice):
    pause = np.zeros(S, np.float32)
    share = share_of_speech(np.concatenate([pause, voice, pause]))
    assert share[25:25 + len(loudness(voice))][loud(voice)].min() > .9
    assert share[:15].max() == 0 and share[-12:].max() == 0


@pytest.mark.parametrize("size", [.003, .01])
def test_a_voice_in_noise_is_still_found_and_the_noise_is_not(voice, size):
    quiet = np.zeros(S, np.float32)
    y = np.concatenate([quiet, voice, quiet])
    share = share_of_speech(y + white(len(y) / S, size)[:len(y)])
    assert share[25:-25][loud(voice)[:len(share) - 50]].mean() > .9
    assert share[:15].max() < .05 and share[-12:].max() < .05


@pytest.mark.parametrize("sound", [white(4), white(4, .3), swelling_noise(4), .05 * notes(50, seconds=4)],
                         ids=["noise", "loud noise", "swelling noise", "hum"])
def test_noise_is_no_speech(sound):
    assert share_of_speech(sound).max() < .1


def test_a_held_chord_is_no_speech_after_a_second():
    chord = .05 * notes(220, 277, 330, seconds=3)
    assert share_of_speech(chord)[38:].max() < .05
    assert share_of_speech(np.concatenate([np.zeros(S, np.float32), chord]))[25 + 38:].max() < .05


def test_a_beat_of_drums_is_no_speech():
    y = np.zeros(4 * S, np.float32)
    for at in range(0, len(y) - 2000, 5333):
        y[at:at + 2000] += .3 * white(2000 / S, 1.0) * np.exp(-np.arange(2000) / 400)
    assert share_of_speech(y).max() < .3


def test_the_share_rises_before_the_voice_begins(voice):
    share = share_of_speech(np.concatenate([np.zeros(S, np.float32), voice]))
    begins = 25 + int(np.argmax(loud(voice)))
    assert share[begins - 1] > .4 and share[begins] > .7


def test_shares_come_with_the_sound(voice):
    """Frame by frame, and never from more than AHEAD frames after it."""
    whole, live, db = share_of_speech(voice), Voiced(), loudness(voice)
    for k, level in enumerate(db):
        live.hear(voice[max(0, (k + 1) * 640 - 1024):(k + 1) * 640], level)
        if k >= AHEAD:
            assert live.of(k - AHEAD) == pytest.approx(whole[k - AHEAD])
    changed = voice.copy()
    changed[30 * 640:] = 0
    assert np.array_equal(share_of_speech(changed)[:30 - AHEAD], whole[:30 - AHEAD])


def test_pitch():
    assert pitch_strength(notes(120)) > .95 and pitch_strength(notes(300)) > .95
    assert pitch_strength(white(.1)) < .42 and pitch_strength(np.zeros(1024, np.float32)) == 0
