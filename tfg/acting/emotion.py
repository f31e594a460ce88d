"""Emotions as expression coefficients: the display of each one, and the curve by which it comes and goes.

`TABLE` gives the EMFACS prototypes (Friesen & Ekman 1983; FACS 2002) in the 52 coefficients, for a strong display
(intensity 1). `trajectory` turns a prototype into a curve of onset, apex and decay, with small irregularities, so that
the face does not look like a mask. Speech is added in `tfg.acting.performance`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.errors import InputError
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS, EXPRESSION, index

TABLE = {
    # AU 4+5+7+23+24, 17; a trace of 9/10: brows hard down over staring, narrowed eyes, lips pressed thin
    "ANG": dict(browDown=1.0, eyeWide=.35, eyeSquint=.55, noseSneer=.35, mouthPress=.55, mouthRollLower=.30,
                mouthRollUpper=.35, mouthShrugLower=.25, mouthFrown=.30, jawForward=.30, cheekSquint=.15),
    # AU 9+10+15+16, 17, 4: nose wrinkled, upper lip drawn up, corners down
    "DIS": dict(noseSneer=1.0, mouthUpperUp=.62, mouthFrown=.50, mouthShrugLower=.35, mouthLowerDown=.12,
                browDown=.50, eyeSquint=.55, cheekSquint=.55),
    # AU 1+2+4+5+(7)+20+25+26: brows up and drawn together, eyes wide, lips stretched back and a little apart
    "FEA": dict(browInnerUp=1.0, browOuterUp=.60, browDown=.20, eyeWide=1.0, mouthStretch=.75, mouthFrown=.20,
                mouthLowerDown=.30, jawOpen=.12),
    # AU 6+12, 25: corners up, cheeks up, eyes narrowed by the cheeks, upper teeth just seen
    "HAP": dict(mouthSmile=.95, cheekSquint=.95, eyeSquint=.40, mouthDimple=.20, mouthUpperUp=.18, browOuterUp=.12,
                browInnerUp=.08),
    "NEU": dict(),
    # AU 1+4+15, 17, lids low: inner brows up, corners down, chin raised, the look down
    "SAD": dict(browInnerUp=1.0, browDown=.15, mouthFrown=.85, mouthShrugLower=.50, eyeBlink=.25, eyeLookDown=.25,
                eyeSquint=.15, mouthPress=.15),
}
"""Emotion -> {coefficient: value in [0, 1]} at intensity 1; a name without Left or Right sets both sides."""

VARIANTS = {
    ("ANG", "teeth"): dict(browDown=1.0, eyeWide=.45, eyeSquint=.45, noseSneer=.55, mouthUpperUp=.50, mouthFrown=.20,
                           mouthLowerDown=.45, mouthStretch=.30, jawForward=.20, jawOpen=.08, cheekSquint=.25),
    ("HAP", "closed"): dict(TABLE["HAP"], mouthUpperUp=0.0, mouthPress=.10, mouthDimple=.30),
    ("DIS", "smirk"): dict(TABLE["DIS"], mouthUpperUp=.45, noseSneer=.80, mouthDimple=.40),
}
"""(emotion, variant) -> coefficients of another display of that emotion, in the format of `TABLE`. EMFACS lists several
displays for each emotion, such as anger with bared teeth (AU 10+25)."""

ONSET_S = {"ANG": .30, "DIS": .40, "FEA": .22, "HAP": .50, "NEU": .40, "SAD": .80}
"""Onset: seconds from the first hint of an emotion to its full display (fear is quick, sadness slow)."""
DECAY_S = {"ANG": .50, "DIS": .60, "FEA": .60, "HAP": .80, "NEU": .50, "SAD": 1.0}
"""Decay: seconds in which the full display falls back to `END`."""
START, END = .45, .70   # shares of the display in a clip's first and last frame; not 0, for feelings outlast a clip


@dataclass(frozen=True)
class Manner:
    """The movements that go with an emotion at intensity 1, beside its expression: head, eyes, lids, size of speech.

    pose: offset of the head: yaw, pitch, roll in degrees, tx, ty, tz in head widths (signs: tfg.vocabulary.POSE).
    gaze: offset of the eyes, horizontal and vertical, in units of eyeLook (1 is about 30 degrees), positive to the
    person's left and up.  blinks_per_min: blink rate.  sway, nod, articulation, darting: factors, 1.0 is neutral.
    """

    pose: tuple[float, ...] = (0, 0, 0, 0, 0, 0)
    gaze: tuple[float, float] = (0, 0)
    blinks_per_min: float = 17.0
    sway: float = 1.0           # factor on the slow motion of the head
    nod: float = 1.0            # factor on the nods at stressed syllables
    articulation: float = 1.0   # factor on the size of the mouth's movements
    darting: float = 1.0        # factor on how often the gaze moves


MANNERS = {
    "ANG": Manner(pose=(0, -4.5, 0, 0, 0, .05), gaze=(0, .15), blinks_per_min=10, sway=.9, nod=1.6,
                  articulation=1.10, darting=.6),
    "DIS": Manner(pose=(6, 3, -3, 0, 0, -.03), gaze=(-.20, -.05), blinks_per_min=18, sway=.8, nod=.9),
    "FEA": Manner(pose=(-2, 2, 0, 0, 0, -.05), blinks_per_min=27, sway=.8, nod=.6, darting=1.8),
    "HAP": Manner(pose=(0, 2, 3, 0, 0, .01), blinks_per_min=18, sway=1.25, nod=1.2, articulation=1.05),
    "NEU": Manner(),
    "SAD": Manner(pose=(2, -8, 4, 0, -.02, -.01), gaze=(0, -.10), blinks_per_min=20, sway=.6, nod=.5,
                  articulation=.88, darting=.6),
}


def check_emotion(emotion: str, intensity: float = 1.0) -> str:
    """Return the emotion's code in capitals, such as "HAP".

    Raises InputError for an unknown code (the message lists the known ones) and an intensity outside [0, 1].
    """
    code = str(emotion).upper()
    if code not in EMOTIONS:
        names = ", ".join(f"{c} ({EMOTION_NAMES[c]})" for c in EMOTIONS)
        raise InputError(f"unknown emotion {emotion!r}; choose one of {names}.")
    if not isinstance(intensity, (int, float, np.floating, np.integer)) or not 0 <= intensity <= 1:
        raise InputError(f"the intensity is {intensity!r}, but it must be a number from 0 (none) to 1 (full).")
    return code


def manner(emotion: str, intensity: float = 1.0) -> Manner:
    """The emotion's `Manner` at an intensity in [0, 1]: a linear blend from neutral (0) to its row of `MANNERS` (1)."""
    m, n = MANNERS[check_emotion(emotion, intensity)], MANNERS["NEU"]
    blend = {k: getattr(n, k) + intensity * (getattr(m, k) - getattr(n, k))
             for k in ("blinks_per_min", "sway", "nod", "articulation", "darting")}
    return Manner(pose=tuple(intensity * p for p in m.pose), gaze=(intensity * m.gaze[0], intensity * m.gaze[1]),
                  **blend)


