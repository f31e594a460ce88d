"""`graphics`: sound -> mouth coefficients (a small network) -> a performance -> the photo's own pixels, moved by a head
that is fitted to it. No learned image generator.

Nothing here is trained on faces, so it works for any portrait at once; it cannot invent parts that the photo does not
show (the side of a turned head, shadows of new wrinkles).
"""
from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from tfg.systems.base import Speech, Take
from tfg.systems.gaze import directed
from tfg.systems.portrait import read_source, retimed


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Measure and fit the source, and compute the performance. The frames are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`.  options: `GraphicsOptions`.  progress: without effect,
    as no step takes long.
    """
    from tfg.head.portrait import Portrait

    clock, seconds = time.perf_counter(), {}
    image, face = read_source(source, face=options.face)
    portrait = Portrait.from_image(image, size=options.size, preprocess=options.preprocess, face=face)
    if options.background is not None:
        portrait.cut_out()
    seconds["fit"] = time.perf_counter() - clock
    clock = time.perf_counter()
    if options.motion is None and speech.phones is None:
        from tfg.systems.graphics.network import load

        load()                          # once per process; timed by itself, as it does not depend on the sound
    seconds["load"] = time.perf_counter() - clock
    clock = time.perf_counter()
    scales = dict(pose_scale=options.pose_scale, expression_scale=options.expression_scale)
    if options.motion is None:
        motion = act(speech, emotion=options.emotion, intensity=options.intensity, blink=options.blink,
                     seed=options.seed, **scales)
    else:
        motion = replay(options.motion, speech.audio, **scales)
    expression, pose = directed(motion.expression, motion.pose, options)
    motion = replace(motion, expression=expression, pose=pose)
    seconds["motion"] = time.perf_counter() - clock
    return Take(frames=portrait.render_motion(motion), n=len(motion), size=portrait.size, motion=motion,
                seconds=seconds)


def act(speech: Speech, **how):
    """A voice's Motion: mouth from the sound, or from the phones where their times are known; then `perform`.

    how: emotion, intensity, pose_scale, expression_scale, blink, seed.
    """
    from tfg.acting.performance import perform
    from tfg.media.audio import n_frames

    if speech.phones is not None:
        from tfg.speech.visemes import coarticulate, with_effort

        mouth = coarticulate(with_effort(speech.phones, speech.audio), n_frames(len(speech.audio)))
    else:
        from tfg.systems.graphics.network import predict

        mouth = predict(speech.audio)
    return perform(mouth, speech.audio, **how)


def replay(motion, audio=None, *, pose_scale: float = 1.0, expression_scale: float = 1.0):
    """A person's Motion prepared for a portrait: `retimed`, then scaled, the expression clipped to [0, 1]."""
    played = retimed(motion, audio)
    return replace(played, expression=np.clip(played.expression * expression_scale, 0, 1),
                   pose=played.pose * pose_scale)
