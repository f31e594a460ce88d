"""What PoseVAE gains by hearing speech features instead of a mel: one training of each, on the same voices and motions.

    python -m tools.bench.posevae [--voices 100] [--seconds 10] [--steps 600] [--seed 0]

Both are trained from scratch with the profile cpu's sizes, with the same clips, steps and seed, and scored on the same
voices that neither has heard (`tfg.systems.expression.posevae.evaluate.score`), beside the rules' own motion. Fewer and
shorter clips than those of the networks that ship, so that it takes minutes: the rows compare with each other alone.
"""
from __future__ import annotations

import argparse
import tempfile

import torch

from tfg.systems.expression.posevae.data import PARTS, corpus
from tfg.systems.expression.posevae.sound import HEARINGS
from tfg.systems.expression.posevae.train import train_posevae
from tools.bench.common import table

MOTIONS, VAL, TEST = 8, 12, 24


def cells(row: dict) -> dict[str, str]:
    """One row of the table, of a row of `score`."""
    shown = {"yaw, pitch, roll std": ", ".join(f"{v:.2f}" for v in row["diversity"][:3])}
    for key in ("accents", "nod", "nod_r", "sway_r", "between_styles"):
        shown[key] = "" if row.get(key) is None else f"{row[key]:.3f}"
    return shown


def run(voices: int = 100, seconds: float = 10.0, steps: int = 600, seed: int = 0) -> dict:
    """Train and print.  voices: of the training.  seconds: length of every clip.  Returns the cards by hearing."""
    torch.set_num_threads(1)
    size = dict(voices=(voices, VAL, TEST), motions=MOTIONS, copies=1, seconds=seconds)
    clips = {part: corpus("cpu", seed, part, progress=True, hearing="speech", size=size) for part in PARTS}
    cards, rows = {}, {}
    for hearing in HEARINGS:
        with tempfile.TemporaryDirectory() as folder:
            cards[hearing] = train_posevae(folder, profile="cpu", steps=steps, seed=seed, hearing=hearing, clips=clips,
                                           progress=False)[1]
        found = cards[hearing]["scores"]
        rows[hearing] = {**cells(found["test"]["made"]), **{k: f"{found['val'][k]:.3f}" for k in ("expected", "deaf")}}
        print(hearing, rows[hearing], found["test"]["made"], flush=True)
    rows |= {name: cells(found["test"][name]) for name in ("true", "wrong")}
    table(f"PoseVAE by what it hears: {voices} voices, {steps} steps, {TEST} unseen voices", rows)
    return cards


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.posevae", description=__doc__.split("\n")[0])
    for name, default in (("voices", 100), ("seconds", 10.0), ("steps", 600), ("seed", 0)):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    run(**vars(parser.parse_args()))
