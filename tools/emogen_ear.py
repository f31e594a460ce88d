"""Give the generator of `emogen` that hears mels an ear of speech features: data/emogen_ear.

    python -m tools.emogen_ear --from build/nets/emogen_twins --store build/dub --recorded build/librispeech
        --out build/nets/emogen_ear [--steps 1500] [--lips 1]

Sounds: every second synthetic sentence of ExpNet's training (degraded), silence, noise and music, and the beginnings of
every fourth recording of people who read. How far lips shall open is what the ExpNet that ships hears in them. Faces
for the probe: calm frames of eight actors of the split val. No picture of a real person, and nobody kept for testing.
`sounds.npz` in --out keeps what was heard, and a second run goes on from it.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from tfg.corpora import librispeech
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces.geometry import lip_gap
from tfg.files import atomic, make_folder
from tfg.media.audio import SR, load_audio
from tfg.networks import checkpoint
from tfg.networks.hearing import features
from tfg.speech import corpus
from tfg.speech.visemes import opening
from tfg.systems.emogen import ear
from tfg.systems.emogen.network import Emogen, EmogenConfig
from tfg.systems.expression.expnet import network as expnet
from tfg.systems.expression.expnet.data import nothing_said, said

KEPT = "sounds.npz"
READ_S, EVERY, STILL, FACES = 10, 4, 40, 8
"""Seconds of a recording, every how manieth of them, clips without a voice, faces of the probe."""


def made(network: Emogen, recorded, seed: int = 0) -> dict[str, np.ndarray]:
    """What is heard of all sounds for training, one after another: heard (N, 768), code (N, E), NaN of recordings, and
    the number of frames of each."""
    heard, code = [], []
    for k, one in enumerate(said("cpu", seed, corpus.engines(), True, "speech")):
        if one.take.split == "train" and k % 2 == 0:
            heard.append(features(one.sound))
            code.append(ear.codes(network, one.take.audio))
    silent = ear.codes(network, np.zeros(4 * SR, np.float32))
    for still in nothing_said("cpu", seed)[:STILL]:
        heard.append(still.heard)
        code.append(silent)
    if recorded is not None:
        of_training = [path for one, path in librispeech.present(recorded)
                       if not one.path.startswith(librispeech.HELD_OUT)]
        for path in of_training[::EVERY]:
            heard.append(features(load_audio(path)[:READ_S * SR]))
            code.append(np.full((len(heard[-1]), code[0].shape[1]), np.nan))
    n = [min(len(a), len(b)) for a, b in zip(heard, code, strict=True)]
    return {"heard": np.concatenate([a[:k] for a, k in zip(heard, n, strict=True)]).astype(np.float16),
            "code": np.concatenate([a[:k] for a, k in zip(code, n, strict=True)]).astype(np.float16),
            "frames": np.array(n)}


def sounds(kept: dict[str, np.ndarray]) -> list[ear.Sound]:
    """The clips, each with the opening that the ExpNet of speech features gives it."""
    network, out = expnet.load_expnet(hearing="speech")[0], []
    for stop, n in zip(np.cumsum(kept["frames"]), kept["frames"], strict=True):
        heard, code = (kept[name][stop - n:stop] for name in ("heard", "code"))
        with torch.no_grad():
            face = network(torch.from_numpy(heard.astype(np.float32))[None], torch.zeros(1, expnet.N_OUT),
                           torch.zeros(1, n))[0].numpy()
        out.append(ear.Sound(heard, opening(np.clip(expnet.finish(face), 0, 1)),
                             code if np.isfinite(code).all() else None))
    return out


def faces(store: Store, split: str = "val") -> list[np.ndarray]:
    """The calmest frame of a neutral clip of each of FACES actors."""
    from tfg.corpora.splits import Splits

    rows = {row.actor: row for row in Splits.of_store(store).select(store.clips, split, purpose="train")
            if row.emotion == "NEU"}
    out = []
    for row in list(rows.values())[:FACES]:
        gaps = lip_gap(store.arrays["points"][row.start:row.stop].astype(np.float32))
        out.append(store.frame(row.start + int(np.nanargmin(gaps))))
    if not out:
        raise InputError(f"{store.path} has no neutral clip of the split {split}; prepare some.")
    return out


def run(source, store, out, *, recorded=None, steps: int = 1500, lips: float = 1.0, seed: int = 0) -> dict:
    """Make the ear, write it into `out`, and return its card."""
    torch.set_num_threads(1)
    network, card = checkpoint.load("emogen", Emogen, EmogenConfig, source)
    if network.config.hearing != "mel":
        raise InputError(f"{source} holds a generator that hears speech features already; give one that hears mels.")
    path = make_folder(out) / KEPT
    if path.is_file():
        kept = dict(np.load(path))
    else:
        kept = made(network, recorded, seed)
        with atomic(path) as part, part.open("wb") as file:
            np.savez(file, heard=kept["heard"], code=kept["code"], frames=kept["frames"])
    clips = sounds(kept)
    known = np.concatenate([one.code for one in clips if one.code is not None])
    code, gap, face = ear.drawn_lips(network, faces(Store.open(store)), known, seed)
    probe, r = ear.probe_of(code, gap, face, seed)
    print(f"{len(clips)} clips; the probe's r with measured lips: {r:.3f}", flush=True)
    new = ear.learn(clips, probe, steps=steps, lips=lips, seed=seed,
                    told=lambda step, loss: print(step, round(loss, 3), flush=True))
    about = {"generator": card["sha256"], "steps": steps, "seed": seed,
             "data": {"clips": len(clips), "of readers": sum(one.code is None for one in clips),
                      "hours": round(len(kept["heard"]) / 25 / 3600, 2)},
             "lips": lips, "probe_r": round(r, 3),
             "command": f"python -m tools.emogen_ear --from DIR --store STORE --out DIR --steps {steps} --lips {lips:g}"
                        + (" --recorded DIR" if recorded is not None else ""),
             "licence": "Weights: Apache-2.0. Hears through Whisper tiny.en (MIT); learned from what the generator and "
                        "ExpNet say of synthetic voices" + (" and of recordings of people who read (LibriSpeech, CC BY "
                                                            "4.0)." if recorded is not None else ".")}
    checkpoint.save(new, out, ear.NAME, about)
    return about


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.emogen_ear", description=__doc__.split("\n")[0])
    parser.add_argument("--from", dest="source", required=True, help="folder of a generator that hears mels")
    parser.add_argument("--store", required=True, help="crops with actors of the split val")
    parser.add_argument("--recorded", help="folder of tfg corpora fetch librispeech")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--lips", type=float, default=1.0, help="what the opening weighs beside the old ear's codes")
    run(**vars(parser.parse_args()))
