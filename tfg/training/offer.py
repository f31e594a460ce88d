"""What a progress bar offers to somebody who waits: one line below it, once, after a minute."""
from __future__ import annotations

import time
from typing import Any

AFTER_S = 60.0
"""Seconds from the offer until it is shown."""
_open: list[tuple[str, float]] = []
"""The offer that was not shown yet: its text, and when it is to be shown, in seconds of time.monotonic."""


def offer(text: str, after_s: float = AFTER_S) -> None:
    """Let the bar of the training that runs `after_s` from now show the text. It takes the place of an older offer;
    "" takes that back."""
    _open[:] = [(text, time.monotonic() + after_s)] if text else []


def remind(bar: Any, left: bool) -> None:
    """Show the offer below a tqdm bar, if one is due.  left: whether steps are still to do; otherwise nothing is shown.
    """
    if _open and left and not bar.disable and time.monotonic() >= _open[0][1]:
        bar.write(_open.pop()[0])
