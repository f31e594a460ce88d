"""Personal style: how one person shows emotions, which differs between people and from take to take.

A `Style` belongs to the person. `display` turns it, an emotion and an intensity into curves. The weaker an emotion is
meant, the looser its display: parts of the face stay out of it, another feeling mixes in, and the person's own habits
weigh as much as the emotion. This makes weak emotions hard to tell apart, and strong ones easy.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from tfg.acting.emotion import DECAY_S, ONSET_S, VARIANTS, Manner, actions, check_emotion, manner, smoothstep
from tfg.vocabulary import EMOTIONS, EXPRESSION, index

REGIONS = {"brow": ("brow",), "eye": ("eye", "cheek", "nose"), "mouth": ("mouth", "jaw", "tongue")}
_OF_REGION = np.array([next(k for k, starts in enumerate(REGIONS.values()) if name.startswith(starts))
                       for name in EXPRESSION])
FELT = tuple(e for e in EMOTIONS if e != "NEU")
TONUS = ("browDown", "browInnerUp", "browOuterUp", "eyeSquint", "eyeWide", "mouthSmile", "mouthFrown", "mouthPress",
         "mouthDimple", "mouthShrugLower", "cheekSquint", "mouthRollLower", "noseSneer", "mouthUpperUp")
"""Coefficients that are not 0 in everybody's relaxed face: `Style.from_seed` draws a resting value for each."""


@dataclass(frozen=True)
class Style:
    """The way one person shows emotions.

    expressiveness: factor on all displays.  regions: factors on brow, eye and mouth.  variants: (emotion, variant)
    pairs, the displays of `emotion.VARIANTS` that this person prefers (else the prototype).  asymmetry: -1..1, positive
    is stronger on the person's left.  head, blinks, darting, articulation: factors on head motion, blink rate, glances
    and mouth movements.  blends: (emotion, other, share) triples: the other emotion mixes into the first, as a smile
    into anger.  neutral: (52,) coefficients of the relaxed face.
    """

    expressiveness: float = 1.0
    regions: tuple[float, float, float] = (1.0, 1.0, 1.0)
    variants: tuple[tuple[str, str], ...] = ()
    asymmetry: float = 0.0
    head: float = 1.0
    blinks: float = 1.0
    darting: float = 1.0
    articulation: float = 1.0
    blends: tuple[tuple[str, str, float], ...] = ()
    neutral: tuple[float, ...] = (0.0,) * len(EXPRESSION)

    @staticmethod
    def from_seed(seed: int) -> Style:
        """The style of the person of this seed."""
        rng = np.random.default_rng([int(seed), 711])
        z = np.clip(rng.standard_normal(9), -2, 2)
        variants = tuple((e, v) for e, v in VARIANTS if rng.random() < .45)
        blends = tuple((e, str(rng.choice([o for o in FELT if o != e])), float(rng.uniform(.04, .20)))
                       for e in FELT if rng.random() < .5)
        neutral = np.zeros(len(EXPRESSION))
        for name in TONUS:
            amount = max(rng.normal(-.02, .07), 0)
            for i in index(name):
                neutral[i] = np.clip(amount * rng.uniform(.8, 1.2), 0, .18)
        jaw, smile, brows = (float(g) for g in np.exp(.14 * z[1:4]))
        return Style(float(np.exp(.12 * z[0])), (jaw, smile, brows), variants,
                     float(np.clip(.3 * z[4], -.7, .7)), float(np.exp(.25 * z[5])), float(np.exp(.25 * z[6])),
                     float(np.exp(.2 * z[7])), float(np.exp(.09 * z[8])), blends, tuple(float(v) for v in neutral))

    def to_dict(self) -> dict:
        """The fields as a dict of numbers, strings and tuples, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(fields: dict) -> Style:
        """The style of a dict that `to_dict` returned, also after JSON has turned its tuples into lists."""
        return Style(**{**fields, "regions": tuple(fields["regions"]), "neutral": tuple(fields["neutral"]),
                        "variants": tuple(tuple(v) for v in fields["variants"]),
                        "blends": tuple(tuple(b) for b in fields["blends"])})

    def manner(self, emotion: str, intensity: float) -> Manner:
        """`emotion.manner`, multiplied by this person's factors."""
        m = manner(emotion, intensity)
        return replace(m, blinks_per_min=m.blinks_per_min * self.blinks, sway=m.sway * self.head, nod=m.nod * self.head,
                       articulation=m.articulation * self.articulation, darting=m.darting * self.darting)


