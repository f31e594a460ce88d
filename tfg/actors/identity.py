"""Identity of a virtual actor: numbers for bones, skin, hair, clothes, light and camera, all drawn from one seed.

This module only holds the numbers; `tfg.actors.virtual` builds and renders the face from them.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np

from tfg.actors.look.hair_style import Beard, Hair
from tfg.actors.look.phenotypes import neutral_face, shape_coefficients
from tfg.errors import InputError

RGB = tuple[float, float, float]
STREAMS = {"person": 0, "shape": 1, "skin": 2, "features": 3, "hair": 4, "scene": 5, "clothes": 6, "neutral": 7}


@dataclass(frozen=True)
class Skin:
    """Skin of a person. melanin 0 (pale) .. 1 (very dark); warmth -1 (rosy) .. 1 (olive, golden); the rest 0..1: pores
    (roughness of the surface), blotches (unevenness), freckles, moles (their number), redness (cheeks, nose), bags
    (under the eyes), lines (wrinkles of age), shine (oil).  seed: chooses the places of spots. The colour of stubble
    comes from `Beard`."""

    melanin: float = 0.2
    warmth: float = 0.0
    pores: float = 0.5
    blotches: float = 0.4
    freckles: float = 0.0
    moles: float = 0.3
    redness: float = 0.4
    bags: float = 0.3
    lines: float = 0.2
    shine: float = 0.4
    seed: int = 0


@dataclass(frozen=True)
class Lips:
    """Lips of a person. colour: sRGB; strength 0..1: opacity of that colour over the skin's; gloss 0..1; made_up: True
    if they are painted."""

    colour: RGB = (0.72, 0.42, 0.40)
    strength: float = 0.7
    gloss: float = 0.3
    made_up: bool = False


@dataclass(frozen=True)
class Brows:
    """Eyebrows of a person. colour: sRGB; width_m: height of the inner end; density 0..1; arch -1..1 (straight to
    high); length -1..1; taper 0..1: thinning of the tail; angle -1..1: direction of the single hairs; gap_m: distance
    by which the inner ends move apart; seed: chooses the single hairs."""

    colour: RGB = (0.16, 0.11, 0.08)
    width_m: float = 0.0085
    density: float = 0.75
    arch: float = 0.0
    length: float = 0.0
    taper: float = 0.6
    angle: float = 0.0
    gap_m: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Lashes:
    """Eyelashes and eye make-up of a person. length_m: length of the lashes; dark 0..1: their darkness; liner 0..1:
    strength of a drawn line; shadow 0..1: strength of colour on the lids; shadow_colour: its sRGB."""

    length_m: float = 0.006
    dark: float = 0.8
    liner: float = 0.0
    shadow: float = 0.0
    shadow_colour: RGB = (0.4, 0.3, 0.3)


@dataclass(frozen=True)
class Iris:
    """Eyes of a person. colour: sRGB of the iris' outer part; inner: sRGB around the pupil; size_m: radius of the iris
    in metres; pupil: radius of the pupil as a share of it; limbal 0..1: strength of the dark ring around the iris;
    white: sRGB of the sclera; seed: chooses the iris' fibres."""

    colour: RGB = (0.35, 0.25, 0.15)
    inner: RGB = (0.42, 0.28, 0.15)
    size_m: float = 0.0061
    pupil: float = 0.38
    limbal: float = 0.6
    white: RGB = (0.88, 0.86, 0.84)
    seed: int = 0


@dataclass(frozen=True)
class Light:
    """Light on a person. azimuth, elevation: direction of the key light in degrees (0, 0: from the camera; azimuth
    above 0: from the picture's right); key: its linear colour; fill, sky, ground: linear colours of the light from the
    opposite side, from above and from below; softness of the key 0 (sun) .. 1 (window, sky); exposure: factor on all
    light; contrast 0..1: contrast of the film."""

    azimuth: float = 35.0
    elevation: float = 35.0
    key: RGB = (1.0, 0.97, 0.92)
    fill: RGB = (0.25, 0.27, 0.30)
    sky: RGB = (0.40, 0.42, 0.46)
    ground: RGB = (0.22, 0.20, 0.18)
    softness: float = 0.5
    exposure: float = 1.0
    contrast: float = 0.5


@dataclass(frozen=True)
class Background:
    """Background of a person. kind: one of look.scene.BACKGROUNDS; colours: two or three linear colours; seed: chooses
    the objects."""

    kind: str = "wall"
    colours: tuple[RGB, ...] = ((0.35, 0.37, 0.40), (0.20, 0.21, 0.23))
    seed: int = 0


