"""Voices of the virtual actors: a `Voice` for each person, a `Prosody` for each emotion (extra `voice`).

A person's voice is one of espeak-ng's speakers, modified: vocal tract (`formants`: the sound is played faster, and
spoken that much slower and lower, so that phone times stay exact), pitch, pitch range, rate and spectral colour.
`speak_as` returns the same bytes for the same arguments in every process, whatever was spoken before.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from tfg.acting.emotion import check_emotion
from tfg.errors import InputError
from tfg.media.audio import SAMPLES_PER_FRAME, SR
from tfg.speech import voice as espeak
from tfg.speech.visemes import Phone

SPEAKERS = {
    "female": {"f2": 189, "f4": 175, "f5": 200, "Alicia": 242, "steph": 182, "linda": 225, "belinda": 226,
               "Andrea": 239},
    "male": {"": 100, "m1": 92, "m2": 98, "m3": 103, "m4": 91, "m5": 101, "m6": 100, "m7": 104, "m8": 84, "Alex": 104,
             "Andy": 95, "Lee": 95, "Hugo": 106, "Gene": 94, "Mario": 103, "michel": 103, "victor": 94, "robert": 94,
             "travis": 100, "quincy": 83},
}
"""espeak-ng's speakers and the median f0 in Hz that they have at pitch 50, measured on one sentence (harvest). f1, f3
and Annie are left out: they are so rough that their pitch falls by an octave in a tenth of their frames and more."""
PITCH_KNOB, PITCH_SEMITONES = (0, 25, 50, 75, 99), (-7.3, -4.0, 0, 4.5, 9.2)
"""espeak-ng's `pitch` settings and the semitones by which they move f0, the mean of its speakers, measured as above."""
REACH = -4.5, 4.5           # bounds of a person's f0, in semitones from the speaker's own: emotions need the rest
NEUTRAL_DB = -27.0          # level of neutral speech in dB (root mean square of active frames; full scale is 0)
CEILING = .89               # largest absolute sample: higher peaks are rounded off
EDGE_S = (.20, .40)         # range of the silence before and after a sentence, in seconds


@dataclass(frozen=True)
class Prosody:
    """How a sentence is spoken, relative to the person's own neutral speech.

    semitones: shift of f0.  range, speed: factors on f0's movement and on the rate.  gain_db: level.  tilt_db: spectral
    tilt in dB per octave around 1 kHz (effort makes a voice bright).  tremor_db: depth of a 6 Hz tremor.
    """

    semitones: float = 0.0
    range: float = 1.0
    speed: float = 1.0
    gain_db: float = 0.0
    tilt_db: float = 0.0
    tremor_db: float = 0.0


PROSODY = {
    "ANG": Prosody(5.0, 1.60, .90, 9.0, 1.5),
    "DIS": Prosody(-.8, .95, .88, 1.5, .2),
    "FEA": Prosody(4.0, 1.05, 1.12, 2.5, .5, 1.5),
    "HAP": Prosody(5.0, 1.85, 1.07, 5.0, .9),
    "NEU": Prosody(),
    "SAD": Prosody(-1.4, .40, .87, -4.5, -1.5),
}
"""Emotion -> prosody at intensity 1. Directions after Banse & Scherer 1996. The sizes are smaller than those of two
speakers of CREMA-D against their own neutral speech (ANG +7 semitones, +13 dB, 1.3 times as long; HAP +7, +7 dB, .9;
SAD -1.4, -4 dB), for actors differ."""


