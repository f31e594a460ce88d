"""Names of takes: ACTOR_SENTENCE_EMOTION_LEVEL as in CREMA-D, such as V001_DFA_HAP_HI."""
from __future__ import annotations

TEXT_CODE = "TXT"
"""Sentence code of a take whose text is none of CREMA-D's twelve sentences."""


def take_name(actor: str, sentence: str, emotion: str, level: str, take: int = 1) -> str:
    """The take's name: ACTOR_SENTENCE_EMOTION_LEVEL, followed by _NUMBER from the second take on."""
    return "_".join((actor, sentence, emotion, level)) + (f"_{take}" if take > 1 else "")
