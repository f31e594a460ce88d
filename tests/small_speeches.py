"""A folder of speeches without actors, for tests: a tone as loud as a mouth is open, to which the head nods.

It takes milliseconds where actors take minutes; that a real actor's file has the same arrays is tested beside.
"""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tfg.actors import examples
from tfg.actors.cast import Member
from tfg.faces.points68 import GROUPS
from tfg.media.audio import SAMPLES_PER_FRAME
from tfg.systems.rhythmic import pose, speeches
from tfg.vocabulary import EMOTIONS

NOD, DROP, LIFT = 6.0, .8, .4
"""Pitch at full loudness, degrees; how far the lower lip drops and a feeling lifts the brows, cm."""


def open_mouth(opened: np.ndarray, lifted: np.ndarray) -> np.ndarray:
    """(T, 68, 3) cm: what the face does."""
    out = np.zeros((len(opened), 68, 3), np.float32)
    for k in (*range(55, 60), *range(65, 68), *range(6, 11)):
        out[:, k, 1] = DROP * opened
    out[:, list(GROUPS["brows"]), 1] = -LIFT * lifted[:, None]
    return out


def one(who: int, j: int, T: int = 90) -> dict[str, np.ndarray]:
    """A take, as the arrays of a file."""
    rng = np.random.default_rng([7, who, j])
    level = np.abs(np.sin(np.arange(T) * rng.uniform(.2, .35) + rng.uniform(0, 6))).astype(np.float32)
    tone = np.repeat(level, SAMPLES_PER_FRAME) * np.sin(np.arange(T * SAMPLES_PER_FRAME) * .3)
    emotion = (who + j) % len(EMOTIONS)
    curve = np.full(T, 0.0 if EMOTIONS[emotion] == "NEU" else emotion / 5, np.float32)
    head = np.zeros((T, 6), np.float32)
    head[:, 1] = -NOD * level
    head[:, 0] = 4 * np.sin(np.arange(T) * .08 + rng.uniform(0, 6))                   # what no sound tells
    head += rng.normal(0, .01, head.shape)
    wide = np.array([1 + .05 * (who - 3), 1, 1], np.float32)
    return {"frames": np.array([T], np.int32), "wave": np.round(tone * speeches.FULL * .8).astype(np.int16),
            "pose": head.astype(np.float16), "offset": open_mouth(level, curve).astype(np.float16),
            "rest": (pose.template() * wide)[None].astype(np.float32), "curve": curve.astype(np.float16),
            "emotion": np.array([emotion], np.int16)}


def make(folder: Path, takes: int = 3, people=(("train", 5), ("val", 2), ("test", 1))) -> Path:
    """Write the folder."""
    members, folder = [], Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for split, many in people:
        for _ in range(many):
            who = len(members)
            members.append(Member(f"V{who + 1:03d}", "virtual", who, split))
            examples.save(folder, members[-1], [one(who, j) for j in range(takes)])
    about = {"speeches": speeches.KIND.version, "members": [{"name": m.name, "split": m.split} for m in members]}
    (folder / speeches.KIND.manifest).write_text(json.dumps(about), encoding="utf-8")
    return folder
