"""Takes: one person speaks one sentence with one emotion, and can play the same take again in another emotion.

`make_take` is a function of its arguments: the person's seed, the sentence, emotion, level and number of the take.
Nothing else counts, neither the order of the calls nor the process. Needs the extra `voice`.
"""
from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from tfg.acting.emotion import check_emotion
from tfg.acting.performance import act, speech_level
from tfg.acting.style import Style, display, intensity_curve
from tfg.acting.voices import Voice, prosody, speak_as
from tfg.actors.take_name import TEXT_CODE, take_name
from tfg.errors import InputError
from tfg.media.audio import FPS, n_frames
from tfg.media.motion import Motion
from tfg.speech.visemes import Phone, coarticulate, with_effort
from tfg.vocabulary import LEVELS, SENTENCES

INTENSITY = {"LO": (.30, .07), "MD": (.58, .08), "HI": (.90, .06), "XX": (.68, .17)}
"""Level -> (mean, standard deviation) of the intensity of its takes, in [0, 1]; XX means unspecified."""


@dataclass(repr=False)
class Performance:
    """One take: its sound, its motion, and the emotion behind them.

    name: "V001_DFA_HAP_HI", as in CREMA-D; from the second take on with its number, "V001_DFA_HAP_HI_2".  intensity:
    0..1, 0 for NEU.  audio: (N,) float32 at 16 kHz.  phones: tile the audio; the mouth's motion follows from their
    times and effort.  motion: T frames, expressions as they are before `Actor.personal`.  curve: (T,) intensity of the
    emotion over time.  level_db: (T,) loudness (`speech_level`), from which nods and blinks follow.  moves: emotion and
    intensity that the head, lids and eyes play; a replay keeps those of the first playing.  meta: a dict for JSON.
    """

    name: str
    actor: str
    sentence: str
    emotion: str
    level: str
    take: int
    intensity: float
    text: str
    audio: np.ndarray
    phones: list[Phone]
    motion: Motion
    curve: np.ndarray
    seed: int
    voice: Voice
    style: Style
    level_db: np.ndarray | None
    moves: tuple[str, float]
    meta: dict = field(default_factory=dict)

    def __repr__(self) -> str:
        """Name, frames and intensity in one line."""
        return f"Performance({self.name}, {len(self.motion)} frames, intensity {self.intensity:.2f})"


def make_take(actor_name: str, actor_seed: int, *, sentence: str | None = None, text: str | None = None,
              emotion: str = "NEU", level: str = "XX", take: int = 1, voice: Voice | None = None,
              style: Style | None = None, recorded: bool = True) -> Performance:
    """Play a new take: speak the sentence and act it with an emotion.

    actor_name: letters and digits, the start of the take's name.  actor_seed: the person's seed; with sentence,
    emotion, level and take it decides everything.  sentence: a code of `tfg.vocabulary.SENTENCES`.  text: any English
    sentence instead, coded TXT.  emotion, level: codes of tfg.vocabulary.  take: number, from 1.  voice, style: None
    takes those of `actor_seed`.  recorded: True adds room, microphone and noise to the sound (`speak_as`).
    Raises InputError for a name with other characters, both or neither of sentence and text, an unknown code, emotion
    or level, and where espeak-ng is missing.
    """
    if (sentence is None) == (text is None):
        raise InputError("give either a sentence's code, such as DFA, or a text, and not both.")
    if sentence is not None and sentence not in SENTENCES:
        raise InputError(f"unknown sentence {sentence!r}; choose one of {', '.join(SENTENCES)}, or give a text.")
    if not str(actor_name).isalnum():
        raise InputError(f"the actor's name is {actor_name!r}; give letters and digits, such as V001.")
    code, level = check_emotion(emotion), check_level(level)
    if not isinstance(take, (int, np.integer)) or take < 1:
        raise InputError(f"the take is {take!r}, but takes count 1, 2, 3, ...")
    words = SENTENCES[sentence] if sentence is not None else str(text)
    sentence = TEXT_CODE if sentence is None else sentence
    key = zlib.crc32(f"{sentence}|{words if sentence == TEXT_CODE else ''}|{code}|{level}|{take}".encode())
    seed = int(np.random.SeedSequence([int(actor_seed), key]).generate_state(1)[0])
    voice = Voice.from_seed(actor_seed) if voice is None else voice
    style = Style.from_seed(actor_seed) if style is None else style

    felt = intensity_of(level, seed)
    audio, phones = speak_as(voice, words, code, felt, seed=seed, recorded=recorded)
    frames = n_frames(len(audio))
    made = Performance(take_name(actor_name, sentence, code, level, take), actor_name, sentence, code, level, int(take),
                       0.0, words, audio, with_effort(phones, audio), Motion.still(frames),
                       np.zeros(frames, np.float32), seed, voice, style, speech_level(audio, frames), (code, felt),
                       dict(recorded=bool(recorded)))
    return _play(made, code, felt)


