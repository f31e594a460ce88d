"""`tfg app`: the page in a browser, by Voila; every visitor has a Python process of their own."""
from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import tfg
from tfg.app.uploads import MOST_VISITORS
from tfg.errors import InputError

PORT = 8866
IDLE_S = 1200
"""Seconds after which a process whose page was lost without a word is ended, with all files."""
NEEDED = ("voila", "anywidget")
EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8",
              "@voila-dashboards/widgets-manager7")
"""Of JupyterLab's extensions, those that the page needs; others would be loaded, too, and may not suit Voila."""


def notebook() -> Path:
    """The notebook that is served: that of the checkout, or its copy in the installed package."""
    package = Path(tfg.__file__).resolve().parent
    installed = package / "_notebooks"
    return (installed if installed.is_dir() else package.parent / "notebooks") / "app.ipynb"


def command(*, port: int = PORT, ip: str = "localhost", browser: bool = True) -> list[str]:
    """Voila's command line.  Raises InputError where it is not installed, or the port is none."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise InputError(f"the app needs {' and '.join(missing)}, which {'are' if missing[1:] else 'is'} not "
                         'installed: pip install "tfg[app]".')
    if not 0 < port < 65536:
        raise InputError(f"the port is {port}, but it must be a number from 1 to 65535.")
    # A page that is closed asks for the end of its process without the token that Jupyter wants; the process's random
    # name, which no other page knows, stands in its place.
    return [sys.executable, "-m", "voila", str(notebook()), f"--port={port}", f"--Voila.ip={ip}",
            f"--MappingKernelManager.cull_idle_timeout={IDLE_S}", "--MappingKernelManager.cull_interval=60",
            "--Voila.tornado_settings=disable_check_xsrf=True", "--VoilaConfiguration.show_tracebacks=False",
            "--VoilaConfiguration.template=tfg", "--VoilaConfiguration.file_allowlist=^$",
            *(f"--VoilaConfiguration.extension_allowlist={name}" for name in EXTENSIONS),
            *([] if browser else ["--no-browser"])]


def environment() -> dict[str, str]:
    """The server's environment: our template is found, and no visitor's process takes all cores."""
    share = os.pathsep.join(filter(None, [str(Path(__file__).with_name("share")), os.environ.get("JUPYTER_PATH")]))
    return {"OMP_NUM_THREADS": str(min(4, os.cpu_count() or 1)), **os.environ, "JUPYTER_PATH": share}


def serve(**how) -> int:
    """Serve the page until it is interrupted or terminated; returns Voila's exit code, 0 after Ctrl-C.

    Voila is always waited for, as it ends the visitors' processes.  how, errors: as `command`.
    """
    line = command(**how)
    server = subprocess.Popen(line, env=environment())
    before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    interrupted = False
    try:
        while True:
            try:
                code = server.wait()
                return 0 if interrupted else code
            except KeyboardInterrupt:                       # Voila has it, too, and ends the visitors' processes first
                interrupted = True
    finally:
        signal.signal(signal.SIGTERM, before)


def add(commands, command, _) -> None:
    """Add `tfg app` to the command line."""
    p = command(commands, "app", "A page in the browser on which a face of your choice speaks (needs the extra: app).",
                run, epilog="examples:\n  tfg app\n  tfg app --ip 0.0.0.0 --port 8000 --no-browser")
    p.add_argument("--port", type=int, metavar="N", help=f"port to listen at (default: {PORT})")
    p.add_argument("--ip", metavar="ADDRESS",
                   help=f"address to listen at; 0.0.0.0 lets other machines in, whose browsers give camera and "
                        f"microphone to https alone; {MOST_VISITORS} visitors at once at most (default: localhost)")
    p.add_argument("--browser", action=argparse.BooleanOptionalAction, help="open a browser (default: yes)")


def run(given: dict) -> None:
    """Run `tfg app`."""
    if code := serve(**given):
        raise InputError(f"the server ended with exit code {code}; its lines above say why.")
