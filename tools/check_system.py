"""Print the size of the first installation, and in one sentence the libraries or room that this system lacks for it.

    python tools/check_system.py            prints the size; missing libraries or room give exit code 1
    python tools/check_system.py --pip      the options for pip: the index of PyTorch's CPU builds, where it is wanted

Shared libraries: desktops have them; bare Linux containers and servers may not. Room on the disk: pip fails only after
minutes of downloading. PyTorch's GPU libraries are most of the download, and of no use without an NVIDIA GPU: if there
is none and TFG_TORCH_INDEX names an index (or a folder) with PyTorch's CPU builds, pip is given it. Needs no package.
"""
from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

NEEDED = {"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2",     # MediaPipe, OpenCV
          "libgthread-2.0.so.0": "libglib2.0-0", "libxcb.so.1": "libxcb1"}
"""Shared library -> the Debian package that contains it."""

FETCHED_GB, INSTALLED_GB, UNPACKED_GB = 3.5, 7.0, 2.7
"""Sizes in GB, measured on Linux: pip's download, .venv, and pip's temporary folder during the installation."""

WITHOUT_GPU_FETCHED_GB, WITHOUT_GPU_GB, WITHOUT_GPU_UNPACKED_GB = 0.7, 3.0, 1.0
"""The same without PyTorch's GPU libraries (2.8 GB of the download, 4 GB of .venv): macOS, and PyTorch's CPU builds."""

CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of CPU builds, for messages; it is used only if the user sets it."""


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


def has_nvidia_gpu() -> bool:
    """Whether NVIDIA's driver is loaded, or its tool for WSL2 is there."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def pip_options(environment: Mapping[str, str], gpu: bool) -> list[str]:
    """Options for pip: --extra-index-url, or --find-links for a folder, with TFG_TORCH_INDEX where there is no GPU."""
    index = environment.get("TFG_TORCH_INDEX", "")
    if not index or gpu:
        return []
    return ["--find-links" if Path(index).is_dir() else "--extra-index-url", index]


def cpu_builds_set(environment: Mapping[str, str], gpu: bool) -> bool:
    """Whether pip will find PyTorch's CPU builds: by TFG_TORCH_INDEX, or by an index or folder of its own settings."""
    told = " ".join(environment.get(name, "") for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_FIND_LINKS"))
    return bool(pip_options(environment, gpu)) or "whl/cpu" in told


def announce(with_gpu_libraries: bool, gpu: bool) -> str:
    """The message on the size of the installation, in one or two sentences."""
    fetched, installed = ((FETCHED_GB, INSTALLED_GB) if with_gpu_libraries else
                          (WITHOUT_GPU_FETCHED_GB, WITHOUT_GPU_GB))
    first = (f"About {fetched:.1f} GB of packages will be fetched, once, and take {installed:.0f} GB in .venv; no "
             "model and no data are downloaded, they come with the repository.")
    if with_gpu_libraries and not gpu:
        return (f"{first} Most of it are PyTorch's GPU libraries, though no NVIDIA GPU was found: to do without, stop "
                f"and say where PyTorch's CPU builds are, as in: export TFG_TORCH_INDEX={CPU_BUILDS}")
    return first


def main(words: list[str]) -> int:
    gpu = has_nvidia_gpu()
    if words == ["--pip"]:
        print(" ".join(pip_options(os.environ, gpu)))
        return 0
    linux = sys.platform.startswith("linux")
    with_gpu_libraries = linux and not cpu_builds_set(os.environ, gpu)
    lacking = missing() if linux else []
    if lacking:
        print(f"This system lacks {', '.join(lacking)}, which MediaPipe or OpenCV load; on Debian and Ubuntu: "
              f"apt-get install {' '.join(NEEDED[name] for name in lacking)}", file=sys.stderr)
    full = too_full(Path.cwd(), Path(tempfile.gettempdir()), with_gpu_libraries)
    if full:
        smaller = (f", or, without an NVIDIA GPU, first: export TFG_TORCH_INDEX={CPU_BUILDS}"
                   if with_gpu_libraries else "")
        print(full + smaller, file=sys.stderr)
    if lacking or full:
        return 1
    print(announce(with_gpu_libraries, gpu))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
