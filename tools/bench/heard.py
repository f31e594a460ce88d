"""Which emotion a judge sees in faces that `ietafs` drew from the voice alone, and from a given emotion.

    python -m tools.bench.heard --store build/dub [--clips 6]

Clips of the split test, their own sound, a photo of another take. *voice*: `--emotion auto`, nobody says what is felt;
*label*: the clip's emotion and intensity are given; *true*: the clip itself. Accuracy of the judge (that of `tfg
score`, which trained nothing) with 95 % intervals from a bootstrap over actors, of all clips and of those at HI or
calm; chance is a sixth.
"""
from __future__ import annotations

import argparse
import importlib
import warnings
from dataclasses import replace

import numpy as np

from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces import crops
from tfg.metrics import stats
from tfg.scores import judges
from tfg.systems.base import Speech
from tfg.systems.ietafs import act
from tfg.systems.ietafs.options import IetafsOptions
from tfg.vocabulary import EMOTIONS
from tools.bench.common import table


def drawn(target, emotion: str) -> np.ndarray:
    """(T, S, S, 3) frames of a clip with an emotion, or with "auto"."""
    options = IetafsOptions(emotion=emotion, intensity=1.0 if emotion == "auto" else target.intensity)
    return np.stack(list(act.prepare(target.photo, Speech(target.wave), options).frames))


def run(store: str, clips: int = 6) -> dict:
    """Print the table.  Returns {row: {column: (mean, low, high)}} and how often each emotion was seen for each."""
    chosen = importlib.import_module("tfg.scores.targets").targets(Store.open(store), "test", clips=clips)
    mood = judges.load().networks["judge_emotion"]
    found: dict[str, list] = {"voice": [], "label": [], "true": []}
    seen, about = np.zeros((6, 6), int), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for target in chosen:
            if target.emotion is None:
                continue
            target = replace(target, frames=target.frames.copy())
            try:
                frames = {"voice": drawn(target, "auto"), "label": drawn(target, target.emotion), "true": target.frames}
            except InputError:                                # no face in the photo
                continue
            named = {row: judges.named(judges.emotion(mood, crops.landmarks(one))) for row, one in frames.items()}
            for row, name in named.items():
                found[row].append(float(name == target.emotion))
            seen[EMOTIONS.index(target.emotion), EMOTIONS.index(named["voice"])] += 1
            about.append((target.actor, target.level))
    actors, high = np.array([a for a, _ in about]), np.array([level in ("HI", "XX") for _, level in about])
    out = {}
    for row, right in found.items():
        cells = {}
        for column, some in (("all", np.ones(len(high), bool)), ("HI and calm", high)):
            mean = stats.mean(np.array(right)[some], actors[some])
            cells[f"{column} ({int(some.sum())})"] = (mean.value, mean.low, mean.high)
        out[row] = cells
    table("emotion named, chance .17", {row: {c: " ".join(f"{v:.2f}" for v in cell) for c, cell in cells.items()}
                                        for row, cells in out.items()})
    print("\nvoice alone, rows played, columns named:", *EMOTIONS, "\n", seen)
    return out | {"seen": seen.tolist()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.heard", description=__doc__.split("\n")[0])
    parser.add_argument("--store", required=True, help="crops of acted clips, with their sound")
    parser.add_argument("--clips", type=int, default=6, help="most clips of each actor")
    run(**vars(parser.parse_args()))
