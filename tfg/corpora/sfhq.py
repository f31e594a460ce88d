"""SFHQ: 355 photorealistic adult faces of people who do not exist, cut from the data set's contact sheets.

Source: https://github.com/SelfishGene/SFHQ-dataset (D. Beniaguev 2022, Synthetic Faces High Quality).  Licence: MIT
(data/sfhq/LICENSE).  `tfg corpora fetch sfhq` makes this layout:

    images/SFHQ_sample_1x2.jpg ...     the eleven official sheets
    tiles/P000.png ...                 one face each, cut by the table tiles.csv
"""
from __future__ import annotations

import csv
import functools
import os
from pathlib import Path
from typing import NamedTuple

from tfg import paths
from tfg.corpora import scan
from tfg.corpora.crema_d import Official
from tfg.corpora.names import Item, Reading
from tfg.errors import InputError

REVISION = "4c898bc7936c19c201a163c4d636943e80d7bc19"
ADDRESS = f"https://raw.githubusercontent.com/SelfishGene/SFHQ-dataset/{REVISION}/"
SUFFIXES = (".png", ".jpg")


class Tile(NamedTuple):
    """A face in a sheet. x, y, w, h: its box in pixels of the sheet, from the top left. face_px: width of the face.

    yaw_deg, pitch_deg, roll_deg: as in `tfg.vocabulary.POSE`; jaw_open, smile: in [0, 1], measured.
    """

    id: str
    sheet: str
    x: int
    y: int
    w: int
    h: int
    face_px: int
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    jaw_open: float
    smile: float


def sheets() -> tuple[Official, ...]:
    """Path, sha256 and size of the eleven official sheets."""
    return tuple(Official(r["path"], r["sha256"], int(r["bytes"])) for r in _rows("sheets.csv"))


@functools.lru_cache(maxsize=1)
def tiles() -> tuple[Tile, ...]:
    """The table of faces, in the order of their ids."""
    return tuple(Tile(r["id"], r["sheet"], *(int(r[k]) for k in ("x", "y", "w", "h", "face_px")),
                      *(float(r[k]) for k in ("yaw_deg", "pitch_deg", "roll_deg", "jaw_open", "smile")))
                 for r in _rows("tiles.csv"))


def read(root: str | os.PathLike) -> Reading:
    """List the tiles of a folder that `fetch.fetch_sfhq` filled.  actor: the tile's id, each a face of its own.

    Returns items (pictures) sorted by path, and what was left out: unknown names, empty files, second copies.
    Raises InputError if the folder is missing or holds no folder `tiles`.
    """
    root = scan.folder(root)
    if not (root / "tiles").is_dir():
        raise InputError(f"{root} holds no folder tiles; run tfg corpora fetch sfhq --out {root} first.")
    good, skipped = scan.walk(root / "tiles", SUFFIXES)
    known = {tile.id for tile in tiles()}

    def parse(path: Path) -> Item:
        if path.stem not in known:
            raise InputError("is not named like a tile of the table, as in P000")
        return Item(path, "sfhq", path.stem)

    return scan.reading(scan.unique(scan.parse_all(good, parse, skipped), skipped), skipped)


def _rows(name: str) -> list[dict]:
    with open(paths.data("sfhq", name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
