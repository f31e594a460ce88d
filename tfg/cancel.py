"""Long work that can be given up half way: its loops ask at each turn whether it is still wanted.

    with cancel.heard(look):            # look() raises whatever shall end the work
        animate(...)                    # whose loops call cancel.point()

Without such a block `point` does nothing. What `look` raises passes through the work, which cleans up as after any
error. The block holds for its own thread; work that is handed to other threads or processes is not asked there.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LOOK: ContextVar[Callable[[], None] | None] = ContextVar("look", default=None)


@contextmanager
def heard(look: Callable[[], None]) -> Iterator[None]:
    """While the block runs, each `point` of this thread calls `look`."""
    before = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(before)


def point() -> None:
    """A place at which long work can end: between two pictures, two rounds of a fit, two networks."""
    if (look := _LOOK.get()) is not None:
        look()
