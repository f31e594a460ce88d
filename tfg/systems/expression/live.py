"""`expression` while the sound arrives: each frame is drawn once the sound of the 7 frames after it was heard.

The networks are those of `tfg.systems.expression.act`. What is other than there, as the end is not known:

    ExpNet      sees 0.28 s ahead instead of 1.3 s; beyond, the last mel column goes on
    loudness    the mean of the speech is that of the last 20 s (at first, that of the sentences that ship)
    lips        rest where nobody speaks (tfg.speech.voiced)
    emotion     the time within the clip is that of the middle of a sentence; no fall at its end; a new one is eased in
    blinks      look for a pause in the sound 0.2 s ahead, not 0.6 s
    head        the same codes; its nods follow what was heard (tfg.systems.expression.posevae.live)
"""
from __future__ import annotations

from collections import deque

import numpy as np
import torch

from tfg.acting import emotion as emotions
from tfg.acting import performance
from tfg.acting.performance import BLINK, EYE_RANGE_DEG
from tfg.errors import InputError
from tfg.media.audio import SAMPLES_PER_FRAME, SR, loudness
from tfg.media.live_sound import LiveSound, Pieces
from tfg.networks.inference import one_thread
from tfg.options import flags
from tfg.speech.features import mean_so_far
from tfg.speech.voiced import AHEAD, Voiced
from tfg.speech.voiced import N as PITCH_SAMPLES
from tfg.systems.base import Live
from tfg.systems.expression.act import COUNTER, LIDS
from tfg.systems.expression.emotion import add
from tfg.systems.expression.emotion.features import FADES_S
from tfg.systems.expression.emotion.features import FRAMES as FELT_FRAMES
from tfg.systems.expression.expnet import network as expnet
from tfg.systems.expression.options import ExpressionOptions
from tfg.systems.expression.posevae.live import LiveHead
from tfg.systems.gaze import LiveGaze, directed
from tfg.vocabulary import EXPRESSION, POSE, index

FPS = 25
CHANGING = ("emotion", "intensity", "pose_scale", "expression_scale", "blink", "yaw", "pitch", "roll", "still",
            "emotion_model", "alpha", "ortho", "offsets", "gaze")
"""Options that may change while a stream runs."""
WHOLE = ("motion", "idle", "ref_pose", "ref_blink")
"""Options that need an end."""
CLIP_S = 3.0
"""Length of the clips that the emotion models learned from: the middle of one is where a stream always is."""
TURN = .12
"""Share of the way to a new angle or scale that the head goes in a frame."""
STILL = index("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeBlink")
"""Columns that are not the speech's."""


