"""Curves of jaw and lips from phones with their times.

There are three steps. (1) Each phone belongs to one of 14 visemes; a viseme is a target for jaw *and* lips (`SHAPES`),
and a phone scales how far its viseme opens (a schwa opens less than half as far as the vowel of "father"). (2) Stress,
length and vocal effort scale that again: louder speech opens wider (Schulman 1989), short vowels miss their target
(Lindblom 1963). (3) Neighbours blend by dominance functions (Cohen & Massaro 1993), one for the opening of the jaw
and lips and a wider one for rounding, which starts early. Lip closure (p b m) and lip to teeth (f v) must be *reached*,
whatever the neighbours are: they are gates that override the blend.

The opening between the lips is nearly linear in the coefficients. `GAP` holds its weights, measured on the middle of
the inner lips of Anny's mean head (34 mm at jawOpen = 1); from them follows the mouthClose that closes the lips.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tfg.speech.phones import parse
from tfg.vocabulary import EXPRESSION, index

VISEMES = ("sil", "PP", "FF", "TH", "TN", "SZ", "CH", "KK", "RR", "AA", "EH", "IY", "AO", "UW")
VOWELS = ("AA", "EH", "IY", "AO", "UW")
CHANNELS = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLowerDown", "mouthUpperUp", "mouthRollLower",
            "mouthRollUpper", "mouthPress", "mouthStretch", "mouthShrugLower", "mouthSmile", "tongueOut")
"""The articulators that speech moves; a name without a side moves both sides alike."""
JAW, CLOSE, FUNNEL, PUCKER, LOWER, UPPER, ROLL_L, ROLL_U, PRESS, STRETCH, SHRUG, SMILE, TONGUE = range(len(CHANNELS))

GAP = {"jawOpen": 1.0, "mouthClose": -1.0, "mouthFunnel": .41, "mouthPucker": -.03, "mouthLowerDown": .11,
       "mouthUpperUp": .14, "mouthRollLower": -.11, "mouthRollUpper": -.08, "mouthPress": -.08, "mouthStretch": .01,
       "mouthShrugLower": -.14, "mouthSmile": -.09, "mouthShrugUpper": .12, "jawForward": .04}
"""Change of the inner lips' distance per unit of each coefficient (both sides together), as a share of jawOpen's."""

SHAPES = {
    # gap in mm on the mean head                jaw, lips
    "sil": dict(),                                                                                          # 0
    "PP": dict(jawOpen=.06, mouthPress=.35, mouthRollLower=.18, mouthRollUpper=.14, mouthShrugLower=.05),   # 0: gate
    "FF": dict(jawOpen=.06, mouthRollLower=.50, mouthUpperUp=.22),                                          # 1
    "TH": dict(jawOpen=.10, mouthLowerDown=.25, mouthUpperUp=.10, tongueOut=.25),                           # 5
    "TN": dict(jawOpen=.10, mouthLowerDown=.25, mouthUpperUp=.12),                                          # 5
    "SZ": dict(jawOpen=.06, mouthLowerDown=.35, mouthUpperUp=.20, mouthStretch=.15),                        # 4
    "CH": dict(jawOpen=.04, mouthFunnel=.25, mouthPucker=.20, mouthLowerDown=.20, mouthUpperUp=.15),        # 6
    "KK": dict(jawOpen=.14, mouthLowerDown=.20, mouthUpperUp=.10),                                          # 6
    "RR": dict(jawOpen=.08, mouthFunnel=.12, mouthPucker=.25, mouthLowerDown=.10, mouthUpperUp=.05),        # 5
    "AA": dict(jawOpen=.36, mouthLowerDown=.30, mouthUpperUp=.15),                                          # 14
    "EH": dict(jawOpen=.24, mouthLowerDown=.35, mouthUpperUp=.20, mouthStretch=.12),                        # 10
    "IY": dict(jawOpen=.11, mouthLowerDown=.30, mouthUpperUp=.20, mouthStretch=.25, mouthSmile=.15),        # 5
    "AO": dict(jawOpen=.22, mouthFunnel=.25, mouthPucker=.25, mouthLowerDown=.05),                          # 11
    "UW": dict(jawOpen=.06, mouthFunnel=.15, mouthPucker=.65),                                              # 3
}
"""Viseme -> coefficients of a stressed phone in clear speech."""

# Weight of each viseme against its neighbours: in the opening, and in the rounding (or the absence of rounding).
INSIST = {"sil": (1.5, .90), "PP": (.30, .08), "FF": (.60, .20), "TH": (.60, .15), "TN": (.55, .08), "SZ": (1.0, .20),
          "CH": (1.0, .80), "KK": (.25, .05), "RR": (.50, .60), "AA": (1.0, .50), "EH": (1.0, .60), "IY": (.9, .70),
          "AO": (1.0, 1.0), "UW": (.9, 1.0)}
OPENING = (JAW, LOWER, UPPER, STRETCH, SHRUG, SMILE)
ROUNDING = (FUNNEL, PUCKER)
TAU_S = {"opening": (.045, .055), "rounding": (.110, .080), "tongue": (.025, .025)}
"""Time constants in seconds with which a phone's dominance decays before it (anticipation) and after (carry-over)."""
REST_TAU_S = (.080, .050)
"""The same time constants for silence: lips come to rest slowly and leave it fast."""
ANTICIPATE_S, RELEASE_S = .22, .32
"""Seconds by which the lips leave rest before the sound begins, and by which they come to rest after it ends."""
STEP_S = .01                                         # seconds between the points at which curves are computed


