"""Print constraints.txt: what pip would install today for the README's commands, as exact pins.

    python tools/constraints.py > constraints.txt

Resolves in a dry run (nothing is installed), so any Python of the supported range will do; the lowest is best, as
its pins suit the higher ones too. No paths, no addresses: names and versions only.
"""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = "dev,course,app,voice,align,automl,export"
HEADER = """\
# Tested together with Python {python}: what `make demo` and `make test` install. Written by tools/constraints.py.
# pyproject.toml holds the floors; drop this file to try newer releases.
"""


def resolve(extras: str = EXTRAS) -> dict[str, str]:
    """All packages that `pip install .[extras]` would install except tfg, name -> version."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, "--report", str(report), f"{ROOT}[{extras}]"], check=True, stdout=sys.stderr)
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    pins = {item["metadata"]["name"]: item["metadata"]["version"].split("+")[0] for item in found}
    return {name: version for name, version in pins.items() if name.lower() != "tfg"}


def main() -> None:
    pins = resolve()
    print(HEADER.format(python=".".join(map(str, sys.version_info[:2]))), end="")
    for name in sorted(pins, key=str.lower):
        print(f"{name}=={pins[name]}")


if __name__ == "__main__":
    main()
