"""Random choice of a person: age, sex and ancestry first, then matching bones, skin, features and clothes.

The probabilities are chosen for variety and are no statistics. All randomness comes from the generators of the caller.
"""
from __future__ import annotations

import functools

import numpy as np

from tfg.vocabulary import EXPRESSION, INDEX, index

LOCAL_STD = (("ear", 0.18), ("neck-trans-out", 0.02), ("neck", 0.10), ("head-age", 0.0),
             ("head-angle", 0.05), ("head-trans", 0.0),
             ("head-fat", 0.12), ("head-back", 0.10), ("head-scale", 0.14), ("eye-push", 0.10), ("eye-height", 0.13),
             ("eye-bag", 0.12), ("eye-scale", 0.16), ("eye-trans", 0.16), ("eyefold", 0.25), ("corner", 0.22),
             ("epicanthus", 0.0), ("eyebrows", 0.09), ("mouth-trans-out", 0.02), ("mouth-trans", 0.12),
             ("mouth-angles", 0.12),
             ("middle", 0.08), ("laugh", 0.12), ("dimples", 0.12), ("upperlip-ext", 0.0), ("lowerlip-ext", 0.0),
             ("mouth", 0.19), ("nose-trans-out", 0.02), ("nose-trans", 0.12),
             ("nose-compression", 0.08), ("septum", 0.10), ("nose", 0.24),
             ("chin-cleft", 0.15), ("chin", 0.22), ("cheek", 0.20), ("forehead", 0.15), ("", 0.12))
"""(word, standard deviation) of the local shapes whose name holds the word; the first match counts; 1 is the modeller's
full range."""
LOCAL_MEAN = {"eyebrows-trans-up": -0.9, "eyebrows-angle-up": 0.05, "mouth-angles-up": 0.10}
"""Local shape -> mean. The modeller's brows are so high that a landmarker measures astonishment on every face."""
WOMANLY = (("chin-width", -0.10), ("chin-bones", -0.10), ("lowerlip-volume", 0.12), ("upperlip-volume", 0.12),
           ("eye-scale", 0.10), ("nose-scale-horiz", -0.08), ("nose-hump", -0.10), ("nose-point-up", 0.06),
           ("eyebrows-trans-forward", -0.08), ("neck-scale-horiz", -0.10))
"""(word, mean) of women's local shapes whose name holds the word; men get the opposite. The shape of the sex alone
leaves many faces undecided."""
SKIN_TONES = np.array([[.955, .840, .775], [.925, .785, .690], [.860, .690, .570], [.740, .555, .420],
                       [.585, .405, .285], [.420, .275, .190], [.290, .185, .130]])
"""sRGB of the skin at evenly spaced values of melanin from 0 to 1: (7, 3)."""


def person(rng: np.random.Generator, sex: str | None = None, age: float | None = None) -> dict:
    """Draw a person: sex 0..1, age in years, ancestry (3,) shares of african, asian, caucasian, weight -1..1.

    sex ("female" or "male") and age are kept if they are given.
    """
    u = rng.random(3)
    man = float(u[0] < 0.5) if sex is None else float(sex == "male")
    man = float(np.clip(man + (1 - 2 * man) * abs(rng.normal(0, 0.12)), 0, 1))
    years = float(np.round(18 + 52 * u[1] ** 1.3)) if age is None else float(age)
    share = rng.dirichlet([0.28, 0.28, 0.40])
    share = 0.92 * share + 0.08 / 3
    weight = float(np.clip(rng.normal(0.05, 0.42), -0.9, 0.95))
    return {"sex": round(man, 4), "age": years, "ancestry": tuple(round(float(s), 4) for s in share),
            "weight": round(weight, 4)}


@functools.lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    """Names of the head's K identity coefficients."""
    from tfg.head.model import Head

    return Head.load().identity_names


