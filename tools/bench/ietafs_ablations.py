"""What each part of the training of `ietafs` does: the same network without it, as the figure of the paper has it.

    python -m tools.bench.ietafs_ablations --edits build/edits --out build/ablations [--pairs-steps N --steps N]

All variants go on from one network, which has learned from pairs alone, and differ in who judges them from there on:
all; without D_I (the critic), D_E (its Action Units), D_AV (the sync networks), the cycle; and none of them (pairs
alone for as long). As published, where nobody has pairs, each part weighs more: `--no-pairs` leaves the pairs out of
all variants. Writes OUT/NAME for each, OUT/ablations.png (source, target and what each draws, unseen actors), and
prints scores on val actors: mean |difference| of the face and of the mouth, PSNR, mean of the attention.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from tfg.media.image import write_image
from tfg.networks.warp import applied
from tfg.systems.ietafs.gan.network import load
from tfg.systems.ietafs.gan.pairs import Pairs
from tfg.systems.ietafs.gan.train import RUNS, train_ietafs
from tools.bench.common import table

VARIANTS = {"all": "", "no D_I": "critic", "no D_E": "units", "no D_AV": "sync", "no cycle": "cycle",
            "pairs alone": "critic,units,sync,cycle"}
SCORES = ("l1", "mouth", "psnr", "attention")
SHOWN = 6
"""Unseen pairs in the figure."""


def trained(edits: Path, out: Path, profile: str, pairs_steps: int, steps: int, pairs: bool, start: Path | None
            ) -> dict[str, dict]:
    """Train all variants, or go on.  Returns name -> scores."""
    if pairs and start is None:
        start = out / "start"
        train_ietafs(start, edits=edits, profile=profile, steps=pairs_steps, without=VARIANTS["pairs alone"])
    found = {}
    for name, without in VARIANTS.items():
        if not pairs and name == "pairs alone":
            continue
        left_out = ",".join(part for part in (without, "" if pairs else "pair") if part)
        _, card = train_ietafs(out / name.replace(" ", "_"), edits=edits, profile=profile, steps=steps, init=start,
                               pairs_first=False, without=left_out)
        found[name] = card["scores"]
    return found


@torch.no_grad()
def figure(edits: Path, out: Path, names) -> np.ndarray:
    """Rows of source, target, and what each variant draws."""
    networks = [load(out / name.replace(" ", "_"))[0] for name in names]
    unseen = Pairs(edits, "test", networks[0].config.size)
    away = np.abs(unseen.arrays["aus_a"].astype(np.float32) - unseen.arrays["aus_b"]).sum(1)
    chosen = [2 * int(np.flatnonzero(unseen.actor == a)[away[unseen.actor == a].argmax()])
              for a in np.unique(np.linspace(0, len(unseen.actors) - 1, SHOWN).astype(int))]
    batch = unseen.batch(0, chosen)
    source, target = (torch.from_numpy(batch[name]).float() / 255 for name in ("source", "target"))
    asked = [torch.from_numpy(batch[name]) for name in ("aus", "aus_source", "points_source")]
    drawn = [applied(network(source, *asked).answer, source) for network in networks]
    sheet = torch.cat([torch.cat(list(column), 1) for column in (source, target, *drawn)], 2)     # (3, rows, columns)
    return (sheet.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()


def run(edits: Path, out: Path, profile: str = "cpu", pairs_steps: int | None = None, steps: int | None = None,
        pairs: bool = True, start: Path | None = None) -> dict:
    """Train, print the scores, write the figure.  Returns the scores."""
    phases = dict(RUNS[profile].phases)
    found = trained(Path(edits), Path(out), profile, pairs_steps or phases.get("pairs", 0), steps or phases["gan"],
                    pairs, start)
    table("ietafs without one part each, val actors", {name: {s: scores[s] for s in SCORES}
                                                       for name, scores in found.items()})
    print(write_image(figure(Path(edits), Path(out), found), Path(out) / "ablations.png"))
    print("columns: source, target,", ", ".join(found))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.ietafs_ablations",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--edits", required=True, type=Path, help="folder of tfg.systems.ietafs.gan.edits")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    parser.add_argument("--profile", default="cpu", choices=list(RUNS))
    parser.add_argument("--pairs-steps", type=int, help="steps of the start, which all share (default: the profile's)")
    parser.add_argument("--steps", type=int, help="steps of each variant after it (default: the profile's)")
    parser.add_argument("--start", type=Path, help="folder of a network that has learned from pairs, to start from")
    parser.add_argument("--no-pairs", dest="pairs", action="store_false", help="without pairs, as published")
    run(**vars(parser.parse_args()))
