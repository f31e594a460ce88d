"""Rehearse Colab on this machine: its published versions, the wheel, three chapters without the web, a disconnection.

    make colab                                              # after make wheel; some minutes
    python -m tools.colab_rehearsal --profile ci            # the same, quicker
    python -m tools.colab_rehearsal --python python3.13     # Colab's Python; fetches its torch (3 GB), too

1. An environment in build/colab/venv has Colab's versions (`tools.colab.RUNTIME`). Torch is lent from the environment
   that runs this, through a path file, so that nothing is ever written there; or it is fetched for another Python. A
   stand-in for `google.colab` is loaded in each kernel.
2. What the badge's first cell installs beside Colab's packages is put into build/colab/wheels, with our wheel.
3. From here on the web is refused (tests/offline) and pip has no index. The chapters run as a learner runs them, with
   the cells that install: only the address in git is replaced by the wheel. No package of Colab may change.
4. Chapter 07 is killed in the middle of its training, and run again with the same WORK: it has to go on.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from tools.colab import PYTHON, ROOT, RUNTIME

HERE = ROOT / "build" / "colab"
CHAPTERS = ("00_start_here", "07_syncnet", "11_expression_vectors")
KILLED, KEPT = "07_syncnet", "07_syncnet_{profile}.pt"
"""The chapter that is killed, and the file in WORK in which its training is kept."""
EXTRA = ("espeakng-loader",)
"""What chapters install beside the package."""
LENT = ("torch", "torchvision")
STAND_IN = {"google/colab/__init__.py": '"""A stand-in for Colab\'s own package, for the rehearsal."""\n',
            "google/colab/drive.py": "from pathlib import Path\n\n\ndef mount(place):\n"
                                     '    """Make the folder that Colab would connect to a Google Drive."""\n'
                                     "    Path(place).mkdir(parents=True, exist_ok=True)\n"}
GIT = re.compile(r'"tfg @ git\+https://[^"]+"')


# ---- 1. the environment ------------------------------------------------------------------------------------------
def lent(names=LENT, given=tuple(RUNTIME)) -> dict[Path, str]:
    """Files and folders of these packages and of all they need here, path -> name at the top of site-packages.
    given: packages that the environment has by itself."""
    def plain(name: str) -> str:
        return name.lower().replace("_", "-")

    own, out = {plain(name) for name in given} - set(names), {}
    todo, seen = [(name, "") for name in names], set()
    while todo:
        name, extra = todo.pop()
        if plain(name) in own or (plain(name), extra) in seen:
            continue
        seen.add((plain(name), extra))
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue                                      # what a marker or a platform leaves out
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            out[Path(str(package.locate_file(top)))] = top
        for need in map(Requirement, package.requires or ()):
            if need.marker is None or need.marker.evaluate({**default_environment(), "extra": extra}):
                todo += [(need.name, more) for more in ("", *need.extras)]
    return out


def lend(site: Path, folder: Path, packages: dict[Path, str]) -> None:
    """Let an environment import packages of this one, from a folder of links that a path file names.

    site: the environment's site-packages. The links must not be in there: pip writes into its site-packages, through
    links too, and would change the packages of this environment. What a package asks for is left out: all of it is
    lent, and a torch that is newer than Colab's would ask pip for a newer setuptools.
    """
    folder.mkdir(parents=True)
    for source, top in packages.items():
        if not top.endswith(".dist-info"):
            (folder / top).symlink_to(source)
            continue
        shutil.copytree(source, folder / top)
        told = folder / top / "METADATA"
        told.write_text("".join(line for line in told.read_text(encoding="utf-8").splitlines(keepends=True)
                                if not line.startswith("Requires-Dist:")), encoding="utf-8")
    (site / "lent.pth").write_text(f"{folder}\n", encoding="utf-8")


