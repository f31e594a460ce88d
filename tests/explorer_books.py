"""Notebooks with the explorers of one chapter each, and the two servers that show them: JupyterLab and Voila.

The interpreter that runs the servers is this one, or the one that TFG_JUPYTER_PYTHON names (`make explorers-7`: one with
ipywidgets 7.7).
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

from tools import explorers

ROOT = Path(__file__).resolve().parents[1]
PYTHON = os.environ.get("TFG_JUPYTER_PYTHON") or sys.executable
VOILA_EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8",
                    "@voila-dashboards/widgets-manager7")
# What a learner who has used JupyterLab before has set: no question about news; light or dark as the system is.
SETTINGS = {"notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
            "themes": {"adaptive-theme": True, "theme": "JupyterLab Light", "preferred-light-theme": "JupyterLab Light",
                       "preferred-dark-theme": "JupyterLab Dark"}}


def write(folder: Path, chapter: str) -> Path:
    """Write the excerpt of a chapter as a notebook into a folder; returns its path."""
    cells = [{"cell_type": "code", "execution_count": None, "id": f"cell-{k}", "metadata": {}, "outputs": [],
              "source": source} for k, source in enumerate(explorers.excerpt(chapter))]
    book = {"cells": cells, "nbformat": 4, "nbformat_minor": 5,
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}}
    path = folder / f"{chapter[:2]}.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


@contextlib.contextmanager
def served(frontend: str, folder: Path) -> Iterator[str]:
    """The address of "lab" or "voila", which serves a folder of notebooks while the context lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = folder / f".{frontend}"                          # nothing of the user's own settings is read or written
    settings = state / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    for name, values in SETTINGS.items():
        (settings / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
    if frontend == "lab":
        line = ["jupyterlab", "--ServerApp.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
                f"--ServerApp.root_dir={folder}", f"--ServerApp.port={port}", "--LabApp.expose_app_in_browser=True",
                "--LabApp.extension_manager=readonly", "--ServerApp.allow_root=True"]
    else:
        line = ["voila", str(folder), f"--port={port}", "--Voila.tornado_settings=disable_check_xsrf=True",
                "--VoilaConfiguration.show_tracebacks=True", "--VoilaConfiguration.allow_theme_override=YES",
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