def shape_coefficients(rng: np.random.Generator, sex, age, ancestry, weight) -> np.ndarray:
    """Draw identity coefficients (K,) that fit sex, age, ancestry and weight; these decide most, local shapes a little,
    and left and right are nearly alike."""
    names = _names()
    out = np.zeros(len(names))
    at = {n: i for i, n in enumerate(names)}
    out[at["gender-male"]] = max(2 * sex - 1, 0) * 0.85
    out[at["gender-female"]] = max(1 - 2 * sex, 0) * 1.0
    old = np.interp(age, [18, 40, 80], [-1.0, 0.0, 1.0])
    out[at["age-old"]], out[at["age-young"]] = 0.85 * max(old, 0), max(-old, 0)
    out[at["weight-high"]], out[at["weight-low"]] = max(weight, 0), max(-weight, 0)
    out[at["muscle-high"]] = rng.uniform(-0.3, 0.5)
    for name, share in zip(("african", "asian", "caucasian"), ancestry, strict=True):
        out[at[name]] = share
    level = 0.45 * ancestry[1] - 0.30 * ancestry[2]     # undoes most of the ancestry's effect on the brows' height
    for i, name in enumerate(names):
        if i < 10:
            continue
        std = next(s for word, s in LOCAL_STD if word in name)
        value = np.clip(rng.normal(0, 1), -2, 2) * std + LOCAL_MEAN.get(name, 0.0)
        value += level * (name == "eyebrows-trans-up")
        value += (1 - 2 * sex) * next((v for word, v in WOMANLY if word in name), 0.0)
        if name.startswith("r-"):
            value = 0.94 * out[at["l-" + name[2:]]] + 0.15 * value        # faces are slightly asymmetric
        out[i] = value
    return out


def neutral_face(rng: np.random.Generator) -> np.ndarray:
    """Draw the absolute expression of a face at rest: (52,), small values of brows, lids and mouth, the others 0."""
    out = np.zeros(len(EXPRESSION))
    for names, top in ((("browDown",), .14), (("browInnerUp",), .10), (("browOuterUp",), .10), (("eyeSquint",), .22),
                       (("mouthFrown",), .10), (("mouthSmile",), .08), (("mouthPress",), .08), (("cheekSquint",), .06)):
        value = top * rng.random() ** 2
        for i in index(*names):
            out[i] = value * rng.uniform(0.8, 1.0)
    if out[INDEX["mouthSmileLeft"]] > out[INDEX["mouthFrownLeft"]]:
        out[index("mouthFrown")] = 0
    else:
        out[index("mouthSmile")] = 0
    return out


def skin(rng: np.random.Generator, sex, age, ancestry, weight) -> dict:
    """Draw the arguments of identity.Skin for a person of that sex, age and ancestry."""
    african, asian, caucasian = ancestry
    u = rng.random(10)
    melanin = np.clip(0.80 * african + 0.27 * asian + 0.14 * caucasian + rng.normal(0, 0.09), 0.0, 1.0)
    fair = np.clip(1 - melanin / 0.35, 0, 1)
    warmth = np.clip(rng.normal(0.45 * asian, 0.35), -1, 1)
    return {"melanin": round(float(melanin), 4), "warmth": round(float(warmth), 4),
            "pores": round(float(np.clip(0.25 + 0.5 * u[0] + 0.25 * sex, 0, 1)), 4), "blotches": round(float(u[1]), 4),
            "freckles": round(float(fair * max(u[2] * 1.8 - 0.9, 0)), 4), "moles": round(float(u[3] ** 2), 4),
            "redness": round(float(u[4] * (0.35 + 0.65 * fair)), 4),
            "bags": round(float(np.clip(0.15 + 0.5 * u[5] + 0.4 * (age - 40) / 40, 0, 1)), 4),
            "lines": round(float(np.clip((age - 24) / 48 + 0.25 * (u[6] - 0.5), 0, 1)), 4),
            "shine": round(float(0.2 + 0.6 * u[7]), 4), "seed": int(rng.integers(2**31))}


def tone(melanin: float, warmth: float = 0.0) -> np.ndarray:
    """Colour of the skin: (3,) sRGB. melanin: 0..1.  warmth: -1..1."""
    at = np.linspace(0, 1, len(SKIN_TONES))
    base = np.array([np.interp(melanin, at, SKIN_TONES[:, k]) for k in range(3)])
    return np.clip(base * (1 + warmth * np.array([-0.005, 0.018, -0.055])), 0, 1)


