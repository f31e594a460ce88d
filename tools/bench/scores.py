"""What `tfg score` says of the shipped emogen on the test actors, and on real clips where there is a store of them.

Needs the stores of the README's section "Train it all again": build/dub, and build/real. Takes minutes."""
from __future__ import annotations

from tools.bench.common import ROOT, table

KEYS = ("psnr_mask", "ssim_mask", "lmd_mouth", "aperture_r", "lse_d", "lse_c", "csim")


def run() -> dict:
    """Print means by group and row, and write all tables to build/score."""
    from tfg.scores.names import SCORES
    from tfg.scores.run import score

    store, real = ROOT / "build" / "dub", ROOT / "build" / "real"
    if not store.is_dir():
        print("Scores of emogen: left out, for build/dub is not there (README, Train it all again)")
        return {}
    result, out = score("emogen", store, ROOT / "build" / "score", real=real if real.is_dir() else None), {}
    for group in result.groups:
        rows = {}
        for row in result.rows:
            means = {SCORES[key].title: result.summary(row, key, group) for key in KEYS}
            means["emotion at HI"] = result.summary(row, "accuracy", group, level="HI")
            rows[row] = {name: m.value for name, m in means.items() if m}
        clips, actors = result.n(group)
        table(f"Scores of emogen, {group}: {clips} clips of {actors} actors", rows)
        out[group] = rows
    return out
