"""Execute the chapters for the site, each once as long as it and the package stay as they are."""
from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.chapters import ROOT

SOURCES = ("tfg/**/*.py", "data/**/*.json")
"""What, beside the notebook itself, an execution depends on; weights are named in their cards by checksum."""


def executed(profile: str, jobs: int, only: str = "") -> Path:
    """Execute the chapters of solutions/ in a profile.  Returns the folder of the executed notebooks.

    jobs: chapters at a time.  only: two digits of one chapter; "": all.  A chapter whose execution lies there and is
    still true is not run again.  Raises SystemExit with the last lines of what a chapter that failed had to say.
    """
    folder = ROOT / "build" / "executed" / profile
    folder.mkdir(parents=True, exist_ok=True)
    package = hashlib.sha256(b"".join(path.read_bytes() for pattern in SOURCES for path in sorted(ROOT.glob(pattern))))
    waiting = []
    for path in sorted((ROOT / "solutions").glob(f"{only}*.ipynb")):
        key = hashlib.sha256(package.digest() + path.read_bytes()).hexdigest()
        mark = folder / f"{path.stem}.sha256"
        if not (folder / path.name).exists() or not mark.exists() or mark.read_text() != key:
            waiting.append((path, folder / path.name, mark, key))
    with ThreadPoolExecutor(jobs) as pool:                              # later chapters take longest: first
        for line in pool.map(lambda item: _execute(profile, *item), reversed(waiting)):
            print(line, flush=True)
    return folder


def _execute(profile: str, path: Path, out: Path, mark: Path, key: str) -> str:
    mark.unlink(missing_ok=True)
    partial = out.with_suffix(".partial.ipynb")
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"TFG_PROFILE": profile, "TFG_STRICT": "1", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1",
                                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                                "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--no-log-output", "-k", "python3",
               "-p", "PROFILE", profile, str(path), str(partial)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{path.name} failed in profile {profile}:\n{done.stderr[-3000:]}")
    partial.replace(out)
    mark.write_text(key)
    return f"{path.stem} executed"


def read(folder: Path, name: str) -> dict:
    """A notebook of a folder.

    Raises SystemExit if it is not there, or if it was never executed and does not lie in solutions/.
    """
    path = folder / f"{name}.ipynb"
    if not path.is_file():
        raise SystemExit(f"{path} is not there; run make site, or name a folder with all executed chapters.")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if folder.resolve() != ROOT / "solutions" and not any(cell.get("outputs") for cell in notebook["cells"]):
        raise SystemExit(f"{path} holds no outputs; it has not been executed.")
    return notebook
