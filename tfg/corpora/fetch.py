"""Downloads of CREMA-D's official files, and of SFHQ's sheets with the faces cut out of them.

Both check every file's sha256, keep files already there, and accept a local mirror: a folder with `crema_d/` and
`sfhq/` in their official layouts, given as `mirror` or in $TFG_MIRROR.
"""
from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from tfg import paths
from tfg.corpora import crema_d, librispeech, scan, sfhq, transfer
from tfg.corpora.names import parse_crema_d
from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.vocabulary import EMOTIONS, LEVELS, SENTENCES


def fetch_crema_d(out: str | os.PathLike, *, actors: Iterable[str | int] | None = None,
                  emotions: Iterable[str] | None = None, sentences: Iterable[str] | None = None,
                  levels: Iterable[str] | None = None, kind: str = "video", mirror: str | os.PathLike | None = None,
                  workers: int = 4, progress: transfer.Progress | None = None) -> transfer.FetchReport:
    """Fetch official CREMA-D files into `out`, in the layout that `crema_d.read` reads, with the licence beside them.

    actors ("1001" or 1001), emotions, sentences, levels: None is all; all videos are 2.4 GB.  kind: "video", "audio"
    (the wavs), "both".  mirror: a folder with crema_d/ in it, or CREMA-D's own folder; $TFG_MIRROR if None.
    progress(done, total) counts files, called from this thread.
    Files that are there with the right checksum are kept; one that cannot be had is in `FetchReport.failed` and the
    rest goes on.  Raises InputError: nothing matches, an unknown actor or word, no such mirror, no room on the disk.
    """
    chosen = choose(actors=actors, emotions=emotions, sentences=sentences, levels=levels, kind=kind)
    wanted = [transfer.Wanted(o.path, crema_d.ADDRESS + o.path, o.sha256, o.size) for o in chosen]
    report = transfer.fetch(out, wanted, mirror=transfer.mirror_folder(mirror, "crema_d"), workers=workers,
                            progress=progress)
    _copy_beside(report.out, paths.data("crema_d", "LICENSE.txt"))
    return report


def choose(*, actors=None, emotions=None, sentences=None, levels=None, kind: str = "video") -> list[crema_d.Official]:
    """Rows of CREMA-D's manifest that `fetch_crema_d` would fetch. Raises InputError as it does."""
    known = {"actor": {p for p in crema_d.demographics()}, "emotion": set(EMOTIONS), "sentence": set(SENTENCES),
             "level": set(LEVELS)}
    given = {"actor": actors, "emotion": emotions, "sentence": sentences, "level": levels}
    asked = {what: {str(v) for v in values} for what, values in given.items() if values is not None}
    for what, values in asked.items():
        unknown = sorted(values - known[what])
        if unknown:
            names = "1001 to 1091" if what == "actor" else ", ".join(sorted(known[what]))
            raise InputError(f"CREMA-D has no {what} {unknown[0]!r}; it has {names}.")
    folders = {"video": (crema_d.VIDEO_FOLDER,), "audio": ("AudioWAV",), "both": (crema_d.VIDEO_FOLDER, "AudioWAV")}

    def fits(official: crema_d.Official) -> bool:
        item = parse_crema_d(official.path)
        return all(getattr(item, what) in values for what, values in asked.items())

    folder = folders[scan.check_kind(kind)]
    chosen = [o for o in crema_d.manifest() if o.path.split("/")[0] in folder and fits(o)]
    if not chosen:
        raise InputError("no clip of CREMA-D has all the labels asked for; levels LO, MD, HI exist for sentence IEO "
                         "only, NEU only as XX.")
    return chosen


