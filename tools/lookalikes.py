"""Group those of SFHQ's 355 tiles that show the same face, and write data/sfhq/splits.csv: id, split, person.

    python -m tools.lookalikes DIR/tiles [OUT.csv]     DIR: folder of `tfg corpora fetch sfhq --out DIR`

The generator behind the sheets drew some people several times (another hair colour, an older version, another
expression). They must not be in two splits, so tiles are joined, directly or through others, if they are

    nearly the same picture          correlation of the middle, 32 x 32 grey px, above 0.9
    nearly the same face             distance of dlib's 128 numbers below 0.3
    alike in both                    correlation above 0.8 and distance below 0.6, or above 0.5 and below 0.35

The thresholds were set by looking at all pairs near them; doubtful pairs are joined, as a pair too many does no harm.
Needs the extra `judges` (dlib-bin, face-recognition-models).  Then `tfg.corpora.splits_deal.tiles` deals people to
splits.
"""
from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tfg import paths
from tfg.corpora import sfhq, splits_deal
from tfg.corpora.splits import SHIPPED
from tfg.files import atomic


def joined(correlation: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Pairs of tiles that count as one face, (N, N) bool."""
    return ((correlation > 0.9) | (distance < 0.3) | (correlation > 0.8) & (distance < 0.6)
            | (correlation > 0.5) & (distance < 0.35))


def groups(pairs: np.ndarray) -> list[int]:
    """Number of the first tile of each tile's group, N ints.  pairs: (N, N) bool."""
    from scipy.sparse.csgraph import connected_components

    labels = connected_components(pairs, directed=False)[1]
    first = {}
    return [first.setdefault(int(label), k) for k, label in enumerate(labels)]


def middle(image: Image.Image) -> np.ndarray:
    """The inner 70 % of a picture as 32 x 32 grey values, (1024,), mean 0, norm 1."""
    w, h = image.size
    inner = image.convert("L").crop((w * .15, h * .15, w * .85, h * .85))
    x = np.asarray(inner.resize((32, 32), Image.BOX), float).ravel()
    x -= x.mean()
    return x / np.linalg.norm(x)


def describer():
    """Load dlib's network.  Returns a function image -> (128,) descriptor of its largest face."""
    import dlib

    models = Path(importlib.util.find_spec("face_recognition_models").origin).parent / "models"
    shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))
    detector = dlib.get_frontal_face_detector()

    def describe(image: Image.Image) -> np.ndarray:
        small = np.array(image.resize((256, 256), Image.LANCZOS))
        found = detector(small, 1) or [dlib.rectangle(50, 60, 206, 216)]
        box = max(found, key=lambda b: b.area())
        return np.array(network.compute_face_descriptor(small, shape(small, box), 1))

    return describe


def main(folder: str, out: str | None = None) -> int:
    """Compare all tiles of the folder, print the groups, write the table."""
    ids, describe = [tile.id for tile in sfhq.tiles()], describer()
    images = [Image.open(Path(folder) / f"{id}.png").convert("RGB") for id in ids]
    pictures, faces = np.array([middle(i) for i in images]), np.array([describe(i) for i in images])
    distance = np.linalg.norm(faces[:, None] - faces[None], axis=-1)
    person = {ids[k]: ids[first] for k, first in enumerate(groups(joined(pictures @ pictures.T, distance)))}
    for one in sorted(set(person.values())):
        alike = [id for id in ids if person[id] == one]
        if len(alike) > 1:
            print(*alike)
    split = splits_deal.tiles(person, SHIPPED.values())
    rows = [("id", "split", "person"), *((id, split[id], person[id]) for id in ids)]
    with atomic(out or paths.data("sfhq", "splits.csv")) as part, open(part, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{len(ids)} tiles, {len(set(person.values()))} people;",
          ", ".join(f"{s} {list(split.values()).count(s)}" for s in ("train", "val", "test", "judge")))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
