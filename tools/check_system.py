"""Say in one sentence what this system lacks, before gigabytes are installed that cannot be loaded or do not fit.

Shared libraries: desktops have them; bare Linux containers and servers may not. Room on the disk: pip tells only after
minutes of downloading. Needs no package.
"""
from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from pathlib import Path

NEEDED = {"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2",     # MediaPipe, OpenCV
          "libgthread-2.0.so.0": "libglib2.0-0", "libxcb.so.1": "libxcb1"}
"""Library -> the Debian package that brings it."""

INSTALLED_GB, UNPACKED_GB = 7.0, 2.7
"""Measured on Linux: what .venv holds, and what pip keeps in its temporary folder while it installs."""

WITHOUT_GPU_GB, WITHOUT_GPU_UNPACKED_GB = 3.0, 1.0
"""The same without PyTorch's GPU libraries (4 GB of .venv): macOS, and PyTorch's CPU builds."""

CPU_BUILDS = "https://download.pytorch.org/whl/cpu"


def missing() -> list[str]:
    """Names of the libraries that cannot be loaded."""
    out = []
    for name in NEEDED:
        try:
            ctypes.CDLL(name)
        except OSError:
            out.append(name)
    return out


def too_full(folder: Path, temporary: Path, gpu: bool) -> str:
    """One sentence on the disk that has too little room for .venv in `folder` and pip's files in `temporary`, or ""."""
    installed, unpacked = (INSTALLED_GB, UNPACKED_GB) if gpu else (WITHOUT_GPU_GB, WITHOUT_GPU_UNPACKED_GB)
    if folder.stat().st_dev == temporary.stat().st_dev:
        wanted = {folder: installed + unpacked}
    else:
        wanted = {folder: installed, temporary: unpacked}
    for where, need in wanted.items():
        free = shutil.disk_usage(where).free / 1e9
        if free < need:
            return f"The packages need {need:.1f} GB on the disk of {where}, where {free:.1f} GB are free: make room"
    return ""


def main() -> int:
    lacking = missing() if sys.platform.startswith("linux") else []
    if lacking:
        print(f"This system lacks {', '.join(lacking)}, which MediaPipe or OpenCV load; on Debian and Ubuntu: "
              f"apt-get install {' '.join(NEEDED[name] for name in lacking)}", file=sys.stderr)
    gpu = sys.platform.startswith("linux") and CPU_BUILDS not in os.environ.get("PIP_EXTRA_INDEX_URL", "")
    full = too_full(Path.cwd(), Path(tempfile.gettempdir()), gpu)
    if full:
        smaller = f", or, without an NVIDIA GPU, first: export PIP_EXTRA_INDEX_URL={CPU_BUILDS}" if gpu else ""
        print(full + smaller, file=sys.stderr)
    return 1 if lacking or full else 0


if __name__ == "__main__":
    sys.exit(main())