@dataclass(frozen=True)
class Articulation:
    """How far people open for each viseme and how much it insists, as factors on `SHAPES` and `INSIST`, (14,) each.

    All 1 is the table as it stands here. `tfg.systems.expression.articulation` learns them from measured video.
    """

    openness: tuple[float, ...] = (1.0,) * len(VISEMES)
    insist: tuple[float, ...] = (1.0,) * len(VISEMES)


@dataclass(frozen=True)
class Phone:
    """One speech sound. symbol: IPA or ARPAbet.  start_s, stop_s: seconds.  viseme: of `VISEMES`.  stress: 0 none, 1
    secondary, 2 primary.  openness, insist: see `tfg.speech.phones.PhonePart`.  effort: vocal effort, 1.0 is the clip's
    mean."""

    symbol: str
    start_s: float
    stop_s: float
    viseme: str
    stress: int = 0
    openness: float = 1.0
    insist: float = 1.0
    effort: float = 1.0


def table() -> np.ndarray:
    """Target coefficients of the 14 visemes: (14, 52) float32 in [0, 1], in `VISEMES` x `EXPRESSION` order."""
    return spread(np.stack([_shape(v) for v in VISEMES]))


def _shape(viseme: str) -> np.ndarray:
    """The row of `SHAPES` of a viseme as (13,) float32 in `CHANNELS` order."""
    return np.array([SHAPES[viseme].get(c, 0.0) for c in CHANNELS], np.float32)


def spread(channels: np.ndarray) -> np.ndarray:
    """Expand articulators (..., 13) to coefficients (..., 52): both sides alike, 0 where speech moves none."""
    out = np.zeros((*channels.shape[:-1], len(EXPRESSION)), np.float32)
    for k, name in enumerate(CHANNELS):
        out[..., index(name)] = channels[..., k, None]
    return out


def gather(expression: np.ndarray) -> np.ndarray:
    """Reduce coefficients (..., 52) to articulators (..., 13), each the mean of both sides."""
    return np.stack([expression[..., index(c)].mean(-1) for c in CHANNELS], -1)


def lip_gap(expression: np.ndarray) -> np.ndarray:
    """Distance of the inner lips as a share of a full jaw drop, negative where they press: (..., 52) -> (...)."""
    return sum(w * expression[..., index(n)].mean(-1) for n, w in GAP.items())


def opening(expression: np.ndarray) -> np.ndarray:
    """Opening of the inner lips: (..., 52) -> (...), 0 is closed, 1 is that of jawOpen = 1 (34 mm on the mean head)."""
    return np.maximum(lip_gap(expression), 0)


def make_phones(symbol: str, start_s: float, stop_s: float, *, stress: int | None = None,
                arpabet: bool = False) -> list[Phone]:
    """Make the `Phone`s of a symbol, IPA ("ˈaɪ") or ARPAbet ("ay1"): two for a diphthong. An empty symbol is a pause.

    start_s, stop_s: the symbol's time in seconds.  stress: 0 to 2; None takes the mark in the symbol.
    """
    parts, marked = parse(symbol, arpabet=arpabet)
    stress = marked if stress is None else stress
    edges = np.linspace(start_s, stop_s, len(parts) + 1)
    if len(parts) == 2:                              # the first half of a diphthong is longer than its glide
        edges[1] = start_s + .58 * (stop_s - start_s)
    return [Phone(symbol, float(a), float(b), p.viseme, stress, p.openness, p.insist)
            for p, a, b in zip(parts, edges[:-1], edges[1:])]


