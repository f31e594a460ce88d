"""Check that installing the wheel in Colab replaces none of Colab's packages; asks the index, installs nothing.

    make wheel && python -m tools.colab

Resolves build/dist/tfg-*.whl with its requirements for Colab's Python while Colab's versions are fixed (`HELD`). If pip
finds no solution, a package that we require needs another version of one of them, and would replace it there; pip's
message names it. tests/test_colab.py compares our own floors with the same versions without the index.
"""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.13"
HELD = {"torch": "2.11.0", "numpy": "2.1.3", "numba": "0.61.2", "ipywidgets": "7.7.1"}
"""Versions that Colab had when this was written; a running session breaks if they are replaced."""
RUNTIME = HELD | {
    "torchvision": "0.26.0", "scipy": "1.16.3", "librosa": "0.11.0", "opencv-contrib-python": "4.14.0.94",
    "opencv-python": "5.0.0.93", "ipython": "7.34.0", "ipykernel": "6.17.1", "jupyter-client": "7.4.9",
    "traitlets": "5.7.1", "tornado": "6.5.1", "pyzmq": "26.2.1", "nbformat": "5.10.4", "nbclient": "0.10.4",
    "matplotlib": "3.10.0", "pillow": "11.3.0", "scikit-learn": "1.6.1", "scikit-image": "0.25.2", "pandas": "2.2.2",
    "safetensors": "0.7.0", "tqdm": "4.67.3", "joblib": "1.5.3", "filelock": "3.29.0", "threadpoolctl": "3.6.0",
    "protobuf": "5.29.6", "requests": "2.32.4", "aiohttp": "3.14.0", "setuptools": "75.2.0"}
"""What else a chapter meets there, for tools/colab_rehearsal.py; published at github.com/googlecolab/backend-info."""
OPENCV = ("4.14", "5.0")
"""Colab has two builds of OpenCV; either may be the one that is imported."""


def resolve(wheel: Path, held: dict[str, str] = HELD) -> dict[str, str]:
    """All packages that pip needs for the wheel, name -> version. Raises SystemExit with pip's reason if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        report, pins = Path(folder, "report.json"), Path(folder, "pins.txt")
        pins.write_text("".join(f"{name}=={version}\n" for name, version in held.items()), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--target", folder,
             "--python-version", PYTHON, "--only-binary", ":all:", "--constraint", str(pins), "--report", str(report),
             str(wheel)], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"installing {wheel.name} in Colab would replace what is there:\n{done.stderr[-2000:]}")
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in found}


def main() -> None:
    wheels = sorted((ROOT / "build" / "dist").glob("tfg-*.whl"))
    if not wheels:
        raise SystemExit("there is no wheel in build/dist; run make wheel first.")
    found = resolve(wheels[-1])
    for name, version in HELD.items():
        print(f"{name} {version} stays")
        assert found.get(name, version).split("+")[0] == version
    print(f"{len(found)} packages in all, most of which Colab has; OpenCV {found.get('opencv-contrib-python', 'none')}")


if __name__ == "__main__":
    main()
