"""Several photos of one person: the first speaks, the others are further shots of it.

Each of the others is brought to the place and size that the face has in the first, so that all of them are frames of
one picture.
"""
from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.faces import align
from tfg.faces.landmarks import detect
from tfg.media.image import read_image
from tfg.systems.rhythmic.options import MOST_SHOTS
from tfg.systems.rhythmic.person import Watch
from tfg.systems.rhythmic.pose import fit, of_478

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")


def read(folder, numbers: tuple[int, ...] = ()) -> list[np.ndarray]:
    """The pictures of a folder, (H, W, 3) uint8 each, by name; at most 32.

    numbers: which of them and in what order; () takes all.
    Raises InputError: no picture, no such number, a file that is no picture.
    """
    every = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    if not every:
        raise InputError(f"{folder} holds no picture ({', '.join(SUFFIXES[:4])}, ...); give a folder with photos of "
                         "one person, a photo or a film.")
    if numbers and max(numbers) >= len(every):
        raise InputError(f"ref_img_id names picture {max(numbers)}, but {folder} holds {len(every)}, numbered from 0.")
    chosen = [every[k] for k in numbers] if numbers else every[:MOST_SHOTS]
    if not numbers and len(every) > MOST_SHOTS:
        warnings.warn(f"{folder} holds {len(every)} pictures, of which the first {MOST_SHOTS} are looked at",
                      UserWarning, stacklevel=2)
    return [read_image(p) for p in chosen]


def watch(watched: Watch, others: list[np.ndarray], *, moved: bool = True) -> None:
    """Let `watched`, which has seen the picture that speaks, see further ones of the same person.

    others: (H, W, 3) uint8 each.  One without a face is left out with a note.  moved: bring the face to the place that
    it has in the first; not for pictures by one camera, whose background would be moved with it.
    """
    first = watched.best["front"]
    home = fit(of_478(first.points))
    for k, picture in enumerate(others):
        found = detect(picture)
        if not found:
            warnings.warn(f"picture {k + 2} shows no face and is left out", UserWarning, stacklevel=2)
            continue
        if not moved and picture.shape == first.frame.shape:
            watched.watch(picture, found[0])
            continue
        own = fit(of_478(found[0].points))
        factor = float(home.scale / own.scale)
        matrix = np.column_stack([factor * np.eye(2), home.shift[:2] - factor * own.shift[:2]])
        points = align.transform(found[0].points, matrix).astype(np.float32)
        watched.watch(align.warp(picture, matrix, first.frame.shape[:2]), replace(found[0], points=points))
