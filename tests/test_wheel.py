"""The built wheel, installed outside the clone, animates: hosted notebooks install from git and have no checkout."""
from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built without isolation (hatchling is in the extra `dev`), so that the index is not asked."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("tfg-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere") / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return folder


def python(installed: Path, *words: str) -> subprocess.CompletedProcess:
    """Python that sees the installed copy first and this clone not at all; dependencies come from here.

    -S leaves out site, and with it the editable install's path file.
    """
    libraries = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TFG_MIRROR")}
    environment["PYTHONPATH"] = os.pathsep.join([str(installed), *libraries])
    return subprocess.run([sys.executable, "-S", *words], cwd=installed.parent, env=environment, capture_output=True,
                          text=True)


def test_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {str(p.relative_to(ROOT / "data").as_posix()) for p in (ROOT / "data").rglob("*") if p.is_file()}
    assert {n.removeprefix("tfg/_data/") for n in names if n.startswith("tfg/_data/")} == shipped
    web = {f"tfg/app/web/{p.name}" for p in (ROOT / "tfg" / "app" / "web").iterdir()}
    assert {"tfg/_notebooks/app.ipynb", "tfg/app/share/voila/templates/tfg/index.html.j2", *web} <= set(names)
    tops = {n.split("/")[0] for n in names}
    assert len(tops) == 2 and "tfg" in tops                          # the package and its .dist-info: no tests
    assert not [n for n in names if "__pycache__" in n or n.endswith((".nbi", ".nbc"))]
    assert wheel.stat().st_size < 45e6


def test_it_is_the_installed_copy(installed):
    done = python(installed, "-c", "import tfg; from tfg import paths; print(tfg.__file__); print(paths.data())")
    assert done.returncode == 0, done.stderr
    module, data = done.stdout.split()
    assert module.startswith(str(installed)) and data == str(installed / "tfg" / "_data")
    done = python(installed, "-c", "from tfg.app import serve; print(serve.notebook(), serve.notebook().is_file())")
    assert done.stdout.split() == [str(installed / "tfg" / "_notebooks" / "app.ipynb"), "True"], done.stderr


def test_it_animates(installed):
    code = ("import tfg; from tfg import paths\n"
            "from tfg.media.audio import load_audio\n"
            "sound = load_audio(paths.data('audio', 'DFA.wav'))[4800:14400]\n"
            "clip = tfg.animate(paths.data('faces', 'default.jpg'), sound, emotion='HAP', size=96, out='o.mp4', "
            "progress=False)\n"
            "print(len(clip), clip.frames[3].shape, clip.meta['badge'])")
    done = python(installed, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "15 (96, 96, 3) False"


def test_its_command_line(installed):
    done = python(installed, "-m", "tfg.cli", "animate", "--source", "x.jpg", "--audio", "y.wav", "--out", "z.mp4")
    assert done.returncode == 2 and done.stderr.startswith("tfg: ")
