"""Speed of `tfg animate --system emogen` from files to the finished file, with the shipped network and the paper's size
(its weights are random, which takes as long). The film is a portrait of 256 px whose face is about 150 px high."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from tfg import paths
from tools.bench.common import table

CODE = """
import json, sys, time
start = time.perf_counter()
import tfg
film, sound, out, network = sys.argv[1:]
clip = tfg.animate(film, sound, system="emogen", emotion="HAP", checkpoint=network or None, out=out, overwrite=True,
                   progress=False)
with open("/proc/self/status") as status:              # ru_maxrss would count what the benchmark itself holds
    peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps({"wall_s": time.perf_counter() - start, "frames": len(clip.frames), "peak_mb": peak}))
"""
LENGTHS = {"shipped, cpu": (1, 4), "paper's size": (1, 2)}
"""Repetitions of the sentence in the two runs whose difference gives the time of a frame."""


def run() -> dict:
    """Print frames/s on all cores, as users have them, one-time cost and memory."""
    import numpy as np
    import torch

    import tfg
    from tfg.media.audio import load_audio, write_wav
    from tfg.networks import checkpoint
    from tfg.systems.emogen import network as emogen

    out: dict = {}
    threads = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    with tempfile.TemporaryDirectory() as folder:
        voice = load_audio(paths.data("audio", "DFA.wav"))
        longest = max(n for lengths in LENGTHS.values() for n in lengths)
        for n in sorted({n for lengths in LENGTHS.values() for n in lengths}):
            write_wav(f"{folder}/{n}.wav", np.tile(voice, n))
        tfg.animate(paths.data("faces", "default.jpg"), f"{folder}/{longest}.wav", size=256, out=f"{folder}/film.mp4",
                    progress=False)
        torch.manual_seed(0)
        checkpoint.save(emogen.Emogen(emogen.PROFILES["gpu"]), f"{folder}/large", "emogen", {})
        for name, lengths in LENGTHS.items():
            runs = []
            for n in lengths:
                argv = [sys.executable, "-c", CODE, f"{folder}/film.mp4", f"{folder}/{n}.wav", f"{folder}/out.mp4",
                        "" if name.startswith("shipped") else f"{folder}/large"]
                done = [json.loads(subprocess.run(argv, capture_output=True, text=True, check=True, env=threads
                                                  ).stdout.splitlines()[-1]) for _ in range(2)]
                runs.append(min(done, key=lambda r: r["wall_s"]))
            a, b = runs
            per_frame = (b["wall_s"] - a["wall_s"]) / (b["frames"] - a["frames"])
            out[name] = {"frames/s": 1 / per_frame, "one-time s": a["wall_s"] - a["frames"] * per_frame,
                         "peak MB": b["peak_mb"]}
    table("Dubbing, 256 px film", out)
    return out
