"""People whose heads turn, as arrays for notebooks/14_rhythmic_heads: shots, true films, and drawn frames."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfg.faces.points68 import half_sides
from tfg.systems.rhythmic import sketch
from tfg.systems.rhythmic.pose import Rigid, canonical, choose, fit, of_478, pose_of, recompose, turned, with_skull
from tfg.systems.rhythmic.render import Head3D
from tfg.vocabulary import index

RENDERED_PX = 176
"""Side of the actors' frames that crops are cut out of."""
LIPS = slice(60, 68)
"""Numbers of the inner lips' landmarks."""
SHOWN = tuple((yaw, pitch, 0, 0, 0, 0) for yaw, pitch in ((0, 0), (22, 4), (-22, -4), (10, -10), (-12, 9), (3, 12)))
"""Poses of a sitter's shots, degrees."""


@dataclass
class Sitter:
    """A person of whom K pictures are known.

    shots: (K, S, S, 3) uint8.  points: (K, 68, 3) px of them.  rigid: K poses.  still: one pose (1,), at rest.
    rest: (68, 3) cm, the canonical face at rest.  head: the 3D head of the most frontal shot.  actor, crop: who plays
    it, and the transform from the actor's frames to the crop; None for a photo, of which no truth is known.
    """

    shots: np.ndarray
    points: np.ndarray
    rigid: Rigid
    still: Rigid
    rest: np.ndarray
    head: Head3D
    actor: Any = None
    crop: Any = None

    def face(self, expression: np.ndarray | None = None) -> np.ndarray:
        """(68, 3) cm: the canonical face of an actor with an expression (52,), or of anybody at rest."""
        if expression is None:
            return self.rest
        points = _in_crop(self.actor.landmarks(self.actor.personal(expression)), self.crop)
        return canonical(of_478(points), self.still.at(0))

    def at(self, face: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """Landmarks (n, 68, 3) px of canonical faces (n, 68, 3) cm in poses (n, 6) relative to rest."""
        return recompose(np.broadcast_to(face, (len(pose), 68, 3)), turned(self.still, np.asarray(pose, float)))

    def true(self, pose: np.ndarray, expression: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """An actor's picture (S, S, 3) uint8 and its landmarks (68, 3) px, in a pose (6,) with an expression (52,)."""
        picture, points = _seen(self.actor, self.crop, len(self.shots[0]), expression, pose)
        return picture, of_478(points)

    def only(self, which: Sequence[int]) -> Sitter:
        """The same person, of whom fewer shots are known."""
        which = list(which)
        return replace(self, shots=self.shots[which], points=self.points[which], rigid=self.rigid.at(which))


class Played(NamedTuple):
    """A true film.  pictures: (T, S, S, 3) uint8.  points: (T, 68, 3) px.  pose: (T, 6), degrees and head widths, as it
    was asked for.  expression: (T, 52), as it was asked for.  audio: (N,) at 16 kHz."""

    pictures: np.ndarray
    points: np.ndarray
    pose: np.ndarray
    expression: np.ndarray
    audio: np.ndarray


class Frames(NamedTuple):
    """n drawn frames.  picture, colour, moved_ref, moved_ani, reference, render: (n, S, S, 3) in [0, 1].  from_ref,
    from_ani, from_paint: (n, S, S), shares that add up to 1.  share: (n, K, h, w), how much each shot counts where.
    ref: (n,) numbers of the shots that are copied from.  sketch: (n, S, S, 3) in [0, 1]."""

    picture: np.ndarray
    colour: np.ndarray
    moved_ref: np.ndarray
    moved_ani: np.ndarray
    reference: np.ndarray
    render: np.ndarray
    from_ref: np.ndarray
    from_ani: np.ndarray
    from_paint: np.ndarray
    share: np.ndarray
    ref: np.ndarray
    sketch: np.ndarray


# ---- people ---------------------------------------------------------------------------------------------------
def sitter(seed: int, poses: Sequence = SHOWN, *, expression: np.ndarray | None = None, size: int = 128) -> Sitter:
    """A built actor of whom a shot in each of some poses (6,) is known.  expression: (52,) in all of them; None: rest.
    """
    from tfg.actors.identity import Identity
    from tfg.actors.virtual import VirtualActor
    from tfg.faces import steady_crop
    from tfg.systems.rhythmic.scenes import ROOM

    actor = VirtualActor(Identity.from_seed(seed), name=f"V{seed % 1000:03d}", size=RENDERED_PX)
    points = actor.landmarks(actor.personal(np.zeros(52, np.float32)))
    crop = steady_crop.matrices(points[None], np.ones(1, bool), size, actor.size, margin=ROOM)[0]
    shots, seen = zip(*(_seen(actor, crop, size, expression, pose) for pose in poses))
    still = fit(of_478(_in_crop(points, crop)))
    shown = actor.personal(np.zeros(52, np.float32) if expression is None else expression)
    return _sitter(shots, seen, still, shown, actor, crop)


def sitter_of_photo(path, size: int = 128) -> Sitter:
    """The person of a photo, of whom this one shot is known.  path: of a picture, or (H, W, 3) uint8."""
    from tfg.faces import align, steady_crop
    from tfg.faces.landmarks import one_face
    from tfg.media.image import read_image
    from tfg.systems.rhythmic.scenes import ROOM

    photo = path if isinstance(path, np.ndarray) else read_image(path)
    face = one_face(photo)
    crop = steady_crop.matrices(face.points[None], np.ones(1, bool), size, photo.shape[:2], margin=ROOM)[0]
    points = _in_crop(face.points, crop)
    return _sitter([align.warp(photo, crop, size)], [points], fit(of_478(points)), np.nan_to_num(face.blendshapes))


def look_around(who: Sitter, *, sentence: str = "ITS", emotion: str = "HAP", frames: int | None = None, seed: int = 1,
           swing: tuple[float, float] = (24.0, 9.0)) -> Played:
    """A film of an actor who says a sentence and looks around.

    frames: so many from the middle; None: all.  swing: degrees of yaw and pitch by which the head turns besides.
    """
    from tfg.actors.take import make_take

    take = make_take(who.actor.name, seed, sentence=sentence, emotion=emotion, level="HI")
    T = len(take.motion)
    n = T if frames is None else min(frames, T)
    some = slice((T - n) // 2, (T - n) // 2 + n)
    around = np.linspace(0, 2 * np.pi, n)
    pose = take.motion.pose[some].astype(float)
    pose[:, 0] += swing[0] * np.sin(around + seed)
    pose[:, 1] += swing[1] * np.cos(2 * around + seed)
    expression = take.motion.expression[some]
    pictures, points = zip(*(who.true(p, e) for p, e in zip(pose, expression)))
    return Played(np.stack(pictures), np.stack(points), pose, expression, take.audio[640 * some.start:640 * some.stop])


def lent(a: Sitter, b: Sitter, film: np.ndarray, other: np.ndarray, *, face: bool, pose: bool) -> np.ndarray:
    """Landmarks (n, 68, 3) px of person a.

    film, other: landmarks (n, 68, 3) px of a and of b.  face, pose: whether what the face adds to its rest, and how the
    head is turned from its rest, are those of b.
    """
    own, strange = fit(film), fit(other)
    added = canonical(other, strange) - b.rest if face else canonical(film, own) - a.rest
    turn = pose_of(strange, b.still) if pose else pose_of(own, a.still)
    return a.at(a.rest + added, turn)


def lip_gap(faces: np.ndarray) -> np.ndarray:
    """How far the lips of canonical faces (..., 68, 3) are open, cm, (...,)."""
    return faces[..., 66, 1] - faces[..., 62, 1]


def pitch_by(points: np.ndarray, which: Sequence[int]) -> np.ndarray:
    """Pitch (n,) degrees of landmarks (n, 68, 3) px relative to the first, by a rigid fit of some of them."""
    from scipy.spatial.transform import Rotation

    from tfg.systems.rhythmic.pose import template

    face = template()[list(which)]
    turns = [Rotation.align_vectors(p - p.mean(0), face - face.mean(0))[0].as_matrix() for p in points[:, list(which)]]
    rigid = Rigid(np.stack(turns), np.ones(len(turns)), np.zeros((len(turns), 3)))
    return pose_of(rigid, rigid.at([0]))[:, 1]


# ---- drawing --------------------------------------------------------------------------------------------------
def drawn_frames(network, who: Sitter, points: np.ndarray, *, ref: Sequence[int] | None = None, hidden: bool = False
                 ) -> Frames:
    """What the generator of `rhythmic` draws for landmarks (n, 68, 3) px.

    ref: numbers of the shots that are copied from; None: those whose pose is closest.  hidden: whether the decoder
    paints without seeing the moved pictures, which are laid over its colour all the same.
    """
    import torch

    from tfg.systems.rhythmic.network import LAST, Looks

    chosen = closest(who, points) if ref is None else np.asarray(ref)
    at = moment_of(who, points, chosen)
    hooks = [block.register_forward_pre_hook(_blind) for block in network.blocks[-LAST:]] if hidden else []
    try:
        with torch.inference_mode():
            looks = network.see(*shots_of(who))
            out = network.draw(Looks(*(x.expand(len(points), *x.shape[1:]) for x in looks)), at)
    finally:
        for hook in hooks:
            hook.remove()
    first = _array(out.ref.trust)[..., 0]
    second = (1 - first) * _array(out.ani.trust)[..., 0]
    return Frames(picture=_array(out.picture), colour=_array(out.colour), moved_ref=_array(out.moved_ref),
                  moved_ani=_array(out.moved_ani), reference=_array(at.ref), render=_array(at.ani[:, :3]),
                  from_ref=first, from_ani=second, from_paint=1 - first - second, share=out.share.numpy(), ref=chosen,
                  sketch=_array(at.sketch))


def shots_of(who: Sitter) -> tuple:
    """The shots and their sketches as a network takes them, (1, K, 3, S, S) in [0, 1] each."""
    marks = sketch.many(with_skull(who.points, who.rigid), len(who.shots[0]))
    return _tensor(who.shots.transpose(0, 3, 1, 2))[None], _tensor(marks)[None]


def closest(who: Sitter, points: np.ndarray) -> np.ndarray:
    """(n,): numbers of the shots whose pose is closest to that of landmarks (n, 68, 3) px."""
    rigid = fit(points)
    return np.array([choose(rigid.at(k), who.rigid) for k in range(len(points))])


def moment_of(who: Sitter, points: np.ndarray, ref: np.ndarray | None = None):
    """What n frames are drawn by, a `tfg.systems.rhythmic.network.Moment`.

    points: (n, 68, 3) px.  ref: (n,) numbers of the shots that are copied from; None: the closest.
    """
    import torch

    from tfg.systems.rhythmic.network import Moment

    S, rigid, ref = len(who.shots[0]), fit(points), closest(who, points) if ref is None else ref
    heads = [who.head.draw(rigid.at(k), (S, S)) for k in range(len(points))]
    ani = np.stack([np.concatenate([p.transpose(2, 0, 1) / 255, m[None]]) for p, m in heads]).astype(np.float32)
    here, there = with_skull(points, rigid), with_skull(who.points[ref], who.rigid.at(ref))
    own = with_skull(recompose(np.broadcast_to(who.head.face, points.shape), rigid), rigid)
    half = [torch.from_numpy(half_sides(x, S)) for x in (here, there, own)]
    return Moment(_tensor(sketch.many(here, S)), half[0], _tensor(who.shots[ref].transpose(0, 3, 1, 2)),
                  _tensor(sketch.many(there, S)), half[1], torch.from_numpy(ani), half[2])


def face_area(points: np.ndarray, size: int) -> np.ndarray:
    """(n, size, size) bool: within the outline of landmarks (n, 68, 3) px."""
    import cv2

    out = np.zeros((len(points), size, size), np.uint8)
    for area, one in zip(out, points):
        cv2.fillConvexPoly(area, cv2.convexHull(np.round(one[:, :2]).astype(np.int32)), 1)
    return out.astype(bool)


# ---- parts of it ----------------------------------------------------------------------------------------------
def _sitter(shots, points, still: Rigid, shown: np.ndarray, actor=None, crop=None) -> Sitter:
    """points: (478, 3) px of each shot.  shown: (52,) expression of the first shot, from which the head is made."""
    seen = of_478(np.stack(points))
    rigid = fit(seen)
    front = choose(still, rigid)
    if actor is None:
        rest = canonical(seen[0], still)
    else:
        rest = canonical(of_478(_in_crop(actor.landmarks(actor.personal(np.zeros(52, np.float32))), crop)), still)
    return Sitter(np.stack(shots), seen, rigid, Rigid(*(np.asarray(x)[None] for x in still)), rest,
                  Head3D.of(shots[front], points[front], shown), actor, crop)


def _seen(actor, crop: np.ndarray, size: int, expression: np.ndarray | None, pose) -> tuple[np.ndarray, np.ndarray]:
    """A crop (size, size, 3) uint8 and its landmarks (478, 3) px."""
    from tfg.faces import align

    asked = actor.personal(np.zeros(52, np.float32) if expression is None else expression)
    pose = np.asarray(pose, np.float32)
    return align.warp(actor.render(asked, pose), crop, size), _in_crop(actor.landmarks(asked, pose), crop)


def _in_crop(points: np.ndarray, crop: np.ndarray) -> np.ndarray:
    from tfg.faces import align

    return align.transform(points, crop).astype(np.float32)


def _blind(block, given):
    """The block's input, in which only the landmarks' map says something."""
    x, maps, code = given
    return x, [maps[0], *(0 * m for m in maps[1:])], code


def _tensor(x: np.ndarray):
    import torch

    return torch.from_numpy(np.ascontiguousarray(x)).float() / 255


def _array(x) -> np.ndarray:
    return x.movedim(1, -1).float().numpy()


def with_coefficients(**amounts: float) -> np.ndarray:
    """An expression (52,) float32 of some coefficients, the others 0."""
    out = np.zeros(52, np.float32)
    for name, amount in amounts.items():
        out[index(name)] = amount
    return out
