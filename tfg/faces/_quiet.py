"""A filter that keeps MediaPipe's start-up notes off the terminal and lets all other lines through."""
from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading

_CHATTER = re.compile(r"^([IW]\d{4} |INFO: Created TensorFlow|WARNING: All log messages before absl)")
_LOCK = threading.Lock()


@contextlib.contextmanager
def quiet_stderr():
    """Context that drops MediaPipe's start-up notes (levels I and W) from the process's standard error.

    The notes come from C++ and ignore Python's logging, so file descriptor 2 is redirected; all other lines are passed
    on when the block ends.
    """
    with _LOCK:
        try:
            sys.stderr.flush()
            kept = os.dup(2)
        except (OSError, ValueError, AttributeError):        # standard error is not usable, so nothing can appear there
            yield
            return
        with tempfile.TemporaryFile() as caught:
            os.dup2(caught.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(kept, 2)
                os.close(kept)
                caught.seek(0)
                lines = caught.read().decode(errors="replace").splitlines()
                rest = [line for line in lines if line.strip() and not _CHATTER.match(line)]
                if rest:
                    os.write(2, ("\n".join(rest) + "\n").encode())
