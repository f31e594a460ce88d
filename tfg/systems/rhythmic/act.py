"""`rhythmic`: sound becomes landmarks and head motion; frames are drawn from shots of the source and its 3D head.

A photo's head moves with the voice. A film keeps its eyes and its brows and, unless another is asked for, its own head
motion; jaw and lips are the voice's.
"""
from __future__ import annotations

import time

import numpy as np

from tfg.errors import InputError
from tfg.media.audio import FPS, SR, frame_at, n_frames
from tfg.systems import pose_curves
from tfg.systems.base import Footage, Speech, Take


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Listen, and follow the face; faces are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`; of a `Footage` the photo counts.  options: `RhythmicOptions`.
    """
    from tfg.systems.film.stage import set_up
    from tfg.systems.rhythmic.network import load
    from tfg.systems.rhythmic.paint import Painter
    from tfg.systems.rhythmic.person import SHOTS, Person, Watch
    from tfg.systems.rhythmic.plan import expression_of, lids_of, planned
    from tfg.systems.rhythmic.scenes import ROOM

    if isinstance(source, Footage):
        source = source.photo
    o, clock, T = options, time.perf_counter(), n_frames(len(speech.audio))
    if o.box is not None:
        raise InputError("rhythmic draws by landmarks, which a constant --box leaves out; leave out --box.")
    network, card = load(o.checkpoint)
    given = None if o.ref_expression is None else expression_of(o.ref_expression, T)
    pose = None if o.ref_pose is None else pose_curves.ref_pose(o.ref_pose, T)
    loaded = time.perf_counter()
    watched = Watch(o.ref_img_id, o.n_shot or SHOTS)
    stage = set_up(source, len(speech.audio) / SR, o, network.config.size, watch=watched.watch, margin=ROOM,
                   progress=progress)
    person = Person.of(watched, cuts=stage.crops.cuts, largest_mouth=o.find_largest_mouth)
    followed = time.perf_counter()
    photo = stage.pictures.n == 1
    face = said(speech.audio, T, person.rest, o) if given is None else given
    if pose is None and (o.head_motion if photo else not o.own_motion):
        pose = moved(speech.audio, T, o, None if photo else seen_of(person.rigid, stage.pictures.fps))
    lids = lids_of(speech.audio, T, o.emotion, o.intensity, o.seed) if photo and o.blink else None
    order, at = stage.schedule.order, frame_at(stage.schedule.middles)
    plan = planned(person, order, at, face, pose, own=pose is None and not o.ref_img_id, lids=lids)
    painter = Painter(network, person, plan, stage.crops.matrix, batch=o.batch_size)
    stage.seconds |= {"load": loaded - clock, "follow": followed - loaded, "listen": time.perf_counter() - followed}
    return stage.roll(painter, lambda numbers: np.asarray(numbers), {"network": card["sha256"][:12],
                                                                     "shots": len(person.shots)})


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
