"""Training data of PoseVAE: 46 ways of moving a head, on speech of many voices. No pictures.

A `Way` extends `tfg.acting.performance.head_motion`: sway of its own size and speed on each axis, a nod at stressed
syllables in its own directions, and a posture while speaking. Stress is found as the actors find it, in the loudness,
so that the times of nods can be heard; the sway is random.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tfg.acting.emotion import slow_noise, smoothstep
from tfg.acting.performance import NOD_DEG, SWAY, beats_curve, slow, speaking, speech_level, stressed
from tfg.actors.cast import actor_seed
from tfg.corpora import seeded
from tfg.errors import InputError
from tfg.media.audio import SAMPLES_PER_FRAME, SR, mel_spectrogram, n_frames
from tfg.networks.hearing import features
from tfg.speech.degrade import degrade
from tfg.speech.features import speech_mean
from tfg.systems.expression.posevae.network import CHUNK, STYLES
from tfg.systems.expression.posevae.sound import hear
from tfg.training.augment_sound import augment_sound
from tfg.vocabulary import EMOTIONS, SENTENCES

SIZES: dict[str, dict] = {
    "ci": dict(voices=(4, 2, 2), motions=6, copies=1, seconds=5.0),
    "cpu": dict(voices=(700, 24, 40), motions=14, copies=2, seconds=20.0),
    "gpu": dict(voices=(1500, 40, 40), motions=24, copies=3, seconds=20.0)}
"""Sizes of each profile: voices of train, val and test, one clip each; motions of a training clip, each in another
way; augmented copies of its sound; seconds of a clip."""
PARTS = ("train", "val", "test")
SILENT = .06
"""Share of the clips without speech."""
AXES = np.array([NOD_DEG, NOD_DEG, NOD_DEG, .006, .006, .010])
"""Size of a nod of 1 on each axis: degrees, then head widths."""


EARS = ((.11, 0.0), (.18, 0.0), (.16, .32), None)
"""Columns of `stress_of`: width and lead in seconds of three bells; the fourth is 1 while somebody speaks."""


@dataclass(frozen=True)
class Way:
    """A way of moving the head.

    sway: (6,) factors on performance.SWAY.  hz: cut-off of the sway.  nod: (6,) motion at a stressed syllable, in units
    of `AXES`.  lift: share of the nod that goes the other way before it.  width_s: duration of a nod.  least: least
    weight of a syllable that gets a nod, 0.3 (all) to 1.  hold: (6,) change of the pose while speaking.
    """

    sway: tuple[float, ...] = (1.0,) * 6
    hz: float = .4
    nod: tuple[float, ...] = (0.0, -1.0, 0.0, 0.0, 0.0, .6)
    lift: float = .4
    width_s: float = .13
    least: float = .3
    hold: tuple[float, ...] = (0.0,) * 6


@lru_cache(maxsize=1)
def ways() -> tuple[Way, ...]:
    """The 46 styles. The first moves as the virtual actors do."""
    out = [Way()]
    for k in range(1, STYLES):
        rng = np.random.default_rng([k, 731])
        z = np.clip(rng.standard_normal(20), -2, 2)
        sway = np.exp(.35 * z[0] + .5 * z[1:7])
        kind = rng.choice(4, p=(.55, .15, .15, .15))           # nods, lifts the chin, tilts, turns
        main = np.array([[0, -1, 0, 0, 0, .6], [0, 1, 0, 0, .5, 0], [0, -.3, 1, .3, 0, 0], [1, -.3, 0, .3, 0, 0]])[kind]
        side = 1 if rng.random() < .5 else -1
        main = main * np.array([side, 1, side, side, 1, 1]) + .15 * z[7:13]
        size = rng.choice((.15, 1.0), p=(.2, .8)) * np.exp(.35 * z[13] + .25)
        hold = np.where(rng.random(6) < .35, 1.0, 0.0) * z[14:20] * SWAY
        out.append(Way(tuple(sway.round(3)), float(np.round(rng.uniform(.18, .6), 3)), tuple((size * main).round(3)),
                       float(np.round(rng.uniform(0, .7), 3)), float(np.round(rng.uniform(.11, .18), 3)),
                       float(rng.choice((.3, .3, .45, .6))), tuple(hold.round(4))))
    plain: list[dict[str, Any]] = [{k: tuple(map(float, v)) if isinstance(v, tuple) else v for k, v in vars(w).items()}
                                   for w in out]
    return tuple(Way(**fields) for fields in plain)


def move(way: Way, level: np.ndarray | None, n: int, *, seed: int = 0, fps: float = 25.0) -> np.ndarray:
    """Head motion of n frames: (n, 6) degrees and head widths, from rest.

    level: (n,) `performance.speech_level`; None without speech: the head then idles.  seed: draws the sway and the
    syllables that get no nod.
    """
    rng = np.random.default_rng([int(seed), 732])
    voiced = np.zeros(n) if level is None else np.broadcast_to(np.asarray(speaking(level), float), (n,))
    busy = slow(voiced, .5, fps)[:, None]
    start = smoothstep(np.arange(n) / fps / .6)[:, None]
    sway = np.stack([np.clip(slow_noise(n, rng, way.hz, fps), -2.2, 2.2) for _ in range(6)], 1) * SWAY * way.sway
    beats = [(frame, weight) for frame, weight in stressed(level, seed=seed) if weight >= way.least]
    dip = beats_curve(n, beats, way.width_s, fps) - way.lift * beats_curve(n, beats, 1.2 * way.width_s, fps,
                                                                            lead_s=2.5 * way.width_s)
    return start * (sway * (.5 + .5 * busy) + busy * way.hold + dip[:, None] * AXES * way.nod)


# ---- speech --------------------------------------------------------------------------------------------------------
def speech(voice_seed: int, seconds: float, rng: np.random.Generator, texts=None) -> np.ndarray:
    """Speech of one voice, sentence after sentence with pauses: (N,) at 16 kHz, `seconds` long. The voice has all
    emotions, which change loudness and tempo; heads do not act them here.  texts: None draws English sentences."""
    from tfg.acting.voices import Voice, speak_as
    from tfg.speech.texts import english

    voice, n = Voice.from_seed(voice_seed), int(seconds * SR) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < n:
        text = english(rng) if texts is None else str(rng.choice(texts))
        emotion, felt = str(rng.choice(EMOTIONS)), float(rng.uniform(.2, .8))
        parts.append(speak_as(voice, text, emotion, felt, seed=int(rng.integers(2**31)))[0])
        parts.append(np.zeros(int(rng.exponential(.35) * SR / SAMPLES_PER_FRAME) * SAMPLES_PER_FRAME, np.float32))
    return np.concatenate(parts)[:n]


@dataclass
class PoseClip:
    """One sound and several motions of a head to it.

    audio: (N,) at 16 kHz.  mels: (80, M) float16, the first without augmentation.  means: `speech_mean` of each.
    poses: (K, T, 6) float16, degrees and head widths.  styles: (K,) int.  stress: (T, 4), `stress_of`.  heard: features
    (T, 768) float16 of `tfg.networks.hearing`, for networks that hear these, the first of the sound as it was.
    """

    audio: np.ndarray
    mels: list[np.ndarray]
    means: list[np.ndarray]
    poses: np.ndarray
    styles: np.ndarray
    stress: np.ndarray
    heard: list[np.ndarray] | None = None

    def sound(self, hearing: str) -> np.ndarray:
        """The sound as it was, for a network that hears in this way: (80, M) or (T, 768) float32."""
        return self.copies(hearing)[0].astype(np.float32)

    def copies(self, hearing: str) -> list[np.ndarray]:
        """The sound in its variants.  Raises InputError if the clip has no features and they are asked for."""
        if hearing == "mel":
            return self.mels
        if self.heard is None:
            raise InputError("the clip has no speech features; make the clips with hearing='speech'.")
        return self.heard


def stress_of(level: np.ndarray | None, n: int, fps: float = 25.0) -> np.ndarray:
    """Curves of stress to be predicted from the sound: (n, 4) float32 in [0, 1]. A narrow and a wide bell on each
    syllable that may get a nod, one before it, and 1 while somebody speaks.  level: as `move`."""
    out = np.zeros((n, len(EARS)), np.float32)
    if level is not None:
        beats: dict[float, float] = {}
        for seed in range(8):                                   # each seed leaves some out; together they have all
            beats |= dict(stressed(level, seed=seed))
        for k, (width_s, lead_s) in enumerate(EARS[:3]):
            out[:, k] = beats_curve(n, sorted(beats.items()), width_s, fps, lead_s)
        out[:, 3] = slow(np.broadcast_to(speaking(level), (n,)), .5, fps)
    return out


def corpus(profile: str, seed: int = 0, part: str = "train", *, progress: bool = False, hearing: str = "mel",
           size: dict | None = None) -> list[PoseClip]:
    """Clips of a part (train, val or test). Train and val have sentences of `tfg.speech.texts`, test those of CREMA-D;
    voices are those of the virtual actors of that split. Train has `motions` ways for each clip, val and test all
    46.  hearing: "speech" adds features, of the same sounds with the same motions, and in train also of one degraded
    copy (`tfg.speech.degrade`).  size: instead of the profile's of SIZES."""
    from tqdm.auto import tqdm

    size = SIZES[profile] if size is None else size
    out, count = [], size["voices"][PARTS.index(part)]
    for k in tqdm(range(count), desc=f"speaking ({part})", unit=" clips", disable=not progress):
        rng = np.random.default_rng([seed, 733, PARTS.index(part), k])
        silent = part == "train" and k % round(1 / SILENT) == 3
        texts = list(SENTENCES.values()) if part == "test" else None
        n = int(size["seconds"] * SR) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
        audio = hush(n, rng) if silent else speech(actor_seed(seed, part, k), size["seconds"], rng, texts)
        frames = n_frames(len(audio))
        level = None if silent else speech_level(audio, frames)
        styles = rng.permutation(STYLES)[:size["motions"]] if part == "train" else np.arange(STYLES)
        poses = [move(ways()[s], level, frames, seed=int(rng.integers(2**31))) for s in styles]
        mel = mel_spectrogram(audio)
        copies = size["copies"] if part == "train" else 0
        mels = [mel] + [mel if silent else augment_sound(mel, rng) for _ in range(copies)]
        heard = None
        if hearing == "speech":
            worse = [degrade(audio, np.random.default_rng([seed, 734, k]))] if part == "train" and not silent else []
            heard = [features(sound).astype(np.float16) for sound in (audio, *worse)]
        out.append(PoseClip(audio, [m.astype(np.float16) for m in mels], [speech_mean(m) for m in mels],
                            np.stack(poses).astype(np.float16), styles, stress_of(level, frames), heard))
    return out


