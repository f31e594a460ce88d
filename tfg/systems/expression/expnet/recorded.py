"""Recordings of real people as training clips: their sound and words are real, their faces are virtual people's.

    tfg corpora fetch librispeech --out build/librispeech
    tfg train expnet --hearing speech --recorded build/librispeech --out build/expnet

The words are aligned with the sound (`tfg.speech.align`); from the phones' times follow the lips, as with synthetic
speech. A recording whose words do not fit is left out.

With `--teacher DIR` nothing is aligned: the faces are those that another ExpNet, which hears whole sounds, gives the
recordings. So the network of streams learns on real voices what that of whole sounds does.

    tfg train expnet --init data/expnet --teacher data/expnet_speech --recorded build/librispeech --out build/expnet
"""
from __future__ import annotations

import warnings

import numpy as np

from tfg.acting.performance import blinks, speech_level
from tfg.acting.style import Style
from tfg.corpora import librispeech
from tfg.errors import InputError
from tfg.media.audio import SR, load_audio, mel_spectrogram, n_frames
from tfg.speech.align import NotAligned, align
from tfg.speech.corpus import Utterance
from tfg.speech.degrade import degrade
from tfg.speech.visemes import Phone, with_effort
from tfg.systems.expression.expnet.data import UNKNOWN, FaceExample, Said, rest_of, virtual_example
from tfg.systems.expression.expnet.network import predict
from tfg.vocabulary import index

DEGRADED = .6
"""Share of the recordings for training that are degraded."""
LEAST_PHONES, LONGEST_S = 10, 35
"""Recordings with fewer phones, or longer ones, are left out."""
TAUGHT_S = 8
"""Seconds of a recording that a teacher gives faces for: its beginning."""


def recorded_examples(root, seed: int, hearing: str = "mel", progress: bool = True) -> list[FaceExample]:
    """The LibriSpeech sample of a folder, each recording with the face of another virtual person.

    hearing: "speech" adds the features.  Speakers of the folder test-other are the split "read", for scores alone.
    Raises InputError: no recordings there, pocketsphinx is missing, nothing could be aligned.
    """
    return [virtual_example(one.take, one.person, hearing, sound=one.sound) for one in read(root, seed, progress)]


def taught_examples(root, seed: int, teacher, progress: bool = True) -> list[FaceExample]:
    """The beginnings of the recordings for training, each with the face that a trained ExpNet gives it; the rest and
    the lids are those of another virtual person.

    teacher: folder of that network.  Raises InputError: no recordings for training there, no such network.
    """
    from tqdm.auto import tqdm

    rng, found = np.random.default_rng([seed, 97]), []
    for recording, path in tqdm(librispeech.present(root), desc="taught", unit=" recordings", disable=not progress):
        if recording.path.startswith(librispeech.HELD_OUT):
            continue
        sound, person = load_audio(path)[:TAUGHT_S * SR], int(rng.integers(2 ** 31))
        frames, manner = n_frames(len(sound)), Style.from_seed(person).manner("NEU", 0.0)
        lids = blinks(frames, manner.blinks_per_min, level=speech_level(sound, frames), seed=person)
        asked = np.clip(predict(sound, blink=lids, folder=teacher), 0, 1)
        asked[:, index("eyeBlink")] = lids[:, None]
        found.append(FaceExample(mel_spectrogram(sound).astype(np.float16), asked.astype(np.float16),
                                 lids.astype(np.float16), rest_of(person), np.full(frames, UNKNOWN, np.uint8), [],
                                 f"read:{recording.speaker}", "train"))
    if not found:
        raise InputError(f"{root} has no recording for training; fetch it again.")
    return found


def read(root, seed: int, progress: bool = True) -> list[Said]:
    """The recordings whose words fit, in the order of their paths; more than half of those for training are degraded.
    Arguments and errors as `recorded_examples`."""
    from tqdm.auto import tqdm

    rng, found, lost, other = np.random.default_rng([seed, 94]), [], 0, None
    for recording, path in tqdm(librispeech.present(root), desc="aligning", unit=" recordings", disable=not progress):
        sound = load_audio(path)
        phones = aligned(sound, recording.words)
        if phones is None:
            lost += 1
            continue
        taught = not recording.path.startswith(librispeech.HELD_OUT)
        take = Utterance(sound, with_effort(phones, sound), f"read:{recording.speaker}", "train" if taught else "read")
        heard = degrade(sound, rng, other) if taught and rng.random() < DEGRADED else sound
        found.append(Said(take, int(rng.integers(2 ** 31)), heard))
        other = sound
    if not found:
        raise InputError(f"no recording of {root} could be aligned with its words; fetch it again.")
    if lost:
        warnings.warn(f"{lost} recordings of {root} are left out, as their words do not fit the sound.", stacklevel=2)
    return found


def aligned(sound: np.ndarray, words: str) -> list[Phone] | None:
    """The phones of a recording with their times, or None if its words do not fit."""
    if len(sound) > LONGEST_S * SR:
        return None
    try:
        phones = align(sound, words)
    except NotAligned:
        return None
    return phones if len(phones) >= LEAST_PHONES else None
