"""Synthetic voices whose phone times are known exactly: espeak-ng through ctypes (extra `voice`).

espeak-ng keeps one state for the whole process, so every call takes one lock and sets all parameters anew. It reports
each phone with the sample at which it starts. Its pitch flutters, and the flutter goes on from call to call: the same
calls in the same order give the same bytes in every process, but a sentence spoken twice in one process differs by a
few samples. Neither its seed nor a new start resets the flutter; only loading the library anew does (`fresh=True`).
"""
from __future__ import annotations

import _ctypes
import ctypes
import re
import sys
import threading
import unicodedata
from dataclasses import replace

import numpy as np

from tfg.errors import InputError
from tfg.speech.visemes import Phone, make_phones

SR = 16000
ACCENTS = ("en", "en-us", "en-us-nyc", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
VARIANTS = ("", "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8")
VOICES = tuple(f"{a}+{v}" if v else a for a in ACCENTS for v in VARIANTS)
"""8 English accents x 14 speakers. "en-gb" is no voice of espeak-ng ("en" is British)."""
CHARACTERS = ("Alex", "Alicia", "Andrea", "Andy", "Annie", "Gene", "Hugo", "Jacky", "Lee", "Marco", "Mario",
              "Michael", "adam", "anika", "aunty", "belinda", "benjamin", "boris", "david", "ed", "grandma",
              "grandpa", "iven", "john", "klatt", "klatt2", "klatt4", "klatt6", "linda", "max", "michel", "norbert",
              "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "travis", "victor",
              "zac", "whisper", "croak")
"""More variants, contributed by espeak-ng's users; any language can take one of them after a plus sign."""
LANGUAGES = ("de", "fr", "es", "nl", "pl", "pt", "sv", "tr", "fi", "cs", "ro", "it")
"""espeak-ng languages beside English that the corpus uses (texts: tfg.speech.texts.OTHER)."""

_LOCK = threading.Lock()
_loaded: list[tuple[ctypes.CDLL, int]] = []          # the loaded library and its sample rate; empty before the first
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4          # espeak_PARAMETER
_LIST_END, _PHONEME, _CLAUSE_END = 0, 7, 5           # espeak_EVENT_TYPE
_WITH_PHONEMES, _IPA_NAMES, _DONT_EXIT = 0x1, 0x2, 0x8000
_UTF8, _SSML, _END_PAUSE = 0x1, 0x10, 0x1000


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
                ("length", ctypes.c_int), ("audio_ms", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("name", ctypes.c_ubyte * 8)]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))
_blocks: list[np.ndarray] = []                       # int16 sound of the current call, filled by `_collect`
_events: list[tuple[int, int, str]] = []             # (type, sample, phone symbol) of the current call


def available() -> bool:
    """True where the extra `voice` is installed."""
    import importlib.util
    return importlib.util.find_spec("espeakng_loader") is not None


@_CALLBACK
def _collect(wave, n, events):
    """espeak-ng's callback: keep n samples at the pointer wave, and the events up to the end of their list."""
    if wave and n > 0:
        _blocks.append(np.frombuffer(ctypes.string_at(wave, 2 * n), np.int16))
    i = 0
    while events[i].type != _LIST_END:
        name = bytes(events[i].name).split(b"\0")[0].decode("utf-8", "ignore") if events[i].type == _PHONEME else ""
        _events.append((events[i].type, events[i].sample, name))
        i += 1
    return 0


def _library() -> tuple[ctypes.CDLL, int]:
    """The shared library and its sample rate in Hz; the first call loads it. Callers hold the lock."""
    if _loaded:
        return _loaded[0]
    import espeakng_loader

    lib = ctypes.CDLL(espeakng_loader.get_library_path())
    sr = lib.espeak_Initialize(2, 0, str(espeakng_loader.get_data_path()).encode(),
                               _WITH_PHONEMES | _IPA_NAMES | _DONT_EXIT)
    if sr <= 0:
        raise InputError(f'espeak-ng did not start (code {sr}): reinstall it with pip install --force-reinstall '
                         '"espeakng-loader"')
    lib.espeak_SetSynthCallback(_collect)
    if hasattr(lib, "espeak_ng_SetRandSeed"):        # its own seed is the time of day, so that runs would differ
        lib.espeak_ng_SetRandSeed(ctypes.c_long(0))
    _loaded.append((lib, sr))
    return lib, sr


def _unload() -> None:
    """Unload the library with all its state; the next `_library` loads it anew (6 ms). Callers hold the lock.

    If another part of this process has loaded the same library, the system keeps it, and the flutter goes on.
    """
    if not _loaded:
        return
    lib, _ = _loaded.pop()
    lib.espeak_Terminate()
    if sys.platform == "win32":
        _ctypes.FreeLibrary(lib._handle)
    else:
        _ctypes.dlclose(lib._handle)


def check_script(text: str, voice: str) -> None:
    """Raise InputError for letters that the voice cannot read: it would name them ("Chinese letter") one by one.

    All languages of `LANGUAGES` and English are written in Latin letters. Signs, digits and single Greek letters, which
    formulas have, are read by name and let through. Voices of other languages are not checked.
    """
    if voice.split("+")[0].split("-")[0] not in ("en", *LANGUAGES):
        return
    written = unicodedata.normalize("NFKC", text)
    scripts = {unicodedata.name(c, "UNKNOWN LETTER").split()[0] for word in re.findall(r"[^\W\d_]+", written)
               for c in word if not (len(word) == 1 and unicodedata.name(c, "").startswith("GREEK"))}
    foreign = sorted(s.capitalize() if s != "CJK" else "Chinese" for s in scripts - {"LATIN", "MODIFIER", "COMBINING"})
    if foreign:
        raise InputError(f"the text {text[:40]!r} has {' and '.join(foreign)} letters, but the voice {voice} reads "
                         "Latin ones: write it in them, or give a recording with --audio.")


