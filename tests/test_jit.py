"""tfg.jit: compiled loops where neither the package nor the home can be written to, and with caches that fail."""
from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from tfg import jit
from tfg.files import private_folder

ROOT = Path(__file__).resolve().parents[1]
READ_ONLY = """
import errno, os, tempfile
from numba.core import caching

def ensure(self):                                    # root may write anywhere, so the refusal is simulated
    path = os.path.realpath(self.get_cache_path())
    if not path.startswith(os.path.realpath(os.environ["ALLOWED"]) + os.sep):
        raise PermissionError(errno.EACCES, "Permission denied", path)
    os.makedirs(path, exist_ok=True)

caching._CacheLocator.ensure_cache_path = ensure
"""
DRAW = """
import numpy as np
from tfg.head.raster import rasterise
from tfg.actors.look import bake, draw, shade
face = rasterise(np.array([[0, 0], [9, 0], [0, 9.]]), np.zeros(3), np.array([[0, 1, 2]]), 10, 10)[0]
print(int((face == 0).sum()))
"""


def run(code: str, **environ) -> str:
    """The last line that a new Python prints."""
    held = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=held | environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def test_package_and_home_that_cannot_be_written(tmp_path):
    for _ in range(2):                                                    # the second process reads what the first kept
        assert run(READ_ONLY + DRAW, ALLOWED=str(tmp_path), TMPDIR=str(tmp_path)) == "55"
    (folder,) = tmp_path.glob("tfg-numba-*")
    assert folder.stat().st_mode & 0o077 == 0, "what is unpickled from there must be nobody else's"
    assert list(folder.rglob("*_rasterise*.nbi"))


def test_nowhere_to_write_at_all(tmp_path):
    assert run(READ_ONLY + DRAW, ALLOWED=str(tmp_path / "nowhere"), TMPDIR=str(tmp_path)) == "55"


def test_every_kernel_goes_through_it():
    direct = [str(p) for p in (ROOT / "tfg").rglob("*.py") if p.name != "jit.py"
              and re.search(r"numba\.n?jit|import numba|from numba", p.read_text(encoding="utf-8"))]
    assert not direct, "use tfg.jit.jit: numba's own cache raises where nothing can be written"


def double(x):
    return x + x


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"),
                                   PermissionError(errno.EACCES, "Permission denied"), EOFError()])
def test_a_cache_that_fails_costs_time_only(monkeypatch, tmp_path, error):
    from numba.core.caching import IndexDataCacheFile

    def fail(self, *given):
        seen.append(given)
        raise error

    seen: list = []
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(IndexDataCacheFile, "save", fail)
    monkeypatch.setattr(IndexDataCacheFile, "load", fail)
    compiled = jit.jit(double)
    assert compiled(np.float64(2.5)) == 5 and compiled(3) == 6
    assert len(seen) == 2, "read once, written once, then let be"


def test_somebody_elses_folder_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = private_folder("some")
    assert mine is not None and mine.parent == tmp_path
    mine.chmod(0o777)
    assert private_folder("some") is None
    mine.rmdir()
    mine.symlink_to(tmp_path)
    assert private_folder("some") is None