def replay(take: Performance, emotion: str, level: str | None = None, *, sound: str = "same") -> Performance:
    """Play the same take in another emotion, so that both are aligned frame by frame.

    The visemes' times, the head's motion, the moments of blinks and the glances are those of `take`, frame by frame;
    only the emotion's display and the size of the mouth's movements differ. The pose that belongs to an emotion
    (sadness looks down, anger leans forward) stays that of the first playing, for a pair whose heads move differently
    is not aligned; so does the direction of the gaze.
    level: None keeps the level.  sound: "same" keeps the samples; "acted" speaks again with the other emotion's pitch,
    level and tilt at the same rate, and moves each phone to its old time; `meta["residual_s"]` is the largest distance
    of a phone's start from it (4 ms in the median, 5.4 ms at most in 90 replays).
    The new take has the name of a take in its own right: record pairs into a folder of their own, or they replace those
    takes.  `replay(t, t.emotion, t.level)` has the motion and sound of t.
    Raises InputError for an unknown emotion, level or sound, and for a `take` that is no Performance.
    """
    if not isinstance(take, Performance):
        raise InputError(f"a {type(take).__name__} cannot be played again; give the Performance that make_take "
                         "returned.")
    code, level = check_emotion(emotion), take.level if level is None else check_level(level)
    if sound not in ("same", "acted"):
        raise InputError(f"unknown sound {sound!r}; choose same (the take's own samples) or acted (spoken again).")
    felt = intensity_of(level, take.seed)
    new = replace(take, name=take_name(take.actor, take.sentence, code, level, take.take), emotion=code, level=level,
                  meta={**take.meta, "replay_of": take.name, "sound": sound})
    if sound == "acted":
        new.audio, new.meta["residual_s"] = _speak_again(take, code, felt)
    return _play(new, code, felt)


def check_level(level: str) -> str:
    """Return the level's code in capitals: LO, MD, HI or XX. Raises InputError for an unknown one."""
    if str(level).upper() not in LEVELS:
        raise InputError(f"unknown level {level!r}; choose one of {', '.join(LEVELS)}.")
    return str(level).upper()


def intensity_of(level: str, seed: int) -> float:
    """Intensity of the take with this seed, 0.08..1: its level's mean plus the seed's deviation from it, which is the
    same number of standard deviations in every level."""
    mean, spread = INTENSITY[level]
    z = float(np.clip(np.random.default_rng([int(seed), 721]).standard_normal(), -2, 2))
    return float(np.clip(mean + spread * z, .08, 1))


def _play(take: Performance, emotion: str, felt: float) -> Performance:
    """Return the take with intensity, curve and motion filled in. felt: intensity of the emotion, used unless NEU."""
    frames = len(take.curve)
    moved, strength = take.moves
    lean = intensity_curve(frames, moved, seed=take.seed)[:, None] * np.array(take.style.manner(moved, strength).pose)
    feeling = display(take.style, emotion, 0.0 if emotion == "NEU" else felt, frames, seed=take.seed,
                      looseness=1 - felt)
    mouth = coarticulate(take.phones, frames)
    expression, pose = act(mouth, feeling, take.style.manner(moved, strength), take.level_db, lean=lean, seed=take.seed,
                           articulation=take.style.manner(emotion, felt).articulation)
    intensity = 0.0 if emotion == "NEU" else felt
    curve = (intensity * intensity_curve(frames, emotion, seed=take.seed)).astype(np.float32)
    meta = dict(kind="take", name=take.name, emotion=emotion, level=take.level, intensity=intensity, seed=take.seed)
    return replace(take, intensity=intensity, curve=curve, motion=Motion(expression, pose, float(FPS), meta=meta))


def _speak_again(take: Performance, emotion: str, felt: float) -> tuple[np.ndarray, float]:
    """Speak the take's words with another emotion's prosody at the take's own rate.

    Returns audio (N,) and the largest distance in seconds of a phone's start from its time in the take.
    """
    how = replace(prosody(emotion, felt, seed=take.seed), speed=prosody(*take.moves, seed=take.seed).speed)
    audio, phones = speak_as(take.voice, take.text, emotion, felt, seed=take.seed, how=how, like=take.phones,
                             recorded=take.meta.get("recorded", True))
    return audio, max(abs(p.start_s - q.start_s) for p, q in zip(take.phones, phones))