def features(rng: np.random.Generator, hair, melanin, sex, age, ancestry, weight) -> tuple[dict, dict, dict, dict]:
    """Draw the arguments of identity.Lips, Brows, Lashes and Iris for a person with that hair, skin, sex, age and
    ancestry."""
    woman = sex < 0.5
    u = rng.random(24)
    base = tone(melanin)
    made_up = bool(woman and u[0] < 0.42)
    if made_up:
        paints = np.array([[.72, .18, .22], [.62, .12, .20], [.80, .36, .36], [.70, .34, .32], [.55, .22, .25],
                           [.85, .45, .48], [.48, .12, .18]])
        colour = paints[int(u[1] * len(paints))] * (1 - 0.25 * melanin)
    else:
        colour = base * np.array([0.90 - 0.05 * u[1], 0.66 + 0.10 * u[2], 0.70 + 0.08 * u[3]])
    lips = {"colour": _rgb(colour), "strength": round(float(0.6 + 0.35 * u[4] + 0.1 * made_up), 4),
            "gloss": round(float(0.15 + 0.35 * u[5] + 0.3 * made_up * u[6]), 4), "made_up": made_up}
    grey = getattr(hair, "grey", 0.0)
    shade = np.asarray(hair.colour) * (0.80 + 0.15 * u[7]) * (1 - 0.35 * grey) + 0.35 * grey * 0.42
    shade = np.minimum(shade, base * 0.62)                                # keeps fair brows visible
    brows = {"colour": _rgb(shade), "width_m": round(float(0.0050 + 0.0028 * u[8] + 0.0030 * sex), 5),
             "density": round(float(np.clip(0.58 + 0.30 * u[9] + 0.12 * sex, 0, 1)), 4),
             "arch": round(float(2 * u[10] - 0.55 - 0.9 * sex), 4), "length": round(float(2 * u[11] - 1), 4),
             "taper": round(float(0.35 + 0.5 * u[12]), 4), "angle": round(float(2 * u[13] - 1), 4),
             "gap_m": round(float(0.004 * (u[14] - 0.35)), 5), "seed": int(rng.integers(2**31))}
    eye_paint = woman and u[15] < 0.35
    paints = np.array([[.32, .24, .22], [.45, .32, .30], [.25, .25, .32], [.50, .38, .26], [.42, .25, .32]])
    lashes = {"length_m": round(float(0.0045 + 0.0025 * u[16] + 0.003 * woman), 5),
              "dark": round(float(.55 + .4 * u[17]), 4),
              "liner": round(float(woman * max(u[18] * 1.6 - 0.6, 0)), 4), "shadow": round(float(eye_paint * u[19]), 4),
              "shadow_colour": _rgb(paints[int(u[20] * len(paints))] * (0.4 + 0.6 * base.mean()))}
    eyes = {"dark brown": ((.17, .10, .06), (.24, .14, .07)), "brown": ((.30, .19, .10), (.42, .26, .12)),
            "hazel": ((.36, .31, .17), (.46, .30, .13)), "green": ((.36, .43, .29), (.48, .42, .22)),
            "blue": ((.33, .47, .60), (.52, .58, .58)), "grey": ((.44, .49, .53), (.56, .57, .54)),
            "ice": ((.50, .62, .70), (.62, .66, .64))}
    other = 1 - ancestry[2] ** 1.5
    p = np.array([.12 + .9 * other, .28 + .25 * other, .18, .12, .24, .10, .06]) * ([1, 1] + [max(1 - other, .02)] * 5)
    pick = list(eyes)[int(rng.choice(len(eyes), p=p / p.sum()))]
    white = np.array([.90, .885, .87]) - np.array([.02, .04, .07]) * (0.6 * u[21] + 0.5 * melanin + 0.3 * (age > 55))
    iris = {"colour": _rgb(np.array(eyes[pick][0]) * (0.9 + .2 * u[22])), "inner": _rgb(eyes[pick][1]),
            "size_m": round(float(0.0062 + 0.0005 * u[23]), 5), "pupil": round(float(0.30 + 0.16 * u[3]), 4),
            "limbal": round(float(0.35 + 0.6 * u[6]), 4), "white": _rgb(white), "seed": int(rng.integers(2**31))}
    return lips, brows, lashes, iris


def clothes(rng: np.random.Generator) -> dict:
    """Draw the arguments of identity.Clothes."""
    from tfg.actors.look.clothes import CLOTH_COLOURS, KINDS, PATTERNS

    u = rng.random(4)
    first, second = rng.choice(len(CLOTH_COLOURS), 2, replace=False)
    light = 0.85 + 0.3 * rng.random(3)
    return {"kind": KINDS[int(u[0] * len(KINDS))], "colour": _rgb(np.array(CLOTH_COLOURS[first]) * light),
            "second": _rgb(CLOTH_COLOURS[second]), "pattern": PATTERNS[int(u[1] ** 1.6 * len(PATTERNS))],
            "neckline": round(float(u[2]), 4), "seed": int(rng.integers(2**31))}


def _rgb(x) -> tuple[float, float, float]:
    """A colour clipped to [0, 1] and rounded to 4 decimals."""
    r, g, b = (round(float(v), 4) for v in np.clip(np.asarray(x, float), 0, 1))
    return r, g, b
