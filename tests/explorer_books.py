"""Notebooks with the explorers of several chapters, and the two servers that show them: JupyterLab and Voila.

The interpreter that runs the servers is this one, or the one that TFG_JUPYTER_PYTHON names, such as that of
`make explorers-7`, which has ipywidgets 7.7.
"""
from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = os.environ.get("TFG_JUPYTER_PYTHON") or sys.executable
VOILA_EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8",
                    "@voila-dashboards/widgets-manager7")
# JupyterLab asks no question about news, and keeps all cells in its page, not only those that are in sight.
SETTINGS = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False,
                                                "doNotDisturbMode": True},
            "notebook-extension/tracker": {"windowingMode": "none"}}


def alone(scope: str, source: str) -> str:
    """A cell that runs a chapter's source among the names of this chapter alone, so that several can share a kernel."""
    return (f"exec(compile({source!r}, {scope!r}, 'exec'),\n"
            f"     globals().setdefault('of_{scope}', {{'__name__': '__main__', 'display': display}}))")


def write(path: Path, sources: list[str]) -> None:
    """Write a notebook of code cells."""
    cells = [{"cell_type": "code", "execution_count": None, "id": f"cell-{k}", "metadata": {}, "outputs": [],
              "source": source} for k, source in enumerate(sources)]
    book = {"cells": cells, "nbformat": 4, "nbformat_minor": 5,
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}}
    path.write_text(json.dumps(book), encoding="utf-8")


@contextlib.contextmanager
def served(frontend: str, folder: Path) -> Iterator[str]:
    """The address of "lab" or "voila", which serves a folder of notebooks while the context lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = folder / f".{frontend}"                          # nothing of the user's own settings is read or written
    for name, values in SETTINGS.items():
        settings = state / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(values))
    if frontend == "lab":
        line = ["jupyterlab", "--ServerApp.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
                f"--ServerApp.root_dir={folder}", f"--ServerApp.port={port}", "--LabApp.extension_manager=readonly",
                "--ServerApp.allow_root=True"]
        (state / "config").mkdir()
        (state / "config" / "jupyter_lab_config.json").write_text(     # JupyterLab 3 does not heed its command line
            json.dumps({"LabApp": {"expose_app_in_browser": True}}))
    else:
        line = ["voila", str(folder), f"--port={port}", "--Voila.tornado_settings=disable_check_xsrf=True",
                "--VoilaConfiguration.show_tracebacks=True", "--VoilaConfiguration.theme=dark",
                *(f"--VoilaConfiguration.extension_allowlist={name}" for name in VOILA_EXTENSIONS)]
    own = {"JUPYTER_CONFIG_DIR": state / "config", "JUPYTERLAB_SETTINGS_DIR": state / "settings",
           "JUPYTERLAB_WORKSPACES_DIR": state / "workspaces", "JUPYTER_RUNTIME_DIR": state / "runtime",
           "IPYTHONDIR": state / "ipython"}
    environment = os.environ | {name: str(path) for name, path in own.items()} | {
        "TFG_PROFILE": "ci", "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    environment.pop("MPLBACKEND", None)                      # a kernel has its own
    log = state / "log.txt"
    with open(log, "w") as out:
        server = subprocess.Popen([PYTHON, "-m", *line, "--no-browser"], env=environment, stdout=out, stderr=out,
                                  cwd=folder)
    try:
        for _ in range(900):
            time.sleep(.2)
            assert server.poll() is None, log.read_text()
            with socket.socket() as knock:
                if not knock.connect_ex(("127.0.0.1", port)):
                    break
        yield f"http://localhost:{port}/"
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
