"""The emotion "auto": what the voice sounds like, decided once, before a system acts.

The network is `tfg.experts.voice_emotion`, which answers NEU where it is not sure. A system that listens by itself
(`System.hears_emotion`) keeps its "auto".
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.options import Options
from tfg.systems.base import AUTO, Speech, System
from tfg.vocabulary import EMOTIONS


def felt(its: System, chosen: Any, speech: Speech) -> tuple[Any, dict[str, Any] | None]:
    """The options with the heard emotion in the place of "auto", and what was heard, for the clip's `meta`; the same
    options and None where no "auto" is in them, or the system listens by itself.

    The intensity becomes its own times the probability of the emotion, so that a face shows little of what is doubtful.
    Raises InputError: there is no sound, or no network.
    """
    if getattr(chosen, "emotion", None) != AUTO or its.hears_emotion:
        return chosen, None
    if speech.audio is None:
        raise InputError("the emotion auto is what the voice sounds like, but there is no sound; give a sound, or one "
                         f"of the emotions {', '.join(EMOTIONS)}.")
    from tfg.experts.voice_emotion.network import heard

    found = heard(np.asarray(speech.audio, np.float32))
    told = {"emotion": found.emotion, "sure": found.sure, "words": str(found),
            "probabilities": {e: round(float(p), 4) for e, p in zip(EMOTIONS, found.probabilities)}}
    if found.emotion == "NEU":                            # what would say how a feeling is shown has nothing to say
        needs = getattr(chosen, "needs_emotion", ())
        given = {name: getattr(chosen, name) for name in chosen.given if name not in needs}
        return type(chosen)(**given | {"emotion": "NEU"}), told
    return chosen.replace(emotion=found.emotion, intensity=round(chosen.intensity * found.probability, 4)), told


def refuse_auto(chosen: Options) -> None:
    """Raise InputError if the emotion is "auto", which a stream cannot have."""
    if getattr(chosen, "emotion", None) == AUTO:
        raise InputError("the emotion auto needs a whole sound to listen to, and a stream begins before there is one; "
                         f"give one of {', '.join(EMOTIONS)}, or use tfg.animate.")