@dataclass(frozen=True)
class Voice:
    """A person's voice. speaker: an espeak-ng language and variant, as "en-us+f2".  f0_hz: median f0 of neutral speech.
    range: factor on f0's movement.  rate: words per minute.  formants: factor on all formants, above 1 for a shorter
    vocal tract.  colour: (7,) gains in dB at `COLOUR_HZ`.  room: seed of room and microphone.  sex: "female" or "male".
    age: years."""

    speaker: str
    f0_hz: float
    range: float
    rate: float
    formants: float
    colour: tuple[float, ...]
    room: int
    sex: str
    age: float

    @staticmethod
    def from_seed(seed: int, *, sex: str | None = None, age: float | None = None) -> Voice:
        """The voice of the person with this seed; the seed also draws sex and age where they are None.

        Men speak at 80-150 Hz, women at 165-260 Hz (Titze 1994); women's pitch and everybody's rate fall with age,
        men's pitch rises a little past 60. Raises InputError for a sex other than "female" and "male".
        """
        rng = np.random.default_rng([int(seed), 701])
        drawn = ("female", "male")[rng.integers(2)], rng.uniform(20, 75)
        sex, age = drawn[0] if sex is None else sex, float(drawn[1] if age is None else age)
        if sex not in SPEAKERS:
            raise InputError(f"the sex is {sex!r}; give 'female' or 'male', or leave it out.")
        variant = str(rng.choice(list(SPEAKERS[sex])))
        accent = str(rng.choice(espeak.ACCENTS, p=ACCENT_SHARE))
        z = np.clip(rng.standard_normal(4), -2, 2)
        old = np.clip((age - 45) / 30, -1, 1)
        if sex == "male":
            f0, tract = np.clip(116 * 2 ** ((3.0 * z[0] + 1.0 * max(old, 0)) / 12), 85, 155), .98 + .065 * z[1]
        else:
            f0, tract = np.clip(207 * 2 ** ((2.2 * z[0] - 1.2 * old) / 12), 165, 260), 1.01 + .055 * z[1]
        own = SPEAKERS[sex][variant] * tract
        f0 = np.clip(f0, own * 2 ** (REACH[0] / 12), own * 2 ** (REACH[1] / 12))
        colour = np.clip(rng.normal(0, 2.2, len(COLOUR_HZ)), -5, 5) + np.linspace(1, -1, len(COLOUR_HZ)) * 1.5 * old
        return Voice(f"{accent}+{variant}" if variant else accent, float(f0), float(np.exp(.18 * z[2])),
                     float(158 * np.exp(.09 * z[3] - .05 * old)), float(tract), tuple(float(c) for c in colour),
                     int(rng.integers(2 ** 31)), sex, age)

    def to_dict(self) -> dict:
        """The fields as a dict of numbers, strings and a list, for JSON."""
        return {**asdict(self), "colour": list(self.colour)}

    @staticmethod
    def from_dict(fields: dict) -> Voice:
        """The voice of a dict that `to_dict` returned."""
        return Voice(**{**fields, "colour": tuple(fields["colour"])})


COLOUR_HZ = (100, 250, 600, 1300, 2600, 4500, 7500)             # frequencies at which `Voice.colour` gives a gain
ACCENT_SHARE = (.08, .44, .14, .10, .08, .05, .05, .06)         # shares of espeak.ACCENTS; CREMA-D is mostly American


def prosody(emotion: str, intensity: float = 1.0, *, seed: int | None = 0) -> Prosody:
    """The prosody of a take: `PROSODY` of the emotion at this intensity, plus a random variation from take to take.

    seed: the take's seed; None leaves the variation out. The variation does not depend on the emotion.
    Raises InputError as `check_emotion`.
    """
    full = PROSODY[check_emotion(emotion, intensity)]
    z = np.zeros(5) if seed is None else np.clip(np.random.default_rng([int(seed), 702]).standard_normal(5), -2, 2)
    return Prosody(semitones=full.semitones * intensity + .7 * z[0], range=full.range ** intensity * np.exp(.12 * z[1]),
                   speed=full.speed ** intensity * np.exp(.05 * z[2]), gain_db=full.gain_db * intensity + 1.2 * z[3],
                   tilt_db=full.tilt_db * intensity + .3 * z[4], tremor_db=full.tremor_db * intensity)


