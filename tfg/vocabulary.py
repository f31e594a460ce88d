"""Names that all parts of tfg share: expression coefficients, pose, Action Units, emotions, levels, sentences.

A frame of facial expression is a vector of 52 coefficients with the ARKit names, in the order below (the order of
Anny's facial actions). 0 is rest, 1 is the full action. Left and right are the person's own.
"""
from __future__ import annotations

EXPRESSION = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)
INDEX = {name: i for i, name in enumerate(EXPRESSION)}
MOUTH = tuple(n for n in EXPRESSION if n.startswith(("jaw", "mouth")) or n == "tongueOut")

POSE = ("yaw", "pitch", "roll", "tx", "ty", "tz")
"""Three angles in degrees, then three translations in head widths. Yaw > 0 turns the head to the person's left (towards
the right of the picture), pitch > 0 lifts the chin, roll > 0 tilts the head clockwise in the picture; tx is to the
right, ty up, tz towards the camera."""

POSE_STYLES = 46
"""Number of styles of head motion to choose from, as many as SadTalker has."""

EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
EMOTION_NAMES = dict(zip(EMOTIONS, ("anger", "disgust", "fear", "happiness", "neutral", "sadness"), strict=True))
LEVELS = ("LO", "MD", "HI", "XX")
INTENSITY = {"LO": .25, "MD": .5, "HI": .8, "XX": .5}
"""What each level is as an intensity, for clips without a curve of it."""

SENTENCES = {
    "IEO": "It's eleven o'clock", "TIE": "That is exactly what happened", "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about", "TAI": "The airplane is almost full", "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock", "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket", "ITS": "I think I've seen this before", "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
"""Code -> sentence: the twelve sentences of CREMA-D (Cao et al. 2014)."""

AU_NAMES = {
    1: "inner brow raiser", 2: "outer brow raiser", 4: "brow lowerer", 5: "upper lid raiser", 6: "cheek raiser",
    7: "lid tightener", 9: "nose wrinkler", 10: "upper lip raiser", 12: "lip corner puller", 14: "dimpler",
    15: "lip corner depressor", 17: "chin raiser", 20: "lip stretcher", 23: "lip tightener", 25: "lips part",
    26: "jaw drop", 45: "blink",
}
"""Number -> FACS name of the 17 Action Units whose intensity OpenFace reports (Ekman, Friesen & Hager 2002)."""
AU_MOST = 5.0
"""The greatest intensity of an Action Unit; 0 is none."""


def index(*names: str) -> list[int]:
    """Numbers of coefficients in `EXPRESSION`; a name without Left or Right ("mouthSmile") stands for both sides.

    Raises KeyError for an unknown name.
    """
    out = []
    for name in names:
        found = [i for i, n in enumerate(EXPRESSION) if n in (name, name + "Left", name + "Right")]
        if not found:
            raise KeyError(f"{name!r} is no expression coefficient; the 52 names are tfg.vocabulary.EXPRESSION")
        out += found
    return out
