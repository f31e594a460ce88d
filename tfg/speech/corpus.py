"""Synthetic speech with known phone times: espeak-ng (pip), and flite and festival where they are installed.

A clip is an `Utterance`: sound, phones, and the voice's name. The voices of flite and festival (Debian packages flite,
festival, festvox-kallpc16k, festvox-kdlpc16k, festvox-us-slt-hts) are built from recorded people, so that networks
trained on them work better on real speech.
"""
from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfg.media.audio import load_audio, mel_spectrogram, n_frames
from tfg.speech import voice
from tfg.speech.texts import OTHER, english
from tfg.speech.visemes import VISEMES, Phone, coarticulate, make_phones, with_effort

SR = 16000
FLITE = ("slt", "rms", "awb", "kal16")
FESTIVAL = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")
UNSEEN_VARIANTS, UNSEEN_RECORDED, UNSEEN_LANGUAGE = ("f5", "m7"), "ked_diphone", "it"      # kept for testing

SIZES = {
    # english, other, recorded: sentences for each voice of that kind; copies: altered copies (`vary`) of each training
    # clip; unseen: sentences for each test split
    "ci": dict(english_voices=3, characters=0, english=2, other_voices=1, other=1, recorded=0, copies=1, unseen=2),
    "cpu": dict(english_voices=112, characters=46, english=13, other_voices=6, other=8, recorded=260, copies=2,
                unseen=16),
    "gpu": dict(english_voices=112, characters=46, english=60, other_voices=12, other=12, recorded=1200, copies=3,
                unseen=40),
}


@dataclass
class Utterance:
    """One synthetic sentence with its sound, its phones, its voice and its split."""

    audio: np.ndarray                                 # (N,) float32, 16 kHz
    phones: list[Phone]
    voice: str                                        # "espeak:en-us+f2", "flite:slt"
    split: str                                        # train | voice | recorded | language


def engines() -> tuple[str, ...]:
    """Names of the speech engines that are installed on this machine, out of espeak, flite and festival."""
    here = ["espeak"] if voice.available() else []
    return (*here, *(e for e in ("flite", "festival") if shutil.which(e)))


def takes(profile: str, seed: int, use: tuple[str, ...], size: dict | None = None) -> Iterator[Utterance]:
    """Yield all utterances of a profile in a fixed order.

    profile: a key of `SIZES`.  seed: chooses texts, rates and pitches.  use: engines, as `engines` returns them.
    size: sizes to use instead of the profile's, in the format of `SIZES`.
    """
    size, rng = SIZES[profile] if size is None else size, np.random.default_rng(seed)
    if "espeak" in use:
        yield from _espeak(size, rng)
    for engine, names, speak in (("flite", FLITE, _flite), ("festival", FESTIVAL, _festival)):
        for name in names if engine in use and size["recorded"] else ():
            unseen = name == UNSEEN_RECORDED
            n = size["unseen"] * 3 if unseen else size["recorded"]
            for audio, phones in speak(name, [english(rng) for _ in range(n)], rng):
                yield Utterance(audio, phones, f"{engine}:{name}", "recorded" if unseen else "train")