def hush(n: int, rng: np.random.Generator) -> np.ndarray:
    """Sound without speech, (n,): digital silence, or a hiss of -80 to -45 dB."""
    level = 0.0 if rng.random() < .4 else 10 ** (rng.uniform(-80, -45) / 20)
    return (level * rng.standard_normal(n)).astype(np.float32)


class Chunks:
    """Training chunks for the loop; index i is a chunk of 32 frames of one motion, its start drawn anew in each epoch.

    hearing: what the windows are; "speech": features (B, 32, 768).
    batch: windows (B, 32, 80, 16), before (B, context, 6) and chunk (B, 32, 6) in units of `scale` (46, 6), before
    relative to rest and chunk to the last of before; style (B,); stress (B, 32, 4). Frame t of the pose and window t of
    the sound are the same moment.
    """

    def __init__(self, clips: list[PoseClip], context: int, scale: np.ndarray, seed: int, *, starts: float = .06,
                 hearing: str = "mel"):
        self.hearing = hearing
        self.clips, self.context, self.scale, self.seed, self.starts = clips, context, scale, seed, starts
        self.motions = [(c, k) for c, clip in enumerate(clips) for k in range(len(clip.styles))]
        self.per = max(1, len(clips[0].poses[0]) // CHUNK)

    def __len__(self) -> int:
        return len(self.motions) * self.per

    def batch(self, epoch: int, indices) -> dict:
        indices = np.asarray(indices, np.int64)
        u, first, copy = (seeded.uniform(self.seed, epoch, 80 + k, indices) for k in range(3))
        windows, before, chunk, styles, stress = [], [], [], [], []
        for i, where, begin, which in zip(indices, u, first, copy):
            c, k = self.motions[i % len(self.motions)]
            clip = self.clips[c]
            pose = clip.poses[k].astype(np.float32) / self.scale[clip.styles[k]]
            start = 0 if begin < self.starts else int(where * (len(pose) - CHUNK + 1))
            m = int(which * len(clip.copies(self.hearing)))
            windows.append(chunk_of_sound(clip, m, start, self.hearing))
            past = np.concatenate([np.zeros((max(self.context - start, 0), pose.shape[1]), np.float32),
                                   pose[max(start - self.context, 0):start]])
            before.append(past)
            chunk.append(pose[start:start + CHUNK] - past[-1])
            styles.append(clip.styles[k])
            stress.append(clip.stress[start:start + CHUNK])
        return {"windows": np.stack(windows), "before": np.stack(before).astype(np.float32),
                "chunk": np.stack(chunk).astype(np.float32), "style": np.array(styles, np.int64),
                "stress": np.stack(stress)}


def chunk_of_sound(clip: PoseClip, copy: int, start: int, hearing: str = "mel") -> np.ndarray:
    """What is heard in the frames start .. start + 31: mel windows (32, 80, 16), or features (32, 768)."""
    if hearing == "speech":
        return hear(clip.copies(hearing)[copy], None, np.arange(start, start + CHUNK))
    first = max(start // 5 - 2, 0)                             # 5 frames are 16 columns: a cut there shifts none
    mel = clip.mels[copy][:, 16 * first:16 * (first + CHUNK // 5 + 6)].astype(np.float32)
    return hear(mel, clip.means[copy], np.arange(start, start + CHUNK) - 5 * first)


def spread(clips: list[PoseClip]) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation of each style's poses, (46, 6), and in units of it the distance that one pose in a thousand
    exceeds, (6,). A style without clips gets the mean of the others."""
    styles = np.concatenate([clip.styles for clip in clips])
    poses = np.concatenate([clip.poses.astype(np.float32) for clip in clips])                     # (K, T, 6)
    seen = {s: poses[styles == s].reshape(-1, poses.shape[2]).std(0) for s in set(styles.tolist())}
    usual = np.mean(list(seen.values()), 0)
    scale = np.stack([seen[s] if s in seen else usual for s in range(STYLES)])
    far = np.quantile(np.abs(poses / scale[styles][:, None]), .999, axis=(0, 1))
    return scale, far.astype(np.float32)
