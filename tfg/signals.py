"""Handling of SIGTERM and SIGHUP: they end a program as Ctrl-C does, with its temporary files, locks and workers.

Without a handler, SIGTERM (`kill`, a container that is stopped, a cluster's queue) and SIGHUP (a terminal that is
closed) end a Python process at once, and no `finally` runs. `heeded` is for whole programs such as `tfg.cli.main`;
within it, trainings use `tfg.training.interrupt`, which lets them finish their step first.
"""
from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
SAME_S = 10.0
"""Seconds within which a second signal is ignored, for a closing terminal sends SIGHUP twice, which must not interrupt
the clean-up. Ctrl-C always interrupts."""


class Ended(KeyboardInterrupt):
    """The program received SIGTERM or SIGHUP.  number: the signal's number."""

    def __init__(self, number: int, message: str = ""):
        super().__init__(message or f"by {signal.Signals(number).name}")
        self.number = int(number)


def exit_code(stopped: KeyboardInterrupt) -> int:
    """Exit code after an interrupt, 128 + the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
    return 128 + getattr(stopped, "number", int(signal.SIGINT))


@contextmanager
def heeded() -> Iterator[None]:
    """Context in which SIGTERM and SIGHUP raise `Ended`, a KeyboardInterrupt.

    Nothing changes outside the main thread, which alone receives signals in Python, and for a signal that the program
    was started to ignore (`nohup`) or that has a handler already.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raised = float("-inf")

    def end(number, frame):
        nonlocal raised
        if time.monotonic() - raised > SAME_S:
            raised = time.monotonic()
            raise Ended(number)

    mine = [number for number in ENDING if signal.getsignal(number) == signal.SIG_DFL]
    try:
        for number in mine:
            signal.signal(number, end)
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)
