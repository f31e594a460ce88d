"""The tests and all that they start see no web, as a machine with nothing but a package index.

tests/offline/sitecustomize.py is at work: tests/conftest.py loads it, and the Makefile puts it on the PYTHONPATH of the
notebooks.
"""
from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from offline.sitecustomize import is_local

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(os.environ.get("TFG_ONLINE") == "1", reason="TFG_ONLINE=1 lets the tests see the web")


@pytest.mark.parametrize("address", ["https://raw.githubusercontent.com/x", "http://192.0.2.1/x", "http://[2001:db8::1]/x"])
def test_the_web_is_refused(address):
    with pytest.raises(OSError, match="without the web, and (raw|192|2001).* was asked for"):
        urllib.request.urlopen(address, timeout=2)


@pytest.mark.parametrize("code", ["import urllib.request as u; u.urlopen('http://192.0.2.1/', timeout=2)",
                                  "import socket; socket.create_connection(('example.org', 80), 2)",
                                  "import socket as s; s.socket(type=s.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))"])
def test_it_is_refused_to_processes_that_a_test_starts(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "without the web" in done.stderr


def test_this_machine_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"yes"))
        thread.start()
        with socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client:
            assert client.recv(3) == b"yes"
        thread.join()


@pytest.mark.parametrize("host, local", [("127.0.0.1", True), ("::1", True), (None, True), (b"localhost", True),
                                         ("/tmp/socket", True), ("12.7.0.0", False), (b"pypi.org", False)])
def test_what_is_local(host, local):
    assert is_local(host) is local


def test_the_notebooks_see_neither_web_nor_other_peoples_folders():
    """The Makefile's environment of the notebook runs, as make would set it."""
    shown = subprocess.run(["make", "-s", "--no-print-directory", "-n", "notebooks-run"], cwd=ROOT, capture_output=True,
                           text=True).stdout
    assert "tests/offline" in shown and "TFG_MIRROR= " in shown and "TFG_CACHE=" in shown and "TFG_SHARED=" in shown