def actions(emotion: str, intensity: float = 1.0, *, variant: str | None = None, asymmetry: float = 0.0) -> np.ndarray:
    """Expression coefficients of an emotion at its apex: (52,) float32 in [0, 1], in the order of EXPRESSION.

    intensity: in [0, 1], a factor.  variant: a name from `VARIANTS`; None is the prototype of `TABLE`.  asymmetry: in
    [-1, 1]; positive makes the person's left side up to 30 % stronger and the right side as much weaker.
    Raises InputError for an unknown emotion or variant, and for a number outside its range.
    """
    code = check_emotion(emotion, intensity)
    if variant is not None and (code, variant) not in VARIANTS:
        known = [v for e, v in VARIANTS if e == code]
        raise InputError(f"{code} has no variant {variant!r}; it has {', '.join(known) or 'only the prototype'}.")
    if not -1 <= asymmetry <= 1:
        raise InputError(f"the asymmetry is {asymmetry!r}, but it must lie between -1 (right side) and 1 (left side).")
    out = np.zeros(len(EXPRESSION), np.float32)
    for name, value in (TABLE[code] if variant is None else VARIANTS[code, variant]).items():
        out[index(name)] = value
    side = np.array([n.endswith("Left") * 1.0 - n.endswith("Right") * 1.0 for n in EXPRESSION])
    side[index("eyeBlink", "eyeLookDown", "eyeLookUp")] = 0                 # lids and eyes move as one
    return np.clip(out * intensity * (1 + 0.3 * asymmetry * side), 0, 1).astype(np.float32)


