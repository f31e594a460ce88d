"""`expression`: sound -> expression vectors and head motion, emotion added to the vectors -> the photo's own pixels.

SadTalker's way (Zhang et al. 2023, and the fork that adds emotion) in our vocabulary. Each part is a network of its
own, and the vectors between them can be saved, looked at, and changed:

    ExpNet      sound, the person's rest, lids -> 52 coefficients a frame, without emotion
    emotion     these vectors and an emotion -> the same speech with the emotion (tfg.systems.expression.emotion)
    PoseVAE     sound and a style -> the head's motion
    renderer    the head fitted to the photo moves the photo's pixels (tfg.head.portrait), in the place of 3DMM and GAN

Motion that cannot be heard (blinks, the direction of the eyes) is drawn from the seed, or taken from a video.
"""
from __future__ import annotations

import time

import numpy as np

from tfg.acting import emotion as emotions
from tfg.acting import performance
from tfg.acting.performance import EYE_RANGE_DEG
from tfg.media.motion import Motion
from tfg.systems.base import Speech, Take
from tfg.systems.expression.options import ExpressionOptions
from tfg.systems.gaze import directed
from tfg.systems.portrait import read_source, retimed
from tfg.vocabulary import EXPRESSION, POSE, index

FPS = 25
COUNTER = .85
"""Share of the head's turn that the eyes compensate, so that they stay on the viewer."""
LIDS = index("eyeBlink")


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Measure and fit the source, and compute the motion. The frames are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`.  options: `ExpressionOptions`.
    """
    from tfg.head.portrait import Portrait

    clock, seconds = time.perf_counter(), {}
    _load(options)
    seconds["load"] = time.perf_counter() - clock
    clock = time.perf_counter()
    image, face = read_source(source, face=options.face)
    portrait = Portrait.from_image(image, size=options.size, preprocess=options.preprocess, face=face)
    if options.background is not None:
        portrait.cut_out()
    seconds["fit"] = time.perf_counter() - clock
    clock = time.perf_counter()
    neutral = portrait.personal(np.zeros(len(portrait.rest_expression), np.float32))
    played = act(speech, neutral=neutral, options=options)
    seconds["motion"] = time.perf_counter() - clock
    height, width = portrait.size
    return Take(frames=portrait.render_motion(played), n=len(played), size=(height, width), motion=played,
                seconds=seconds)


def _load(options: ExpressionOptions) -> None:
    """Load the networks that will be used, once per process, so that faults in them show before the long work. Timed by
    itself, as it does not depend on the sound."""
    from tfg.networks import hearing
    from tfg.systems import pose_curves
    from tfg.systems.expression.emotion import add
    from tfg.systems.expression.expnet import network as faces
    from tfg.systems.expression.posevae import network as heads

    o = options
    if o.motion is None and o.idle is None:
        if faces.load_expnet(o.expnet, "speech")[0].config.hearing == "speech":
            hearing.load()
    if o.motion is None and not o.still and o.ref_pose is None:
        heads.load(o.posevae)
    if o.emotion != "NEU":
        add(np.zeros((1, len(EXPRESSION)), np.float32), o.emotion, model=o.emotion_model, folder=o.emotion_add)
    if o.ref_pose is not None:
        pose_curves.ref_pose(o.ref_pose, 1)
    if o.ref_blink is not None:
        pose_curves.ref_blink(o.ref_blink, 1)


def act(speech: Speech, *, neutral: np.ndarray | None = None, options: ExpressionOptions | None = None,
        **given) -> Motion:
    """Motion for a voice, or from another motion: offsets from the person's neutral face (0 is relaxed), not clipped.

    speech: sound and, where they are known, phones with their times, which then move the mouth.  neutral: (52,) the
    face at rest.  options: `ExpressionOptions`, or None to make them of `given`; a `motion` in them is played instead
    of the networks' and gets the emotion, too.
    Raises InputError for files that cannot be read and options that do not fit each other.
    """
    from tfg.systems.expression.emotion import add

    o = ExpressionOptions(**given) if options is None else options
    manner = emotions.manner(o.emotion, o.intensity)
    if o.motion is not None:
        played = retimed(_from_rest(o.motion), speech.audio)
        offsets, pose, n = played.expression.copy(), played.pose * o.pose_scale, len(played)
    else:
        n = _length(speech, o.idle)
        level = performance.speech_level(speech.audio, n)
        lids = _lids(n, manner, level, o.blink, o.ref_blink, o.seed)
        offsets = _speak(speech, n, neutral, lids, o.expnet)
        pose = np.zeros((n, len(POSE)), np.float32) if o.still or o.ref_pose is not None else \
            _move(speech, n, o.pose_style, o.seed, o.posevae) * o.pose_scale
    if o.ref_pose is not None:
        from tfg.systems.pose_curves import ref_pose as follow

        pose = follow(o.ref_pose, n) * o.pose_scale
    if o.motion is not None and o.ref_blink is not None:
        offsets[:, LIDS] = _lids(n, manner, None, True, o.ref_blink, o.seed)[:, None]
    closed = offsets[:, LIDS].copy()
    felt = add(offsets, o.emotion, o.intensity, alpha=o.alpha, ortho=o.ortho, model=o.emotion_model,
               folder=o.emotion_add)
    felt = felt * np.float32(o.expression_scale)
    if o.motion is None or o.ref_blink is not None:       # blinks keep their size: they are not scaled
        felt[:, LIDS] = np.maximum(felt[:, LIDS], closed)
    if o.motion is None and not o.still:
        leaning = np.array(manner.pose, np.float32) * o.pose_scale
        pose = pose + emotions.envelope(n, o.emotion, fps=FPS)[:, None] * leaning
    pose = _turned(pose, n, o.yaw, o.pitch, o.roll, o.still)
    if o.motion is None:
        look = performance.gaze(n, manner, seed=o.seed, fps=FPS) - pose[:, :2] * (COUNTER / EYE_RANGE_DEG)
        performance.write_gaze(felt, look)
    felt, pose = directed(felt, pose, o)
    meta = dict(kind="replay" if o.motion is not None else "idle" if speech.audio is None else "performance",
                system="expression", emotion=o.emotion, intensity=float(o.intensity), seed=int(o.seed))
    return Motion(felt, pose, fps=float(FPS), meta=meta)


# ---- parts --------------------------------------------------------------------------------------------------
def _length(speech: Speech, idle: float | None) -> int:
    from tfg.media.audio import n_frames

    return n_frames(len(speech.audio)) if speech.audio is not None else max(1, round((idle or 0) * FPS))


def _lids(n: int, manner, level, blink: bool, ref_blink, seed: int) -> np.ndarray:
    """Closing of the lids, (n,) in [0, 1], 1 is shut."""
    if ref_blink is not None:
        from tfg.systems.pose_curves import ref_blink as follow

        return follow(ref_blink, n)
    if not blink:
        return np.zeros(n, np.float32)
    return performance.blinks(n, manner.blinks_per_min, level=level, seed=seed, fps=FPS)


def _speak(speech: Speech, n: int, neutral, lids: np.ndarray, folder) -> np.ndarray:
    """Offsets of a speaking face, (n, 52), by ExpNet; known phones give a better mouth and replace that part."""
    if speech.audio is None:
        offsets = np.zeros((n, len(EXPRESSION)), np.float32)
        offsets[:, LIDS] = lids[:, None]
        return offsets
    from tfg.systems.expression.expnet import network as expnet

    offsets = expnet.predict(speech.audio, neutral=neutral, blink=lids, folder=folder)
    if speech.phones is not None:
        from tfg.speech.visemes import CHANNELS, coarticulate, with_effort
        from tfg.systems.expression import articulation

        mouth = coarticulate(with_effort(speech.phones, speech.audio), n, articulation=articulation.load())
        spoken = index(*CHANNELS)
        offsets[:, spoken] = mouth[:, spoken]
    return offsets


def _move(speech: Speech, n: int, style: int, seed: int, folder) -> np.ndarray:
    """Motion of the head by PoseVAE, (n, 6); without sound it gets silence and idles."""
    from tfg.media.audio import SAMPLES_PER_FRAME
    from tfg.systems.expression.posevae import network as posevae

    audio = np.zeros(n * SAMPLES_PER_FRAME, np.float32) if speech.audio is None else speech.audio
    return posevae.predict(audio, style=style, seed=seed, folder=folder)


def _turned(pose: np.ndarray, n: int, yaw, pitch, roll, still: bool) -> np.ndarray:
    """The pose (n, 6) with given angles in the place of its own; zeros if `still`."""
    from tfg.systems.pose_curves import curve

    pose = np.zeros_like(pose) if still else pose.copy()
    for name, values in (("yaw", yaw), ("pitch", pitch), ("roll", roll)):
        if values is not None:
            pose[:, POSE.index(name)] = curve(values, n, name)
    return pose


def _from_rest(motion: Motion) -> Motion:
    """Offsets from rest: a measured motion without that person's face at rest; other motions are offsets already."""
    from dataclasses import replace

    from tfg.faces.geometry import rest_of, subtract_neutral

    rest = rest_of(motion)
    return replace(motion, expression=subtract_neutral(motion.expression, rest)) if rest.any() else motion
