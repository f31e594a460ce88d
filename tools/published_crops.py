"""Choose the crops of the published emotion networks on photographs whose smiles are known, for docs/judges.md.

    python -m tools.published_crops --sfhq $TFG_SHARED/sfhq

For maintainers.  sfhq: folder with tiles.csv and images/ of SFHQ, whose faces nobody is scored on. A crop is good if
faces with a broad smile (MediaPipe's coefficient above .5) are called happy, and faces without one (below .05) neutral.
"""
from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
import torch

from tfg.experts.published import NETWORKS, load
from tfg.experts.published.crop import cut
from tfg.faces.landmarks import Landmarker
from tfg.vocabulary import EMOTIONS

SCALES, SHIFTS, WIDTH = (1.0, 1.15, 1.3, 1.5), (-.12, -.06, 0.0), 110
"""Side of the square and shift of its middle (below 0: up), in sides of the landmarks' box; a face's width in px."""


def faces(folder: Path, most_yaw: float = 25) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """Smile, picture (H, W, 3) uint8 and landmarks (478, 3) of each tile whose head is turned less than most_yaw."""
    out, sheets = [], {}
    with open(folder / "tiles.csv", newline="", encoding="utf-8") as file, Landmarker() as meter:
        for row in csv.DictReader(file):
            if abs(float(row["yaw_deg"])) >= most_yaw:
                continue
            if row["sheet"] not in sheets:
                sheets[row["sheet"]] = cv2.cvtColor(cv2.imread(str(folder / row["sheet"])), cv2.COLOR_BGR2RGB)
            x, y, w, h = (int(float(row[k])) for k in "xywh")
            picture = np.ascontiguousarray(sheets[row["sheet"]][y:y + h, x:x + w])
            if found := meter(picture):
                by = WIDTH / float(np.ptp(found[0].points[:, 0]))
                small = cv2.resize(picture, None, fx=by, fy=by, interpolation=cv2.INTER_AREA)
                out.append((float(row["smile"]), small, found[0].points * by))
    return out


@torch.inference_mode()
def shares(name: str, some: list, scale: float, shift: float) -> tuple[float, float]:
    """Share of smiling faces that a network calls happy, and of faces without a smile that it calls neutral."""
    judge, _ = load(name)
    named = []
    for _, picture, points in some:
        face = cut(picture[None], points[None], judge.network.config.size, scale, shift)
        x = torch.from_numpy(face.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        named.append(EMOTIONS[int(judge.network(x)[0, judge.order].argmax())])
    smile, names = np.array([s for s, _, _ in some]), np.array(named)
    return float((names[smile > .5] == "HAP").mean()), float((names[smile < .05] == "NEU").mean())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.published_crops", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sfhq", type=Path, required=True, metavar="DIR")
    some = faces(parser.parse_args().sfhq)
    smile = np.array([s for s, _, _ in some])
    print(f"{len(some)} faces, {(smile > .5).sum()} with a broad smile, {(smile < .05).sum()} without one\n")
    print("| network | scale | shift | smiles called happy | no smile called neutral |\n|---|---|---|---|---|")
    for name in NETWORKS:
        for scale in SCALES:
            for shift in SHIFTS:
                happy, neutral = shares(name, some, scale, shift)
                chosen = " (chosen)" if (scale, shift) == (NETWORKS[name].scale, NETWORKS[name].shift) else ""
                print(f"| {name}{chosen} | {scale:g} | {shift:g} | {happy:.2f} | {neutral:.2f} |", flush=True)


if __name__ == "__main__":
    main()
