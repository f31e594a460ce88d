"""espeak-ng through ctypes: phone times, determinism, many voices, all their phones known to the viseme table."""
from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tfg.errors import InputError
from tfg.speech import voice
from tfg.speech.phones import parse
from tfg.speech.visemes import VISEMES

needs_espeak = pytest.mark.skipif(not voice.available(), reason="espeak-ng is missing: pip install espeakng-loader")


@needs_espeak
def test_speech_with_phones_that_tile_it():
    y, phones = voice.speak("Pat bought a puppy.", "en-us+m3")
    assert y.dtype == np.float32 and y.ndim == 1 and .8 < len(y) / 16000 < 4 and .05 < np.abs(y).max() <= 1.01
    assert [p.viseme for p in phones][:3] == ["PP", "AA", "TN"] and phones[-1].viseme == "sil"
    assert all(p.viseme in VISEMES and p.stop_s > p.start_s for p in phones)
    assert all(abs(a.stop_s - b.start_s) < 1e-6 for a, b in zip(phones, phones[1:]))
    assert phones[-1].stop_s == pytest.approx(len(y) / 16000, abs=.01)
    assert any(p.stress == 2 for p in phones)


@needs_espeak
def test_times_fit_the_sound():
    """Vowels are loud, the closure of a p between them is silent and belongs to the p."""
    y, phones = voice.speak("apa, apa.", "en-us")
    level = {v: [np.abs(y[int(p.start_s * 16000):int(p.stop_s * 16000)]).mean() for p in phones if p.viseme == v]
             for v in ("PP", "AA", "sil")}
    assert max(level["PP"]) < min(level["AA"]) and max(level["sil"]) < min(level["AA"]) / 5
    p = next(p for p in phones if p.viseme == "PP")
    start = int(p.start_s * 16000)
    assert np.abs(y[start + 80:start + 320]).max() < .02


@needs_espeak
def test_a_new_process_says_the_same_bytes():
    code = ("import hashlib; from tfg.speech.voice import speak; a = speak('Hello there.', 'en+f2', rate=140)[0]; "
            "b = speak('Guten Tag.', 'de')[0]; print(hashlib.sha256(a.tobytes() + b.tobytes()).hexdigest())")
    first = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    time.sleep(1.1)                                  # espeak-ng's own seed is the second of the day
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == first


@needs_espeak
def test_parameters_do_not_leak_from_call_to_call():
    """The flutter of the pitch moves on, by some samples; rate, pitch, volume and language do not."""
    first, phones = voice.speak("Hello there.", "en+f2", rate=140, pitch=60)
    voice.speak("Guten Tag.", "de", rate=220, pitch=20, volume=40)
    again, phones_again = voice.speak("Hello there.", "en+f2", rate=140, pitch=60)
    assert abs(len(first) - len(again)) < 80 and np.abs(again).max() == pytest.approx(np.abs(first).max(), rel=.2)
    assert [p.symbol for p in phones] == [p.symbol for p in phones_again]
    assert [p.start_s for p in phones] == pytest.approx([p.start_s for p in phones_again], abs=.005)


@needs_espeak
def test_fresh_forgets_whatever_was_said_and_refused(monkeypatch):
    """A library loaded twice is never unloaded, and its flutter would go on: one that is missing for a moment must not
    make the next call load a second."""
    first = voice.speak("Hello there.", fresh=True)[0]
    with monkeypatch.context() as patch, pytest.raises(InputError):
        patch.setattr(voice, "available", lambda: False)
        voice.speak("Hello.")
    voice.speak("Guten Tag.", "de")
    assert (voice.speak("Hello there.", fresh=True)[0] == first).all()


@needs_espeak
def test_rate_and_volume_do_what_they_say():
    slow, _ = voice.speak("One two three four.", rate=100)
    fast, _ = voice.speak("One two three four.", rate=220)
    quiet, _ = voice.speak("One two three four.", rate=100, volume=30)
    assert len(slow) > 1.3 * len(fast) and np.abs(quiet).max() < .6 * np.abs(slow).max()


@needs_espeak
def test_threads_do_not_mix_their_sentences():
    texts = ("One.", "Two three.", "Four five six.")
    alone = {t: [p.symbol for p in voice.speak(t)[1]] for t in texts}
    made: dict[str, list] = {}

    def say(t: str) -> None:
        made[t] = [p.symbol for p in voice.speak(t)[1]]
    workers = [threading.Thread(target=say, args=(t,)) for t in texts]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert made == alone


@needs_espeak
def test_every_accent_and_language_speaks_phones_that_the_table_knows(monkeypatch):
    from tfg.speech.texts import ENGLISH, OTHER
    symbols = set()
    real = voice.make_phones
    monkeypatch.setattr(voice, "make_phones", lambda s, *a, **k: symbols.add(s) or real(s, *a, **k))
    for accent in voice.ACCENTS:
        voice.speak(" ".join(ENGLISH[::3]), accent, rate=300)
    for language in voice.LANGUAGES:
        voice.speak(" ".join(OTHER[language]), language, rate=300)
    for symbol in symbols:
        parse(symbol, strict=True)
    assert len(symbols) > 120


@needs_espeak
def test_voices_are_many_and_each_variant_exists():
    assert len(voice.VOICES) >= 80 and len(set(voice.VOICES)) == len(voice.VOICES)
    made = {voice.speak("Hello.", f"en-us+{v}" if v else "en-us")[0].tobytes() for v in voice.VARIANTS}
    assert len(made) == len(voice.VARIANTS)


@needs_espeak
@pytest.mark.parametrize("kwargs, message", [
    (dict(text="  "), "no text"), (dict(text="Hi", voice="xx-none"), "unknown voice"),
    (dict(text="a\udcff"), "no letters"),
    (dict(text="Hi", rate=9), "rate is 9"),
    (dict(text="Hi", pitch=200), "pitch is 200"), (dict(text="Hi", volume=-1), "volume is -1")])
def test_bad_input_says_what_to_do(kwargs, message):
    with pytest.raises(InputError, match=message):
        voice.speak(**kwargs)


def test_without_the_extra_the_message_names_it(monkeypatch):
    monkeypatch.setattr(voice, "available", lambda: False)
    with pytest.raises(InputError, match="pip install espeakng-loader"):
        voice.speak("Hello.")


def test_importing_the_voice_is_light():
    code = "import sys, tfg.speech.voice; assert 'torch' not in sys.modules and 'espeakng_loader' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("text, script", [("你好", "Chinese"), ("Привет, мир", "Cyrillic"), ("Hello мир", "Cyrillic"),
                                          ("はい", "Hiragana"), ("γεια σου", "Greek"), ("مرحبا", "Arabic")])
def test_letters_that_the_voice_cannot_read_are_refused(text, script):
    with pytest.raises(InputError, match=f"{script} letters, but the voice en-us reads Latin"):
        voice.check_script(text, "en-us")


@pytest.mark.parametrize("text", ["naïve café", "Ｈｅｌｌｏ", "x² + π = 3.2 €", "Straße", "İstanbul'da",
                                  "ﬁne \U0001f600", "e\u0301te"])
def test_letters_that_it_can_read_are_not(text):
    voice.check_script(text, "en-us")
    voice.check_script("Привет", "ru")
