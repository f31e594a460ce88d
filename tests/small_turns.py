"""A folder of scenes without actors, for tests of `rhythmic`: painted faces that turn, their landmarks, and a flow.

It takes milliseconds where actors take minutes; that a real actor's file has the same arrays is tested beside.
"""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch

from small_speeches import open_mouth
from tfg.actors import examples
from tfg.actors.cast import Member
from tfg.faces.points68 import half_sides
from tfg.networks.anchored import flow_by_landmarks
from tfg.systems.rhythmic import pose, scenes

BEYOND = .06
"""Half sides by which the true flow differs from the one that landmarks tell, so that there is something to learn."""


def rest(size: int) -> pose.Rigid:
    """A head that looks ahead, in a picture of this size."""
    return pose.Rigid(np.eye(3), np.array(.033 * size), np.array([.5 * size, .42 * size, 0]))


def face(who: int) -> np.ndarray:
    """(68, 3) cm: a person's canonical points."""
    return pose.template() * np.array([1 + .04 * (who % 3 - 1), 1, 1], np.float32)


def paint(points: np.ndarray, size: int, who: int) -> tuple[np.ndarray, np.ndarray]:
    """(size, size, 3) uint8, and where the face is, (size, size) uint8."""
    rng = np.random.default_rng([8, who])
    out = np.full((size, size, 3), rng.integers(40, 120, 3), np.uint8)
    at = np.round(points[:, :2] * 16).astype(np.int32)
    skin = cv2.convexHull(np.concatenate([at[:27], [at[27] - [0, 9 * size]]]).astype(np.int32))
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [skin], 255, cv2.LINE_AA, 4)
    cv2.fillPoly(out, [skin], [int(v) for v in rng.integers(140, 230, 3)], cv2.LINE_AA, 4)
    for part, colour in ((at[48:60], (190, 70, 70)), (at[60:68], (40, 10, 10)), (at[36:42], (250, 250, 250)),
                         (at[42:48], (250, 250, 250)), (at[31:36], (150, 90, 70))):
        cv2.fillPoly(out, [part], colour, cv2.LINE_AA, 4)
    for a, b in ((17, 22), (22, 27)):
        cv2.polylines(out, [at[a:b]], False, (40, 25, 15), max(1, size // 48), cv2.LINE_AA, 4)
    return out, mask


def one(size: int, who: int, j: int, shots: int, frames: int) -> dict[str, np.ndarray]:
    """A scene."""
    rng, still = np.random.default_rng([9, who, j]), rest(size)
    turns = (rng.uniform(-1, 1, (shots, 6)) * [20, 10, 5, .02, .02, 0]).astype(np.float32)
    turns[0] *= .1
    moves = (rng.uniform(-1, 1, 6) * [20, 10, 5, .02, .02, 0] + rng.normal(0, .5, (frames, 6)) *
             [1, 1, 1, 0, 0, 0]).astype(np.float32)

    def points(poses: np.ndarray, opened: np.ndarray) -> np.ndarray:
        said = open_mouth(opened, np.zeros(len(opened), np.float32))
        return pose.recompose(face(who) + said, pose.turned(still, poses))

    shot_points, frame_points = (points(p, rng.uniform(0, 1, len(p)).astype(np.float32)) for p in (turns, moves))
    render_points = points(moves, np.zeros(frames, np.float32))
    flow = np.empty((frames, shots, size // 2, size // 2, 2), np.float16)
    for t in range(frames):
        for k in range(shots):
            here, there = (torch.from_numpy(half_sides(pose.with_skull(p, pose.fit(p)), size))[None]
                           for p in (frame_points[t], shot_points[k]))
            flow[t, k] = flow_by_landmarks(here, there, size // 2)[0].permute(1, 2, 0).numpy() + [BEYOND, 0]
    flow[:, :, :4] = np.nan
    painted = [np.dstack(paint(p, size, who)) for p in render_points]
    return {"shots": np.stack([paint(p, size, who)[0] for p in shot_points])[None], "shot_points": shot_points[None],
            "frames": np.stack([paint(p, size, who)[0] for p in frame_points])[None], "points": frame_points[None],
            "flow": flow[None], "render": np.stack(painted)[None], "render_points": render_points[None]}


def make(folder: Path, size: int = 64, takes: int = 2, shots: int = 4, frames: int = 3,
         people=(("train", 4), ("val", 2), ("test", 1))) -> Path:
    """Write the folder."""
    members, folder = [], Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for split, many in people:
        for _ in range(many):
            who = len(members)
            members.append(Member(f"V{who + 1:03d}", "virtual", who, split))
            examples.save(folder, members[-1], [one(size, who, j, shots, frames) for j in range(takes)])
    about = {"turns": scenes.KIND.version, "size": size, "members": [{"name": m.name, "split": m.split}
                                                                    for m in members]}
    (folder / scenes.KIND.manifest).write_text(json.dumps(about), encoding="utf-8")
    return folder