def _espeak(size: dict, rng: np.random.Generator) -> Iterator[Utterance]:
    """The utterances of espeak-ng for a row of `SIZES`."""
    def take(text: str, name: str, split: str) -> Utterance:
        audio, phones = voice.speak(text, name, rate=int(rng.integers(115, 235)), pitch=int(rng.integers(25, 85)),
                                    pitch_range=int(rng.integers(20, 95)))
        return Utterance(audio, phones, "espeak:" + name, split)

    for name in rng.permutation(voice.VOICES)[:size["english_voices"]]:
        unseen = name.endswith(UNSEEN_VARIANTS)
        for _ in range(size["english"] if not unseen else max(size["english"] // 3, 1)):
            yield take(english(rng), str(name), "voice" if unseen else "train")
    seen = [v for v in voice.VARIANTS if v not in UNSEEN_VARIANTS]
    for language, texts in OTHER.items():
        split = "language" if language == UNSEEN_LANGUAGE else "train"
        for variant in rng.permutation(seen)[:size["other_voices"]]:
            for text in rng.permutation(texts)[:size["other"]]:
                yield take(str(text), f"{language}+{variant}" if variant else language, split)
    for character in voice.CHARACTERS[:size["characters"]]:
        for _ in range(size["english"] - 3):
            yield take(english(rng), f"{voice.ACCENTS[rng.integers(len(voice.ACCENTS))]}+{character}", "train")
    for _ in range(size["unseen"]):
        yield take(english(rng), f"en-us+{UNSEEN_VARIANTS[rng.integers(2)]}", "voice")


def _flite(name: str, texts: list[str], rng: np.random.Generator) -> Iterator[tuple[np.ndarray, list[Phone]]]:
    """Sound (N,) at 16 kHz and phones of each text, spoken by a voice of flite at a random rate and pitch."""
    base = {"slt": 175, "rms": 95, "awb": 125, "kal16": 105}[name]
    with tempfile.TemporaryDirectory() as folder:
        for text in texts:
            wav = Path(folder) / "a.wav"
            stdout = subprocess.run(["flite", "-voice", name, "--setf", f"duration_stretch={rng.uniform(.75, 1.2):.2f}",
                                     "--setf", f"int_f0_target_mean={base * rng.uniform(.85, 1.5):.0f}", "--setf",
                                     f"int_f0_target_stddev={rng.uniform(8, 35):.0f}", "-psdur", "-t", text, "-o",
                                     str(wav)], capture_output=True, text=True, check=True).stdout
            ends = [(s.split(":")[0], float(s.split(":")[1])) for s in stdout.split()]
            yield load_audio(wav), _from_ends([(symbol, end, None) for symbol, end in ends])


def _festival(name: str, texts: list[str], rng: np.random.Generator) -> Iterator[tuple[np.ndarray, list[Phone]]]:
    """Sound (N,) at 16 kHz and phones of each text, spoken by a voice of festival at a random rate."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"(voice_{name})"]
        for i, text in enumerate(texts):
            quoted = text.replace('"', "")
            lines += [f"(Parameter.set 'Duration_Stretch {rng.uniform(.8, 1.2):.2f})",
                      f'(set! u (Utterance Text "{quoted}"))', "(utt.synth u)", f'(utt.save.wave u "{folder}/{i}.wav")',
                      f'(mapcar (lambda (s) (format t "{i} %s %f %s\\n" (item.name s) (item.feat s "end")'
                      ' (item.feat s "R:SylStructure.parent.stress"))) (utt.relation.items u \'Segment))']
        script = Path(folder) / "say.scm"
        script.write_text("\n".join(lines))
        stdout = subprocess.run(["festival", "-b", str(script)], capture_output=True, text=True, check=True).stdout
        rows: dict[int, list] = {}
        for line in stdout.splitlines():
            number, symbol, end, stress = line.split()
            rows.setdefault(int(number), []).append((symbol, float(end), 2 * int(stress == "1")))
        for i, row in rows.items():
            yield load_audio(f"{folder}/{i}.wav"), _from_ends(row)


def _from_ends(rows: list[tuple[str, float, int | None]]) -> list[Phone]:
    """Phones of rows (ARPAbet symbol, end in seconds, stress 0 to 2 or None).

    flite reports no stress (None): such phones get the middle value, 1, and later an effort from their loudness.
    """
    out, start = [], 0.0
    for symbol, end, stress in rows:
        reduced = symbol in ("ax", "ix", "axr", "dx")
        out += make_phones(symbol, start, end, arpabet=True, stress=0 if reduced else 1 if stress is None else stress)
        start = end
    return out


# ---- one utterance -> mel and targets ------------------------------------------------------------------------------

def vary(take: Utterance, rng: np.random.Generator) -> Utterance:
    """Alter the speaker, tempo, emphasis, loudness and room of an utterance at random; its phones move along."""
    y, phones = take.audio, take.phones
    speed = rng.uniform(.83, 1.20)                    # a resampling: pitch, formants and tempo together
    at = np.arange(0, len(y) - 1, speed)
    y = np.interp(at, np.arange(len(y)), y).astype(np.float32)
    lead, tail = (rng.uniform(.05, 1.0) for _ in range(2))
    phones = [replace(p, start_s=p.start_s / speed + lead, stop_s=p.stop_s / speed + lead) for p in phones]
    knots = rng.normal(0, 3.5, int(len(y) / SR / .3) + 3)              # dB: some words become louder, others softer
    y = y * 10 ** (np.interp(np.arange(len(y)) / SR / .3, np.arange(len(knots)), knots) / 20)
    y = np.pad(y, (int(lead * SR), int(tail * SR)))
    phones = with_effort(phones, y)
    if rng.random() < .5:
        y = _reverb(y, rng)
    y = y / (np.abs(y).max() + 1e-6) * rng.uniform(.2, .9)
    if rng.random() < .1:
        limit = np.abs(y).max() * rng.uniform(.25, .7)
        y = np.clip(y, -limit, limit)
    return replace(take, audio=y.astype(np.float32), phones=phones)


def _reverb(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the reverberation of a random room to y (N,): decaying noise with RT60 0.1 to 0.5 s, 2 to 15 dB weaker."""
    n = int(SR * .4)
    room = rng.normal(0, 1, n) * 10 ** (-3 * np.arange(n) / SR / rng.uniform(.1, .5))
    room *= 10 ** (-rng.uniform(2, 15) / 20) / np.sqrt((room ** 2).sum())
    room[0] += 1
    size = 1 << int(np.ceil(np.log2(len(y) + n)))
    return np.fft.irfft(np.fft.rfft(y, size) * np.fft.rfft(room, size), size)[:len(y)]


def labels(phones: list[Phone], frames: int) -> np.ndarray:
    """Viseme of each frame at 25 frames/s: (frames,) uint8, an index into `VISEMES`; 0 (silence) outside the phones."""
    out = np.zeros(frames, np.uint8)
    for p in phones:
        a, b = int(p.start_s * 25 + .5), int(p.stop_s * 25 + .5)
        out[a:max(b, a + 1)] = VISEMES.index(p.viseme)
    return out


def closures(phones: list[Phone]) -> list[tuple[float, float]]:
    """(start, stop) in seconds of each phone that closes the lips (p, b, m)."""
    return [(p.start_s, p.stop_s) for p in phones if p.viseme == "PP"]


def groups_of(examples) -> list[np.ndarray]:
    """Group examples by the kind of their voice, so that training can draw each group equally often.

    A group is an engine; espeak-ng has two, English and other languages; measured people are one more.
    examples: objects with an attribute `voice`, such as "espeak:en-us+f2".  Returns a list of index arrays.
    """
    def kind(voice: str) -> str:
        engine, _, name = voice.partition(":")
        return engine if engine != "espeak" else "english" if name.startswith("en") else "other"

    kinds = np.array([kind(e.voice) for e in examples])
    return [np.flatnonzero(kinds == k) for k in sorted(set(kinds))]


def example(take: Utterance) -> tuple[np.ndarray, np.ndarray]:
    """Input and target of a network for one utterance: log-mel (80, M) float16 and coefficients (T, 52) float32.

    The phones must carry their effort (`tfg.speech.visemes.with_effort`).
    """
    return mel_spectrogram(take.audio).astype(np.float16), coarticulate(take.phones, n_frames(len(take.audio)))
