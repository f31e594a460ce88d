"""`rhythmic`: sound becomes landmarks and head motion; frames are drawn from shots of the source and its 3D head.

A photo's head moves with the voice. A film keeps its eyes and its brows and, unless another is asked for, its own head
motion; jaw and lips are the voice's.
"""
from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from tfg.media.audio import FPS, SR, frame_at, n_frames
from tfg.systems import pose_curves
from tfg.systems.base import Footage, Speech, Take
from tfg.systems.rhythmic.options import SHOTS


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Listen, and follow the face; faces are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`, or a folder of photos, of which the first speaks; of a `Footage` the photo
    speaks, and its reference frames are further shots, unless it is to be dubbed.  options: `RhythmicOptions`.
    """
    from tfg.systems.film.stage import set_up
    from tfg.systems.rhythmic.album import watch
    from tfg.systems.rhythmic.network import load
    from tfg.systems.rhythmic.paint import Painter
    from tfg.systems.rhythmic.person import Person, Watch
    from tfg.systems.rhythmic.plan import expression_of, lids_of, planned
    from tfg.systems.rhythmic.scenes import ROOM

    o, clock, T = options, time.perf_counter(), n_frames(len(speech.audio))
    source, others, elsewhere, wanted = opened(source, o)
    network, card = load(o.person or o.checkpoint)
    given = None if o.ref_expression is None else expression_of(o.ref_expression, T)
    pose = None if o.ref_pose is None else pose_curves.ref_pose(o.ref_pose, T)
    loaded = time.perf_counter()
    watched = Watch(wanted, o.n_shot or max(SHOTS, len(others) + 1))
    stage = set_up(source, len(speech.audio) / SR, o, network.config.size, watch=watched.watch, margin=ROOM,
                   progress=progress)
    n = len(watched.points)
    watched.keep(stage.crops.drawn)
    watch(watched, others, moved=elsewhere)
    person = Person.of(watched, cuts=stage.crops.cuts, largest_mouth=o.find_largest_mouth, n=n)
    followed = time.perf_counter()
    photo = stage.pictures.n == 1
    face = said(speech.audio, T, person.rest, o) if given is None else given
    if pose is None and (o.head_motion if photo else not o.own_motion):
        seen = None if photo else seen_of(person.rigid.at(person.scenes[0]), stage.pictures.fps)
        pose = moved(speech.audio, T, o, seen)
    lids = lids_of(speech.audio, T, o.emotion, o.intensity, o.seed) if photo and o.blink and given is None else None
    order, at = stage.schedule.order, frame_at(stage.schedule.middles)
    plan = planned(person, order, at, face, pose, own=pose is None and not o.ref_img_id, lids=lids)
    matrix = np.concatenate([stage.crops.matrix[:n], np.repeat(stage.crops.matrix[:1], len(person.face) - n, 0)])
    painter = Painter(network, person, plan, matrix, batch=o.batch_size)
    stage.seconds |= {"load": loaded - clock, "follow": followed - loaded, "listen": time.perf_counter() - followed}
    return stage.roll(painter, lambda numbers: np.asarray(numbers), {"network": card["sha256"][:12],
                                                                     "shots": len(person.shots)})


def opened(source, options) -> tuple:
    """The source; further pictures (H, W, 3) uint8 of the same person; whether these must be moved to the place of its
    face (those of a scorer's film are by one camera); and numbers of the source's frames that are asked for.

    Raises InputError: a folder without pictures.
    """
    from tfg.systems.rhythmic import album
    from tfg.systems.rhythmic.person import spread

    if isinstance(source, Footage) and not source.dub:
        some = () if source.reference is None else source.reference
        which = spread(len(some), (options.n_shot or SHOTS) - 1)
        return source.photo, [some[k] for k in which], False, ()
    if isinstance(source, (str, os.PathLike)) and Path(source).is_dir():
        first, *others = album.read(source, options.ref_img_id)
        return first, [np.rot90(x, -1) if options.rotate else x for x in others], True, ()
    return source, [], True, options.ref_img_id


def said(audio: np.ndarray, n: int, rest: np.ndarray, options) -> np.ndarray:
    """What a face adds to its rest while it says this: (n, 68, 3) cm.  rest: (68, 3) cm."""
    from tfg.systems.rhythmic.points.network import load, speak

    network, _ = load(options.pointsnet)
    return speak(network, audio, n, rest, emotion=options.emotion, intensity=options.intensity) - rest


def seen_of(rigid, fps: float) -> np.ndarray:
    """How a film's head has moved: the first of its poses, 25 a second, up to 64, relative to its usual one, (S, 6)."""
    from tfg.systems.rhythmic.motion.network import SEED
    from tfg.systems.rhythmic.plan import between, usual
    from tfg.systems.rhythmic.pose import pose_of

    poses = pose_of(rigid, usual(rigid))
    return between(poses, np.arange(0, len(poses), fps / FPS)[:SEED])


def moved(audio: np.ndarray, n: int, options, seen: np.ndarray | None = None) -> np.ndarray:
    """How a head moves while it says this: (n, 6), relative to rest.  seen: (S, 6), how it moved before, or None."""
    from tfg.systems.rhythmic.motion.network import load
    from tfg.systems.rhythmic.motion.roll import roll

    network, _ = load(options.motionnet)
    return roll(network, audio, n, observed=seen, seed=options.seed)