def envelope(n_frames: int, emotion: str, *, fps: float = 25.0) -> np.ndarray:
    """Share of the full display in each frame: (T,) float32 in [0, 1], rising from START to 1 and falling to END.

    The rise takes `ONSET_S`, the fall `DECAY_S`; in a clip too short for both, each takes a third of the clip.
    """
    code, t = check_emotion(emotion), np.arange(n_frames) / fps
    length_s = max(n_frames / fps, 1e-6)
    onset, decay = min(ONSET_S[code], length_s / 3), min(DECAY_S[code], length_s / 3)
    rise = START + (1 - START) * smoothstep(t / onset)
    fall = END + (1 - END) * smoothstep((length_s - t) / decay)
    return (rise * fall).astype(np.float32)


def trajectory(n_frames: int, emotion: str, intensity: float = 1.0, *, seed: int = 0, fps: float = 25.0,
               variant: str | None = None, variation: float = 1.0) -> np.ndarray:
    """Expression curves of an emotion over a clip of T frames, without speech: (T, 52) float32 in [0, 1].

    seed: chooses the person's asymmetry and slow fluctuations (a few per cent, below 1 Hz) of brows, eyes and mouth;
    the same seed gives the same curves.  variation: factor on both; 0 gives the bare prototype times `envelope`.
    Raises InputError as `actions`.
    """
    rng = np.random.default_rng([int(seed), 1])
    lopsided = float(np.clip(rng.normal(0, .35), -.7, .7)) * variation
    apex = actions(emotion, intensity, variant=variant, asymmetry=lopsided)
    curve = envelope(n_frames, emotion, fps=fps)[:, None] * apex
    for region in (("brow",), ("eye", "cheek", "nose"), ("mouth", "jaw", "tongue")):
        columns = [i for i, name in enumerate(EXPRESSION) if name.startswith(region)]
        curve[:, columns] *= 1 + .09 * variation * slow_noise(n_frames, rng, .7, fps)[:, None]
    return np.clip(curve, 0, 1).astype(np.float32)


def smoothstep(x):
    """The step 3 x^2 - 2 x^3, level at both ends: 0 for x below 0, 1 for x above 1. Takes and returns any shape."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def slow_noise(n_frames: int, rng: np.random.Generator, cutoff_hz: float, fps: float = 25.0) -> np.ndarray:
    """Smooth random curve below `cutoff_hz`: (T,) with mean 0 and standard deviation 1 in the long run.

    It is white noise through a Gaussian filter; a margin on both sides is drawn too, so that the ends are no special
    places.
    """
    from scipy.ndimage import gaussian_filter1d

    sigma = fps / (2 * np.pi * cutoff_hz) * 1.18                # half power at the cut-off
    margin = int(4 * sigma) + 1
    noise = gaussian_filter1d(rng.standard_normal(n_frames + 2 * margin), sigma, mode="wrap")
    return noise[margin:margin + n_frames] * np.sqrt(2 * np.sqrt(np.pi) * sigma)
