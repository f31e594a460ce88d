"""`expression`: sound -> expression vectors and head motion, emotion added to the vectors -> the photo's own pixels.

SadTalker's way (Zhang et al. 2023, and the fork that adds emotion) in our vocabulary. Each part is a network of its
own, and the vectors between them can be saved, looked at, and changed:

    ExpNet      sound, the person's rest, lids -> 52 coefficients a frame, without emotion
    adding      these and an emotion -> the same speech with the emotion (tfg.adding)
    PoseVAE     sound and a style -> the head's motion
    renderer    the head fitted to the photo moves the photo's pixels (tfg.head.portrait), in the place of 3DMM and GAN

What a sound cannot tell (when the eyes close, where they look) is drawn from the seed, or taken from a video.
"""
from __future__ import annotations

import time

import numpy as np

from tfg.actors import emotion as emotions
from tfg.actors import performance
from tfg.actors.performance import EYE_RANGE_DEG
from tfg.motion import Motion
from tfg.systems import Speech, Take, graphics
from tfg.vocabulary import EXPRESSION, POSE, index

FPS = 25
COUNTER = .85
"""How much of the head's turning the eyes make up for: they stay on the viewer."""
LIDS = index("eyeBlink")


def prepare(source, speech: Speech, *, size: int = 256, preprocess: str = "crop", face: int | None = None, motion=None,
            progress: bool = False, **how) -> Take:
    """Measure and fit the source, work out the motion. The frames are drawn while `Take.frames` is read.

    source: a photo's or video's path, or (H, W, 3) uint8 RGB.  motion: a Motion, or None for one from the sound.
    how: as `act`.  Raises InputError for a source without a usable face, networks that cannot be read.
    """
    from tfg.head.portrait import Portrait

    clock, seconds = time.perf_counter(), {}
    _load(motion, **how)
    seconds["load"] = time.perf_counter() - clock
    clock = time.perf_counter()
    image, face = graphics.read_source(source, face=face)
    portrait = Portrait.from_image(image, size=size, preprocess=preprocess, face=face)
    seconds["fit"] = time.perf_counter() - clock
    clock = time.perf_counter()
    neutral = portrait.personal(np.zeros(len(portrait.rest_expression), np.float32))
    played = act(speech, neutral=neutral, motion=motion, **how)
    seconds["motion"] = time.perf_counter() - clock
    return Take(frames=portrait.render_motion(played), n=len(played), size=tuple(portrait.size), motion=played,
                seconds=seconds)


def _load(motion, *, emotion: str = "NEU", emotion_model: str = "linear", emotion_add=None, expnet=None, posevae=None,
          still: bool = False, idle=None, ref_pose=None, ref_blink=None, **_) -> None:
    """What will be used, once per process: whatever is wrong with it shows before the long work. Timed by itself, for
    it has nothing to do with the sound."""
    from tfg.adding import add
    from tfg.models import expnet as faces
    from tfg.models import posevae as heads
    from tfg.systems import pose_curves

    if motion is None and idle is None:
        faces.load_expnet(expnet)
    if motion is None and not still and ref_pose is None:
        heads.load(posevae)
    if emotion != "NEU":
        add(np.zeros((1, len(EXPRESSION)), np.float32), emotion, model=emotion_model, folder=emotion_add)
    if ref_pose is not None:
        pose_curves.ref_pose(ref_pose, 1)
    if ref_blink is not None:
        pose_curves.ref_blink(ref_blink, 1)


