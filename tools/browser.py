"""The app in a real browser, for tests and measurements: where Chromium is, how it is started, `tfg app` behind it."""
from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfg import paths

CHROMIUM = os.environ.get("TFG_CHROMIUM") or next(filter(None, map(shutil.which, (
    "chromium", "chromium-browser", "google-chrome"))), None)
"""The browser's command, or None; the environment variable TFG_CHROMIUM names another one."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--use-fake-ui-for-media-stream",
         "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={paths.data('audio', 'ITH.wav')}"]
"""Without a sandbox, as containers need; nothing is asked of the web; the microphone hears a sentence that ships."""
START_S = 180
"""Seconds that the server may take to start; 5 on free cores."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the app by `tfg app`'s own command while the block runs; yields its address.

    folder: where the server works and writes log.txt.  Raises RuntimeError with the log's text if it does not start.
    """
    from tfg.app.serve import command, environment

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log.txt"
    with open(log, "w") as out:
        server = subprocess.Popen(command(port=port, browser=False), env=environment(), stdout=out, stderr=out,
                                  cwd=folder)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the app's server did not start within {START_S} s; it said:\n{log.read_text()}")
            time.sleep(.2)
        yield f"http://localhost:{port}/"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _answers(port: int) -> bool:
    with socket.socket() as knock:
        return not knock.connect_ex(("127.0.0.1", port))
