"""Performances: emotion, blinks, gaze and head motion are added to the mouth movements of speech.

`perform` puts the parts together; each part is a function of its own that returns plain curves at 25 frames/s. All
randomness comes from `seed`, one stream per part, so that switching blinks off leaves the head's motion as it was.
"""
from __future__ import annotations

import numpy as np

from tfg.acting import emotion as emotions
from tfg.acting.emotion import Manner, slow_noise, smoothstep
from tfg.speech.visemes import lip_gap, opening
from tfg.vocabulary import INDEX, index

OPENERS = index("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthShrugUpper", "jawForward")
CLOSERS = index("mouthPress", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthClose")
CORNERS = index("mouthSmile", "mouthStretch", "mouthDimple", "mouthFrown")
ROUND = index("mouthPucker", "mouthFunnel")
CLOSED_GAP, OPEN_GAP = .02, .09     # lip gaps as shares of a full jaw drop: below the first the speech closes its
                                    # lips, above the second it does not, and in between the rules of `blend` fade
BLINK = np.array([.5, 1, 1, .78, .45, .18, .04], np.float32)
"""eyeBlink in the 7 frames of a blink at 25 frames/s: 80 ms down, 40 ms shut, 160 ms up (VanderWerf et al. 2003)."""
JAW_SHARE = .7                      # share of mouthClose that a rising jaw takes over in a lip closure
EYE_RANGE_DEG = 30.0                # degrees that the eye turns at eyeLook = 1
SWAY = np.array([2.0, 1.0, 1.3, .006, .005, .006])  # standard deviation of head sway: 3 degrees, 3 head widths (POSE)
NOD_DEG = 1.5                       # pitch of a nod in degrees, at weight 1


def perform(mouth: np.ndarray, audio: np.ndarray | None = None, emotion: str = "NEU", intensity: float = 1.0,
            seed: int = 0, blink: bool = True, pose_scale: float = 1.0, expression_scale: float = 1.0, *,
            variant: str | None = None, fps: float = 25.0):
    """Turn the mouth curves of a sentence into the motion of a whole face that speaks with an emotion.

    mouth: (T, 52) coefficients of the speech alone, as `tfg.systems.graphics.network.predict` returns them.  audio:
    (N,) float32 at 16 kHz, which shows pauses and stressed syllables; None: neither is known.  emotion, intensity,
    variant: see `tfg.acting.emotion`.  seed: chooses blinks, glances, head motion and asymmetry.  blink: False leaves
    blinks out.  pose_scale: factor on the head's motion, 0 for none.  expression_scale: factor on speech and emotion
    (not on blinks).
    Returns a `tfg.media.clip.Motion` of T frames: expression in [0, 1], pose relative to the source.  Raises
    InputError for an unknown emotion or variant, or an intensity outside [0, 1].
    """
    from tfg.media.clip import Motion

    mouth = np.asarray(mouth, np.float32)
    n = len(mouth)
    code = emotions.check_emotion(emotion, intensity)
    manner = emotions.manner(code, intensity)
    feeling = emotions.trajectory(n, code, intensity, seed=seed, fps=fps, variant=variant)
    lean = emotions.envelope(n, code, fps=fps)[:, None] * np.array(manner.pose)
    expression, pose = act(mouth, feeling, manner, speech_level(audio, n), lean=lean, seed=seed, blink=blink,
                           pose_scale=pose_scale, expression_scale=expression_scale, fps=fps)
    meta = dict(kind="performance", emotion=code, intensity=float(intensity), seed=int(seed))
    return Motion(expression=expression, pose=pose, fps=fps, meta=meta)


def act(mouth: np.ndarray, feeling: np.ndarray, manner: Manner, level: np.ndarray | None = None, *,
        lean: np.ndarray | float = 0.0, articulation: float | None = None, seed: int = 0, blink: bool = True,
        pose_scale: float = 1.0, expression_scale: float = 1.0, fps: float = 25.0) -> tuple[np.ndarray, np.ndarray]:
    """Blend speech, emotion, glances, blinks and head motion into one expression curve and one pose curve.

    mouth: (T, 52) coefficients of speech, feeling: (T, 52) coefficients of the emotion, both in [0, 1].  manner: how
    head, lids and eyes move.  level: (T,) loudness from `speech_level`, or None.  lean: (T, 6) the pose that the
    emotion adds, as tfg.vocabulary.POSE.  articulation: factor on the mouth's movements; None is the manner's own.
    Returns expression (T, 52) in [0, 1] and pose (T, 6), float32. With the same manner, level, lean and seed, another
    `feeling` leaves the pose, the moments of blinks and the glances as they are.
    """
    n, voiced = len(mouth), speaking(level)
    articulation = manner.articulation if articulation is None else articulation
    expression = blend(np.clip(mouth * (expression_scale * articulation), 0, 1),
                       np.clip(feeling * expression_scale, 0, 1), voiced)
    beats = stressed(level, seed=seed)
    free = head_motion(n, manner, voiced, beats, seed=seed, fps=fps)
    pose = (free + lean) * pose_scale

    flash = .16 * beats_curve(n, beats, .14, fps) * brow_freedom(feeling)
    for i in index("browInnerUp", "browOuterUp"):
        expression[:, i] += (1 - expression[:, i]) * flash * expression_scale
    # the eyes turn back 85 % of the head's yaw and pitch, so that they stay on the camera
    look = gaze(n, manner, seed=seed, fps=fps) - free[:, :2] * pose_scale * (.85 / EYE_RANGE_DEG)
    write_gaze(expression, look)
    if blink:
        lids = blinks(n, manner.blinks_per_min, level=level, seed=seed, fps=fps)[:, None]
        both, wide = index("eyeBlink"), index("eyeWide")
        expression[:, both] += (1 - expression[:, both]) * lids
        expression[:, wide] *= 1 - lids
    return np.clip(expression, 0, 1).astype(np.float32), pose.astype(np.float32)


# ---- speech and emotion share a mouth -----------------------------------------------------------------------
def blend(mouth: np.ndarray, feeling: np.ndarray, voiced: np.ndarray | float = 1.0) -> np.ndarray:
    """Lay an emotion over speech so that both remain readable.

    mouth, feeling: (T, 52) in [0, 1].  voiced: (T,) in [0, 1]: 0 in pauses, where no lip closure needs protection.
    Returns (T, 52) in [0, 1]. Four rules:
    - Where speech closes the lips (p b m, nearly so f v), the coefficients that open them (`OPENERS`) fade out of the
      emotion, and mouthClose closes the gap that is left: a smile stays, but its teeth are covered.
    - Where speech opens the mouth, pressed and rolled lips fade out, and the jaw makes up for what remains of them.
    - Rounded lips (o u w) pull the corners in, against smile and stretch.
    - The rest adds up with saturation: a + b - a b.
    """
    mouth, feeling = np.asarray(mouth, np.float32), np.array(feeling, np.float32)
    asked = opening(mouth)
    closure = (1 - smoothstep((asked - CLOSED_GAP) / (OPEN_GAP - CLOSED_GAP))) * voiced
    openness = smoothstep((asked - .03) / .17)
    early = _spread(closure)                                    # lips leave the emotion's shape 1 or 2 frames earlier
    rounding = np.clip(mouth[:, ROUND].sum(1), 0, 1)
    feeling[:, OPENERS] *= (1 - early)[:, None]
    feeling[:, CLOSERS] *= (1 - .75 * _ease(openness))[:, None]
    feeling[:, CORNERS] *= (1 - .5 * rounding)[:, None]
    out = mouth + feeling - mouth * feeling
    change = lip_gap(out) - asked
    out[:, INDEX["jawOpen"]] += np.maximum(-change, 0) * openness
    out[:, INDEX["mouthClose"]] += np.maximum(change, 0) * closure
    return share_closure(np.clip(out, 0, 1))


def share_closure(expression: np.ndarray) -> np.ndarray:
    """Close the lips partly by raising the jaw, as speakers do (Gracco & Loefqvist 1994).

    expression: (T, 52). Returns (T, 52) in which `JAW_SHARE` of mouthClose is taken off both mouthClose and jawOpen;
    the opening between the lips stays as it was.
    """
    jaw, close = INDEX["jawOpen"], INDEX["mouthClose"]
    out = expression.copy()
    lifted = JAW_SHARE * np.minimum(out[:, jaw], out[:, close])
    out[:, jaw] -= lifted
    out[:, close] -= lifted
    return out


def _spread(closure: np.ndarray) -> np.ndarray:
    """Begin each peak of a curve (T,) a frame earlier, end it a frame later, and round its edges."""
    from scipy.ndimage import maximum_filter1d

    return _ease(maximum_filter1d(closure, 3, mode="nearest"))


def _ease(curve: np.ndarray) -> np.ndarray:
    """Smooth a curve (T,) by a Gaussian of 0.9 frames."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(curve, .9, mode="nearest")


# ---- loudness, pauses and stress in the sound ---------------------------------------------------------------
def speech_level(audio: np.ndarray | None, n: int) -> np.ndarray | None:
    """Loudness of each of n frames in dB relative to the clip's loud ones (their 97th percentile): (T,), or None.

    audio: (N,) float32 at 16 kHz; None or empty gives None. The curve is smoothed over 60 ms and is -60 at least.
    """
    if audio is None or len(audio) == 0:
        return None
    from scipy.ndimage import gaussian_filter1d

    from tfg.media.audio import loudness

    db = np.asarray(loudness(audio), float)
    db = np.pad(db, (0, max(0, n - len(db))), constant_values=db.min())[:n]
    return gaussian_filter1d(np.maximum(db - np.percentile(db, 97), -60), 1.0)


def speaking(level: np.ndarray | None) -> np.ndarray | float:
    """Presence of speech in each frame: (T,) in [0, 1], 1 in speech and 0.2 s around it, 0 in longer pauses.

    level: (T,) from `speech_level`; None gives 1.0. The 0.2 s bridge the silence within a stop consonant.
    """
    if level is None:
        return 1.0
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d

    return np.clip(gaussian_filter1d(maximum_filter1d((level > -32).astype(float), 11), 1.5), 0, 1)


def stressed(level: np.ndarray | None, *, seed: int = 0) -> list[tuple[int, float]]:
    """Stressed syllables that the head and brows mark: [(frame, weight in [0.3, 1])], at least half a second apart.

    They are peaks of `level`, (T,) dB; three quarters of them, chosen by the seed, are kept. None gives no peaks.
    """
    if level is None or len(level) < 5:
        return []
    from scipy.signal import find_peaks

    rng = np.random.default_rng([int(seed), 2])
    peaks, found = find_peaks(level, height=-14, prominence=2.5, distance=12)
    weight = np.clip(found["prominences"] / 14, .3, 1) if len(peaks) else []
    chosen = rng.random(len(peaks)) < .75
    return [(int(p), float(w)) for p, w, keep in zip(peaks, weight, chosen) if keep]


def beats_curve(n: int, beats, width_s: float, fps: float = 25.0, lead_s: float = 0.0) -> np.ndarray:
    """Curve (T,) with a Gaussian bell `lead_s` before each beat; where bells overlap, the larger counts.

    beats: [(frame, height)].  width_s: standard deviation of a bell in seconds.
    """
    out, reach = np.zeros(n), int(4 * width_s * fps) + 1
    for frame, weight in beats:
        centre = frame - lead_s * fps
        t = np.arange(max(0, int(centre) - reach), min(n, int(centre) + reach + 1))
        out[t] = np.maximum(out[t], weight * np.exp(-.5 * ((t - centre) / (width_s * fps)) ** 2))
    return out


def brow_freedom(feeling: np.ndarray) -> np.ndarray:
    """Factor (T,) in [0.2, 1] on brow flashes: small where the emotion (T, 52) already pulls the brows down or up."""
    return 1 - .8 * np.clip(feeling[:, index("browDown", "browInnerUp")].max(1), 0, 1)


# ---- head, lids, eyes -----------------------------------------------------------------------------------------
def head_motion(n: int, manner: Manner, voiced=1.0, beats=(), *, seed: int = 0, fps: float = 25.0) -> np.ndarray:
    """Head motion of n frames: sway below 0.4 Hz and nods on stressed syllables, starting from rest.

    manner: factors on sway and nods.  voiced: (T,) from `speaking`, or 1.0.  beats: from `stressed`.
    Returns (T, 6) in degrees and head widths (tfg.vocabulary.POSE).
    Speakers move more than listeners, and the head marks stress (Hadar et al. 1983; Munhall et al. 2004).
    """
    rng = np.random.default_rng([int(seed), 3])
    sway = np.stack([np.clip(slow_noise(n, rng, .4, fps), -2.2, 2.2) for _ in range(6)], 1) * SWAY * manner.sway
    busy = voiced if np.ndim(voiced) == 0 else slow(voiced, .5, fps)
    start = smoothstep(np.arange(n) / fps / .6)
    pose = sway * (start * (.5 + .5 * busy))[:, None]
    dip = beats_curve(n, beats, .13, fps)
    lift = beats_curve(n, beats, .16, fps, lead_s=.32)
    pose[:, 1] += NOD_DEG * manner.nod * (.4 * lift - dip) * start
    pose[:, 5] += .006 * manner.nod * dip * start
    return pose


def slow(curve: np.ndarray, seconds: float, fps: float) -> np.ndarray:
    """Smooth a curve (T,) by a Gaussian whose standard deviation is `seconds`."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.asarray(curve, float), seconds * fps, mode="nearest")


def blinks(n: int, per_min: float, *, level: np.ndarray | None = None, seed: int = 0, fps: float = 25.0) -> np.ndarray:
    """Closing of the lids over n frames: (T,) in [0, 1], 1 is shut.

    per_min: mean blink rate (15-20 at rest; Bentivoglio et al. 1997).  level: (T,) `speech_level` in dB; a blink moves
    by up to 0.3 s to the quietest frame near it, for speakers blink in pauses. The first blink comes early, so that
    short clips have one.
    """
    rng = np.random.default_rng([int(seed), 4])
    out = np.zeros(n, np.float32)
    at = first_blink_s(rng, per_min, n / fps)
    reach = int(.3 * fps)
    while at * fps < n:
        frame = int(at * fps)
        if level is not None:
            lo, hi = max(0, frame - reach), min(n, frame + reach + 1)
            frame = lo + int(np.argmin(level[lo:hi]))
        stop = min(n, frame + len(BLINK))
        out[frame:stop] = np.maximum(out[frame:stop], BLINK[:stop - frame])
        at += blink_pause_s(rng, per_min)
    return out


def first_blink_s(rng: np.random.Generator, per_min: float, length_s: float = np.inf) -> float:
    """When the first blink begins, seconds. length_s: of the clip; inf where it has no end."""
    return rng.uniform(.5, max(.6, min(.6 * 60 / per_min, .7 * length_s)))


def blink_pause_s(rng: np.random.Generator, per_min: float) -> float:
    """Seconds from one blink to the next."""
    return .9 + rng.gamma(3.0, max(60 / per_min - .9, .2) / 3.0)


def fixation(rng: np.random.Generator, darting: float, fps: float = 25.0, first: bool = False):
    """One fixation of the eyes: its number of frames, and its direction (2,) as in `gaze`. first: it is on the camera.
    """
    frames = max(6, int(rng.gamma(3, 1.2 / 3 / darting) * fps))
    away, offset = rng.random() > .6, rng.normal(0, (.11, .05))
    return frames, offset if away and not first else rng.normal(0, .012, 2)


def gaze(n: int, manner: Manner, *, seed: int = 0, fps: float = 25.0) -> np.ndarray:
    """Direction of the eyes in the head: (T, 2) horizontal (to the person's left) and vertical (up), in eyeLook units.

    The curve holds fixations of about a second, most of them on the camera, joined by saccades of two frames.
    """
    rng = np.random.default_rng([int(seed), 5])
    out, frame = np.zeros((n, 2)), 0
    while frame < n:
        length, direction = fixation(rng, manner.darting, fps, first=not frame)
        out[frame:frame + length] = direction
        frame += length
    padded = np.pad(out, ((2, 0), (0, 0)), mode="edge")
    return .2 * padded[:-2] + .3 * padded[1:-1] + .5 * padded[2:] + np.array(manner.gaze)


def write_gaze(expression: np.ndarray, look: np.ndarray) -> None:
    """Write a gaze (T, 2), as `gaze` returns it, into the eyeLook coefficients of `expression` (T, 52), in place.

    The vertical gaze that the expression has already is added to it; both directions are kept within 0.8.
    """
    up, down = index("eyeLookUp"), index("eyeLookDown")
    h = np.clip(look[:, 0], -.8, .8)
    v = np.clip(look[:, 1] + expression[:, up].mean(1) - expression[:, down].mean(1), -.8, .8)
    for name, value in (("eyeLookOutLeft", h), ("eyeLookInRight", h), ("eyeLookInLeft", -h), ("eyeLookOutRight", -h)):
        expression[:, INDEX[name]] = np.maximum(value, 0)
    expression[:, up], expression[:, down] = np.maximum(v, 0)[:, None], np.maximum(-v, 0)[:, None]
