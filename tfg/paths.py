"""Where shipped data and downloaded models live."""
from __future__ import annotations

import os
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def data(*parts: str) -> Path:
    """A file that ships with tfg: the checkout's `data/` folder, or its copy inside the installed package."""
    installed = _HERE / "_data"
    root = installed if installed.is_dir() else _HERE.parent / "data"
    return root.joinpath(*parts)


def cache(*parts: str) -> Path:
    """A place for downloads: `$TFG_CACHE`, else `$XDG_CACHE_HOME/tfg`, else `~/.cache/tfg`. Not created here."""
    root = os.environ.get("TFG_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfg"
    return Path(root).joinpath(*parts)
