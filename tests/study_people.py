"""Films and participants for the tests of the study: small moving films, and people whose preferences are known."""
from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np

from conftest import swelling_noise
from tfg.media.video import write_video
from tfg.scores.study.answers import HEAD

STRENGTH = {"good": .9, "fair": .2, "poor": -.4, "still": -.7}
"""Log strengths of the systems of the tests; their sum is 0."""


def write_films(folder: Path, systems=tuple(STRENGTH), clips: int = 5, frames: int = 16, size: int = 32) -> Path:
    """Films SYSTEM/V1_S0_HAP.mp4, ... of a bar that moves, whose colour is the system's; `still` does not move."""
    rng = np.random.default_rng(4)
    for s, system in enumerate(systems):
        (folder / system).mkdir(parents=True)
        for c in range(clips):
            pictures = np.full((frames, size, size, 3), 60 + 40 * s, np.uint8)
            for t in range(frames):
                at = 0 if system == "still" else (3 * t + c) % (size - 6)
                pictures[t, 4 * c % size:, at:at + 6] = 240 if system == "still" else rng.integers(90, 250, 3)
            write_video(folder / system / f"V1_S{c}_{('HAP', 'SAD')[c % 2]}.mp4", pictures,
                        swelling_noise(frames / 25, c), metadata={"title": f"by {system}", "system": system})
    return folder


def page_data(study: Path) -> dict:
    """The design that the page holds."""
    text = (study / "page" / "index.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def key_of(study: Path) -> dict[str, dict]:
    """Rows of the key by film."""
    with open(study / "key.csv", newline="") as file:
        return {row["film"]: row for row in csv.DictReader(file)}


def answer(study: Path, folder: Path, who: str, number: int, *, tie: float | None = None, liar: bool = False,
           strength=STRENGTH) -> Path:
    """Let a participant answer the sheet `number`, by Davidson's model.  tie: log weight of no difference.  liar:
    answers by chance everywhere, and prefers every broken film."""
    data, key = page_data(study), key_of(study)
    rng = np.random.default_rng([7, number])
    trials = [(*t, "") for t in data["sheets"][number % len(data["sheets"])]]
    trials += [(*data["pool"][k], "broken") for k in rng.permutation(len(data["pool"]))[:data["checks"]]]
    trials += [(c, b, a, "repeat") for c, a, b, _ in trials[:data["repeats"]]]
    rows = []
    for n, (clip, a, b, check) in enumerate(trials, 1):
        left, right = (a, b) if rng.random() < .5 else (b, a)
        if check == "broken":
            intact = "left" if not key[left]["kind"] else "right"
            said = {"left": "right", "right": "left"}[intact] if liar else intact
        else:
            x, y = (0.0, 0.0) if liar else (strength[key[left]["system"]], strength[key[right]["system"]])
            weights = np.exp([x, y] + ([] if tie is None else [tie + (x + y) / 2]))
            said = ("left", "right", "none")[rng.choice(len(weights), p=weights / weights.sum())]
        for question in data["questions"]:
            rows.append([who, n, clip, question["key"], left, right, said, f"{5 + rng.random():.2f}", check,
                         data["page"]])
    path = folder / f"answers_{who}.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return path
