"""`tfg app`: the server's command, and what stands in its way."""
from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tfg.app import serve
from tfg.cli import main


def test_what_is_missing_or_wrong_is_said_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(serve, "find_spec", lambda name: name)
    assert main(["app", "--port", "99999999"]) == 2 and "99999999" in capsys.readouterr().err
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    assert main(["app"]) == 2 and "voila and anywidget" in (said := capsys.readouterr().err) and "tfg[app]" in said


def test_the_command_serves_the_notebook_with_our_template_and_forgets_idle_visitors(monkeypatch):
    monkeypatch.setattr(serve, "find_spec", lambda name: name)
    line = serve.command(port=8000, ip="0.0.0.0", browser=False)
    assert str(serve.notebook()) in line and serve.notebook().name == "app.ipynb" and serve.notebook().is_file()
    assert "--port=8000" in line and "--Voila.ip=0.0.0.0" in line and "--no-browser" in line
    assert "--VoilaConfiguration.file_allowlist=^$" in line                 # no file of the folder is served
    assert any("cull_idle_timeout" in word for word in line) and "--no-browser" not in serve.command()
    template = [folder for folder in serve.environment()["JUPYTER_PATH"].split(":") if folder.endswith("share")][0]
    assert serve.Path(template, "voila", "templates", "tfg", "index.html.j2").is_file()


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 0), (signal.SIGTERM, 7)])
def test_the_server_is_told_to_end_and_waited_for(number, code):
    server = ("import signal, sys, time\n"
              "def end(*_): time.sleep(.6); print('ended', flush=True); sys.exit(7)\n"
              "for n in (2, 15): signal.signal(n, end)\nprint('begun', flush=True); time.sleep(60)\n")
    starter = ("import signal, sys\nfrom tfg.app import serve\n"
               "signal.signal(signal.SIGINT, signal.default_int_handler)\n"    # a background starts with it ignored
               f"serve.command = lambda: [sys.executable, '-c', {server!r}]\nsys.exit(serve.serve())\n")
    app = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert app.stdout is not None and app.stdout.readline() == "begun\n"
        (os.killpg if number == signal.SIGINT else os.kill)(app.pid, number)     # Ctrl-C goes to both
        assert app.stdout.read() == "ended\n" and app.wait(20) == code
    finally:
        app.kill()


def test_a_server_that_fails_is_no_silence(monkeypatch, capsys):
    monkeypatch.setattr(serve, "command", lambda **how: ["false"])
    assert main(["app"]) == 2 and "exit code 1" in capsys.readouterr().err
