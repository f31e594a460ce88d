"""Ctrl-C during a training: finish the step, keep all that a resumed run needs, then stop."""
from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def asked_to_stop(*, heed: bool = True) -> Iterator[Callable[[], bool]]:
    """Within, the first SIGINT (Ctrl-C, a notebook's stop button) or SIGTERM (a cluster that wants its machine back)
    only makes the function that is given here return True; a second one interrupts at once, as it would have done.

    heed: False changes nothing; nor is anything changed outside the main thread, where Python takes no signals, nor for
    a signal that the program was started to ignore (`nohup`, a shell's background) or handles outside Python.
    """
    asked: list[int] = []
    if not heed or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number, frame):
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    try:
        for number in before:
            signal.signal(number, note)
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stopped(step: int, steps: int) -> KeyboardInterrupt:
    """What to raise once the state of that step is kept."""
    return KeyboardInterrupt(f"stopped after step {step} of {steps}; the same call goes on from there")
