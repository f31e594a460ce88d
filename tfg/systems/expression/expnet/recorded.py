"""Recordings of real people as training clips: their sound and words are real, their faces are virtual people's.

    tfg corpora fetch librispeech --out build/librispeech
    tfg train expnet --hearing speech --recorded build/librispeech --out build/expnet

The words are aligned with the sound (`tfg.speech.align`); from the phones' times follow the lips, as with synthetic
speech. A recording whose words do not fit is left out.
"""
from __future__ import annotations

import warnings

import numpy as np

from tfg.corpora import librispeech
from tfg.errors import InputError
from tfg.media.audio import SR, load_audio
from tfg.speech.align import NotAligned, align
from tfg.speech.corpus import Utterance
from tfg.speech.degrade import degrade
from tfg.speech.visemes import Phone, with_effort
from tfg.systems.expression.expnet.data import FaceExample, Said, virtual_example

DEGRADED = .6
"""Share of the recordings for training that are degraded."""
LEAST_PHONES, LONGEST_S = 10, 35
"""Recordings with fewer phones, or longer ones, are left out."""


def recorded_examples(root, seed: int, hearing: str = "mel", progress: bool = True) -> list[FaceExample]:
    """The LibriSpeech sample of a folder, each recording with the face of another virtual person.

    hearing: "speech" adds the features.  Speakers of the folder test-other are the split "read", for scores alone.
    Raises InputError: no recordings there, pocketsphinx is missing, nothing could be aligned.
    """
    return [virtual_example(one.take, one.person, hearing, sound=one.sound) for one in read(root, seed, progress)]


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