def make_environment(folder: Path, python: str) -> Path:
    """Colab's versions in a new environment, or those that are there already, less what chapters have added. Returns
    its Python."""
    bin_python = folder / "bin" / "python"
    marker = folder / "made.json"
    wanted = {"python": python, "runtime": RUNTIME}
    made = json.loads(marker.read_text(encoding="utf-8")) if marker.is_file() else {}
    had = made.pop("names", None)                           # packages of the environment as it was made
    if had and made == wanted:
        if added := sorted(set(versions(bin_python)) - set(had)):
            run([str(bin_python), "-m", "pip", "uninstall", "--quiet", "--yes", *added])
        return bin_python
    shutil.rmtree(folder, ignore_errors=True)
    run([python, "-m", "venv", str(folder)])
    ours = Path(python).resolve() == Path(sys.executable).resolve()
    pins = [f"{name}=={version}" for name, version in RUNTIME.items() if not (ours and name in LENT)]
    site = next((folder / "lib").glob("python3*")) / "site-packages"
    shutil.rmtree(HERE / "lent", ignore_errors=True)
    if ours:
        lend(site, HERE / "lent", lent())
    run([str(bin_python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins])
    for name, text in STAND_IN.items():
        place = site / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00_colab.py").write_text("import google.colab\n", encoding="utf-8")
    marker.write_text(json.dumps(wanted | {"names": sorted(versions(bin_python))}), encoding="utf-8")
    return bin_python


def versions(python: Path) -> dict[str, str]:
    """Packages of an environment, name -> version."""
    told = run([str(python), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"])
    return {p["name"].lower().replace("_", "-"): p["version"] for p in json.loads(told)}


# ---- 2. what the first cell will install ------------------------------------------------------------------------
def gather(python: Path, wheel: Path, folder: Path) -> None:
    """Put the wheel and what it needs beside the environment's packages into a folder, from the index."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(wheel, folder)
    run([str(python), "-m", "pip", "install", "--quiet", "--dry-run", "--disable-pip-version-check", "--report",
         str(folder / "report.json"), str(wheel), *EXTRA])
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    needed = [item["metadata"] for item in report["install"] if item["metadata"]["name"] != "tfg"]
    there = versions(python)
    replaced = sorted(p["name"] for p in needed if p["name"].lower().replace("_", "-") in there)
    if replaced:
        raise SystemExit(f"installing {wheel.name} would replace {', '.join(replaced)}, which Colab has loaded: lower "
                         "the floor in pyproject.toml.")
    run([str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest",
         str(folder), *(f"{p['name']}=={p['version']}" for p in needed)])
    print(f"the first cell installs {len(needed)} packages beside tfg: "
          + ", ".join(f"{p['name']} {p['version']}" for p in needed), flush=True)


# ---- 3. and 4. the chapters -----------------------------------------------------------------------------------------
RUN_CHAPTER = """
import sys, time
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

source, name = sys.argv[1:]
notebook = nbformat.read(source, 4)
began = time.monotonic()
try:
    NotebookClient(notebook, timeout=1200, kernel_name="python3").execute()
except CellExecutionError as error:
    print(str(error)[-4000:])
    sys.exit(1)
finally:
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stdout" or cell.get("id") == "setup":
                for line in output.get("text", "").splitlines():
                    print(f"    {cell.get('id')}: {line}")
    print(f"{name}: {time.monotonic() - began:.0f} s")
"""


def prepared(chapter: str, wheel: Path, folder: Path) -> Path:
    """The learner's notebook with the wheel in the place of the address in git; the copy's path."""
    text = (ROOT / "notebooks" / f"{chapter}.ipynb").read_text(encoding="utf-8")
    notebook = json.loads(text)
    found = 0
    for cell in notebook["cells"]:
        source, n = GIT.subn(lambda _: f'"{wheel}"', "".join(cell["source"]))
        cell["source"], found = source, found + n
    if found != 1:
        raise SystemExit(f"{chapter} installs the package in {found} places; its setup cell should do it once.")
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{chapter}.ipynb"
    out.write_text(json.dumps(notebook), encoding="utf-8")
    return out


def start(python: Path, chapter: Path, profile: str, work: Path, wheels: Path) -> subprocess.Popen:
    """Run a notebook in a process group of its own, without the web and without an index."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("TFG_", "PIP_", "PYTHON", "JUPYTER", "IPYTHON"))}
    env = keep | {
        "PYTHONPATH": str(ROOT / "tests" / "offline"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "IPYTHONDIR": str(python.parents[1] / "ipython"), "MPLBACKEND": "agg",
        "JUPYTER_PATH": str(python.parents[1] / "share" / "jupyter"), "OMP_NUM_THREADS": "1",
        "TFG_PROFILE": profile, "TFG_WORK": str(work), "TFG_CACHE": str(HERE / "cache"),
        "TFG_SHARED": str(HERE / "none"), "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.Popen([str(python), "-c", RUN_CHAPTER, str(chapter), chapter.stem], env=env, cwd=chapter.parent,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def finish(process: subprocess.Popen, chapter: str) -> str:
    """Wait for a chapter. Returns what it printed.  Raises SystemExit if it failed."""
    told, _ = process.communicate()
    print(told, end="", flush=True)
    if process.returncode:
        raise SystemExit(f"{chapter} failed in Colab's environment; its output stands above.")
    return told


def disconnect(process: subprocess.Popen, kept: Path, limit_s: float = 1200) -> None:
    """Kill the chapter and its kernel once its training was kept for the first time.  Raises SystemExit if that never
    happens."""
    began = time.monotonic()
    while not kept.is_file():
        if process.poll() is not None or time.monotonic() - began > limit_s:
            print(process.communicate(timeout=5)[0])
            raise SystemExit(f"{kept} was never written, so there was nothing to disconnect in the middle of.")
        time.sleep(.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    print(f"disconnected after {time.monotonic() - began:.0f} s, in the middle of the training", flush=True)


def run(command: list[str]) -> str:
    """What a command prints.  Raises SystemExit with its errors."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} ... failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    return done.stdout


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Rehearse Colab on this machine.")
    parser.add_argument("--profile", default="cpu", choices=("ci", "cpu"), help="profile of the chapters")
    parser.add_argument("--python", default=sys.executable, help="another Python than this one; torch is fetched then")
    parser.add_argument("--chapters", nargs="+", default=list(CHAPTERS), metavar="NAME")
    asked = parser.parse_args(argv)
    wheels = sorted((ROOT / "build" / "dist").glob("tfg-*.whl"))
    if not wheels:
        raise SystemExit("there is no wheel in build/dist; run make wheel first.")
    python = make_environment(HERE / "venv", asked.python)
    version = run([str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    if version != PYTHON:
        print(f"note: this is Python {version}, and Colab has {PYTHON}; --python python{PYTHON} takes that.")
    gather(python, wheels[-1], HERE / "wheels")
    before, work = versions(python), HERE / "work"
    shutil.rmtree(work, ignore_errors=True)
    for chapter in asked.chapters:
        path = prepared(chapter, HERE / "wheels" / wheels[-1].name, HERE / "notebooks")
        if chapter == KILLED and asked.profile == "cpu":  # in profile ci it is over before it is kept in the middle
            disconnect(start(python, path, asked.profile, work, HERE / "wheels"),
                       work / KEPT.format(profile=asked.profile))
            told = finish(start(python, path, asked.profile, work, HERE / "wheels"), chapter)
            if "going on after step" not in told:
                raise SystemExit(f"{chapter} did not go on where it was disconnected.")
        else:
            finish(start(python, path, asked.profile, work, HERE / "wheels"), chapter)
    after = versions(python)
    changed = sorted(name for name in before if after.get(name) != before[name] and name != "tfg")
    if changed:
        raise SystemExit(f"the chapters changed packages of Colab: {', '.join(changed)}.")
    print(f"Colab's {len(before)} packages are as they were; {len(after) - len(before)} were added")


if __name__ == "__main__":
    main()
