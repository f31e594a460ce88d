"""Parameters of hair and beard, and their random choice for a person.

The modules `hair` and `beard` build the geometry.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from tfg.errors import InputError

STYLES = ("bald", "buzz", "crop", "side_part", "quiff", "curly", "afro", "bob", "long", "wavy", "ponytail", "bun",
          "receding", "fringe")
BEARDS = ("none", "stubble", "moustache", "goatee", "short", "long")

# Style -> probability for (women, men). The figures are chosen for variety and are no statistics.
USUAL = {"bald": (0.01, 0.08), "buzz": (0.03, 0.14), "crop": (0.06, 0.18), "side_part": (0.03, 0.16),
         "quiff": (0.02, 0.14), "curly": (0.07, 0.10), "afro": (0.08, 0.06), "bob": (0.15, 0.01), "long": (0.15, 0.03),
         "wavy": (0.15, 0.03), "ponytail": (0.09, 0.01), "bun": (0.08, 0.03), "receding": (0.0, 0.09),
         "fringe": (0.11, 0.02)}
NATURAL = {                     # root colours, in sRGB
    "black": (0.105, 0.090, 0.085), "brown-black": (0.145, 0.108, 0.090), "dark brown": (0.200, 0.140, 0.105),
    "brown": (0.270, 0.175, 0.115), "light brown": (0.400, 0.280, 0.180), "dark blond": (0.530, 0.405, 0.260),
    "blond": (0.700, 0.565, 0.375), "red": (0.480, 0.200, 0.095), "auburn": (0.290, 0.115, 0.070)}
SHARE = {                       # ancestry -> probability of each colour, in the order of NATURAL
    "african": (0.66, 0.26, 0.06, 0.01, 0.0, 0.0, 0.005, 0.0, 0.005),
    "asian": (0.60, 0.26, 0.10, 0.03, 0.01, 0.0, 0.0, 0.0, 0.0),
    "caucasian": (0.04, 0.11, 0.20, 0.21, 0.15, 0.11, 0.09, 0.05, 0.04)}
GREY, WHITE = np.array([0.50, 0.495, 0.49]), np.array([0.84, 0.83, 0.80])      # sRGB of the first and of old grey hair


@dataclass(frozen=True)
class Hair:
    """Hair of a person. Numbers are in [0, 1] unless a range is given.

    style: one of STYLES; colour, tip: sRGB at root and tip; grey: share of grey hairs; length, volume, curl: 0 and 1
    are the extremes of the style; hairline in [-1, 1]: low to high; recession: size of the bare temples; part in
    [-1, 1]: place of the parting (its sign gives the side); fringe: length down the forehead; ears: 1 puts hair behind
    them; front: 1 lets long hair fall before the shoulders; mess: disorder; seed: chooses the single locks.
    """

    style: str = "crop"
    colour: tuple[float, float, float] = NATURAL["dark brown"]
    tip: tuple[float, float, float] = NATURAL["brown"]
    grey: float = 0.0
    length: float = 0.5
    volume: float = 0.5
    curl: float = 0.2
    hairline: float = 0.0
    recession: float = 0.0
    part: float = 0.5
    fringe: float = 0.3
    ears: float = 0.0
    front: float = 1.0
    mess: float = 0.4
    seed: int = 0

    def __post_init__(self):
        if self.style not in STYLES:
            raise InputError(f"There is no hair style {self.style!r}; use one of {', '.join(STYLES)}.")

    @staticmethod
    def from_rng(rng: np.random.Generator, sex, age: float, ancestry, style: str | None = None) -> "Hair":
        """Draw a person's hair at random.  sex: 0 woman to 1 man (or "female", "male"); age: years; ancestry: weights
        of african, asian, caucasian (mapping or three numbers); style: one of STYLES, or None to draw one."""
        man, share = _man(sex), _shares(ancestry)
        u = rng.random(12)
        if style is None:
            p = np.array([USUAL[s][0] * (1 - man) + USUAL[s][1] * man for s in STYLES])
            old = np.clip((age - 35) / 30, 0, 1)
            p *= [0.3 + 1.7 * old if s in ("receding", "bald") else 1.0 for s in STYLES]
            p *= [0.05 + 2.2 * share[0] if s == "afro" else 0.4 + 1.4 * share[0] if s == "curly"
                  else 1.1 - 0.9 * share[0] if s in ("long", "side_part", "quiff", "fringe") else 1.0 for s in STYLES]
            style = STYLES[int(rng.choice(len(STYLES), p=p / p.sum()))]
        colour, tip, grey = _colours(rng, age, share)
        curl = np.clip(rng.normal(0.75 * share[0] + 0.12 * share[1] + 0.33 * share[2], 0.14), 0, 1)
        return Hair(style=style, colour=colour, tip=tip, grey=grey, length=u[0], volume=u[1], curl=float(curl),
                    hairline=float(2 * u[2] - 1), part=float(np.sign(u[4] - 0.4) * (0.25 + 0.75 * u[5])),
                    recession=float(np.clip(u[3] ** 2 * (0.15 + 0.6 * man * np.clip((age - 18) / 40, 0.1, 1)), 0, 1)),
                    fringe=u[6], ears=float(u[7] < 0.4), front=float(u[8] < 0.6), mess=u[9],
                    seed=int(rng.integers(2**31)))

    def to_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(d: dict) -> "Hair":
        return Hair(**{**d, "colour": tuple(d["colour"]), "tip": tuple(d["tip"])})


@dataclass(frozen=True)
class Beard:
    """Beard of a person. style: one of BEARDS; colour, grey: as in Hair; length, density, width: in [0, 1]; seed:
    chooses the single hairs."""

    style: str = "none"
    colour: tuple[float, float, float] = NATURAL["dark brown"]
    grey: float = 0.0
    length: float = 0.5
    density: float = 0.7
    width: float = 0.5
    seed: int = 0

    def __post_init__(self):
        if self.style not in BEARDS:
            raise InputError(f"There is no beard {self.style!r}; use one of {', '.join(BEARDS)}.")

    @staticmethod
    def from_rng(rng: np.random.Generator, sex, age: float, ancestry, hair: Hair | None = None,
                 style: str | None = None) -> "Beard":
        """Draw a person's beard at random; arguments as in Hair.from_rng. Women get none, unless a style is given.

        hair: its colour, a little redder, becomes the beard's; None draws a colour.
        """
        man, share = _man(sex), _shares(ancestry)
        u = rng.random(4)
        if style is None:
            p = np.array([0.44, 0.22, 0.07, 0.09, 0.12, 0.06])
            p *= [1, 1] + [0.6 + 0.6 * share[2] + 0.3 * share[0]] * 4
            pick = BEARDS[int(rng.choice(len(BEARDS), p=p / p.sum()))]
            style = pick if man > 0.5 and age >= 17 else "none"
        colour, _, grey = _colours(rng, age, share)
        if hair is not None:
            colour = tuple(float(c) for c in np.clip(np.array(hair.colour) * [1.06, 0.98, 0.94], 0, 1))
            grey = float(np.clip(hair.grey * 1.3, 0, 1))
        return Beard(style=style, colour=colour, grey=grey, length=u[0], density=float(0.45 + 0.55 * u[1]), width=u[2],
                     seed=int(rng.integers(2**31)))

    def to_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(d: dict) -> "Beard":
        return Beard(**{**d, "colour": tuple(d["colour"])})


def tones(colour, tip, grey: float, rng, n: int = 24) -> np.ndarray:
    """Colours of n single hairs at root and tip: (n, 2, 3) sRGB, varied in lightness and warmth.

    colour, tip: mean sRGB at root and tip.  grey: share of grey hairs.
    """
    spread = 0.12 + 0.18 * (1 - max(colour)) ** 2        # dark hair needs more variation for its locks to be visible
    light = rng.uniform(1 - spread, 1 + spread, (n, 1, 1))
    warm = 1 + rng.normal(0, 0.035, (n, 1, 1)) * np.array([1, 0, -1.2])
    out = np.stack([np.array(colour), np.array(tip)])[None] * light * warm
    is_grey = (np.arange(n) + rng.random()) / n < grey
    pale = (GREY + (WHITE - GREY) * rng.uniform(0.4, 0.9, (n, 1)) * (0.3 + 0.7 * grey))[:, None]
    # a strand of the texture stands for many hairs, so that a grey strand is mixed with the other colour
    pale = pale + 0.65 * (1 - grey) * (out - pale)
    out = out + 0.65 * grey * (GREY - out)
    return np.clip(np.where(is_grey[:, None, None], pale, out), 0, 1)


def _man(sex) -> float:
    """Sex as a number from 0 (woman) to 1 (man)."""
    return {"male": 1.0, "man": 1.0, "m": 1.0, "female": 0.0, "woman": 0.0, "f": 0.0}[sex.lower()] \
        if isinstance(sex, str) else float(sex)


def _shares(ancestry) -> np.ndarray:
    """Weights of african, asian and caucasian ancestry: (3,), sum 1. ancestry: a name, a mapping or three numbers."""
    if isinstance(ancestry, str):
        ancestry = {ancestry: 1.0}
    w = [float(ancestry.get(k, 0)) for k in SHARE] if hasattr(ancestry, "get") else [float(x) for x in ancestry]
    return np.array(w) / max(sum(w), 1e-9)


def _colours(rng, age, share):
    """Draw the root colour, the tip colour (sRGB) and the share of grey hairs. share: (3,) weights of ancestry."""
    p = share**2 @ np.array([SHARE[k] for k in SHARE])
    names = list(NATURAL)
    k, u = int(rng.choice(len(names), p=p / p.sum())), rng.random(4)
    root = np.array(NATURAL[names[k]]) * (0.85 + 0.3 * u[0]) * (1 + 0.06 * (u[1] - 0.5) * np.array([1, 0, -1]))
    lift = 0.05 + 0.35 * u[2] ** 2                       # tips are paler: sun, or dye
    tip = root * (1 + lift) + np.array([0.05, 0.035, 0.02]) * lift
    onset = 34 + 26 * u[3]                               # age in years at which hair begins to turn grey
    grey = np.clip((age - onset) / 22, 0, 1) ** 1.2
    root, tip = (tuple(float(x) for x in np.clip(c, 0.02, 0.95)) for c in (root, tip))
    return root, tip, float(grey)
