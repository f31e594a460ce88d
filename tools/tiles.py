"""Write data/sfhq/tiles: the portraits of the course's set of actors, so that making it needs no download.

    python -m tools.tiles --mirror DIR      DIR holds sfhq/ with the official sheets; without it they are downloaded

The tiles are those of `tfg.actors.cast.members("cpu")`, whose first ones chapter 09 needs too, cut from the official
sheets as `tfg corpora fetch sfhq` does, and written as lossless WebP: the same pixels in a third less room than PNG.
shipped.csv lists id, sha256 and size of each file. A second run writes the same bytes.
"""
from __future__ import annotations

import argparse
import csv
import hashlib
import tempfile
from pathlib import Path

from PIL import Image

from tfg import paths
from tfg.actors import photos
from tfg.actors.cast import members
from tfg.corpora.fetch import fetch_sfhq


def wanted() -> list[str]:
    """Ids of the tiles whose portraits act in the set of the profile `cpu`, sorted."""
    return sorted(m.photo.removeprefix(photos.SFHQ) for m in members("cpu") if m.photo)


def write(folder: Path, mirror: str | None = None) -> list[dict]:
    """Cut the tiles into folder/tiles and list them in folder/shipped.csv. Returns the rows of the list."""
    rows = []
    (folder / "tiles").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tfg_tiles_") as temporary:
        report = fetch_sfhq(temporary, ids=wanted(), mirror=mirror)
        if report.failed:
            raise SystemExit(f"{len(report.failed)} sheets cannot be had: {report.failed[0].path} "
                             f"{report.failed[0].reason}")
        for name in wanted():
            path = folder / "tiles" / f"{name}.webp"
            with Image.open(Path(temporary, "tiles", f"{name}.png")) as picture:
                picture.save(path, lossless=True, quality=100, method=6)
            rows.append({"id": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                         "bytes": path.stat().st_size})
    with open(folder / "shipped.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mirror", metavar="DIR", help="holds sfhq/ (default: $TFG_MIRROR, else the web)")
    rows = write(paths.data("sfhq"), parser.parse_args().mirror)
    print(f"{len(rows)} tiles, {sum(r['bytes'] for r in rows) / 1e6:.1f} MB in {paths.data('sfhq', 'tiles')}")


if __name__ == "__main__":
    main()
