"""The shipped ExpNets on voices of many kinds: languages, readers, telephones, whispers, children, singing; and on
sounds that are no voice.

    python -m tools.bench.voices [--recorded build/librispeech]

For each kind: Pearson's r of the lips' opening with the lips that the known phones ask for (learned articulation), mean
of the clips, with a 95 % interval over clips; share of p, b, m during which the lips shut; share of wide-open frames
that are shut by mistake. *mel* is the network of streams, *speech* that of whole sounds. The speakers were not learned
from. Without a voice: root mean square of the opening, in mm on the mean head, where speech has about 4.
"""
from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch

from tfg import paths
from tfg.media.audio import SR, load_audio, n_frames
from tfg.metrics import lip_curves
from tfg.speech import corpus, degrade, voice
from tfg.speech.texts import OTHER, english
from tfg.speech.visemes import coarticulate, opening, with_effort
from tfg.systems.expression import articulation
from tfg.systems.expression.expnet import network as expnet
from tools.bench.common import interval, table

VARIANTS = corpus.UNSEEN_VARIANTS
CLIPS = 8
FULL_MM = 34.0
"""Opening of the inner lips at jawOpen = 1 on the mean head."""
WAYS = {"mel": "expnet", "speech": "expnet_speech"}


def gap(y: np.ndarray, way: str) -> np.ndarray:
    """Opening of the lips by a shipped network, (T,)."""
    return opening(np.clip(expnet.predict(y, folder=paths.data(WAYS[way])), 0, 1))


def spoken(text: str, name: str, rng: np.random.Generator, change=None, speed: float = 1.0) -> corpus.Utterance:
    """A sentence by a voice of espeak-ng. change: sound -> sound.  speed: factor on tempo, pitch and formants."""
    y, phones = voice.speak(text, name, rate=int(rng.integers(125, 215) / speed), pitch=int(rng.integers(30, 80)))
    y = np.interp(np.arange(0, len(y) - 1, speed), np.arange(len(y)), y).astype(np.float32)
    phones = with_effort([replace(p, start_s=p.start_s / speed, stop_s=p.stop_s / speed) for p in phones], y)
    return corpus.Utterance(y if change is None else change(y), phones, name, "voice")


def sung(y: np.ndarray) -> np.ndarray:
    """A voice on held notes of a scale, as a singer's: the pitch is replaced, note by note."""
    import pyworld

    f0, t = pyworld.dio(y.astype(np.float64), SR)
    notes = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 5, 4, 2])[(t / .4).astype(int) % 8] / 12)
    f0 = np.where(f0 > 0, notes, 0)
    spectrum, rest = pyworld.cheaptrick(y.astype(np.float64), f0, t, SR), pyworld.d4c(y.astype(np.float64), f0, t, SR)
    return pyworld.synthesize(f0, spectrum, rest, SR)[:len(y)].astype(np.float32)


def kinds(rng: np.random.Generator, recorded=None) -> dict[str, list[corpus.Utterance]]:
    """The clips of each kind."""
    def some(change=None, name: str = "en-us") -> list[corpus.Utterance]:
        return [spoken(english(rng), f"{name}+{VARIANTS[k % 2]}", rng, change) for k in range(CLIPS)]

    out = {"English": some()}
    for language, texts in OTHER.items():
        out[language] = [spoken(str(texts[k % len(texts)]), f"{language}+{VARIANTS[k % 2]}", rng) for k in range(CLIPS)]
    out["telephone, 8 kHz"] = some(degrade.telephone)
    out["noise, 10 dB"] = some(lambda y: y + degrade.noise(len(y), rng) * np.sqrt(np.mean(y ** 2)) * .316)
    out["music, 10 dB"] = some(lambda y: y + degrade.music(len(y), rng) * np.sqrt(np.mean(y ** 2)) * .316)
    out["whisper (a voice of training)"] = [spoken(english(rng), "en-us+whisper", rng) for _ in range(CLIPS)]
    out["a child"] = [spoken(english(rng), f"en-us+{VARIANTS[k % 2]}", rng, speed=1.35) for k in range(CLIPS)]
    try:
        import pyworld  # noqa: F401

        out["singing"] = some(sung)
    except ImportError:
        pass
    if recorded is not None:
        from tfg.systems.expression.expnet.recorded import read

        out["people who read"] = [one.take for one in read(recorded, 0) if one.take.split == "read"]
    return out


def nothing(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Six seconds without a voice, of each kind."""
    n = 6 * SR
    breath = degrade.noise(n, rng) * np.clip(np.sin(np.arange(n) / SR * 2 * np.pi / 2.5), 0, 1) ** 2
    return {"silence": np.zeros(n, np.float32), "hiss": .01 * degrade.noise(n, rng),
            "loud noise": .3 * degrade.noise(n, rng), "breath": (.05 * breath).astype(np.float32),
            "music": .2 * degrade.music(n, rng)}


def run(recorded=None, seed: int = 0) -> dict:
    """Print both tables. recorded: the LibriSpeech sample."""
    torch.set_num_threads(1)
    rng, rows, learned = np.random.default_rng(seed), {}, articulation.load()
    for kind, clips in kinds(rng, recorded).items():
        row: dict = {"clips": len(clips)}
        true = [opening(coarticulate(c.phones, n_frames(len(c.audio)), articulation=learned)) for c in clips]
        shut = [corpus.closures(c.phones) for c in clips]
        for way in WAYS:
            made = [gap(c.audio, way) for c in clips]
            r = [lip_curves.r(a, b) for a, b in zip(made, true, strict=True)]
            low, high = interval(r)
            found = lip_curves.summary(list(zip(made, true, shut, strict=True)))
            row |= {f"{way} r": f"{np.mean(r):.2f} ({low:.2f}, {high:.2f})", f"{way} shut": found["closure_recall"],
                    f"{way} wrong": found["false_closures"]}
        rows[kind] = row
        print(kind, row, flush=True)
    table("Lips against those of the known phones", rows)
    still = {kind: {way: float(np.sqrt(np.mean(gap(y.astype(np.float32), way) ** 2)) * FULL_MM) for way in WAYS}
             for kind, y in nothing(rng).items()}
    speech = load_audio(paths.data("audio", "DFA.wav"))
    still["speech (DFA.wav)"] = {way: float(np.sqrt(np.mean(gap(speech, way) ** 2)) * FULL_MM) for way in WAYS}
    table("Without a voice: opening of the lips, mm", still)
    return rows | still


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.voices", description=__doc__.split("\n")[0])
    parser.add_argument("--recorded", help="folder of tfg corpora fetch librispeech")
    run(**vars(parser.parse_args()))