# ---- SFHQ -----------------------------------------------------------------------------------------------------
def fetch_sfhq(out: str | os.PathLike, *, ids: Iterable[str] | None = None, suffix: str = ".png",
               mirror: str | os.PathLike | None = None, workers: int = 4,
               progress: transfer.Progress | None = None) -> transfer.FetchReport:
    """Fetch SFHQ's official sheets into out/images, and write the faces cut from them into out/tiles, for `sfhq.read`.

    ids: tiles ("P000"), None is all 355 from 11 sheets (21 MB).  suffix: ".png" (no loss, 54 MB) or ".jpg" (quality
    95, 15 MB).  mirror: a folder with sfhq/ in it, or that folder; $TFG_MIRROR if None.  progress(done, total) counts
    sheets and tiles.  Tiles that are there in the right size are kept.
    Raises InputError: an unknown id or suffix, no such mirror, no room on the disk.
    """
    started = time.perf_counter()
    if suffix not in sfhq.SUFFIXES:
        raise InputError(f"tiles cannot be written as {suffix!r}; choose one of {', '.join(sfhq.SUFFIXES)}.")
    asked = None if ids is None else set(ids)
    tiles = [t for t in sfhq.tiles() if asked is None or t.id in asked]
    unknown = sorted((asked or set()) - {t.id for t in tiles})
    if unknown or not tiles:
        raise InputError(f"SFHQ's table has no tile {unknown[0] if unknown else 'at all in what was asked for'!r}; it "
                         f"has {sfhq.tiles()[0].id} to {sfhq.tiles()[-1].id}.")
    names = {t.sheet for t in tiles}
    wanted = [transfer.Wanted(o.path, sfhq.ADDRESS + o.path, o.sha256, o.size)
              for o in sfhq.sheets() if o.path in names]
    total = len(wanted) + len(tiles)
    report = transfer.fetch(out, wanted, mirror=transfer.mirror_folder(mirror, "sfhq"), workers=workers,
                            progress=progress and (lambda done, _: progress(done, total)))
    lost = {s.path for s in report.failed}
    done = len(wanted)
    for want in wanted:
        mine = [t for t in tiles if t.sheet == want.path]
        if report.out / want.path not in lost:
            _cut(report, want.path, mine, suffix)
        done += len(mine)
        if progress:
            progress(done, total)
    for name in ("LICENSE", "tiles.csv", "sheets.csv"):
        _copy_beside(report.out, paths.data("sfhq", name))
    report.seconds = time.perf_counter() - started
    return report


# ---- LibriSpeech ------------------------------------------------------------------------------------------------
def fetch_librispeech(out: str | os.PathLike, *, mirror: str | os.PathLike | None = None, workers: int = 4,
                      progress: transfer.Progress | None = None) -> transfer.FetchReport:
    """Fetch the sample of LibriSpeech (`tfg.corpora.librispeech`): 351 recordings, 68 MB.

    mirror: a folder with librispeech/ in it, or that folder; $TFG_MIRROR if None.  progress(done, total) counts files.
    Raises InputError: no such mirror, no room on the disk.
    """
    started = time.perf_counter()
    wanted = [transfer.Wanted(r.path, r.address, r.sha256, r.size) for r in librispeech.recordings()]
    report = transfer.fetch(out, wanted, mirror=transfer.mirror_folder(mirror, "librispeech"), workers=workers,
                            progress=progress)
    for name in ("README.md", "recordings.csv"):
        _copy_beside(report.out, paths.data("librispeech", name))
    report.seconds = time.perf_counter() - started
    return report


def _cut(report: transfer.FetchReport, sheet: str, tiles: list[sfhq.Tile], suffix: str) -> None:
    """Cut the tiles of one sheet, whose checksum is right, into report.out/tiles."""
    from PIL import Image

    folder = make_folder(report.out / "tiles")
    missing = [t for t in tiles if not _is_tile(folder / f"{t.id}{suffix}", t)]
    if not missing:
        return
    how = {"quality": 95, "subsampling": 0} if suffix == ".jpg" else {"compress_level": 3}
    with Image.open(report.out / sheet) as image:
        picture = image.convert("RGB")
    for tile in missing:
        path = folder / f"{tile.id}{suffix}"
        with atomic(path) as part:
            picture.crop((tile.x, tile.y, tile.x + tile.w, tile.y + tile.h)).save(part, None, **how)
        report.made.append(path)


def _is_tile(path: Path, tile: sfhq.Tile) -> bool:
    """Whether the file is a whole picture of the tile's size."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            right = image.size == (tile.w, tile.h)
            image.load()
        return right
    except (OSError, SyntaxError, ValueError):
        return False


def _copy_beside(out: Path, source: Path) -> None:
    target = out / source.name
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        with atomic(target) as part:
            shutil.copyfile(source, part)
