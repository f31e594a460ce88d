"""What an ear that has heard people, and lips learned from people, bring: ExpNet on real clips, person by person.

    python -m tools.bench.hearing [--recorded build/librispeech] [--steps 1200] [--rows table,person,recorded]

ExpNet is trained from scratch for each row, with the same clips, steps and seed. Real clips: the six of CREMA-D's 1001
and four of one speaker of GRID in $TFG_SHARED. *Learned lips*: the articulation of the fold that never saw the person
whose clips are scored, so each such row is two trainings. Beside them the network that ships and hears mels, loudness,
and known phones with either table. Pearson's r of the lips' opening with the measured gap, mean of the clips, without
any shift; also after the one constant shift that suits a corpus best, which says what lag is left.
"""
from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace

import numpy as np
import torch

from tfg import paths
from tfg.faces.geometry import lip_gap
from tfg.media.audio import load_audio, loudness
from tfg.metrics import correlation
from tfg.networks import hearing
from tfg.speech import corpus
from tfg.speech.visemes import Articulation, opening
from tfg.systems.expression import articulation as learned
from tfg.systems.expression.expnet import network as expnet
from tfg.systems.expression.expnet.data import FaceExample, Said, nothing_said, said, virtual_example
from tfg.systems.expression.expnet.recorded import read
from tfg.systems.expression.expnet.train import train_expnet
from tools.bench.common import real_clips, table, track

PEOPLE = {"crema_d": "crema_d/1001", "grid": "grid/?"}
"""Corpus of the real clips -> the person whose fold is used for it."""
SHIFTS = np.arange(-2, 2.25, .25)


def examples(clips: list[tuple[Said, np.ndarray]], articulation: Articulation) -> list[FaceExample]:
    """The clips' examples with lips that follow this articulation. clips: with their features."""
    return [replace(virtual_example(one.take, one.person, articulation=articulation), heard=heard)
            for one, heard in clips]


def curves(folder, sounds: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """Opening of the lips that a trained network gives for each sound."""
    return {k: [opening(np.clip(expnet.predict(y, folder=folder), 0, 1)) for y in part] for k, part in sounds.items()}


def shifted(curve: np.ndarray, frames: float) -> np.ndarray:
    """The curve `frames` later, (T,)."""
    at = np.arange(len(curve))
    return np.interp(at - frames, at, curve)


def row(name: str, found: dict[str, list[np.ndarray]], gaps: dict[str, list[np.ndarray]]) -> dict:
    """r by corpus, worst clip, and the constant shift in frames that suits best (later is positive)."""
    out = {}
    for k, part in found.items():
        r = [correlation(a, b) for a, b in zip(part, gaps[k], strict=True)]
        moved = [np.mean([correlation(shifted(a, s), b) for a, b in zip(part, gaps[k], strict=True)]) for s in SHIFTS]
        out |= {k: f"{np.mean(r):.3f}", f"{k} worst": f"{min(r):.2f}",
                f"{k} best shift": f"{SHIFTS[int(np.argmax(moved))]:+.2f}: {max(moved):.3f}"}
    print(name, out, flush=True)
    return out


def run(recorded=None, steps: int = 1200, rows: str = "table,person,recorded", seed: int = 0) -> dict:
    """Train and print.  recorded: the LibriSpeech sample.  rows: of table, person, recorded."""
    torch.set_num_threads(1)
    real = real_clips()
    sounds = {k: [load_audio(p) for p in part] for k, part in real.items()}
    gaps = {k: [lip_gap(track(p)) for p in part] for k, part in real.items()}
    out = {"loudness": row("loudness", {k: [loudness(y) for y in part] for k, part in sounds.items()}, gaps),
           "mel, as it ships": row("mel", curves(paths.data("expnet"), sounds), gaps)}
    heard = [(one, hearing.features(one.sound).astype(np.float16))
             for one in said("cpu", seed, corpus.engines(), True, "speech")]
    real_speech = [] if recorded is None else [(one, hearing.features(one.sound).astype(np.float16))
                                               for one in read(recorded, seed)]
    still = nothing_said("cpu", seed)
    apart = {k: learned.load(without=p) for k, p in PEOPLE.items()}
    plans = {"table": ("speech features, table of visemes", heard, {k: Articulation() for k in PEOPLE}),
             "person": ("speech features, learned lips", heard, apart),
             "recorded": ("and real speech", heard + real_speech, apart)}
    for key in rows.split(","):
        name, clips, lips = plans[key]
        found: dict[str, list[np.ndarray]] = {}
        for one in set(lips.values()):
            with tempfile.TemporaryDirectory() as folder:
                train_expnet(folder, profile="cpu", steps=steps, seed=seed, hearing="speech", progress=False,
                             examples=examples(clips, one) + still)
                part = curves(folder, {k: sounds[k] for k in lips if lips[k] == one})
                found |= part
        out[name] = row(name, {k: found[k] for k in sounds}, gaps)
    table("Pearson's r of the lips' opening with real lips; the person left out", out)
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.hearing", description=__doc__.split("\n")[0])
    parser.add_argument("--recorded", help="folder of tfg corpora fetch librispeech")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--rows", default="table,person,recorded")
    run(**vars(parser.parse_args()))