def speak(text: str, voice: str = "en-us", *, rate: int = 160, pitch: int = 50, pitch_range: int = 50,
          volume: int = 100, ssml: bool = False, fresh: bool = False,
          formants: float = 1.0) -> tuple[np.ndarray, list[Phone]]:
    """Synthesise a text and return its sound with exact phone times.

    voice: an espeak-ng language with an optional variant, as "en-us" or "de+f2"; see `VOICES` and `LANGUAGES`.
    rate: words per minute, 80-450.  pitch, pitch_range: 0-99.  volume: 0-200.  ssml: the text is SSML.  fresh: begin as
    a new process would, so that the same arguments give the same bytes whatever was spoken before.  formants: 0.7-1.4,
    factor on the formants, as by a shorter vocal tract; the sound is played faster by it, so that pitch and rate rise
    too, for which the caller must compensate.
    Returns audio (N,) float32 in [-1, 1] at 16 kHz, and the phones in order with times in seconds (pauses are "sil").
    Raises InputError for an empty or undecodable text, an unknown voice, a number outside its range, and where
    espeak-ng is missing.
    """
    if not text.strip():
        raise InputError("there is no text to speak: give at least one word")
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"the text holds bytes that are no letters ({text!r}): save or paste it as UTF-8") from error
    check_script(text, voice)
    if not .7 <= formants <= 1.4:
        raise InputError(f"formants is {formants}; give a number from 0.7 to 1.4")
    if not available():
        raise InputError("speaking a text needs espeak-ng, which is not installed: pip install espeakng-loader")
    with _LOCK:
        if fresh:
            _unload()
        lib, sr = _library()
        if lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise InputError(f"unknown voice {voice!r}: take a language such as en-us or de, and add a variant such as "
                             "+f2 if you like")
        for parameter, value, low, high in ((_RATE, rate, 80, 450), (_PITCH, pitch, 0, 99),
                                            (_RANGE, pitch_range, 0, 99), (_VOLUME, volume, 0, 200)):
            if not low <= value <= high:
                raise InputError(f"{('rate', 'volume', 'pitch', 'pitch_range')[parameter - 1]} is {value}; give a "
                                 f"number from {low} to {high}")
            lib.espeak_SetParameter(parameter, int(value), 0)
        _blocks.clear()
        _events.clear()
        lib.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, _UTF8 | _END_PAUSE | (_SSML if ssml else 0), None, None)
        lib.espeak_Synchronize()
        audio = np.concatenate(_blocks) if _blocks else np.zeros(0, np.int16)
        events = list(_events)
    if not len(audio):
        raise InputError(f"the voice {voice!r} finds no words in {text!r}: give some words")
    audio = audio.astype(np.float32) / 32768
    played = round(sr * formants)
    phones = [replace(p, start_s=p.start_s * sr / played, stop_s=p.stop_s * sr / played)
              for p in _phones(events, audio, sr)]
    return _to_16k(audio, played), phones


def _phones(events: list[tuple[int, int, str]], audio: np.ndarray, sr: int) -> list[Phone]:
    """Phones with times in seconds from espeak-ng's events and its sound at sr Hz, with two corrections.

    A language switch, which espeak-ng reports as a phone "(en)", is dropped. A stop consonant is reported at its burst;
    its start moves back over its closure, which is silent in these voices and would count as part of the vowel before.
    """
    named = [(sample / sr, name) for kind, sample, name in events if kind == _PHONEME and not name.startswith("(")]
    starts = [start for start, _ in named]
    for i, (start, name) in enumerate(named):
        if name.strip("ˈˌ")[:1] in tuple("pbtdkgɡcɟq") and name:
            step, earliest = sr // 200, max(start - .12, starts[i - 1] + .01 if i else 0)
            first = start
            while first - .005 >= earliest and np.abs(audio[int(first * sr) - step:int(first * sr)]).max() < .004:
                first -= .005
            after_pause = i == 0 or not named[i - 1][1]
            starts[i] = max(first, start - .07) if after_pause else first
    stops = [*starts[1:], len(audio) / sr]
    out: list[Phone] = []
    for start, (_, name), stop in zip(starts, named, stops):
        if stop > start:
            out += make_phones(name, start, stop)
    return out


def _to_16k(y: np.ndarray, sr: int) -> np.ndarray:
    """Resample a sound (N,) from sr to 16 kHz, band-limited, by the spectrum of the whole clip (with NumPy alone)."""
    if sr == SR:
        return y
    n = int(round(len(y) * SR / sr))
    spectrum = np.fft.rfft(np.pad(y, (0, -len(y) % 441)))            # a length that has a fast FFT
    padded = len(y) + -len(y) % 441
    m = padded * SR // sr if padded * SR % sr == 0 else int(round(padded * SR / sr))
    out = np.fft.irfft(spectrum[:m // 2 + 1], m) * (m / padded)
    return out[:n].astype(np.float32)
