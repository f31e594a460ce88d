"""What a take is called: V001_DFA_HAP_HI, as a clip of CREMA-D."""
from __future__ import annotations

TEXT_CODE = "TXT"
"""In the place of the sentence, where the text is none of the twelve."""


def take_name(actor: str, sentence: str, emotion: str, level: str, take: int = 1) -> str:
    """ACTOR_SENTENCE_EMOTION_LEVEL, and the take's number from the second on."""
    return "_".join((actor, sentence, emotion, level)) + (f"_{take}" if take > 1 else "")
