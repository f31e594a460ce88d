"""What the name of a film says of its kind: .mp4, .webm, or a folder of pictures. Light."""
from __future__ import annotations

import os
import re
from pathlib import Path

MP4_SUFFIXES, WEBM_SUFFIX = (".mp4", ".m4v", ".mov"), ".webm"
PICTURES = "%05d.png"
"""Names of the pictures in a folder, numbered from 1."""
NUMBER = re.compile(r"%0?\d*d")


def is_sequence(out: str | os.PathLike) -> bool:
    """Whether a name stands for a folder of pictures: it has no ending, or is a pattern such as face_%04d.png."""
    path = Path(out)
    return not path.suffix or path.suffix.lower() == ".png" and len(NUMBER.findall(path.name)) == 1


def folder_and_name(out: str | os.PathLike) -> tuple[Path, str]:
    """The folder, and the pattern of its pictures' names, of a name for which `is_sequence` holds."""
    path = Path(out)
    return (path.parent, path.name) if path.suffix else (path, PICTURES)
