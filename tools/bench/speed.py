"""Speed of `tfg animate` and of the measuring of faces."""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time

from tfg import paths
from tools.bench.common import table, track

SENTENCE = paths.data("audio")
SPEED = """
import json, resource, time, warnings
start = time.perf_counter()
import tfg
from tfg import paths
from tfg.media.audio import load_audio
import numpy as np
y = np.tile(load_audio({audio!r}), {repeat})
from tfg.media.audio import write_wav
write_wav({wav!r}, y)
times = {{}}
clip = tfg.animate({image!r}, {wav!r}, emotion="HAP", size=256, out={out!r}, overwrite=True, progress=False)
wall = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"wall_s": wall, "frames": len(clip), "peak_mb": peak}}))
"""


def run() -> dict:
    """`tfg animate` at 256 px: one-time cost and frames/s, from two lengths of sound in new processes; measurement."""
    sound = sorted(p for p in SENTENCE.iterdir() if p.suffix in (".wav", ".flac", ".ogg"))[0]
    out: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for repeat in (1, 12):
            code = SPEED.format(audio=str(sound), repeat=repeat, wav=f"{folder}/y.wav", out=f"{folder}/o.mp4",
                                image=str(paths.data("faces", "default.jpg")))
            for _ in range(2):                                        # the second run has numba's compiled code
                done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
                runs[repeat] = json.loads(done.stdout.strip().splitlines()[-1])
        a, b = runs[1], runs[12]
        per_frame = (b["wall_s"] - a["wall_s"]) / (b["frames"] - a["frames"])
        out["animate, 256 px"] = {"frames/s": 1 / per_frame, "x real time": 1 / per_frame / 25,
                                  "one-time s": a["wall_s"] - a["frames"] * per_frame, "peak MB": b["peak_mb"]}
        from tfg.media.video import FrameReader

        frames = list(FrameReader(f"{folder}/o.mp4")[:300])
    start = time.perf_counter()
    track(frames)
    out["face measurement, 256 px"] = {"frames/s": len(frames) / (time.perf_counter() - start)}
    table("Speed", out)
    return out