def speak_as(voice: Voice, text: str, emotion: str = "NEU", intensity: float = 1.0, *, seed: int = 0,
             recorded: bool = True, how: Prosody | None = None,
             like: list[Phone] | None = None) -> tuple[np.ndarray, list[Phone]]:
    """Synthesise a sentence as this person speaks it with an emotion.

    seed: the take's seed, which varies prosody, silence before and after, and noise.  recorded: True adds the person's
    room, microphone and noise floor; False gives the dry voice.  how: prosody to use instead of
    `prosody(emotion, intensity, seed=seed)`.  like: phones of the same words by the same voice, as this function
    returned them; each phone is moved to its time there.
    Returns audio (N,) float32 at 16 kHz, whole frames of 640 samples, peaks below 0.9, and the phones in order, which
    tile it, pauses as "sil". The same arguments give the same bytes.
    Raises InputError for a text without words, an unknown emotion or a missing espeak-ng.
    """
    how = prosody(emotion, intensity, seed=seed) if how is None else how
    speaker = voice.speaker.partition("+")[2]
    own_hz = SPEAKERS[voice.sex].get(speaker, 100)
    asked = 12 * np.log2(voice.f0_hz / (own_hz * voice.formants)) + how.semitones
    dry, phones = espeak.speak(
        text, voice.speaker, pitch=int(round(np.interp(asked, PITCH_SEMITONES, PITCH_KNOB))),
        pitch_range=int(np.clip(round(50 * voice.range * how.range), 5, 99)),
        rate=int(np.clip(round(voice.rate * how.speed / voice.formants), 80, 450)), volume=60, fresh=True,
        formants=voice.formants)
    if all(p.viseme == "sil" for p in phones):
        raise InputError(f"the text {text!r} has no words to speak: give at least one")
    dry, phones = _edges(dry, phones, np.random.default_rng([int(seed), 703]).uniform(*EDGE_S, 2))
    if like is not None:
        dry, phones = _moved(dry, phones, like)
    return _finish(dry, voice, how, seed, recorded), phones


def _moved(dry: np.ndarray, phones: list[Phone], like: list[Phone]) -> tuple[np.ndarray, list[Phone]]:
    """Move each phone of the sound `dry` (N,) to its time in `like`. Returns the sound and the phones' actual times."""
    from tfg.speech.timing import retime

    if [p.symbol for p in phones] != [p.symbol for p in like]:
        raise ValueError("`like` holds the phones of other words or of another voice")
    n = int(round(like[-1].stop_s * SR))
    dry, at_s = retime(dry, np.array([p.start_s for p in phones[1:]]), np.array([p.start_s for p in like[1:]]), n)
    edges_s = [0.0, *at_s, n / SR]
    return dry, [replace(p, start_s=a, stop_s=b) for p, a, b in zip(phones, edges_s, edges_s[1:])]


