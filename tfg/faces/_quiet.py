"""Keep the face library's chatter off the terminal, but let through what is not chatter."""
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
    """Within the block, drop MediaPipe's start-up notes (levels I and W) from the process's standard error.

    They come from C++ and ignore Python's logging, so file descriptor 2 is caught; every other line is passed on.
    """
    with _LOCK:
        try:
            sys.stderr.flush()
            kept = os.dup(2)
        except (OSError, ValueError, AttributeError):        # no usable standard error: nothing to keep quiet
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