@dataclass(frozen=True)
class Camera:
    """Camera of a person. head: width of a head (0.15 m) as a share of the picture's width; x, y: place of the point
    between the eyes, as shares of width and height; distance_m: distance from that point; yaw, pitch, roll: degrees by
    which the whole person is turned; blur: px in a picture of 128; noise: standard deviation of the grain in 8-bit
    levels; vignette 0..1; seed: chooses the grain."""

    head: float = 0.50
    x: float = 0.5
    y: float = 0.43
    distance_m: float = 1.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    blur: float = 0.4
    noise: float = 1.2
    vignette: float = 0.15
    seed: int = 0


@dataclass(frozen=True)
class Clothes:
    """Clothes of a person. kind: one of look.clothes.KINDS; colour, second: sRGB of the cloth and of its pattern;
    pattern: one of look.clothes.PATTERNS; neckline 0..1: its depth; seed: chooses the cloth's irregularities."""

    kind: str = "crew"
    colour: RGB = (0.25, 0.30, 0.38)
    second: RGB = (0.8, 0.8, 0.8)
    pattern: str = "plain"
    neckline: float = 0.3
    seed: int = 0


PARTS = {"skin": Skin, "lips": Lips, "brows": Brows, "lashes": Lashes, "iris": Iris, "hair": Hair, "beard": Beard,
         "light": Light, "background": Background, "camera": Camera, "clothes": Clothes}


@dataclass(frozen=True)
class Identity:
    """A person with clothes, light, background and camera. sex: 0 woman .. 1 man; age: years; ancestry: shares of
    african, asian, caucasian, sum 1; weight: -1 thin .. 1 heavy; shape: (K,) coefficients of tfg.head.model.Head;
    neutral: (52,) absolute expression of the face at rest."""

    seed: int
    sex: float
    age: float
    ancestry: RGB
    weight: float
    shape: tuple[float, ...]
    neutral: tuple[float, ...]
    skin: Skin
    lips: Lips
    brows: Brows
    lashes: Lashes
    iris: Iris
    hair: Hair
    beard: Beard
    light: Light
    background: Background
    camera: Camera
    clothes: Clothes

    @staticmethod
    def from_seed(seed: int, *, sex: str | None = None, age: float | None = None) -> "Identity":
        """The person of a seed: the same numbers on every machine.

        seed: 0 or more.  sex ("female" or "male") and age (16..80 years) replace those that the seed would draw.
        Raises InputError for a negative or fractional seed, another sex, or another age.
        """
        from tfg.actors.look import phenotypes as people
        from tfg.actors.look import scene

        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
            raise InputError(f"The seed is {seed!r}; give a whole number, 0 or more.")
        if sex not in (None, "female", "male"):
            raise InputError(f"The sex {sex!r} is not known: give 'female' or 'male', or leave it out.")
        if age is not None and not 16 <= age <= 80:
            raise InputError(f"An actor of {age} years cannot be made: give an age of 16 to 80.")
        rng = {name: np.random.default_rng([int(seed), 70, stream]) for name, stream in STREAMS.items()}
        who = people.person(rng["person"], sex=sex, age=age)
        skin = Skin(**people.skin(rng["skin"], **who))
        hair = Hair.from_rng(rng["hair"], round(who["sex"]), who["age"], who["ancestry"])
        beard = Beard.from_rng(rng["hair"], round(who["sex"]), who["age"], who["ancestry"], hair=hair)
        lips, brows, lashes, iris = people.features(rng["features"], hair=hair, melanin=skin.melanin, **who)
        light, background, camera = scene.draw(rng["scene"], melanin=skin.melanin)
        return Identity(seed=int(seed), **who, shape=_plain(shape_coefficients(rng["shape"], **who)),
                        neutral=_plain(neutral_face(rng["neutral"])), skin=skin, lips=Lips(**lips),
                        brows=Brows(**brows), lashes=Lashes(**lashes), iris=Iris(**iris), hair=hair, beard=beard,
                        light=Light(**light), background=Background(**background), camera=Camera(**camera),
                        clothes=Clothes(**people.clothes(rng["clothes"])))

    def to_dict(self) -> dict:
        """All fields as nested dicts of numbers, strings and tuples, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(d: dict) -> "Identity":
        """The identity of a dict from `to_dict`, also after JSON. Raises InputError if a field is missing."""
        missing = [f.name for f in fields(Identity) if f.name not in d]
        if missing:
            raise InputError(f"This identity lacks {', '.join(missing)}: give a dict that Identity.to_dict returned.")
        parts = {k: cls(**{n: _tuples(v) for n, v in d[k].items()}) for k, cls in PARTS.items()}
        rest = {f.name: _tuples(d[f.name]) for f in fields(Identity) if f.name not in PARTS}
        return Identity(**rest, **parts)


def _plain(x) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in np.asarray(x))


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value
