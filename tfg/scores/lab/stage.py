"""The lab's stage: a virtual actor plays a take, whole or with one thing broken, and is drawn into the same crop.

The crop is placed once, by the landmarks of the unbroken clip, so that a broken film differs by its defect alone.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfg.acting.performance import act
from tfg.acting.style import FELT, display, intensity_curve
from tfg.actors.cast import Member, Planned
from tfg.actors.identity import Identity
from tfg.actors.take import Performance, replay
from tfg.faces import steady_crop
from tfg.faces.align import warp
from tfg.faces.face_region import MARGIN
from tfg.media import audio
from tfg.scores.targets import SOUND, Target
from tfg.speech.visemes import coarticulate

if TYPE_CHECKING:
    from tfg.actors.virtual import VirtualActor

FRAME, CROP = 128, 96
"""Side in px of a drawn frame, and of the crop in it: those of the sets that the judges learned from."""
CLOSED, OPENED = "PP", "KK"
"""Viseme of p, b, m, and the one that replaces it where a closure is taken away: its lips are 6 mm apart and lean on
the neighbours' shape."""
PLAIN = ("wall", "gradient")
"""Kinds of background that are replaced by a room."""
MIXED = ("shape", "neutral", "skin", "lips", "brows", "lashes", "iris")
"""Fields of an `Identity` that are mixed; the others are the place and the dress, and stay."""


@dataclass
class Stage:
    """One clip of the lab.  take: as it was played.  actor: who plays it.  other: seed of the person towards whom
    identities are mixed.  matrix: (T, 2, 3), frame to crop.  target: the unbroken clip, as `tfg.scores` reads it."""

    member: Member
    take: Performance
    actor: VirtualActor
    other: int
    matrix: np.ndarray
    target: Target

    @property
    def closures(self) -> list[tuple[float, float]]:
        """Start and stop in seconds of each p, b, m."""
        return [(p.start_s, p.stop_s) for p in self.take.phones if p.viseme == CLOSED]


@functools.lru_cache(maxsize=2)
def stage(member: Member, planned: Planned, other: int) -> Stage:
    """Play and draw a planned clip of a built face.  other: seed of another person.  Kept for the next defect."""
    from tfg.actors.photos import voice_of
    from tfg.actors.take import make_take

    actor = _actor(member.seed)
    words = dict(sentence=planned.sentence) if planned.text is None else dict(text=planned.text, take=planned.take)
    take = make_take(member.name, member.seed, emotion=planned.emotion, level=planned.level,
                     voice=voice_of(member, actor), **words)
    expression, pose = actor.personal(take.motion.expression), take.motion.pose
    points = np.stack([actor.landmarks(e, p) for e, p in zip(expression, pose)])
    matrix = steady_crop.matrices(points, np.ones(len(points), bool), CROP, (FRAME, FRAME), margin=MARGIN)
    frames = drawn(actor, take.motion.expression, pose, matrix)
    wave = padded(take.audio, len(frames))
    id = f"actors/{planned.name}"
    target = Target(id, f"actors/{member.name}", member.kind, take.emotion, take.level, float(np.mean(take.curve)),
                    frames, wave, mel_of(wave), frames[0], id, "first frame", frames, id, "same clip", wave, id,
                    steady_crop.moved(points, matrix)[..., :2])
    return Stage(member, take, actor, other, matrix, target)


@functools.lru_cache(maxsize=6)
def _actor(seed: int, other: int = 0, share: float = 0.0):
    """The actor of a seed, its face mixed with another's.  Building one takes a second."""
    from tfg.actors.virtual import VirtualActor

    who = before_a_room(Identity.from_seed(seed))
    return VirtualActor(mixed(who, Identity.from_seed(other), share) if share else who, name="L001", size=FRAME)


def before_a_room(who: Identity) -> Identity:
    """The person before a room, where the background would be plain: nobody could see a plain wall move."""
    plain = who.background.kind in PLAIN
    return replace(who, background=replace(who.background, kind="room")) if plain else who


