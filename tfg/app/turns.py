"""One at a time over all processes of this machine, in the order in which they came; those who wait know their place.

Each one that wants its turn has a ticket, a locked file whose name sorts by the time at which it was drawn. The system
frees the lock of a process that ends in any way, so tickets of the dead hold nobody up.
"""
from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tfg.files import private_folder

LOOK_S = .2
"""Seconds between two looks at the queue."""


@contextmanager
def turn(waiting: Callable[[int], None] | None = None, *, folder: Path | None = None) -> Iterator[None]:
    """Wait for one's turn; it lasts while the block runs.

    waiting: called at each look with the number of those before; what it raises gives the ticket back.  folder: of the
    queue; None: that of this user on this machine.
    """
    from filelock import FileLock

    folder = folder or private_folder("tfg-app-turns") or Path(tempfile.mkdtemp(prefix="tfg-app-turns-"))
    desk = FileLock(folder / "desk", thread_local=False)
    with desk:                                              # between drawing a ticket and locking it nobody looks
        ticket = folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}.ticket"
        mine = FileLock(ticket, thread_local=False)
        mine.acquire()
    try:
        while before := _before(ticket, desk):
            if waiting is not None:
                waiting(before)
            time.sleep(LOOK_S)
        yield
    finally:
        mine.release()
        ticket.unlink(missing_ok=True)


def _before(ticket: Path, desk) -> int:
    """Number of living tickets before this one; dead ones are removed."""
    from filelock import FileLock, Timeout

    living = 0
    with desk:
        for other in sorted(ticket.parent.glob("*.ticket")):
            if other.name >= ticket.name:
                break
            lock = FileLock(other, thread_local=False)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                living += 1
                continue
            except OSError:
                continue
            with contextlib.suppress(OSError):
                other.unlink()
            lock.release()
    return living