class LiveMotion:
    """Expression and pose of a stream, frame by frame.  neutral: (52,) the person at rest."""

    def __init__(self, neutral: np.ndarray, options: ExpressionOptions):
        check_options(options)
        self.options, self.neutral = options, np.asarray(neutral, np.float32)
        self.pieces, self.sound, self.frame, self.ended = Pieces(), LiveSound(), 0, False
        self.network = expnet.load_expnet(options.expnet)[0]
        if self.network.config.hearing != "mel":
            raise InputError(f"the ExpNet in {options.expnet} hears speech features, which need two seconds of what "
                             "comes; streams need one that hears mels: tfg train expnet --hearing mel.")
        self.head = LiveHead(style=options.pose_style, seed=options.seed, folder=options.posevae)
        self.lids, self.eyes = Lids(options.seed), Eyes(options.seed)
        self.voiced, self.feelings, self.gaze = Voiced(), Feelings(options), LiveGaze()
        self._levels: deque[float] = deque(maxlen=4 * AHEAD)
        self._heard = 0                                     # frames whose loudness and pitch are known
        self._place = self._target()

    def hear(self, samples: np.ndarray, sr: int = SR) -> None:
        """More sound.  Raises InputError."""
        self.pieces.push(samples, sr)

    def finish(self) -> None:
        """The sound has ended; the frames that are left may be asked for."""
        self.pieces.finish()
        self.ended = True

    @property
    def ready(self) -> int:
        """Number of frames that `step` can give now."""
        return max(0, self.pieces.n // SAMPLES_PER_FRAME - (0 if self.ended else AHEAD) - self.frame)

    def change(self, options: ExpressionOptions) -> None:
        """Other options from the next frame on.  Raises InputError for those that cannot change."""
        check_options(options)
        settled = [n for n, v in options.values().items() if n not in CHANGING and v != getattr(self.options, n)]
        if settled:
            raise InputError(f"{flags(settled)} cannot change while a stream runs; start another one.")
        self.options = options
        self.feelings.turn_to(options)

    @one_thread()
    def step(self) -> tuple[np.ndarray, np.ndarray]:
        """The next frame: expression (52,) as offsets from the person's rest, and pose (6,)."""
        o, frame = self.options, self.frame
        self._listen(frame + AHEAD + 1)
        mean = mean_so_far(self.sound.mel)
        manner = emotions.manner(o.emotion, o.intensity)
        speaks = self.voiced.of(min(frame, self._heard - 1))
        lids = self.lids.of(frame, manner, list(self._levels)[-AHEAD - 1:], o.blink)
        spoken = self._speak(frame, mean, lids)
        mouth = np.setdiff1d(np.arange(len(EXPRESSION)), STILL)
        spoken[:, mouth] *= speaks
        self.feelings.step()
        felt = self.feelings.add(spoken, o) * np.float32(o.expression_scale)
        felt[LIDS] = np.maximum(felt[LIDS], lids[FELT_FRAMES // 2])
        self._place = self._place + TURN * (self._target() - self._place)
        pose = self._pose(frame, mean)
        look = self.eyes.of(manner, self.feelings.gaze) - pose[:2] * (COUNTER / EYE_RANGE_DEG)
        out = felt[None]
        performance.write_gaze(out, look[None])
        self.frame += 1
        return self.gaze(out[0], pose, o, frame)

    # ---- parts ------------------------------------------------------------------------------------------------
    def _listen(self, frames: int) -> None:
        """Hear the sound of so many frames, and no more, whatever has come: so pieces of any length give one result."""
        for k in range(self._heard, frames):
            piece = self.pieces.take(SAMPLES_PER_FRAME)
            if not len(piece):
                if not self.sound.ended:
                    self.sound.finish()
                return
            self.sound.push(piece)
            self._heard += 1
            stop = (k + 1 - self.sound.first) * SAMPLES_PER_FRAME
            piece = self.sound.samples[max(0, stop - PITCH_SAMPLES):stop]
            db = float(loudness(piece[-SAMPLES_PER_FRAME:])[0])
            self._levels.append(db)
            self.voiced.hear(piece, db)

    @torch.no_grad()
    def _speak(self, frame: int, mean: np.ndarray, lids: np.ndarray) -> np.ndarray:
        """ExpNet's offsets (5, 52) in the frames around this one; before the start, as at the start."""
        half, reach = FELT_FRAMES // 2, self.network.config.reach
        around = np.arange(frame - half, frame + half + 1)
        first = max(frame - half - reach, 0)
        windows = torch.from_numpy(self.sound.windows(np.arange(first, frame + half + reach + 1)) - mean)
        shut = np.zeros(len(windows), np.float32)
        shut[np.maximum(around, 0) - first] = lids
        face = self.network(windows[None], torch.from_numpy(self.neutral)[None], torch.from_numpy(shut)[None])[0]
        offsets = (face.numpy()[np.maximum(around, 0) - first] - self.neutral) / (1 - self.neutral)
        return expnet.finish(offsets)

    def _target(self) -> np.ndarray:
        """(7,) where the head shall be: three angles, and for each whether it is given; the scale of its motion."""
        o = self.options
        given = [getattr(o, name) for name in POSE[:3]]
        return np.array([*(v[0] if v else 0.0 for v in given), *(float(v is not None) for v in given),
                         0.0 if o.still else o.pose_scale])

    def _pose(self, frame: int, mean: np.ndarray) -> np.ndarray:
        angles, given, scale = self._place[:3], self._place[3:6], self._place[6]
        pose = (self.head.pose(frame, self.sound, mean) + self.feelings.lean) * scale
        pose[:3] = (1 - given) * pose[:3] + given * angles
        return pose.astype(np.float32)


class Feelings:
    """The emotions that show: how much of each, and for how long it has been wanted.  options: those at the start."""

    def __init__(self, options: ExpressionOptions):
        self.wanted = {options.emotion: float(options.intensity)}
        self.amount = dict(self.wanted)                     # intensity of each now
        self.since = {options.emotion: 0}                   # frames since each was wanted

    def turn_to(self, options: ExpressionOptions) -> None:
        """Another emotion, or more or less of it."""
        self.wanted = {options.emotion: float(options.intensity)}
        if options.emotion not in self.amount:
            self.amount[options.emotion], self.since[options.emotion] = 0.0, 0

    def step(self) -> None:
        """One frame on: each emotion comes within its onset, goes within its decay."""
        for code in list(self.amount):
            goal, now = self.wanted.get(code, 0.0), self.amount[code]
            seconds = emotions.ONSET_S[code] if goal > now else emotions.DECAY_S[code]
            self.amount[code] = now + float(np.clip(goal - now, -1 / (seconds * FPS), 1 / (seconds * FPS)))
            self.since[code] += 1
            if not self.amount[code] and code not in self.wanted:
                del self.amount[code], self.since[code]

    def add(self, spoken: np.ndarray, o: ExpressionOptions) -> np.ndarray:
        """The middle one of five frames (5, 52) with what is felt: (52,)."""
        middle = FELT_FRAMES // 2
        out = spoken[middle].copy()
        for code, amount in self.amount.items():
            when = np.repeat(time_within(self.since[code] - 1)[None], len(spoken), 0)
            felt = add(spoken, code, min(1.0, amount), alpha=o.alpha, ortho=o.ortho, model=o.emotion_model,
                       folder=o.emotion_add, when=when)
            out += felt[middle] - spoken[middle]
        return out

    @property
    def lean(self) -> np.ndarray:
        """(6,) of the head."""
        return np.sum([self._rise(code) * np.array(emotions.manner(code, min(1.0, a)).pose)
                       for code, a in self.amount.items()], 0)

    @property
    def gaze(self) -> np.ndarray:
        """(2,) of the eyes."""
        return np.sum([emotions.manner(code, min(1.0, a)).gaze for code, a in self.amount.items()], 0)

    def _rise(self, code: str) -> float:
        share = emotions.smoothstep(max(0, self.since[code] - 1) / FPS / emotions.ONSET_S[code])
        return emotions.START + (1 - emotions.START) * float(share)


class Lids:
    """Blinks of a stream, at the rate of `tfg.acting.performance.blinks`.  seed: as there."""

    def __init__(self, seed: int):
        self._rng, self._at, self._began = np.random.default_rng([int(seed), 4]), -1.0, -100

    def of(self, frame: int, manner, levels: list[float], blink: bool) -> np.ndarray:
        """Closing of the lids in the five frames around this one: (5,) in [0, 1].  levels: loudness, dB, from this
        frame on. A blink begins where the sound is quietest among the frames that are known, 0.3 s late at the most."""
        if self._at < 0:
            self._at = performance.first_blink_s(self._rng, manner.blinks_per_min)
        begin = frame + FELT_FRAMES // 2                    # the first frame that is not drawn or about to be
        wanted, known = int(self._at * FPS), levels[FELT_FRAMES // 2:]
        if begin >= wanted - 7 and (begin >= wanted + 7 or not known or known[0] <= min(known)):
            self._at += performance.blink_pause_s(self._rng, manner.blinks_per_min)
            self._began = begin if blink else self._began
        at = np.arange(frame - 2, frame + 3) - self._began
        return np.where((at >= 0) & (at < len(BLINK)), BLINK[np.clip(at, 0, len(BLINK) - 1)], 0).astype(np.float32)


class Eyes:
    """Glances of a stream, those of `tfg.acting.performance.gaze`.  seed: as there."""

    def __init__(self, seed: int):
        self._rng = np.random.default_rng([int(seed), 5])
        self._recent: deque = deque(maxlen=3)
        self._left, self._to = 0, np.zeros(2)

    def of(self, manner, offset: np.ndarray) -> np.ndarray:
        """Direction (2,) in the next frame.  offset: (2,) what the emotion adds."""
        if not self._left:
            self._left, self._to = performance.fixation(self._rng, manner.darting, FPS, first=not self._recent)
        self._left -= 1
        self._recent.extend([self._to] * (1 if self._recent else 3))
        before, last, now = self._recent
        return .2 * before + .3 * last + .5 * now + offset


class LivePortrait(Live):
    """See `tfg.systems.base.Live`; a photo is fitted and the networks are warm when it is made."""

    ahead = AHEAD

    def __init__(self, source, options: ExpressionOptions):
        from tfg.head.portrait import Portrait
        from tfg.systems.portrait import read_source

        check_options(options)
        image, face = read_source(source, face=options.face)
        self.portrait = Portrait.from_image(image, size=options.size, preprocess=options.preprocess, face=face)
        if options.background is not None:
            self.portrait.cut_out()
        self.size = self.portrait.size
        self.neutral = self.portrait.personal(np.zeros(len(EXPRESSION), np.float32))
        trial = LiveMotion(self.neutral, options)           # what is compiled and loaded at first use is so now
        trial.hear(np.zeros((AHEAD + 1) * SAMPLES_PER_FRAME, np.float32))
        self._draw(*trial.step())
        self.motion = LiveMotion(self.neutral, options)

    @property
    def options(self) -> ExpressionOptions:
        return self.motion.options

    def hear(self, samples, sr):
        self.motion.hear(samples, sr)
        return self._frames()

    def finish(self):
        self.motion.finish()
        return self._frames()

    def change(self, options):
        self.motion.change(options)

    def again(self, options):
        self.motion = LiveMotion(self.neutral, options)

    def still(self, options):
        check_options(options)
        feelings = Feelings(options)
        feelings.since[options.emotion] = FPS
        calm = np.zeros((FELT_FRAMES, len(EXPRESSION)), np.float32)
        felt = feelings.add(calm, options)[None] * np.float32(options.expression_scale)
        angles = [getattr(options, name) for name in POSE[:3]]
        pose = feelings.lean * (0.0 if options.still else options.pose_scale)
        pose[:3] = [pose[k] if given is None else given[0] for k, given in enumerate(angles)]
        performance.write_gaze(felt, feelings.gaze[None] - pose[None, :2] * (COUNTER / EYE_RANGE_DEG))
        felt, turned = directed(felt, pose[None], options.replace(attend=False))
        return self._draw(felt[0], turned[0])

    def _frames(self):
        while self.motion.ready:
            yield self._draw(*self.motion.step())

    def _draw(self, expression: np.ndarray, pose: np.ndarray) -> np.ndarray:
        return self.portrait.render(self.portrait.personal(np.clip(expression, 0, 1)), pose)


def time_within(frames: int) -> np.ndarray:
    """What the emotion models know of the time (`features.times`), so many frames after an emotion was wanted, in the
    middle of a sentence: (10,) float32."""
    began = [np.exp(-max(0, frames) / FPS / s) for s in FADES_S]
    return np.array([*began, *(np.exp(-CLIP_S / 2 / s) for s in FADES_S), .5, .25, .125, 1 / (1 + CLIP_S)], np.float32)


def check_options(options: ExpressionOptions) -> None:
    """InputError for options that a stream cannot have."""
    if whole := [n for n in WHOLE if getattr(options, n) is not None]:
        raise InputError(f"a stream has no end, so {flags(whole)} cannot be used; leave it out, or use tfg animate.")
    for name in POSE[:3]:
        if len(getattr(options, name) or ()) > 1:
            raise InputError(f"a stream has no end over which several angles could be spread; give one --{name}.")
    if len(options.gaze or ()) > 1:
        raise InputError("a stream has no end over which a gaze could be spread; give one direction: --gaze X Y.")