def drawn(actor, asked: np.ndarray, pose: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Crops (T, CROP, CROP, 3) uint8 of an actor.  asked: (T, 52).  pose: (T, 6).  matrix: (T, 2, 3)."""
    return np.stack([warp(actor.render(e, p), m, CROP) for e, p, m in zip(actor.personal(asked), pose, matrix)])


def padded(wave: np.ndarray, frames: int) -> np.ndarray:
    """Sound of so many frames, (640 T,) float32; silence where it ends early."""
    n = audio.SAMPLES_PER_FRAME * frames
    return np.pad(wave[:n], (0, max(0, n - len(wave)))).astype(np.float32)


def mel_of(wave: np.ndarray) -> np.ndarray:
    """Mel windows (T, 80, SOUND) of a sound (640 T,), in the precision of a store."""
    mel = audio.mel_spectrogram(wave).astype(np.float16).astype(np.float32)
    return audio.mel_windows(mel, len(wave) // audio.SAMPLES_PER_FRAME, SOUND)


# ---- what is broken ----------------------------------------------------------------------------------------------
def acted(on: Stage, defect: str, amount: float) -> np.ndarray:
    """The clip, played and drawn anew with one defect: crops (T, CROP, CROP, 3) uint8.  defect: one of
    `defects.DEFECTS` that is "acted".  amount: its dose."""
    actor, expression, pose = on.actor, on.take.motion.expression, on.take.motion.pose
    if defect in ("lips_small", "lips_large"):
        expression = performed(on.take, lips=amount)[0]
    elif defect == "closures":
        expression = performed(on.take, opened=amount)[0]
    elif defect == "emotion":
        expression = felt_otherwise(on.take, amount)
    elif defect == "head":
        pose = pose + amount * (pose.mean(0) - pose)
    elif defect == "identity":
        actor = _actor(on.member.seed, on.other, float(amount))
    elif defect != "background":
        raise ValueError(f"{defect!r} is not acted")
    if defect != "background":
        return drawn(actor, expression, pose, on.matrix)
    try:
        actor.move_background(amount)
        return drawn(actor, expression, pose, on.matrix)
    finally:
        actor.move_background(0)


def performed(take: Performance, *, lips: float = 1.0, opened: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The motion of a take, played again: asked expression (T, 52) and pose (T, 6), those of `take.motion` by default.

    lips: factor on the movements of speech.  opened: share of p, b, m that are spoken with open lips.
    """
    frames, (moved, strength) = len(take.curve), take.moves
    manner = take.style.manner(moved, strength)
    lean = intensity_curve(frames, moved, seed=take.seed)[:, None] * np.array(manner.pose)
    feeling = display(take.style, take.emotion, take.intensity, frames, seed=take.seed, looseness=1 - strength)
    mouth = coarticulate(unclosed(take.phones, opened, take.seed), frames)
    return act(mouth, feeling, manner, take.level_db, lean=lean, seed=take.seed,
               articulation=manner.articulation * lips)


def unclosed(phones: list, share: float, seed: int) -> list:
    """Phones of which this share of p, b, m, rounded up, have the viseme OPENED. A larger share has those of a smaller
    one, too."""
    closed = [k for k, p in enumerate(phones) if p.viseme == CLOSED]
    order = np.random.default_rng([seed, 53]).permutation(len(closed))
    away = {closed[j] for j in order[:int(np.ceil(share * len(closed) - 1e-9))]}
    return [replace(p, viseme=OPENED, openness=1.0, insist=1.0) if k in away else p for k, p in enumerate(phones)]


def felt_otherwise(take: Performance, share: float) -> np.ndarray:
    """Asked expressions (T, 52) of a take, mixed with those of the same take in another emotion, chosen by its seed."""
    others = [e for e in FELT if e != take.emotion]
    other = others[int(np.random.default_rng([take.seed, 59]).integers(len(others)))]
    theirs = replay(take, other, "HI" if take.emotion == "NEU" else None).motion.expression
    return ((1 - share) * take.motion.expression + share * theirs).astype(np.float32)


def mixed(a: Identity, b: Identity, share: float) -> Identity:
    """A person between two: fields MIXED are (1 - share) a + share b where they are fractions; seeds, names and yes or
    no are a's, as are hair, clothes, light and camera. Only the exposure is mixed, too, as it was set for a's skin."""
    light = replace(a.light, exposure=_between(a.light.exposure, b.light.exposure, share))
    return replace(a, light=light, **{name: _between(getattr(a, name), getattr(b, name), share) for name in MIXED})


def _between(a: Any, b: Any, share: float) -> Any:
    if is_dataclass(a) and not isinstance(a, type):
        return type(a)(**{f.name: _between(getattr(a, f.name), getattr(b, f.name), share) for f in fields(a)})
    if isinstance(a, tuple):
        return tuple(_between(x, y, share) for x, y in zip(a, b, strict=True))
    return (1 - share) * a + share * b if isinstance(a, float) else a


def later(target: Target, frames: int) -> Target:
    """A clip whose sound comes so many frames later; it begins with silence."""
    n = frames * audio.SAMPLES_PER_FRAME
    wave = np.concatenate([np.zeros(n, np.float32), target.wave])[:len(target.wave)]
    return replace(target, wave=wave, mel=mel_of(wave))


def pieces(target: Target, n: int) -> list[tuple[Target, slice]]:
    """A clip cut into n pieces of equal length, each with its sound, and the frames of each. All together have the
    content of the whole clip, so that a difference is one of length."""
    edges = np.round(np.linspace(0, len(target.frames), n + 1)).astype(int)
    out = []
    for first, last in zip(edges[:-1], edges[1:]):
        at = slice(int(first), int(last))
        wave = target.wave[first * audio.SAMPLES_PER_FRAME:last * audio.SAMPLES_PER_FRAME]
        out.append((replace(target, frames=target.frames[at], wave=wave, mel=mel_of(wave),
                            reference=target.reference[at], points=target.points[at]), at))
    return out
