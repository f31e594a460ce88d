"""`make bench`: the figures that README and cards quote, measured on this machine. None of its parts is a test.

    python -m tools.bench [NAME ...]        all parts in the order of PARTS without a name

Each part is a module here with a function `run()` that prints its table and returns it as a dict for build/bench.json.
The real clips are read from $TFG_SHARED or ../shared (a folder with crema_d/, grid/ and sfhq/); parts that need them
are left out with a note where they are absent. They are for measuring only: nothing is trained or chosen on them.
"""
from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")

PARTS = ("fit", "seen", "extraction", "aus", "emotions", "emotion_add", "expression", "overlap", "actors", "making",
         "prepare", "windows", "scale", "training", "dub", "dubbed", "scores", "lips", "speed",
         "stream", "explorers", "app")
