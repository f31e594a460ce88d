"""What the inputs of the network that hears a voice's emotion bring.

    python -m tfg.experts.voice_emotion.compare --takes build/voices [--recordings crema_d/audio_resampled]

prints the accuracy of networks that see the mel statistics, the speech features, the pitch, and all of them, and of the
same where each person's own calm voice is known and subtracted. --whisper and a folder of takes made with it compare
other speech features. Intervals of 95 % are drawn over people.
"""
from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence

import numpy as np

from tfg.experts.voice_emotion.data import Voices, recordings_of, voices_of
from tfg.experts.voice_emotion.evaluate import NEUTRAL, score
from tfg.experts.voice_emotion.network import PROFILES, VoiceEmotion, VoiceEmotionConfig, load
from tfg.experts.voice_emotion.train import network_of
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

SETS: dict[str, tuple[str, ...]] = {
    "mel statistics": ("mel",), "pitch and level": ("pitch",), "speech features": ("speech",),
    "mel and pitch": ("mel", "pitch"), "speech and pitch": ("speech", "pitch"), "all": ("speech", "mel", "pitch")}
"""Kinds of statistics that are compared."""


def beside_calm(voices: Voices) -> Voices:
    """The statistics less those of the same person's calm sentences, the sentence itself left out: what a network
    would know that has heard each person speak calmly.  People without another calm sentence are left out."""
    stats, keep = {kind: x.copy() for kind, x in voices.stats.items()}, np.zeros(len(voices), bool)
    calm = voices.emotion == NEUTRAL
    for k, person in enumerate(voices.voice):
        others = calm & (voices.voice == person)
        others[k] = False
        if others.any():
            keep[k] = True
            for kind, x in stats.items():
                x[k] = voices.stats[kind][k] - voices.stats[kind][others].mean(0)
    return Voices(stats, voices.emotion, voices.intensity, voices.level, voices.voice, voices.split).part(keep)


def trained_on(voices: Voices, kinds: tuple[str, ...], *, profile: str = "cpu", seed: int = 0) -> VoiceEmotion:
    """A network that sees these kinds alone, calibrated on val."""
    config = VoiceEmotionConfig(kinds, PROFILES[profile].hidden, PROFILES[profile].dropout)
    with tempfile.TemporaryDirectory() as folder:
        return network_of(folder, voices, config, profile=profile, seed=seed)


def line(name: str, found: dict) -> str:
    """A row of the table in Markdown."""
    by = found["by_level"]
    levels = " / ".join(f"{by[v]:.2f}" for v in ("LO", "MD", "HI") if v in by) or "-"
    right = f"{found['right']:.2f} ({found['right_interval'][0]:.2f} to {found['right_interval'][1]:.2f})" \
        if "right" in found else "-"
    return (f"| {name} | {found['accuracy']:.2f} ({found['interval'][0]:.2f} to {found['interval'][1]:.2f}) | {levels} "
            f"| {found['named']:.2f} | {right} |").replace("0.", ".")


def table(voices: Voices, others: dict[str, Voices], *, profile: str = "cpu", reference: bool = True) -> str:
    """The comparison in Markdown.  others: further sentences to score each network on, by a name for the row."""
    rows = ["| heard by | right (95 % over people) | weak / middle / strong | named | of these right |",
            "|---|---|---|---|---|"]
    for calm in (False, True) if reference else (False,):
        known = beside_calm(voices) if calm else voices
        for name, kinds in SETS.items():
            network = trained_on(known, kinds, profile=profile)
            more = ", own calm voice known" * calm
            rows.append(line(name + more, score(network, known.part("test"))))
            for label, part in others.items():
                part = beside_calm(part) if calm else part
                if len(part):
                    rows.append(line(f"{name}{more}: {label}", score(network, part)))
    return "\n".join(rows)


def confusion(found: dict) -> str:
    """The shares of `score` in Markdown: rows true, columns heard."""
    rows = ["| true \\ heard | " + " | ".join(EMOTION_NAMES[e] for e in EMOTIONS) + " |", "|---" * 7 + "|"]
    for e, shares in zip(EMOTIONS, found["confusion"]):
        rows.append(f"| {EMOTION_NAMES[e]} | " + " | ".join(f"{s:.2f}".replace("0.", ".") for s in shares) + " |")
    return "\n".join(rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the comparison, then the scores of the network that ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", required=True, help="folder of the file with the voices, which are made if missing")
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--recordings", help="sounds named as CREMA-D's, to score on as well")
    parser.add_argument("--whisper", help="folder with other weights of the speech features; default: data/whisper")
    parser.add_argument("--own", help="folder of the network to score last; default: the one that ships")
    asked = parser.parse_args(argv)
    voices = voices_of(asked.takes, asked.profile, hearing=asked.whisper)
    others = {} if asked.recordings is None else {"recordings": recordings_of(asked.recordings, hearing=asked.whisper)}
    print(table(voices, others, profile=asked.profile), flush=True)
    if asked.whisper is None:
        network = load(asked.own)[0]
        for name, part in {"test": voices.part("test"), **others}.items():
            found = score(network, part)
            print(f"\n{name}: {found}\n\n{confusion(found)}")


if __name__ == "__main__":
    main()
