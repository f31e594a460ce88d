"""Training data of ExpNet: synthetic speech, and the whole face of a virtual person who speaks it without emotion.

The sound is the corpus of the mouth network (many voices of espeak-ng, flite and festival, twelve languages besides
English, one of them held out), as its variety carries over to real voices. The target is the motion that
`tfg.acting.performance.act` plays for these phones and this sound without emotion: mouth, brows that mark stress,
blinks, glances; added to the person's rest. The blink signal at the input is the lids of the same take: one drawn
independently would teach the network to ignore it.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfg.acting.performance import act, blinks, speech_level
from tfg.acting.style import Style
from tfg.actors.look.phenotypes import neutral_face
from tfg.errors import InputError
from tfg.media.audio import SR, mel_spectrogram, n_frames
from tfg.networks.hearing import features
from tfg.speech import corpus
from tfg.speech.degrade import degrade, music
from tfg.speech.degrade import noise as noise_alone
from tfg.speech.features import speech_mean
from tfg.speech.texts import english
from tfg.speech.visemes import Articulation, coarticulate
from tfg.speech.voice import speak
from tfg.systems.expression import articulation as learned
from tfg.systems.expression.expnet.network import N_OUT, frame_windows
from tfg.training.augment_sound import FLOOR, augment_sound, noise
from tfg.vocabulary import index

SIZES = {**corpus.SIZES, "cpu": {**corpus.SIZES["cpu"], "english": 12, "recorded": 400}}
"""Profile -> number of sentences by kind of voice, as `tfg.speech.corpus.SIZES`, with more of the voices that are made
from recorded people."""
SPEECH_SIZES = {
    "ci": corpus.SIZES["ci"],
    "cpu": dict(english_voices=112, characters=20, english=4, other_voices=3, other=4, recorded=110, copies=1,
                unseen=16)}
"""The same for hearing="speech": ears that have heard people need fewer sentences."""
MORE_SIZES = {"ci": corpus.SIZES["ci"],
              "cpu": dict(english_voices=40, characters=0, english=2, other_voices=2, other=2, recorded=20, copies=1,
                          unseen=8)}
"""The same for networks that learn on from weights that have heard many."""
NOTHING = {"ci": 2, "cpu": 80}
"""Clips without a voice for hearing="speech": silence, noise, music."""
SPLITS = {"train": "train", "voice": "unseen espeak-ng voices", "recorded": "unseen recorded voice",
          "language": "unseen language", "english": "English beside it", "read": "people who read",
          "val": "unseen people"}
UNKNOWN = 255
"""Viseme number of a frame whose phones are not known."""


@dataclass
class FaceExample:
    """One clip of speech with its face, for training or scoring.

    mel: (80, M) float16.  asked: (T, 52) float16, offsets from rest, NaN where not measured.  lids: (T,) in [0, 1] of
    the same clip.  neutral: (52,), the speaker's rest.  viseme: (T,) uint8.  closures: start and stop of each p, b, m
    in seconds.  voice: name of the speaker.  split: a key of SPLITS.  heard: (T, 768) float16, features of
    `tfg.networks.hearing`, for networks that hear these.
    """

    mel: np.ndarray
    asked: np.ndarray
    lids: np.ndarray
    neutral: np.ndarray
    viseme: np.ndarray
    closures: list[tuple[float, float]]
    voice: str
    split: str
    heard: np.ndarray | None = None


# ---- virtual people -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Said:
    """An utterance, the virtual person (a seed) who says it, and its sound as a network hears it, degraded or not."""

    take: corpus.Utterance
    person: int
    sound: np.ndarray


def virtual_examples(profile: str, seed: int, use: tuple[str, ...], progress: bool = True,
                     hearing: str = "mel", more: bool = False) -> list[FaceExample]:
    """All clips of a profile, each with another virtual person. use: speech engines (`tfg.speech.corpus.engines`).
    more: for a network that learns on (`MORE_SIZES`).  hearing: "speech" adds the features, of sound that was
    degraded (`tfg.speech.degrade`), and clips without a voice.

    Raises InputError if none of them made any speech.
    """
    out = [virtual_example(one.take, one.person, hearing, sound=one.sound)
           for one in said(profile, seed, use, progress, hearing, more)]
    if not out:
        raise InputError("no speech engine was found to make training speech with: pip install espeakng-loader")
    return out + nothing_said(profile, seed) if hearing == "speech" else out


def said(profile: str, seed: int, use: tuple[str, ...], progress: bool = True, hearing: str = "mel",
         more: bool = False) -> Iterator[Said]:
    """Yield the utterances of a profile, in a fixed order. The arguments are those of `virtual_examples`."""
    from tqdm.auto import tqdm

    rng, beside = np.random.default_rng([seed, 91]), []
    sizes = SPEECH_SIZES if hearing == "speech" else MORE_SIZES if more else SIZES
    size = sizes.get(profile, sizes["cpu"])
    other = None
    for take in tqdm(corpus.takes(profile, seed, use, size), desc="speaking", unit=" clips", disable=not progress):
        for _ in range(size["copies"] if take.split == "train" else 1):
            varied, person = corpus.vary(take, rng), int(rng.integers(2 ** 31))
            heard = varied.audio if hearing == "mel" or take.split != "train" else degrade(varied.audio, rng, other)
            yield Said(varied, person, heard)
            other = varied.audio
        beside += [take.voice] * (take.split == "language")
    for voice in beside:
        varied = corpus.vary(english_beside(voice, rng), rng)
        yield Said(varied, int(rng.integers(2 ** 31)), varied.audio)


def english_beside(voice: str, rng: np.random.Generator) -> corpus.Utterance:
    """A new English sentence by the same kind of voice as one of the held-out language, "espeak:it+f1": only the
    language differs, so that both can be compared."""
    name = "en-us" + voice.removeprefix(f"espeak:{corpus.UNSEEN_LANGUAGE}")
    audio, phones = speak(english(rng), name, rate=int(rng.integers(115, 235)), pitch=int(rng.integers(25, 85)),
                          pitch_range=int(rng.integers(20, 95)), fresh=True)
    return corpus.Utterance(audio, phones, "espeak:" + name, "english")


def virtual_example(take: corpus.Utterance, person: int, hearing: str = "mel", *, sound: np.ndarray | None = None,
                    articulation: Articulation | None = None) -> FaceExample:
    """An utterance with the face of the virtual person of this seed, without emotion.

    hearing: "speech" adds the features of `sound`; None: of the utterance's own.  articulation: how its lips follow the
    phones; None: as people's do (`tfg.systems.expression.articulation`).
    """
    frames = n_frames(len(take.audio))
    mouth = coarticulate(take.phones, frames, articulation=articulation or learned.load())
    asked, lids = play(mouth, take.audio, person)
    heard = features(take.audio if sound is None else sound).astype(np.float16) if hearing == "speech" else None
    return FaceExample(mel_spectrogram(take.audio).astype(np.float16), asked.astype(np.float16),
                       lids.astype(np.float16), rest_of(person), corpus.labels(take.phones, frames),
                       corpus.closures(take.phones), take.voice, take.split, heard)


def nothing_said(profile: str, seed: int) -> list[FaceExample]:
    """Clips of four seconds of silence, noise or music, and a face at rest that blinks, with speech features."""
    rng, n, out = np.random.default_rng([seed, 96]), 4 * SR, []
    for _ in range(NOTHING.get(profile, NOTHING["cpu"])):
        kind, level, person = int(rng.integers(3)), rng.uniform(.001, .3), int(rng.integers(2 ** 31))
        sound = (np.zeros(n, np.float32) if not kind else (noise_alone, music)[kind - 1](n, rng)) * np.float32(level)
        frames = n_frames(n)
        lids = blinks(frames, Style.from_seed(person).manner("NEU", 0.0).blinks_per_min, seed=person)
        asked = np.zeros((frames, N_OUT), np.float16)
        asked[:, index("eyeBlink")] = lids[:, None]
        out.append(FaceExample(mel_spectrogram(sound).astype(np.float16), asked, lids.astype(np.float16),
                               rest_of(person), np.zeros(frames, np.uint8), [], "none:", "train",
                               features(sound).astype(np.float16)))
    return out


def play(mouth: np.ndarray, audio: np.ndarray, person: int) -> tuple[np.ndarray, np.ndarray]:
    """Face of the virtual person of this seed who says this: offsets (T, 52), and the lids (T,) of the same take.

    mouth: (T, 52) coarticulated.  audio: (N,) at 16 kHz.
    """
    manner, level = Style.from_seed(person).manner("NEU", 0.0), speech_level(audio, len(mouth))
    asked, _ = act(mouth, np.zeros_like(mouth), manner, level, seed=person)
    return asked, blinks(len(mouth), manner.blinks_per_min, level=level, seed=person)


def rest_of(person: int) -> np.ndarray:
    """Face of a virtual person at rest, (52,) float32, absolute: bones and lids, tone of the muscles; sometimes all 0.

    In portraits brows and lids rest up to .35 off zero; in virtual actors less.
    """
    rng = np.random.default_rng([person, 92])
    if rng.random() < .1:
        return np.zeros(N_OUT, np.float32)
    bones, tone = neutral_face(rng) * rng.uniform(.5, 1.6), np.array(Style.from_seed(person).neutral)
    bones[index("eyeBlink")] = max(rng.normal(0, .08), 0)
    return np.clip(bones + tone - bones * tone, 0, .4).astype(np.float32)


def heard_of(e: FaceExample, frames: slice = slice(None)) -> np.ndarray:
    """The features of an example in these frames: (T, 768) float32.  Raises InputError if it has none."""
    if e.heard is None:
        raise InputError(f"the clip of {e.voice} has no speech features; make the examples with hearing='speech'.")
    return e.heard[frames].astype(np.float32)


# ---- batches ----------------------------------------------------------------------------------------------------
class ExpNetData:
    """Training crops for the loop; index i is a visit of a clip.

    In an epoch every clip is visited, clips of smaller groups more often, so that all groups are visited equally; each
    visit augments the sound anew and cuts `frames` frames out of it. Features (hearing="speech") cannot be augmented;
    theirs was degraded before.
    """

    def __init__(self, examples: list[FaceExample], frames: int, seed: int, hearing: str = "mel"):
        self.hearing = hearing
        if not examples:
            raise InputError("there is no clip to train on; give some speech, or measured clips.")
        self.examples, self.frames, self.seed, self.groups = examples, frames, seed, corpus.groups_of(examples)

    def __len__(self) -> int:
        return len(self.groups) * max(map(len, self.groups))

    def clip_of(self, index: int) -> int:
        """Number of the clip that this index visits."""
        group = self.groups[index % len(self.groups)]
        return int(group[index // len(self.groups) % len(group)])

    def batch(self, epoch: int, indices) -> dict:
        """One batch: windows (B, T, 80, 16) or (B, T, 768), absolute, known (B, T, 52), neutral (B, 52), blink, mask,
        viseme (B, T).

        known: 1 where a coefficient was measured.  mask: 1 within the clip.  Depends on its arguments alone.
        """
        parts = [self._visit(epoch, int(i)) for i in indices]
        return {k: np.stack([p[k] for p in parts]) for k in parts[0]}

    def _visit(self, epoch: int, i: int) -> dict:
        rng = np.random.default_rng([self.seed, 93, epoch, i])
        e, other = self.examples[self.clip_of(i)], self.examples[int(rng.integers(len(self.examples)))]
        asked, viseme = e.asked.astype(np.float32), e.viseme
        mel = augment_sound(e.mel, rng, other.mel) if self.hearing == "mel" else e.mel
        total = len(asked)
        if self.hearing == "mel" and rng.random() < .06:        # noise or silence alone: the face rests, and blinks
            mel = np.clip(noise(e.mel.shape, rng.uniform(FLOOR - .5, .5), rng), FLOOR, 4).astype(np.float32)
            lids = asked[:, index("eyeBlink")]
            asked, viseme = np.zeros_like(asked), np.zeros_like(viseme)
            asked[:, index("eyeBlink")] = lids
        a = int(rng.integers(max(total - self.frames, 0) + 1))
        n = min(self.frames, total)
        known = np.isfinite(asked[a:a + n])
        absolute = e.neutral + (1 - e.neutral) * np.nan_to_num(asked[a:a + n])
        windows = frame_windows(mel, speech_mean(mel), np.arange(a, a + n)) if self.hearing == "mel" else \
            heard_of(e, slice(a, a + n))
        pad = lambda x, fill=0: np.pad(x, ((0, self.frames - n), *[(0, 0)] * (x.ndim - 1)), constant_values=fill)  # noqa
        return {"windows": pad(windows), "absolute": pad(absolute.astype(np.float32)), "neutral": e.neutral,
                "known": pad(known.astype(np.float32)), "blink": pad(e.lids[a:a + n].astype(np.float32)),
                "viseme": pad(viseme[a:a + n].astype(np.int64), UNKNOWN), "mask": pad(np.ones(n, np.float32))}
