"""Voices of people, and prosody of emotions: determinism, times, pitch, level, many different voices."""
from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tfg.acting import voices
from tfg.acting.voices import PROSODY, Prosody, Voice, prosody, speak_as
from tfg.errors import InputError
from tfg.speech import voice
from tfg.speech.timing import retime
from tfg.speech.visemes import VISEMES

needs_espeak = pytest.mark.skipif(not voice.available(), reason="espeak-ng is missing: pip install espeakng-loader")
TEXT = "Don't forget a jacket"


def digest(*args, **kwargs) -> str:
    return hashlib.sha256(speak_as(*args, **kwargs)[0].tobytes()).hexdigest()


def f0(y: np.ndarray) -> float:
    """Median f0 in Hz of the loud frames, by autocorrelation."""
    found = []
    for start in range(0, len(y) - 800, 400):
        piece = y[start:start + 800].astype(float)
        if np.abs(piece).max() > .3 * np.abs(y).max():
            r = np.correlate(piece, piece, "full")[799:] / np.linspace(1, .4, 800)
            lag = 40 + int(np.argmax(r[40:240]))
            found.append(16000 / lag)
    return float(np.median(found))


@needs_espeak
def test_same_arguments_same_bytes_whatever_was_said_before():
    a, b = Voice.from_seed(1), Voice.from_seed(2)
    first = digest(a, TEXT, "HAP", .9, seed=4)
    digest(b, "Maybe tomorrow it will be cold", "SAD", .4, seed=5)
    voice.speak("Guten Tag.", "de", rate=220)
    assert digest(a, TEXT, "HAP", .9, seed=4) == first
    code = ("import hashlib; from tfg.acting.voices import *; y, _ = speak_as(Voice.from_seed(1), "
            f"{TEXT!r}, 'HAP', .9, seed=4); print(hashlib.sha256(y.tobytes()).hexdigest())")
    fresh = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert fresh == first


@needs_espeak
def test_takes_differ():
    who = Voice.from_seed(1)
    assert len({digest(who, TEXT, "NEU", seed=s) for s in range(3)}) == 3


@needs_espeak
@pytest.mark.parametrize("seed", range(4))
def test_phones_tile_the_sound_and_silence_surrounds_it(seed):
    y, phones = speak_as(Voice.from_seed(seed), TEXT, "ANG", 1.0, seed=seed, recorded=False)
    assert y.dtype == np.float32 and len(y) % 640 == 0 and np.abs(y).max() < .9
    assert phones[0].start_s == 0 and phones[-1].stop_s == pytest.approx(len(y) / 16000)
    assert all(a.stop_s == pytest.approx(b.start_s) and a.stop_s > a.start_s for a, b in zip(phones, phones[1:]))
    assert phones[0].viseme == phones[-1].viseme == "sil" and all(p.viseme in VISEMES for p in phones)
    lead, trail = phones[0].stop_s, phones[-1].stop_s - phones[-1].start_s
    assert .2 <= lead < .4 and .2 <= trail < .45
    inside = np.abs(y[int(lead * 16000):int(phones[-1].start_s * 16000)]).max()
    assert np.abs(y[:int((lead - .03) * 16000)]).max() < .03 * inside


@needs_espeak
def test_formants_move_times_exactly():
    """A phone at sample s of the slow original comes at s / factor."""
    plain, phones = voice.speak(TEXT, "en-us+m3", fresh=True)
    short, moved = voice.speak(TEXT, "en-us+m3", fresh=True, formants=1.2)
    assert len(short) == pytest.approx(len(plain) / 1.2, abs=2)
    np.testing.assert_allclose([p.start_s for p in moved], [p.start_s / 1.2 for p in phones], atol=1e-4)
    with pytest.raises(InputError, match="formants is 2"):
        voice.speak(TEXT, formants=2)


@needs_espeak
@pytest.mark.parametrize("seed", range(6))
def test_the_pitch_that_was_asked_for(seed):
    who = Voice.from_seed(seed)
    y, _ = speak_as(who, "I would like a new alarm clock", how=Prosody(range=.3), recorded=False)
    assert abs(12 * np.log2(f0(y) / who.f0_hz)) < 3


