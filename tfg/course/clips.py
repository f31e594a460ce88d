"""Clips for the chapters: a few actors, played and prepared as in chapter 06, once for all chapters that want them."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfg.faces.face_region import MARGIN

if TYPE_CHECKING:
    from tfg.corpora.store import Store

SIZE = 96
"""Side of the crops, px: that of the networks for dubbing."""
DONE = "done.txt"
"""File that says that the set and its store are whole."""


def store(people: int, clips: int, *, portraits: int = 0, only: Sequence[str] = (), workers: int | None = None,
          progress: bool = True) -> Store:
    """The store of a set of actors, cut as systems that dub cut them; made if it is not in the cache yet.

    people: size of the whole cast, portraits of them photographs; clips: of each.  only: splits that are played, none
    for all.  workers: processes; the same clips whatever their number. The set and its store are kept under
    `tfg.paths.cache("course")` ($TFG_CACHE); delete that folder to free the space. A chapter that asks while another
    one is making the same set waits for it; what was interrupted goes on.
    """
    from filelock import FileLock

    import tfg
    from tfg import paths
    from tfg.actors import make
    from tfg.corpora import prepare
    from tfg.corpora.store import Store
    from tfg.files import atomic, make_folder

    name = "_".join([f"{people}_people", f"{portraits}_portraits", f"{clips}_clips", *only])
    folder = make_folder(paths.cache("course", tfg.__version__, name))
    with FileLock(folder / ".lock"):
        if not (folder / DONE).is_file():
            make.make(folder / "set", profile="ci", actors=people, portraits=portraits, clips=clips, size=SIZE,
                      only=only, workers=workers, progress=progress)
            prepare.prepare(folder / "set", "actors", folder / "store", size=SIZE, margin=MARGIN, workers=workers,
                            report=False)
            with atomic(folder / DONE) as path:
                path.write_text("The set and its store are whole.\n", encoding="utf-8")
    return Store.open(folder / "store")


def film(store: Store, clip: str) -> Path:
    """The mp4 of a clip of such a store.  clip: its id, as in `store.clips`."""
    return Path(store.path).parent / "set" / f"{clip.split('/')[-1]}.mp4"
