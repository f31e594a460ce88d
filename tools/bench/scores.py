"""Scores of each system by `tfg score` on the test actors, and on real clips where there is a store of them.

Needs the stores of the README's section "Train it all again": build/dub, and build/real. Takes minutes."""
from __future__ import annotations

from tfg import registry
from tools.bench.common import ROOT, table

KEYS = ("psnr_mask", "ssim_mask", "lmd_mouth", "aperture_r", "lse_d", "lse_c", "csim")
FIRST = "emogen"
"""System whose tables are written to build/score, for tools/cards.py; those of others go to build/score_NAME."""


def run() -> dict:
    """Print means by system, group and row, and write all tables below build."""
    store, real = ROOT / "build" / "dub", ROOT / "build" / "real"
    if not store.is_dir():
        print("Scores: left out, as build/dub is not there (README, Train it all again)")
        return {}
    return {name: of_system(name, store, real if real.is_dir() else None) for name in registry.SYSTEMS}


def of_system(name: str, store, real) -> dict:
    """Means of one system, by group and row."""
    from tfg.scores.columns import SCORES
    from tfg.scores.run import score

    result, out = score(name, store, ROOT / "build" / ("score" if name == FIRST else f"score_{name}"), real=real), {}
    for group in result.groups:
        rows = {}
        for row in result.rows:
            means = {SCORES[key].title: result.summary(row, key, group) for key in KEYS}
            means["emotion at HI"] = result.summary(row, "accuracy", group, level="HI")
            rows[row] = {name: m.value for name, m in means.items() if m}
        clips, actors = result.n(group)
        table(f"Scores of {name} ({result.task}), {group}: {clips} clips of {actors} actors", rows)
        out[group] = rows
    return out
