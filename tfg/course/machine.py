"""What a chapter runs on: the first cells say what there is, choose the profile, and name the folder that outlives it.

    PROFILE = machine.preflight(PROFILE, WORK)              # prints four lines; "auto" becomes "cpu" or "gpu"
    folder = machine.folder(WORK, f"09_{PROFILE}")          # where a training of the package is kept
    kept = machine.Kept(WORK, "07_syncnet", network, ...)   # a training that the chapter writes out
    machine.offer_shipped()                                 # after a minute its bar says how to go on without it
"""
from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tfg.course.kept import Kept
from tfg.errors import InputError
from tfg.files import check_writable, make_folder
from tfg.training.offer import offer
from tfg.workers import cores

__all__ = ["Kept", "folder", "found_gpu", "in_colab", "memory_gb", "offer_shipped", "preflight", "session_h",
           "time_left"]

PROFILES = ("auto", "ci", "cpu", "gpu")
DRIVE = Path("/content/drive")
"""Where Colab shows a learner's Google Drive."""
SESSION_H = 12
"""Hours after which Colab ends a free session at the latest."""
AWAY_MIN = 90
"""Minutes without a visitor after which Colab may end a session; Google names no fixed number."""
GPU_GB = 6
"""Least memory of a GPU, GB, with which the profile gpu is chosen."""


def preflight(profile: str = "auto", work: str | os.PathLike = "", *, hours: bool = False) -> str:
    """Print what the machine has and how long it will be there. Returns the profile to use: "ci", "cpu" or "gpu".

    profile: a name is kept as it is; "auto" is "gpu" on a machine with a GPU, else "cpu".  work: folder that outlives
    the session, "" for none; it is made, and a Google Drive is connected first where the folder lies on one.
    hours: whether the chapter's profile gpu trains for hours: "auto" chooses it only where a work folder keeps the
    training.
    Raises InputError: no such profile; "gpu" without a GPU; a work folder that cannot be written to.
    """
    if profile not in PROFILES:
        raise InputError(f"the profile is {profile!r}, but it must be one of {', '.join(PROFILES)}.")
    gpu = found_gpu()
    if profile == "gpu" and gpu is None:
        raise InputError("the profile gpu needs a GPU, and PyTorch finds none; in Colab choose one in Runtime, Change "
                         'runtime type, or use PROFILE = "cpu".')
    if str(work):
        _connect(Path(work))
        check_writable(make_folder(work) / ".tfg")
    chosen, why = _choose(profile, gpu, bool(str(work)), hours)
    total, free = memory_gb()
    disk = shutil.disk_usage(str(work) or tempfile.gettempdir()).free / 1e9
    card = "none" if gpu is None else f"{gpu[0]}, {gpu[1]:.1f} GB"
    print(f"GPU: {card} · memory: {total:.1f} GB, {free:.1f} GB free · {cores()} cores · disk: {disk:.0f} GB free")
    print(f"time: {time_left()}")
    print(f"profile: {chosen} ({why})")
    print(f"trainings are kept in {work}, and go on there in another session" if str(work) else
          "trainings are gone when this session ends; name a folder in WORK to keep them"
          + (f", such as {DRIVE}/MyDrive/tfg" if in_colab() else ""))
    return chosen


def folder(work: str | os.PathLike, name: str) -> Path:
    """Folder for what a chapter trains.  work: folder that outlives the session; "" for a temporary one, which is
    cleared away when the notebook is closed.  name: of the folder in it.  Raises InputError if it cannot be made."""
    if str(work):
        return make_folder(Path(work) / name)
    made = tempfile.mkdtemp(prefix=f"tfg_{name}_")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def offer_shipped() -> None:
    """Let the bar of the cell's training say after a minute, if steps are left then, how to go on without it."""
    offer("Takes too long? Interrupt the kernel (the square), set TRAIN = False in this cell, and run on: the network "
          "that ships takes over.")


def found_gpu() -> tuple[str, float] | None:
    """Name and memory (GB) of the first GPU that PyTorch can use; None if there is none."""
    import torch

    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name(0), torch.cuda.get_device_properties(0).total_memory / 1e9


def memory_gb() -> tuple[float, float]:
    """The machine's memory and what of it is free, GB; NaN for what the system does not say."""
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
        total, free = (int(rows[name].split()[0]) * 1024 / 1e9 for name in ("MemTotal", "MemAvailable"))
        return total, free
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, float("nan")
    except (AttributeError, OSError, ValueError):
        return float("nan"), float("nan")


def in_colab() -> bool:
    """Whether this is a notebook in Colab."""
    return "google.colab" in sys.modules


def session_h() -> float | None:
    """Hours since this machine's first process began, which is the age of a hosted session; None if unknown."""
    try:
        began = int(Path("/proc/1/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
        return max(0.0, up - began / os.sysconf("SC_CLK_TCK")) / 3600
    except (OSError, IndexError, ValueError):
        return None


def time_left() -> str:
    """How long the session will be there, in words."""
    if not in_colab():
        return "no limit known; the title's table says what the chapter needs"
    age = session_h()
    limit = f"Colab ends a free session after {SESSION_H} h at the latest, and sooner if nobody is there for about " \
            f"{AWAY_MIN} min"
    if age is None:
        return limit
    left = max(0.0, SESSION_H - age)
    return f"{_clock(left)} left at the most ({limit}; this one began {_clock(age)} ago)"


def _clock(hours: float) -> str:
    minutes = round(hours * 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _choose(profile: str, gpu: tuple[str, float] | None, kept: bool, hours: bool) -> tuple[str, str]:
    """The profile for "auto", and why, in words."""
    if profile != "auto":
        return profile, "as asked for"
    if gpu is None:
        return "cpu", "there is no GPU"
    if gpu[1] < GPU_GB:
        return "cpu", f"the GPU has less than {GPU_GB} GB"
    if hours and not kept:
        return "cpu", 'with "gpu" this chapter trains for hours: name a folder in WORK first, and it is chosen'
    return "gpu", "there is a GPU"


def _connect(work: Path) -> None:
    """Connect Google Drive if the folder lies on it and it is not connected yet.  Raises InputError."""
    if not in_colab() or not work.is_relative_to(DRIVE) or os.path.ismount(DRIVE):
        return
    from google.colab import drive

    try:
        drive.mount(str(DRIVE))
    except Exception as error:                            # whatever Colab raises if the learner says no
        raise InputError(f"the folder {work} is on Google Drive, which could not be connected "
                         f"({type(error).__name__}); allow it, or leave WORK empty.") from error