@needs_espeak
def test_emotions_sound_as_in_the_table():
    who, found = Voice.from_seed(3, sex="male"), {}
    for e in PROSODY:
        how = prosody(e, 1.0, seed=None)
        y, phones = speak_as(who, "I would like a new alarm clock", e, recorded=False, how=how)
        rms = np.sqrt(np.mean(np.square(y.reshape(-1, 640)), 1))
        found[e] = (f0(y), 20 * np.log10(np.sqrt(np.mean(rms[rms > .06 * rms.max()] ** 2))), phones[-1].start_s)
    f, db, length = zip(*(found[e] for e in ("ANG", "HAP", "NEU", "SAD")))
    assert f[0] > 1.15 * f[2] and f[1] > 1.15 * f[2] and f[3] < f[2]
    assert db[0] - db[2] == pytest.approx(9, abs=.7) and db[3] - db[2] == pytest.approx(-4.5, abs=.7)
    assert length[0] > 1.03 * length[2] and length[3] > 1.03 * length[2] and length[1] < length[2]


@needs_espeak
def test_a_recording_has_a_floor_and_the_same_timing():
    who = Voice.from_seed(8)
    dry, phones = speak_as(who, TEXT, seed=1, recorded=False)
    wet, same = speak_as(who, TEXT, seed=1)
    assert phones == same and len(wet) == len(dry)
    floor = [20 * np.log10(np.sqrt(np.mean(y[:2400] ** 2)) + 1e-9) for y in (dry, wet)]
    assert floor[0] < -90 and -75 < floor[1] < -45
    lag = int(np.argmax(np.correlate(wet[8000:16000], dry[8200:15800], "valid"))) - 200
    assert abs(lag) <= 8


def alike(a: Voice, b: Voice) -> bool:
    """The same speaker with pitch within a third of a semitone, formants 1 %, rate 5 % and colour 2 dB."""
    return (a.speaker == b.speaker and abs(12 * np.log2(a.f0_hz / b.f0_hz)) < .33
            and abs(a.formants / b.formants - 1) < .01 and abs(a.rate / b.rate - 1) < .05
            and np.abs(np.subtract(a.colour, b.colour)).mean() < 2)


def test_sex_decides_the_pitch_and_people_differ():
    everyone = [Voice.from_seed(s) for s in range(300)]
    women, men = ([v.f0_hz for v in everyone if v.sex == s] for s in ("female", "male"))
    assert min(women) > 155 and max(men) < 155 and 100 < len(women) < 200
    assert all(Voice.from_seed(s, sex="male", age=30).sex == "male" for s in range(9))
    formants = [v.formants for v in everyone]
    assert min(formants) > .8 and max(formants) < 1.2 and np.std(formants) > .04
    assert sum(not any(alike(a, b) for b in everyone[:i]) for i, a in enumerate(everyone[:205])) >= 200
    with pytest.raises(InputError, match="robot"):
        Voice.from_seed(0, sex="robot")


def test_a_voice_survives_json():
    who = Voice.from_seed(5)
    assert Voice.from_dict(json.loads(json.dumps(who.to_dict()))) == who and hash(who) == hash(replace(who))


def test_prosody_scales_with_intensity_and_the_take_is_its_own():
    assert prosody("NEU", 1, seed=None) == Prosody() and prosody("ANG", 0, seed=None) == Prosody()
    assert prosody("ANG", .5, seed=None).gain_db == PROSODY["ANG"].gain_db / 2
    a, b = prosody("ANG", 1, seed=3), prosody("NEU", 1, seed=3)
    assert a.semitones - b.semitones == pytest.approx(PROSODY["ANG"].semitones)
    assert prosody("NEU", seed=3) != prosody("NEU", seed=4)
    with pytest.raises(InputError, match="JOY"):
        prosody("JOY")


def test_retime_moves_clicks_and_keeps_pitch():
    t = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 200 * t)
    y, came = retime(tone, np.array([0, .4, 1.0]), np.array([0, .46, 1.0]), 16000)
    assert len(y) == 16000 and np.abs(came - [0, .46, 1.0]).max() <= .0051
    spectrum = np.abs(np.fft.rfft(y))
    assert int(np.argmax(spectrum)) == pytest.approx(200, abs=2)
    assert np.abs(y[1000:-1000]).max() < 1.1
    burst = np.zeros(16000)
    burst[6400:6600] = np.hanning(200)
    moved, _ = retime(burst, np.array([.1, .4, .9]), np.array([.1, .43, .9]), 16000)
    assert abs(int(np.argmax(moved)) / 16000 - (.43 + 100 / 16000)) < .011


def test_the_accents_have_their_shares():
    assert len(voices.ACCENT_SHARE) == len(voice.ACCENTS) and sum(voices.ACCENT_SHARE) == pytest.approx(1)
    known = set(voice.VARIANTS) | set(voice.CHARACTERS)
    assert set(voices.SPEAKERS["female"]) | set(voices.SPEAKERS["male"]) <= known