def _edges(dry: np.ndarray, phones: list[Phone], edges_s) -> tuple[np.ndarray, list[Phone]]:
    """Set the silence before and after the speech to edges_s (2,) seconds, and fill up the last frame of 640 samples.

    The phones move along, and the two silences are added to them, so that they tile the sound.
    """
    spoken = [p for p in phones if p.viseme != "sil"]
    start, stop = spoken[0].start_s, spoken[-1].stop_s
    lead = int(round(edges_s[0] * SR))
    body = dry[int(round(start * SR)):int(round((stop + .06) * SR))]
    n = -(-max(lead + len(body), lead + int(round((stop - start + edges_s[1]) * SR))) // SAMPLES_PER_FRAME)
    audio = np.zeros(n * SAMPLES_PER_FRAME, np.float32)
    audio[lead:lead + len(body)] = body
    shift = lead / SR - int(round(start * SR)) / SR
    inner = [p for p in phones if p.start_s >= start - 1e-9 and p.stop_s <= stop + 1e-9]
    moved = [replace(p, start_s=p.start_s + shift, stop_s=p.stop_s + shift) for p in inner]
    return audio, [Phone("", 0.0, moved[0].start_s, "sil"), *moved, Phone("", moved[-1].stop_s, len(audio) / SR, "sil")]


def _finish(dry: np.ndarray, voice: Voice, how: Prosody, seed: int, recorded: bool) -> np.ndarray:
    """Apply the voice's colour, the prosody's tilt, tremor and level, and if recorded room, microphone and noise."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(dry) + SR // 2, real=True)
    hz = np.maximum(np.fft.rfftfreq(size, 1 / SR), 20)
    octaves = np.log2(hz / 1000)
    db = np.interp(octaves, np.log2(np.array(COLOUR_HZ) / 1000), voice.colour)
    db += how.tilt_db * np.clip(octaves, -2.5, 2.8)
    spectrum = rfft(dry, size) * 10 ** (db / 20)
    if recorded:
        place = np.random.default_rng([voice.room, 704])
        spectrum *= rfft(_room(place), size) * _microphone(place, octaves)
    y = irfft(spectrum, size)[:len(dry)]
    if how.tremor_db > 0:
        wave = np.sin(2 * np.pi * (6.2 * np.arange(len(y)) / SR + (seed % 97) / 97))
        y *= 10 ** (how.tremor_db * wave / 20)
    frames = np.sqrt(np.mean(np.square(y.reshape(-1, SAMPLES_PER_FRAME)), 1))
    active = frames[frames > .06 * frames.max()] if frames.max() > 0 else np.ones(1)
    y *= 10 ** ((NEUTRAL_DB + how.gain_db) / 20) / np.sqrt(np.mean(active ** 2))
    if recorded:
        y += _noise(len(y), place, np.random.default_rng([int(seed), 705]))
    knee = .6
    over = np.abs(y) > knee
    y[over] = np.sign(y[over]) * (knee + (CEILING - knee) * np.tanh((np.abs(y[over]) - knee) / (CEILING - knee)))
    return y.astype(np.float32)


def _room(rng: np.random.Generator) -> np.ndarray:
    """Impulse response (0.3 s at 16 kHz) of a small furnished room: direct sound, then a decaying, darkening tail with
    a reverberation time RT60 of 0.15-0.35 s, 14 to 24 dB weaker than the direct sound in all."""
    rt60, weaker_db = rng.uniform(.15, .35), rng.uniform(14, 24)
    t = np.arange(int(.3 * SR)) / SR
    tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / rt60) * (t > .004)
    tail[1:] = .6 * tail[1:] + .4 * tail[:-1]
    tail *= 10 ** (-weaker_db / 20) / np.sqrt(np.sum(tail ** 2))
    tail[0] = 1
    return tail


def _microphone(rng: np.random.Generator, octaves: np.ndarray) -> np.ndarray:
    """Gain of a random microphone at each frequency, given in octaves from 1 kHz: a broad tilt, a peak or dip in the
    presence range, and a high-pass at 60-140 Hz."""
    low = np.log2(rng.uniform(60, 140) / 1000)
    db = rng.normal(0, .6) * np.clip(octaves, -3, 3)
    db = db + rng.normal(0, 2) * np.exp(-.5 * ((octaves - rng.uniform(1, 2.5)) / .6) ** 2)
    return 10 ** (db / 20) / np.sqrt(1 + 2 ** (4 * (low - octaves)))


def _noise(n: int, place: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    """Noise floor of a room, n samples: noise of -68 to -52 dB, darker than white, and a trace of mains hum."""
    from scipy.fft import irfft, next_fast_len, rfft

    level_db, colour, hum_hz = place.uniform(-68, -52), place.uniform(.3, 1.0), place.choice((50, 60))
    size = next_fast_len(n, real=True)
    hz = np.maximum(np.fft.rfftfreq(size, 1 / SR), 40)
    noise = irfft(rfft(rng.standard_normal(size).astype(np.float32)) * (hz / 1000) ** -colour, size)[:n]
    noise *= 10 ** (level_db / 20) / np.sqrt(np.mean(noise ** 2))
    t = np.arange(n) / SR
    hum = sum(np.sin(2 * np.pi * hum_hz * k * t + rng.uniform(0, 6.3)) / k for k in (1, 2, 3))
    return noise + hum * 10 ** ((level_db - 6) / 20)
