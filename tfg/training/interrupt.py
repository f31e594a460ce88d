"""Ctrl-C during a training: the step is finished, the state for a resumed run is written, then the training stops."""
from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tfg.signals import ENDING, Ended


@contextmanager
def asked_to_stop(*, heed: bool = True) -> Iterator[Callable[[], int]]:
    """Context in which the first SIGINT (Ctrl-C, a notebook's stop button), SIGTERM (a cluster that takes its machine
    back) or SIGHUP (a terminal that closes) is only noted: the yielded function returns its number, and 0 before.  A
    second signal interrupts at once, as usual. A closing terminal may send SIGHUP twice: that counts once.

    heed: False handles no signal; nor are signals handled outside the main thread, where Python receives none, nor one
    that the program was started to ignore (`nohup`, a shell's background) or handles outside Python.
    """
    asked: list[int] = []
    if not heed or threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return

    def note(number, frame):
        if asked and not asked[0] == number == getattr(signal, "SIGHUP", None):
            raise KeyboardInterrupt if number == signal.SIGINT else Ended(number)
        asked.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    try:
        for number in before:
            signal.signal(number, note)
        yield lambda: asked[0] if asked else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stopped(step: int, steps: int, number: int = signal.SIGINT) -> KeyboardInterrupt:
    """The exception to raise once the state of that step is written.  number: number of the signal."""
    return Ended(number, f"stopped after step {step} of {steps}; the same call goes on from there")
