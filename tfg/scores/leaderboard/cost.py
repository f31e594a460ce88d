"""Speed and memory of systems, each measured alone, in a process of its own, before the other work begins.

    python -m tfg.scores.leaderboard.cost NAME          prints one line of JSON
"""
from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tfg.errors import InputError
from tfg.files import atomic

SIZE = 256
THREADS = 2
LONG = 5
"""Times that the sentence is said in the long take."""


def costs(names: Iterable[str], out: Path, say: Callable[[str, int, int], None]) -> dict[str, dict]:
    """Costs of systems, by name. Kept in OUT/costs.json, with the code and the machine they hold for.  Raises
    InputError where a system cannot draw the face that ships."""
    from tfg.scores.leaderboard.records import code

    path, names = out / "costs.json", list(names)
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    for k, name in enumerate(names):
        stamp = f"{code(name)[:16]}, {machine()}"
        if known.get(name, {}).get("stamp") != stamp:
            say(f"speed of {name}", k, len(names))
            known[name] = {"stamp": stamp, **_apart(name)}
            with atomic(path) as part:
                part.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return {name: known[name] for name in names}


def _apart(name: str) -> dict:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))
    done = subprocess.run([sys.executable, "-W", "ignore", "-m", "tfg.scores.leaderboard.cost", name],
                          env={**os.environ, **threads}, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise InputError(f"the speed of {name} cannot be measured: {last}")
    return json.loads(lines[-1])


def measure(name: str) -> dict:
    """Costs of a system on the face and the sentence that ship: the sentence is drawn twice, then LONG times over.

    load_s: what the first take took beyond the second, networks and compiling.  source_s: what each take takes before
    its frames, such as finding and fitting the face.  frames_per_s: of the frames that the long take has more.
    memory_gb: the most that the process has held.  weights_mb, machine.
    """
    import numpy as np
    import torch

    from tfg import paths, registry
    from tfg.media.audio import load_audio
    from tfg.media.image import read_image, resized
    from tfg.systems.animate import options_for
    from tfg.systems.base import Speech

    torch.set_num_threads(THREADS)
    names = registry.system(name).Options.names()
    wanted = {"emotion": "HAP", "size": SIZE, "preprocess": "resize"}
    its, options = options_for(name, {k: v for k, v in wanted.items() if k in names})
    photo = read_image(paths.data("faces") / "default.jpg")
    photo = resized(np.ascontiguousarray(photo), SIZE, SIZE)
    audio = load_audio(paths.data("audio") / "DFA.wav")
    seconds, frames = [], []
    for times in (1, 1, LONG):
        started = time.perf_counter()
        speech = Speech(audio=np.tile(audio, times))
        frames.append(sum(1 for _ in its.prepare(photo, speech, options).frames))
        seconds.append(time.perf_counter() - started)
    rate = (frames[2] - frames[1]) / max(seconds[2] - seconds[1], 1e-6)
    weights = sum(p.stat().st_size for folder in its.folders(options) for p in folder.glob("*.safetensors"))
    return {"load_s": max(seconds[0] - seconds[1], 0.0), "source_s": max(seconds[1] - frames[1] / rate, 0.0),
            "frames_per_s": rate, "memory_gb": _memory(), "weights_mb": weights / 1e6, "machine": machine()}


def _memory() -> float:
    """The most memory that this process has held, GB."""
    try:
        import resource
    except ImportError:                                      # Windows has no such count
        return float("nan")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e9 if sys.platform == "darwin" else 1e6)


def machine() -> str:
    """The processor, the cores in use, the system and Python, in words."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {THREADS} threads, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])), flush=True)
