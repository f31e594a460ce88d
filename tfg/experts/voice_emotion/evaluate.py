"""Scores of the network that hears a voice's emotion, on people that it was not trained on; and what its inputs bring.

    python -m tfg.experts.voice_emotion.evaluate --takes build/voices [--recordings crema_d/audio_resampled]

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
from tfg.experts.voice_emotion.network import VoiceEmotion, VoiceEmotionConfig
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

NEUTRAL = EMOTIONS.index("NEU")
SETS: dict[str, tuple[str, ...]] = {
    "mel statistics": ("mel",), "pitch and level": ("pitch",), "speech features": ("speech",),
    "mel and pitch": ("mel", "pitch"), "speech and pitch": ("speech", "pitch"), "all": ("speech", "mel", "pitch")}
"""Kinds of statistics that are compared."""


def score(network: VoiceEmotion, voices: Voices) -> dict:
    """Scores of sentences, each heard as a whole.

    clips, voices: their numbers.  accuracy: of the most probable emotion, mean of the people's shares; interval: of 95
    %, by drawing people with replacement; chance.  by_level, by_emotion, confusion (rows true, columns heard): shares.
    named: share of sentences for which a feeling is named (not NEU); right: share of these named rightly;
    right_interval.  calm_named: share of calm sentences for which one is named.  answered: accuracy of what is
    answered, NEU where unsure.
    """
    probable = network.eval().probabilities(voices.of(network.config.kinds))
    best, true = probable.argmax(1), voices.emotion
    said = np.where(probable.max(1) >= float(network.sure), best, NEUTRAL)
    named, right = said != NEUTRAL, said == true
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    np.add.at(table, (true, best), 1)
    table /= np.maximum(table.sum(1, keepdims=True), 1)
    calm = true == NEUTRAL
    return {"clips": len(voices), "voices": len(set(voices.voice)), "chance": round(1 / len(EMOTIONS), 3),
            **dict(zip(("accuracy", "interval"), mean_of_people(best == true, voices.voice))),
            "by_level": {str(v): round(float((best == true)[voices.level == v].mean()), 3)
                         for v in sorted(set(voices.level))},
            "by_emotion": {e: round(float(table[k, k]), 3) for k, e in enumerate(EMOTIONS)},
            "confusion": table.round(2).tolist(), "named": round(float(named.mean()), 3),
            **(dict(zip(("right", "right_interval"), mean_of_people(right[named], voices.voice[named], pooled=True)))
               if named.any() else {}),
            "calm_named": round(float(named[calm].mean()), 3) if calm.any() else None,
            "answered": round(float(right.mean()), 3)}


def mean_of_people(right: np.ndarray, voice: np.ndarray, *, pooled: bool = False) -> tuple[float, list[float]]:
    """(share of right sentences, its interval of 95 %), people drawn with replacement.

    right: (N,) bool.  voice: (N,) texts.  pooled: sentences count alike, for people with few; else people do.
    """
    people = sorted(set(voice))
    sums = np.array([[right[voice == v].sum(), (voice == v).sum()] for v in people], float)           # (people, 2)
    if not pooled:
        sums = np.stack([sums[:, 0] / sums[:, 1], np.ones(len(people))], 1)
    drawn = sums[np.random.default_rng(0).integers(len(people), size=(4000, len(people)))].sum(1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], (2.5, 97.5))
    return round(float(sums[:, 0].sum() / sums[:, 1].sum()), 3), [round(float(low), 3), round(float(high), 3)]


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
    from tfg.experts.voice_emotion.network import PROFILES
    from tfg.experts.voice_emotion.train import network_of

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
    from tfg.experts.voice_emotion.network import load

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