def with_effort(phones: list[Phone], audio: np.ndarray, sr: int = 16000) -> list[Phone]:
    """Set each phone's effort from the loudness of the vowels around it: x1.32 for +6 dB over the clip's mean vowel.

    audio: (N,) float32 at `sr` Hz.  Returns new phones. The slope is that between speech and shouting in Schulman 1989
    (about twice the opening for 15-18 dB). Open vowels are louder by nature, which is subtracted first.
    """
    intrinsic_db = {"AA": 2.0, "EH": 1.0, "AO": 1.0, "IY": -2.0, "UW": -2.0, "RR": 0.0}
    at, db = [], []
    for p in phones:
        if p.viseme in VOWELS and p.openness > 0:
            y = audio[int(p.start_s * sr):max(int(p.stop_s * sr), int(p.start_s * sr) + 160)]
            if len(y) and float(np.abs(y).max()) > 1e-4:
                at.append((p.start_s + p.stop_s) / 2)
                power = float(np.mean(np.square(y, dtype=np.float64)))
                db.append(10 * np.log10(power + 1e-12) - intrinsic_db[p.viseme])
    if not at:
        return list(phones)
    times, loud = np.array(at), np.array(db)
    loud = np.clip(loud - 10 * np.log10(np.mean(10 ** (loud / 10))), -18, 9) + 1.5
    out = []
    for p in phones:
        w = np.exp(-np.abs(times - (p.start_s + p.stop_s) / 2) / .08) + 1e-9
        out.append(replace(p, effort=float(np.clip(10 ** (np.average(loud, weights=w) / 50), .5, 1.5))))
    return out


def coarticulate(phones: list[Phone], n_frames: int, *, fps: float = 25.0,
                 articulation: Articulation = Articulation()) -> np.ndarray:
    """Coefficient curves of a sequence of phones, blended over neighbours: (n_frames, 52) float32 in [0, 1].

    Frame i shows the time of its middle, (i + 0.5) / fps. Times outside the phones are silence with closed lips.
    Every p, b and m reaches full closure on at least one frame.
    """
    n = int(np.ceil((n_frames / fps + .2) / STEP_S))
    t = np.arange(n) * STEP_S
    phones = _with_silence(phones, n * STEP_S)
    curves = np.zeros((n, len(CHANNELS)))
    for channels, kind in ((OPENING, "opening"), (ROUNDING, "rounding"), ((TONGUE,), "tongue")):
        total, weight = np.zeros((n, len(channels))), np.full(n, 1e-9)
        for p in phones:
            target, strength = _target(p, articulation)[list(channels)], _strength(p, kind, articulation)
            a, b, d = _dominance(p, t, REST_TAU_S if p.viseme == "sil" else TAU_S[kind])
            total[a:b] += strength * d[:, None] * target
            weight[a:b] += strength * d
        curves[:, list(channels)] = total / weight[:, None]
    curves = _smooth(curves, .030)
    _apply_gates(curves, phones, t)
    at = np.clip((np.arange(n_frames) + .5) / fps / STEP_S, 0, n - 1)
    lo = np.minimum(at.astype(int), n - 2)
    frac = (at - lo)[:, None]
    return spread(np.clip(curves[lo] * (1 - frac) + curves[lo + 1] * frac, 0, 1))


def _with_silence(phones: list[Phone], stop_s: float) -> list[Phone]:
    """Fill the time before, between and after the phones with pauses, and join neighbouring pauses."""
    out, at = [], -1.0
    for p in sorted(phones, key=lambda p: p.start_s) + [Phone("", stop_s + 1, stop_s + 2, "sil")]:
        if p.start_s > at + .02:
            out.append(Phone("", at, p.start_s, "sil"))
        out.append(p)
        at = max(at, p.stop_s)
    joined: list[Phone] = []
    for p in out:
        if joined and p.viseme == joined[-1].viseme == "sil":
            joined[-1] = replace(joined[-1], stop_s=p.stop_s)
        else:
            joined.append(p)
    return joined


def _target(p: Phone, articulation: Articulation) -> np.ndarray:
    """Target of a phone in its context: (13,) in `CHANNELS` order, scaled by openness, effort, stress and length."""
    shape = _shape(p.viseme).astype(float)
    if p.viseme == "sil":
        if p.stop_s - p.start_s < .45:                # a short pause keeps the lips a little apart
            shape[[JAW, LOWER]] = .05, .10
        return shape
    vowel = p.viseme in VOWELS or p.openness > 1 and p.viseme == "RR"
    gain = p.openness * (p.effort if vowel else p.effort ** .5)
    if vowel:
        gain *= (.82, .93, 1.0)[p.stress]
        gain *= 1 - .45 * np.exp(-(p.stop_s - p.start_s) / .07)      # undershoot of short vowels
        gain *= 1.1
    shape[[JAW, LOWER, UPPER]] *= gain
    shape[[PUCKER, FUNNEL]] *= .85 + .15 * p.effort
    shape[[JAW, LOWER, UPPER, FUNNEL]] *= articulation.openness[VISEMES.index(p.viseme)]
    return shape


