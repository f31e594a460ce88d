"""Paths of shipped data and of downloads."""
from __future__ import annotations

import os
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def data(*parts: str) -> Path:
    """Path of a file that ships with tfg: in the checkout's `data/` folder, or in its copy in the installed package.

    parts: names of folders and of the file below `data/`.
    """
    installed = _HERE / "_data"
    root = installed if installed.is_dir() else _HERE.parent / "data"
    return root.joinpath(*parts)


def cache(*parts: str) -> Path:
    """Path of a download in `$TFG_CACHE`, else `$XDG_CACHE_HOME/tfg`, else `~/.cache/tfg`. No folder is made.

    parts: names of folders and of the file below the cache.
    """
    root = os.environ.get("TFG_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfg"
    return Path(root).joinpath(*parts)
