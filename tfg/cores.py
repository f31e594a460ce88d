"""How many processes to start."""
from __future__ import annotations

import os

from tfg.errors import InputError


def cores() -> int:
    """Cores that this process may use, which in a container may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(asked: int | None, jobs: int) -> int:
    """As many as asked for (None: one a core), and never more than there are jobs.  Raises InputError below 1."""
    asked = cores() if asked is None else int(asked)
    if asked < 1:
        raise InputError(f"{asked} workers cannot work; give 1 or more.")
    return max(1, min(asked, jobs))