def act(speech: Speech, *, neutral: np.ndarray | None = None, emotion: str = "NEU", intensity: float = 1.0,
        seed: int = 0, blink: bool = True, pose_scale: float = 1.0, expression_scale: float = 1.0, pose_style: int = 0,
        yaw=None, pitch=None, roll=None, ref_blink=None, ref_pose=None, still: bool = False, idle: float | None = None,
        emotion_model: str = "linear", alpha: float = 1.4, ortho: bool = False, expnet=None, posevae=None,
        emotion_add=None, motion=None) -> Motion:
    """A voice's, or another motion's, Motion: offsets from the person's neutral face (0 is relaxed), not clipped.

    speech: sound and, where they are known, phones with their times, which then move the mouth.  neutral: (52,) the
    face at rest.  expnet, posevae, emotion_add: folders of networks, None for those that ship.  motion: this instead of
    what the sound says; its face gets the emotion, too.  The other options: `tfg.animate`.
    Raises InputError for what cannot be read or does not fit.
    """
    from tfg.adding import add

    code = emotions.check_emotion(emotion, intensity)
    manner = emotions.manner(code, intensity)
    if motion is not None:
        played = graphics.retimed(_from_rest(motion), speech.audio)
        offsets, pose, n = played.expression.copy(), played.pose * pose_scale, len(played)
    else:
        n = _length(speech, idle)
        level = performance.speech_level(speech.audio, n)
        lids = _lids(n, manner, level, blink, ref_blink, seed)
        offsets = _speak(speech, n, neutral, lids, expnet)
        pose = np.zeros((n, len(POSE)), np.float32) if still or ref_pose is not None else \
            _move(speech, n, pose_style, seed, posevae) * pose_scale
    if ref_pose is not None:
        from tfg.systems.pose_curves import ref_pose as follow

        pose = follow(ref_pose, n) * pose_scale
    if motion is not None and ref_blink is not None:
        offsets[:, LIDS] = _lids(n, manner, None, True, ref_blink, seed)[:, None]
    closed = offsets[:, LIDS].copy()
    felt = add(offsets, code, intensity, alpha=alpha, ortho=ortho, model=emotion_model, folder=emotion_add)
    felt = felt * np.float32(expression_scale)
    if motion is None or ref_blink is not None:           # a blink is a blink, however large the rest is played
        felt[:, LIDS] = np.maximum(felt[:, LIDS], closed)
    if motion is None and not still:
        pose = pose + emotions.envelope(n, code, fps=FPS)[:, None] * np.array(manner.pose, np.float32) * pose_scale
    pose = _turned(pose, n, yaw, pitch, roll, still)
    if motion is None:
        look = performance.gaze(n, manner, seed=seed, fps=FPS) - pose[:, :2] * (COUNTER / EYE_RANGE_DEG)
        performance.write_gaze(felt, look)
    meta = dict(kind="replay" if motion is not None else "idle" if speech.audio is None else "performance",
                system="expression", emotion=code, intensity=float(intensity), seed=int(seed))
    return Motion(felt, pose, fps=float(FPS), meta=meta)


# ---- the parts --------------------------------------------------------------------------------------------------
def _length(speech: Speech, idle: float | None) -> int:
    from tfg.audio import n_frames

    return n_frames(len(speech.audio)) if speech.audio is not None else max(1, round((idle or 0) * FPS))


def _lids(n: int, manner, level, blink: bool, ref_blink, seed: int) -> np.ndarray:
    """(n,) how far the lids are shut."""
    if ref_blink is not None:
        from tfg.systems.pose_curves import ref_blink as follow

        return follow(ref_blink, n)
    if not blink:
        return np.zeros(n, np.float32)
    return performance.blinks(n, manner.blinks_per_min, level=level, seed=seed, fps=FPS)


def _speak(speech: Speech, n: int, neutral, lids: np.ndarray, folder) -> np.ndarray:
    """(n, 52) offsets: what ExpNet hears. Known phones say better what the mouth does; the rest is ExpNet's."""
    if speech.audio is None:
        offsets = np.zeros((n, len(EXPRESSION)), np.float32)
        offsets[:, LIDS] = lids[:, None]
        return offsets
    from tfg.models import expnet

    offsets = expnet.predict(speech.audio, neutral=neutral, blink=lids, folder=folder)
    if speech.phones is not None:
        from tfg.actors.visemes import CHANNELS, coarticulate, with_effort

        mouth = coarticulate(with_effort(speech.phones, speech.audio), n)
        spoken = index(*CHANNELS)
        offsets[:, spoken] = mouth[:, spoken]
    return offsets


def _move(speech: Speech, n: int, style: int, seed: int, folder) -> np.ndarray:
    """(n, 6) the head's motion. An idle head moves as one that listens to silence."""
    from tfg.audio import SAMPLES_PER_FRAME
    from tfg.models import posevae

    audio = np.zeros(n * SAMPLES_PER_FRAME, np.float32) if speech.audio is None else speech.audio
    return posevae.predict(audio, style=style, seed=seed, folder=folder)


def _turned(pose: np.ndarray, n: int, yaw, pitch, roll, still: bool) -> np.ndarray:
    """The pose with the angles that were asked for in the place of its own."""
    from tfg.systems.pose_curves import curve

    pose = np.zeros_like(pose) if still else pose.copy()
    for name, values in (("yaw", yaw), ("pitch", pitch), ("roll", roll)):
        if values is not None:
            pose[:, POSE.index(name)] = curve(values, n, name)
    return pose


def _from_rest(motion: Motion) -> Motion:
    """A measured motion holds what a face does; take off what that person's face does at rest. Others start there."""
    from dataclasses import replace

    from tfg.faces.geometry import rest_of, subtract_neutral

    rest = rest_of(motion)
    return replace(motion, expression=subtract_neutral(motion.expression, rest)) if rest.any() else motion
