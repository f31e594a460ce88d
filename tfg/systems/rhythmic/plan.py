"""What is to be drawn: for each frame of the result its landmarks, its pose, and the picture it is copied from."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.acting.emotion import manner
from tfg.acting.performance import blinks, speech_level
from tfg.actors.actor import landmarks68
from tfg.errors import InputError
from tfg.faces.geometry import rest_of, subtract_neutral
from tfg.faces.points68 import GROUPS
from tfg.head.model import Head
from tfg.systems import pose_curves
from tfg.systems.portrait import retimed
from tfg.systems.rhythmic.person import Person
from tfg.systems.rhythmic.pose import CM, FLIP, Rigid, apart, recompose, template, turned

SPOKEN = [*GROUPS["jaw"], *GROUPS["mouth"]]
"""Landmarks that the voice moves; the others of a film stay its own."""
BROWS, EYES = list(GROUPS["brows"]), list(GROUPS["eyes"])
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""Upper and lower lid, at four places."""
SHUT = .95
STAY = .5
"""A shot is copied from until another's pose is closer by so much (`tfg.systems.rhythmic.pose.apart`)."""
OWN = -1
"""Stands for the frame itself where the number of a shot is given."""


@dataclass
class Plan:
    """points: (N, 68, 3) px of the source's picture.  rigid: N poses.  ref: (N,) number of the shot that is copied
    from, or OWN.  shut: (N,) how far the eyes blink, 0..1, or None: they do not."""

    points: np.ndarray
    rigid: Rigid
    ref: np.ndarray
    shut: np.ndarray | None = None


def planned(person: Person, order: np.ndarray, at: np.ndarray, face: np.ndarray, pose: np.ndarray | None, *,
            own: bool, lids: np.ndarray | None = None) -> Plan:
    """Put face and pose together.

    order: (N,) number of the source's frame.  at: (N,) its time, in frames at 25 a second.  face: (T, 68, 3) cm, what
    the face adds to its rest.  pose: (T, 6) relative to the source's own usual pose, or None: it keeps its own.
    own: whether a frame may be copied from itself.  lids: (T,) how far they are shut, 0..1, or None: as in the source.
    """
    offset = between(face, at)
    shown = person.face[order].copy()
    shown[:, SPOKEN] = person.rest[SPOKEN] + offset[:, SPOKEN]
    shown[:, BROWS] += offset[:, BROWS]
    if person.n == 1:                                     # a film's own eyes look and blink; a photo's only feel
        shown[:, EYES] += offset[:, EYES]
    shut = None if lids is None else between(lids, at)
    if shut is not None:
        for upper, lower in LIDS:
            shown[:, upper] += SHUT * shut[:, None] * (shown[:, lower] - shown[:, upper])
    if pose is None:
        rigid = person.rigid.at(order)
    else:
        rests = [usual(person.rigid.at(scene)) for scene in person.scenes]
        which = person.scene_of(order)
        rest = Rigid(*(np.concatenate(x)[which] for x in zip(*rests)))
        rigid = turned(rest, between(pose, at))
    if own:
        ref = np.full(len(order), OWN)
    else:
        numbers = [s.number for s in person.shots]
        ref = closest(rigid, person.rigid.at(numbers), person.scene_of(order), person.scene_of(numbers))
    return Plan(recompose(shown, rigid), rigid, ref, shut)


def closest(rigid: Rigid, shots: Rigid, scene: np.ndarray | None = None, of_shots: np.ndarray | None = None
            ) -> np.ndarray:
    """(N,), for each pose the shot whose pose is closest; another than the frame before had only where it is closer by
    `STAY`, for each change shows.

    rigid: N poses.  shots: K poses.  scene, of_shots: (N,) and (K,), numbers of their scenes, None: all of one; shots
    of the frame's own scene come first, for another has another background. -1 belongs to each.
    """
    out = np.empty(len(rigid.scale), int)
    kept = -1
    for k in range(len(out)):
        far = apart(shots, Rigid(*(np.asarray(x)[None] for x in rigid.at(k))))
        if scene is not None and of_shots is not None:
            own = (of_shots == scene[k]) | (of_shots == -1)
            far = np.where(own | (not own.any()), far, np.inf)
        if kept < 0 or far[kept] > far.min() + STAY:
            kept = int(np.argmin(far))
        out[k] = kept
    return out


def usual(rigid: Rigid) -> Rigid:
    """The pose of n that is closest to all others, (1,): the one a head comes back to."""
    some = rigid.at(np.unique(np.linspace(0, len(rigid.scale) - 1, min(len(rigid.scale), 200)).astype(int)))
    far = [apart(some, some.at([k])).sum() for k in range(len(some.scale))]
    return some.at([int(np.argmin(far))])


def between(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows (N, ...) of a curve (T, ...) at numbers (N,), straight between two."""
    at = np.clip(np.asarray(at, float), 0, len(values) - 1)
    low = np.floor(at).astype(int)
    share = (at - low).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return values[low] + share * (values[np.minimum(low + 1, len(values) - 1)] - values[low])


def lids_of(audio: np.ndarray, n: int, emotion: str, intensity: float, seed: int) -> np.ndarray:
    """(n,) blinks in [0, 1], in the pauses of a voice."""
    return blinks(n, manner(emotion, intensity).blinks_per_min, level=speech_level(audio, n), seed=seed)


def expression_of(given, n: int) -> np.ndarray:
    """What another film's face adds to its own rest, by the head's bases: (n, 68, 3) float32 cm.

    given: a film, an .npz of tfg measure, or a Motion. A shorter one is played to and fro.  Raises InputError.
    """
    motion = pose_curves.read_motion(given)
    if not np.isfinite(motion.expression).any():
        raise InputError(f"{given} holds no face to take the expression of; measure a video that shows one: tfg "
                         "measure.")
    moved = retimed(motion)
    values = np.nan_to_num(subtract_neutral(moved.expression, rest_of(motion)))
    head = Head.load()
    bases = head.at_landmarks(head.expression).reshape(len(head.expression), -1)           # (52, 478 * 3) m
    rest = head.landmark_points()
    points = landmarks68(((values @ bases).reshape(-1, 478, 3) + rest) @ FLIP * CM)
    return pose_curves.to_and_fro(points - template(), n).astype(np.float32)