def _strength(p: Phone, kind: str, articulation: Articulation) -> float:
    """Weight of a phone against its neighbours. kind: "opening", "rounding" or "tongue"."""
    if kind == "tongue":
        return 1.0
    strength = INSIST[p.viseme][kind == "rounding"] * p.insist
    if kind == "opening":
        strength *= articulation.insist[VISEMES.index(p.viseme)]
    if p.viseme == "sil":                             # a short pause counts less than a long one
        strength *= np.clip((p.stop_s - p.start_s) / (ANTICIPATE_S + RELEASE_S), .05, 1) ** 2
    return strength


def _dominance(p: Phone, t: np.ndarray, tau_s: tuple[float, float]) -> tuple[int, int, np.ndarray]:
    """Slice [a, b) of the times t (n,) in which a phone has influence, and its dominance there: (b - a,) values
    exp(-distance / tau), distance and tau in seconds (Cohen & Massaro 1993, eq. 1)."""
    length = p.stop_s - p.start_s
    if p.viseme == "sil":
        inset = min(1.0, length / (ANTICIPATE_S + RELEASE_S + .02))
        start, stop = p.start_s + RELEASE_S * inset, p.stop_s - ANTICIPATE_S * inset
    else:                                             # the core of the sound; lips lead the sound a little
        start, stop = p.start_s + .25 * length, p.start_s + .65 * length
    a = max(int((start - .6) / STEP_S), 0)
    b = min(max(int((stop + .6) / STEP_S) + 1, a), len(t))
    before, after = np.maximum(start - t[a:b], 0), np.maximum(t[a:b] - stop, 0)
    return a, b, np.exp(-before / tau_s[0] - after / tau_s[1])


def _smooth(x: np.ndarray, sigma_s: float) -> np.ndarray:
    """Low-pass curves (n, C) in time by a Gaussian of sigma_s seconds, for articulators are slow."""
    r = int(4 * sigma_s / STEP_S)
    k = np.exp(-.5 * (np.arange(-r, r + 1) * STEP_S / sigma_s) ** 2)
    padded = np.pad(x, ((r, r), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, c], k / k.sum(), mode="valid") for c in range(x.shape[1])], 1)


def _gate(phones: list[Phone], t: np.ndarray, viseme: str, rise_s: float, fall_s: float) -> np.ndarray:
    """Gate (n,) in [0, 1]: 1 during each phone of that viseme, with cosine flanks of rise_s and fall_s seconds.

    Each gate is at least 50 ms long, so that at least one frame at 25 fps shows the constriction.
    """
    gate = np.zeros(len(t))
    for p in phones:
        if p.viseme != viseme:
            continue
        start, stop = p.start_s, p.stop_s
        if p.symbol.strip("ˈˌː")[:1] in ("p", "b"):           # the lips part before the puff of air is over
            stop = start + (.65 if "p" in p.symbol else .85) * (stop - start)
        middle, half = (start + stop) / 2, max((stop - start) / 2, .026)
        a = max(int((middle - half - rise_s) / STEP_S), 0)
        b = min(int((middle + half + fall_s) / STEP_S) + 2, len(t))
        x = t[a:b] - middle
        away = np.clip(np.where(x < 0, (-x - half) / rise_s, (x - half) / fall_s), 0, 1)
        gate[a:b] = np.maximum(gate[a:b], .5 + .5 * np.cos(np.pi * away))
    return gate


def _apply_gates(curves: np.ndarray, phones: list[Phone], t: np.ndarray) -> None:
    """Apply lip to teeth (f v), then lip closure (p b m), to curves (n, 13) in place.

    In a closure, mouthClose is set to exactly the opening that the other coefficients leave (`GAP`).
    """
    teeth = _gate(phones, t, "FF", .07, .06)
    shape = _shape("FF")
    for c in (JAW, LOWER, UPPER, FUNNEL):
        curves[:, c] += teeth * ((shape[c] if c != FUNNEL else .3 * curves[:, c]) - curves[:, c])
    curves[:, ROLL_L] = shape[ROLL_L] * teeth
    lips = _gate(phones, t, "PP", .075, .065)
    curves[:, [LOWER, UPPER, FUNNEL]] *= (1 - .9 * lips)[:, None]
    shape = _shape("PP")
    for c in (ROLL_L, ROLL_U, PRESS, SHRUG):
        curves[:, c] += lips * (shape[c] - curves[:, c])
    left = sum(w * curves[:, CHANNELS.index(n)] for n, w in GAP.items() if n in CHANNELS and n not in
               ("mouthClose", "mouthRollLower", "mouthRollUpper", "mouthPress", "mouthShrugLower"))
    curves[:, CLOSE] = lips * np.maximum(left, 0)