def intensity_curve(n_frames: int, emotion: str, *, seed: int = 0, fps: float = 25.0, lag_s: float = 0.0) -> np.ndarray:
    """Share of an emotion's full display in each frame of a take: (T,) in [0, 1], its peak near 1.

    The seed chooses one of three shapes: onset, apex and decay; a rise towards the end; or a strong start that fades.
    It also varies the emotion's `ONSET_S` and `DECAY_S` by about a third.  lag_s: seconds by which the curve comes
    later, for a region of the face that follows another.  Raises InputError for an unknown emotion.
    """
    rng = np.random.default_rng([int(seed), 712])
    code = check_emotion(emotion)
    t, length = np.arange(n_frames) / fps - lag_s, max(n_frames / fps, 1e-6)
    shape = rng.choice(3, p=(.55, .25, .20))
    first, last = rng.uniform(.15, .6), rng.uniform(.4, .85)
    onset, decay = ONSET_S[code] * np.exp(rng.normal(0, .3)), DECAY_S[code] * np.exp(rng.normal(0, .3))
    delay = rng.uniform(0, .35)
    if shape == 1:
        onset, delay = .6 * length, 0.0
    elif shape == 2:
        first, last, decay, delay = rng.uniform(.6, .95), rng.uniform(.2, .5), .6 * length, 0.0
    onset, decay, delay = min(max(onset, .18), .6 * length), min(decay, .6 * length), min(delay, .2 * length)
    rise = first + (1 - first) * smoothstep((t - delay) / onset)
    fall = last + (1 - last) * smoothstep((length - t) / decay)
    return rise * fall


def display(style: Style, emotion: str, intensity: float, n_frames: int, *, seed: int = 0, fps: float = 25.0,
            looseness: float | None = None) -> np.ndarray:
    """Expression curves of an emotion over a take as this person shows it, without speech: (T, 52) float32 in [0, 1].

    intensity: 0..1.  seed: the take's seed.  looseness: 0..1, how far the display may stray from the prototype; None
    is 1 - intensity (for a neutral take, whose intensity is 0, pass it).  Raises InputError as `check_emotion`.
    """
    code = check_emotion(emotion, intensity)
    loose = BASE + (1 - BASE) * (1 - intensity if looseness is None else looseness)
    rng = np.random.default_rng([int(seed), 713])
    z = np.clip(rng.standard_normal(12), -2.2, 2.2)
    u = rng.random(12)
    drawn_variant = u[0] < .75
    variant = dict(style.variants).get(code) if drawn_variant else None
    lopsided = float(np.clip(style.asymmetry + .25 * z[0], -1, 1))
    apex = actions(code, 1.0, variant=variant, asymmetry=lopsided)

    # another emotion mixes in: one that this person habitually adds, and one drawn for this take
    habit = 0.0
    for e, other, share in style.blends:
        if e == code:
            habit = share
            apex = (1 - share) * apex + share * actions(other, 1.0, asymmetry=lopsided)
    moment, mood = (str(FELT[int(k * len(FELT))]) for k in u[1:3])
    share = min(abs(z[1]) * BLEND * loose, max(MOST * loose - habit, 0))
    if code != "NEU":
        apex = (1 - share) * apex + share * actions(moment, 1.0, asymmetry=lopsided)

    # the regions of the face take part unequally; at low intensity some stay out of the display
    gains = np.array(style.regions) * np.exp((REGION_SD + REGION_LOOSE * loose) * z[2:5])
    out = u[3:6] < DROP * max(loose - BASE, 0)
    gains = np.where(out, gains * .5 * u[6:9], gains)
    gains = np.maximum(gains, 1.05 - loose)                             # a strong display involves every region
    apex = np.clip(apex * intensity * style.expressiveness * gains[_OF_REGION], 0, 1)

    # timing: each region moves a little before or after the others, and no value stays constant
    curve = np.empty((n_frames, len(EXPRESSION)))
    for k in range(len(REGIONS)):
        of = _OF_REGION == k
        lag = .06 * z[5 + k]
        curve[:, of] = intensity_curve(n_frames, code, seed=seed, fps=fps, lag_s=lag)[:, None]
    curve *= apex * np.clip(_life(n_frames, rng, fps), .3, 1.7)
    still = np.array(style.neutral) + MOOD * u[9] * loose * actions(mood, 1.0, asymmetry=lopsided)
    return np.clip(curve + still * (1 - curve), 0, 1).astype(np.float32)


BASE = .30                              # looseness of the strongest display
BLEND, MOST = .65, .65                  # share of an emotion drawn for the take: its scale and its bound, per looseness
REGION_SD, REGION_LOOSE = .10, .45      # log standard deviation of the regions' gains: constant, and per looseness
DROP = .90                              # chance that a region stays out of the display, per looseness above BASE
MOOD = .25                              # largest share of a passing mood in the resting face, at looseness 1


def _life(n_frames: int, rng: np.random.Generator, fps: float) -> np.ndarray:
    """Random factors around 1 on the coefficients: (T, 52), slow for each region, faster and smaller for each one."""
    from scipy.ndimage import gaussian_filter1d

    def noise(columns: int, cutoff_hz: float) -> np.ndarray:
        sigma = fps / (2 * np.pi * cutoff_hz) * 1.18
        margin = int(3 * sigma) + 1
        white = rng.standard_normal((n_frames + 2 * margin, columns))
        return gaussian_filter1d(white, sigma, axis=0)[margin:margin + n_frames] * np.sqrt(2 * np.sqrt(np.pi) * sigma)

    return 1 + .11 * noise(len(REGIONS), .8)[:, _OF_REGION] + .06 * noise(len(EXPRESSION), 1.5)
