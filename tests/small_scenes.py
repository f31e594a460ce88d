"""A folder of scenes without actors, for tests: a face of blobs whose jaw drops and whose flow is known exactly.

The sound is a tone that is as loud as the mouth is open, so that what the lips do can be heard; the emotion lifts the
brows. It takes milliseconds where actors take minutes; that real actors' scenes have the same arrays is tested beside.
"""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from tfg.actors import examples
from tfg.actors.actor import landmarks68
from tfg.actors.cast import Member
from tfg.head.model import Head
from tfg.systems.deformable import scenes, sound
from tfg.vocabulary import EMOTIONS

N, DROP, LIFT = 8, .10, .05


def face(size: int, who: int) -> np.ndarray:
    """(size, size, 3) uint8: a person's photo."""
    rng = np.random.default_rng([5, who])
    out = np.full((size, size, 3), rng.integers(60, 200, 3), np.uint8)
    skin = tuple(int(v) for v in rng.integers(120, 230, 3))
    s = size / 64
    cv2.ellipse(out, (size // 2, int(36 * s)), (int(20 * s), int(25 * s)), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for x in (22, 42):
        left, right = (int((x - 5) * s), int(22 * s)), (int((x + 5) * s), int(22 * s))
        cv2.line(out, left, right, (40, 20, 10), max(1, int(2 * s)))
        cv2.circle(out, (int(x * s), int(28 * s)), int(2 * s), (30, 30, 30), -1, cv2.LINE_AA)
    cv2.ellipse(out, (size // 2, int(50 * s)), (int(8 * s), int(2 * s)), 0, 0, 360, (170, 60, 60), -1, cv2.LINE_AA)
    return out


def points(size: int) -> np.ndarray:
    """(68, 2) float32 px: landmarks of all of them, whose faces lie alike."""
    at = landmarks68(Head.load().landmark_points())[:, :2] * [1, -1]
    low, high = at.min(0), at.max(0)
    return (size * (.15 + .7 * (at - low) / (high - low))).astype(np.float32)


def flow_of(size: int, opened: float, lifted: float) -> np.ndarray:
    """(size, size, 2) half sides: where in the photo each place of the frame lies."""
    at = (np.arange(size) + .5) / size
    x, y = np.meshgrid(at, at)
    jaw = np.exp(-((x - .5) / .25) ** 2 - ((y - .82) / .12) ** 2)
    brow = np.exp(-((x - .5) / .3) ** 2 - ((y - .34) / .08) ** 2)
    return np.stack([np.zeros_like(x), 2 * (LIFT * lifted * brow - DROP * opened * jaw)], -1).astype(np.float32)


def moved(photo: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The photo copied along a flow of its own size."""
    size = len(photo)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    return cv2.remap(photo, x + flow[..., 0] * (size / 2), y + flow[..., 1] * (size / 2), cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_REPLICATE)


def one(size: int, who: int, k: int, runs: int) -> dict[str, np.ndarray]:
    """`runs` scenes of a person, with three pieces of speech."""
    rng = np.random.default_rng([6, who, k])
    photo, out = face(size, who), []
    for r in range(runs):
        emotion = (who + r) % len(EMOTIONS)
        level = np.abs(np.sin(np.arange(sound.LEAD + N) * rng.uniform(.4, .9) + rng.uniform(0, 6))).astype(np.float32)
        lifted = 0.0 if EMOTIONS[emotion] == "NEU" else emotion / 5
        flows = [flow_of(size, level[sound.LEAD + t], lifted) for t in range(N)]
        small = [cv2.resize(f, (size // 2, size // 2), interpolation=cv2.INTER_AREA) for f in flows]
        for f, opened in zip(small, level[sound.LEAD:]):                  # an open mouth shows what no photo does
            f[int(.78 * size / 2):int((.78 + .06 * opened) * size / 2), size // 4 - 2:size // 4 + 2] = np.nan
        out.append({"photo": photo, "points": points(size), "frames": np.stack([moved(photo, f) for f in flows]),
                    "flow": np.stack(small).astype(np.float16), "wave": wave(level, 0),
                    "moves": rng.normal(size=(sound.LEAD + N, 6)).astype(np.float16), "emotion": np.int16(emotion),
                    "voice": np.int16(emotion), "strength": np.float32(lifted)})
    level = np.abs(np.sin(np.arange(12) * .7 + np.arange(3)[:, None])).astype(np.float32)
    said = {"said_wave": np.stack([wave(row, 0) for row in level]),
            "said": np.repeat(level[..., None], len(scenes.LIPS), 2).astype(np.float16),
            "said_voice": np.arange(3, dtype=np.int16)}
    return {name: np.stack([o[name] for o in out]) for name in out[0]} | said


def wave(level: np.ndarray, first: int) -> np.ndarray:
    """Sound of frames as loud as `level`, with what surrounds them: int16."""
    tone = np.repeat(level, sound.PER_FRAME) * np.sin(np.arange(len(level) * sound.PER_FRAME) * .4)
    return scenes.whole(sound.part(tone.astype(np.float32), first, len(level)))


def make(folder: Path, size: int = 64, runs: int = 3, people=(("train", 5), ("val", 2), ("test", 1))) -> Path:
    """Write the folder."""
    members, folder = [], Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for split, many in people:
        for _ in range(many):
            who = len(members)
            member = Member(f"V{who + 1:03d}", "virtual", who, split)
            members.append(member)
            examples.save(folder, member, [one(size, who, 0, runs)])
    about = {"scenes": scenes.KIND.version, "size": size, "members": [{"name": m.name, "split": m.split}
                                                                      for m in members]}
    (folder / scenes.KIND.manifest).write_text(json.dumps(about), encoding="utf-8")
    return folder
